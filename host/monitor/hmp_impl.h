/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by hmp_*.c and cmd_hmp*.c; nobody else's. */
#ifndef TN_HOST_HMP_IMPL_H
#define TN_HOST_HMP_IMPL_H
#include "hmp.h"
#include "hmp_history.h"
#include "monitor_impl.h"

/* ---- hmp_run.c ---- */
/* One of the n characters of name, among the subcommands of info or the others; NULL. */
const struct hmp_command *hmp_find(const char *name, size_t n, uint32_t info);
/* Runs one line; output and errors are appended to out with \n. */
void hmp_run(struct qmp_call *c, const char *line, struct buf *out);
/* What the last word of line could become, one each line, in order. */
void hmp_complete(struct qmp_call *c, const char *line, struct buf *words);
/* All commands, or those of info: in order of their names; ends with NULL. The caller frees it. */
const struct hmp_command **hmp_sorted(uint32_t info);

/* ---- hmp_args.c ---- */
/* /NNfs: how many, o d u x c i, and b h w g as bytes. Format and size that are left out are as they
 * were last. */
int hmp_format(struct hmp_args *a, struct hmp_format *f);

/* ---- hmp_session.c ---- */
/* What was typed at the terminal that asks; NULL: it is none. */
const struct hmp_history *hmp_session_history(struct monitor *m);

/* ---- cmd_hmp_cpu.c ---- */
/* $name of the session's CPU. 0, or -ENOENT. */
int hmp_register(struct qmp_call *c, const char *name, uint64_t *v);

#endif
