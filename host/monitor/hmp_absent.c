/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of HMP's terminal and its own commands where the program is built without them: QMP
 * is all that monitors speak. */
#include "hmp_impl.h"

#include <errno.h>

const struct qmp_module qmp_hmp = {0}, qmp_hmp_absent = {0}, qmp_hmp_cpu = {0}, qmp_hmp_info = {0},
                        qmp_hmp_lapic = {0}, qmp_hmp_log = {0}, qmp_hmp_memory = {0},
                        qmp_hmp_mmu = {0}, qmp_hmp_pic = {0}, qmp_block_hmp = {0};

struct monitor *hmp_session_new(struct vm *vm, struct tn_chr *c, const struct kv_node *opts,
                                struct tn_err *e)
{
    (void)vm, (void)c, (void)opts;
    err_set(e, ENOTSUP, "this program is built without HMP, mode=control is there");
    return NULL;
}

uint32_t monitor_hold(struct monitor *m)
{
    (void)m;
    return 0;
}

int monitor_can_hold(const struct monitor *m)
{
    (void)m;
    return 0;
}

void monitor_release(struct vm *vm, uint32_t ticket, const char *text)
{
    (void)vm, (void)ticket, (void)text;
}

/* ---- what QMP's commands ask of it ---- */

void monitor_hmp(struct qmp_call *from, const char *line, struct buf *out)
{
    (void)from, (void)line;
    buf_str(out, "this program is built without HMP\r\n");
}

const struct hmp_command *hmp_find(const char *name, size_t n, uint32_t info)
{
    (void)name, (void)n, (void)info;
    return NULL;
}

int hmp_register(struct qmp_call *c, const char *name, uint64_t *v)
{
    (void)c, (void)name, (void)v;
    return -ENOENT;
}
