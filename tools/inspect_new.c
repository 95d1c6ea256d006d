/* SPDX-License-Identifier: BSD-2-Clause */
#include "inspect_new.h"
#include "core/installed.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct project {
    const char *name, *ident;
    const char *from, *to; /* folders */
};

/* A name for a class, a file and, with _ for -, a C identifier. */
static int is_good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n <= 40 && !name[n] && name[0] >= 'a' && name[n - 1] != '-';
}

/* Appends text to out, every `what` in it replaced. */
static void replace(struct buf *out, const char *text, const char *what, const char *by)
{
    for (const char *hit; (hit = strstr(text, what)); text = hit + strlen(what)) {
        buf_add(out, text, (size_t)(hit - text));
        buf_str(out, by);
    }
    buf_str(out, text);
}

static int read_all(const char *path, struct buf *out, struct tn_err *e)
{
    char part[4096];
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && (n = read(fd, part, sizeof part)) > 0)
        buf_add(out, part, (size_t)n);
    return n < 0 ? err_set(e, errno, "%s: %s", path, strerror(errno)) : 0;
}

static int write_all(const char *path, const struct buf *b, mode_t mode, struct tn_err *e)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    ssize_t n = fd < 0 ? -1 : 0;
    for (size_t done = 0; n >= 0 && done < b->len; done += (size_t)n) {
        n = write(fd, b->data + done, b->len - done);
        if (n < 0)
            break;
    }
    return n < 0 ? err_set(e, errno, "%s: %s", path, strerror(errno)) : 0;
}

static int copy_file(const struct project *p, const char *file, struct tn_err *e)
{
    struct stat st;
    BUF_AUTO text = {0};
    BUF_AUTO named = {0};
    BUF_AUTO whole = {0};
    BUF_AUTO to = {0};
    AUTO_FREE char *from = xasprintf("%s/%s", p->from, file);
    int r = read_all(from, &text, e);
    if (r < 0 || stat(from, &st) < 0)
        return r < 0 ? r : err_set(e, errno, "%s: %s", from, strerror(errno));
    buf_printf(&to, "%s/", p->to);
    replace(&to, file, "NAME", p->name);
    replace(&named, buf_cstr(&text), "@NAME@", p->name);
    replace(&whole, buf_cstr(&named), "@IDENT@", p->ident);
    if (access(buf_cstr(&to), F_OK) == 0) /* a kind's own stands for the common one */
        return 0;
    return write_all(buf_cstr(&to), &whole, st.st_mode & 0777, e);
}

static int copy_folder(const struct project *p, struct tn_err *e)
{
    int r = 0;
    DIR *d = opendir(p->from);
    if (!d)
        return err_set(e, errno, "%s: %s", p->from, strerror(errno));
    for (struct dirent *f; r == 0 && (f = readdir(d));)
        if (f->d_name[0] != '.')
            r = copy_file(p, f->d_name, e);
    closedir(d);
    return r;
}

static char *ident_of(const char *name)
{
    char *ident = xstrdup(name);
    for (char *c = ident; *c; c++)
        *c = *c == '-' ? '_' : *c;
    return ident;
}

int inspect_new(const char *templates, const char *dir, const char *name, const char *kind,
                struct tn_err *e)
{
    if (!is_good_name(name))
        return err_set(e, EINVAL, "'%s' is no name for a plugin: small letters, digits and -",
                       name);
    static const char *const below[] = {TENON_TEMPLATES_BELOW, NULL};
    AUTO_FREE char *installed = installed_folder(below, "common", TENON_TEMPLATES);
    if (!templates)
        templates = installed;
    AUTO_FREE char *common = xasprintf("%s/common", templates);
    AUTO_FREE char *own = xasprintf("%s/%s", templates, kind);
    AUTO_FREE char *to = xasprintf("%s/%s", dir, name);
    AUTO_FREE char *ident = ident_of(name);
    if (strchr(kind, '/') || strcmp(kind, "common") == 0 || access(own, R_OK) < 0)
        return err_set(e, ENOENT, "there is no kind '%s' in %s: " INSPECT_KINDS, kind, templates);
    if (mkdir(to, 0777) < 0)
        return err_set(e, errno, "%s: %s", to, strerror(errno));
    int r = copy_folder(&(struct project){name, ident, own, to}, e);
    return r < 0 ? r : copy_folder(&(struct project){name, ident, common, to}, e);
}
