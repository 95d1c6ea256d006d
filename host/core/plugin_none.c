/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of plugin_file.c where the plugins are linked in: nothing is loaded. */
#include "registry_impl.h"

#include <errno.h>

int plugin_open(struct registry *r, struct plugin_file *f, struct tn_err *e)
{
    (void)r;
    if (f->plugin)
        return 0;
    return err_set(e, ENOTSUP, "plugin %s: this program loads none", f->path);
}

void plugin_close(struct plugin_file *f)
{
    (void)f;
}

int registry_loads(void)
{
    return 0;
}
