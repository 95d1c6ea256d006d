/* SPDX-License-Identifier: BSD-2-Clause */
/* Plugins that are files: looked at from outside, loaded, and looked at again before anything that
 * they say is believed. */
#include "registry_impl.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static const struct tn_plugin *description(struct plugin_file *f, struct tn_err *e)
{
    const struct tn_plugin *p = dlsym(f->handle, "tn_plugin_v1");
    if (!p)
        err_set(e, ENOEXEC, "plugin %s: exports no tn_plugin_v1: not a plugin of ABI major %d",
                f->path, TN_ABI_MAJOR);
    return p;
}

static int load(struct registry *r, struct plugin_file *f, struct tn_err *e)
{
    f->handle = dlopen(f->path, RTLD_NOW | RTLD_LOCAL);
    if (!f->handle) {
        const char *why = dlerror();
        return err_set(e, ENOEXEC, "plugin %s: %s", f->path, why ? why : "cannot be loaded");
    }
    const struct tn_plugin *p = description(f, e);
    if (!p)
        return -ENOEXEC;
    if (plugin_fits_file(p, e) < 0 || plugin_check(p, r->host, e) < 0) {
        err_prefix(e, "plugin %s: ", f->path);
        return -ENOEXEC;
    }
    f->plugin = p;
    f->used = 1;
    return 0;
}

int plugin_open(struct registry *r, struct plugin_file *f, struct tn_err *e)
{
    if (f->plugin)
        return 0;
    int err = plugin_trusted(r, f, e);
    if (err == 0)
        err = load(r, f, e);
    if (err < 0)
        plugin_close(f);
    return err;
}

void plugin_close(struct plugin_file *f)
{
    if (f->handle)
        dlclose(f->handle);
    f->handle = NULL;
}

int registry_loads(void)
{
    return 1;
}
