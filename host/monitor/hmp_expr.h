/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of HMP's numbers. */
#ifndef TN_HOST_HMP_EXPR_H
#define TN_HOST_HMP_EXPR_H
#include "core/err.h"

/* Evaluates the longest expression that *at begins with, in 64 bits, and moves *at behind it and
 * blanks.
 *
 *     sum  [&|^ sum]...     sum: product [+- product]...     product: unary [*\/% unary]...
 *     unary: + - ~ unary | ( expression ) | 'c' | $name | number of C (0x1f, 017, 15)
 *
 * reg gives a register's value: 0, or nonzero if there is no such register. 0 or -EINVAL with e and
 * QEMU's text. [any] */
int hmp_expr(const char **at, int (*reg)(void *o, const char *name, uint64_t *v), void *o,
             uint64_t *v, struct tn_err *e);

#endif
