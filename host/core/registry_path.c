/* SPDX-License-Identifier: BSD-2-Clause */
/* Where `-plugin NAME` looks: a name with "/" is a file, any other one is looked for in the folders
 * of the search path. The current folder is not one of them. */
#include "registry_impl.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void registry_folder(struct registry *r, const char *dir)
{
    r->folders = xrealloc(r->folders, (r->nfolders + 1) * sizeof *r->folders);
    r->folders[r->nfolders++] = xstrdup(dir);
}

void registry_trust_any(struct registry *r)
{
    r->trust_any = 1;
}

/* A file's name in full. dlopen would look for one without "/" in the library path. */
static char *resolved(const char *path, struct tn_err *e)
{
    char *real = realpath(path, NULL);
    if (!real)
        err_set(e, errno, "plugin %s: %s", path, strerror(errno));
    return real;
}

static char *if_file(char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return path;
    free(path);
    return NULL;
}

static char *in_folder(const char *dir, const char *name)
{
    char *path = if_file(xasprintf("%s/%s", dir, name));
    if (!path)
        path = if_file(xasprintf("%s/%s.so", dir, name));
    return path ? path : if_file(xasprintf("%s/tenon-%s.so", dir, name));
}

static void not_found(const struct registry *r, const char *name, struct tn_err *e)
{
    BUF_AUTO where = {0};
    for (uint32_t i = 0; i < r->nfolders; i++)
        buf_printf(&where, "%s%s", i ? ", " : "", r->folders[i]);
    err_set(e, ENOENT, "plugin %s: not in %s; a file of this folder would be ./%s", name,
            r->nfolders ? buf_cstr(&where) : "any folder", name);
}

char *registry_find_file(const struct registry *r, const char *name, struct tn_err *e)
{
    if (strchr(name, '/'))
        return resolved(name, e);
    for (uint32_t i = 0; *name && i < r->nfolders; i++) {
        AUTO_FREE char *path = in_folder(r->folders[i], name);
        if (path)
            return resolved(path, e);
    }
    not_found(r, name, e);
    return NULL;
}
