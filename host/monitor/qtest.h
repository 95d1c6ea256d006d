/* SPDX-License-Identifier: BSD-2-Clause */
/* -qtest: a test program plays the processor. QEMU's text protocol, one line in and one line out,
 * so that its own tests and libraries drive this machine; see docs/qtest.md. */
#ifndef TN_HOST_QTEST_H
#define TN_HOST_QTEST_H
#include "core/vm.h"

struct qtest;
struct tn_chr;

/* Serves the test at the other end of c. log_file: every line of both directions goes there too;
 * NULL or "none": no log. NULL with e (log file, c has a front end). Main thread. */
struct qtest *qtest_new(struct vm *vm, struct tn_chr *c, const char *log_file, struct tn_err *e);
void qtest_free(struct qtest *q); /* NULL is fine */

#endif
