/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of -qtest where the program is built without it. */
#include "qtest.h"

#include <errno.h>

struct qtest *qtest_new(struct vm *vm, struct tn_chr *c, const char *log_file, struct tn_err *e)
{
    (void)vm, (void)c, (void)log_file;
    err_set(e, ENOTSUP, "-qtest: this program is built without it");
    return NULL;
}

void qtest_free(struct qtest *q)
{
    (void)q;
}
