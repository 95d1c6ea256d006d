/* SPDX-License-Identifier: BSD-2-Clause */
/* x-query-*: what `info` shows on a terminal, for QMP's clients. */
#include "monitor.h"

#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <string.h>

/* Lines end for a terminal there, and not here. */
static int show(struct qmp_call *c, const char *line)
{
    BUF_AUTO terminal = {0}, text = {0};
    monitor_hmp(c, line, &terminal);
    for (const char *p = buf_cstr(&terminal); *p; p++)
        if (*p != '\r')
            buf_add(&text, p, 1);
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "human-readable-text", buf_cstr(&text));
    return 0;
}

static int query_interrupt_controllers(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    return show(c, "info pic");
}

static int query_numa(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    return show(c, "info numa");
}

static int query_ramblock(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    return show(c, "info ramblock");
}

static int query_roms(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    return show(c, "info roms");
}

static int no_jit(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, ENOTSUP, "JIT information is only available with accel=tcg");
}

static int no_opcount(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, ENOTSUP, "Opcode count information is only available with accel=tcg");
}

static int no_usb(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, ENODEV, "USB support not enabled");
}

/* ---- the table ---- */

static const struct qmp_member text[] = {{"human-readable-text", "str", 0}, {0}};
static const struct qmp_type types[] = {{"HumanReadableText", QMP_OBJECT, text, NULL, NULL, NULL},
                                        {0}};
static const struct qmp_command commands[] = {
    {"x-query-interrupt-controllers", NULL, "HumanReadableText", 0, query_interrupt_controllers,
     "unstable"},
    {"x-query-jit", NULL, "HumanReadableText", 0, no_jit, "unstable"},
    {"x-query-numa", NULL, "HumanReadableText", 0, query_numa, "unstable"},
    {"x-query-opcount", NULL, "HumanReadableText", 0, no_opcount, "unstable"},
    {"x-query-ramblock", NULL, "HumanReadableText", 0, query_ramblock, "unstable"},
    {"x-query-roms", NULL, "HumanReadableText", 0, query_roms, "unstable"},
    {"x-query-usb", NULL, "HumanReadableText", 0, no_usb, "unstable"},
    {0}};

const struct qmp_module qmp_x_query = {.types = types, .commands = commands};
