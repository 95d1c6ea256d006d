/* SPDX-License-Identifier: BSD-2-Clause */
/* How the command line reports a mistake: a text that the caller owns, and -EINVAL. */
#ifndef TN_CLI_FAIL_H
#define TN_CLI_FAIL_H

/* Stores the formatted text in *err, freeing what was there (err may be NULL, *err must be NULL or
 * owned). Returns -EINVAL, so that a check reads `return cli_fail(err, ...)`. [any] */
int cli_fail(char **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
