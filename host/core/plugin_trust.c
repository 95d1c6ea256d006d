/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin runs with all rights of this process. So it is opened only if nobody can have written it
 * who could not as well have written the program itself: root, the user who runs it, the owner of
 * the program, and the program's group where that may write to the program. What holds for the file
 * holds for each folder above it, as who can write there can put another file in its place; a
 * sticky folder (/tmp) lets nobody do that. */
#include "registry_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_trusted_user(uid_t uid, const struct stat *program)
{
    return uid == 0 || uid == geteuid() || uid == program->st_uid;
}

static int is_trusted_group(gid_t gid, const struct stat *program)
{
    return program->st_mode & S_IWGRP && gid == program->st_gid;
}

static int check(const struct plugin_file *f, const char *path, const struct stat *program,
                 struct tn_err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_set(e, errno, "plugin %s: %s: %s", f->path, path, strerror(errno));
    int sticky = S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX;
    if (!is_trusted_user(st.st_uid, program))
        return err_set(e, EACCES,
                       "plugin %s: user %u, who is neither root nor you, owns %s; "
                       "'-plugin-trust any' opens it all the same",
                       f->path, st.st_uid, path);
    if (!sticky &&
        (st.st_mode & S_IWOTH || (st.st_mode & S_IWGRP && !is_trusted_group(st.st_gid, program))))
        return err_set(e, EACCES,
                       "plugin %s: others can write to %s (mode %04o); "
                       "'-plugin-trust any' opens it all the same",
                       f->path, path, st.st_mode & 07777u);
    return 0;
}

/* From path, which is cut on the way, up to the root. */
static int check_folders(const struct plugin_file *f, char *path, const struct stat *program,
                         struct tn_err *e)
{
    for (char *slash; (slash = strrchr(path, '/'));) {
        slash[slash == path] = 0;
        int err = check(f, path, program, e);
        if (err < 0 || slash == path)
            return err;
    }
    return 0;
}

static int folder_is_known(struct registry *r, const char *path)
{
    size_t n = r->trusted_folder ? strlen(r->trusted_folder) : 0;
    return n && strncmp(path, r->trusted_folder, n) == 0 && path[n] == '/' &&
           !strchr(path + n + 1, '/');
}

static int check_all(struct registry *r, const struct plugin_file *f, const char *real,
                     const struct stat *program, struct tn_err *e)
{
    int err = check(f, real, program, e);
    if (err < 0 || folder_is_known(r, real))
        return err;
    AUTO_FREE char *path = xstrdup(real);
    err = check_folders(f, path, program, e);
    if (err == 0) {
        free(r->trusted_folder);
        r->trusted_folder = xstrdup(real);
        *strrchr(r->trusted_folder, '/') = 0;
    }
    return err;
}

int plugin_trusted(struct registry *r, const struct plugin_file *f, struct tn_err *e)
{
    if (r->trust_any)
        return 0;
    struct stat program;
    AUTO_FREE char *real = realpath(f->path, NULL);
    if (!real)
        return err_set(e, errno, "plugin %s: %s", f->path, strerror(errno));
    if (stat("/proc/self/exe", &program) < 0)
        return err_set(e, errno, "plugin %s: /proc/self/exe: %s", f->path, strerror(errno));
    return check_all(r, f, real, &program, e);
}
