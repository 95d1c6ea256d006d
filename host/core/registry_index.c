/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins.idx, which the build and installers write beside the plugins: lines of tab-separated
 * fields.
 *   class FILE KIND FLAGS CATEGORY NAME BUS ALIAS DESC
 *   make  FILE CATEGORY NAME BUS INNER DESC                 (a composition)
 *   compose FILE INNER-BUS SUFFIX BUS                       (for classes that come by -plugin) */
#include "registry_impl.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plugin_file *file_for(struct registry *r, const char *dir, const char *rel)
{
    AUTO_FREE char *path = rel[0] == '/' ? xstrdup(rel) : xasprintf("%s/%s", dir, rel);
    for (struct plugin_file *f = r->files; f; f = f->next)
        if (f->path && strcmp(f->path, path) == 0)
            return f;
    return registry_file_new(r, path);
}

static char *field(char **line)
{
    char *s = strsep(line, "\t");
    return s ? s : (char *)"";
}

static char *maybe(const char *s)
{
    return *s && strcmp(s, "-") != 0 ? xstrdup(s) : NULL;
}

static void index_compose(struct registry *r, const char *dir, char *line)
{
    struct announced *a = XNEW(struct announced);
    a->file = file_for(r, dir, field(&line));
    a->inner_bus = xstrdup(field(&line));
    a->suffix = xstrdup(field(&line));
    a->bus = maybe(field(&line));
    a->next = r->announced;
    r->announced = a;
}

static void index_line(struct registry *r, const char *dir, char *line)
{
    const char *what = field(&line);
    if (strcmp(what, "compose") == 0)
        index_compose(r, dir, line);
    int made = strcmp(what, "make") == 0;
    if (!made && strcmp(what, "class") != 0)
        return;
    struct class_entry *c = XNEW(struct class_entry);
    c->file = file_for(r, dir, field(&line));
    if (!made) {
        c->kind = (uint32_t)strtoul(field(&line), NULL, 10);
        c->flags = (uint32_t)strtoul(field(&line), NULL, 10);
    }
    c->category = (uint32_t)strtoul(field(&line), NULL, 10);
    c->name = xstrdup(field(&line));
    c->bus = maybe(field(&line));
    if (made)
        c->inner_name = maybe(field(&line));
    else
        c->alias = maybe(field(&line));
    c->desc = maybe(field(&line));
    if (*c->name && !registry_peek(r, c->kind, c->name))
        registry_add(r, c);
    else
        registry_entry_free(c);
}

int registry_index(struct registry *r, const char *dir, struct tn_err *e)
{
    AUTO_FREE char *path = xasprintf("%s/plugins.idx", dir);
    FILE *f = fopen(path, "re");
    if (!f)
        return err_set(e, errno, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        index_line(r, dir, line);
    }
    free(line);
    fclose(f);
    return 0;
}

static const char *dash(const char *s)
{
    return s && *s ? s : "-";
}

void plugin_index_lines(struct buf *out, const struct tn_plugin *p, const char *path)
{
    for (const struct tn_class *const *k = p->classes; k && *k; k++)
        buf_printf(out, "class\t%s\t%u\t%u\t%u\t%s\t%s\t%s\t%s\n", path, (*k)->kind, (*k)->flags,
                   (*k)->category, (*k)->name, dash((*k)->bus),
                   dash((*k)->aliases ? (*k)->aliases[0] : NULL), dash((*k)->desc));
}
