/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP as long as there is none. */
#include "monitor_impl.h"

struct monitor *hmp_session_new(struct vm *vm, struct tn_chr *c, const struct kv_node *opts,
                                struct tn_err *e)
{
    (void)vm, (void)c, (void)opts, (void)e;
    return NULL; /* left out */
}

void monitor_hmp(struct qmp_call *from, const char *line, struct buf *out)
{
    (void)from;
    buf_printf(out, "unknown command: '%s'\r\n", line);
}
