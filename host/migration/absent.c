/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of migration where the program is built without it: the machine stays where it is.
 */
#include "migration.h"
#include "monitor/monitor.h"
#include <errno.h>

const struct qmp_module qmp_migrate = {NULL, NULL, NULL, NULL};

void migration_expect(struct vm *vm)
{
    (void)vm;
}

int migration_await(struct vm *vm, const char *uri, struct tn_err *e)
{
    (void)vm;
    return err_set(e, ENOTSUP, "-incoming %s: this program is built without migration", uri);
}

int migration_autostart(struct vm *vm, int on)
{
    (void)vm, (void)on;
    return 0;
}

int migration_idle(struct vm *vm, const char *what, struct tn_err *e)
{
    (void)vm, (void)what, (void)e;
    return 0;
}

void migration_free(struct vm *vm)
{
    (void)vm;
}
