/* SPDX-License-Identifier: BSD-2-Clause */
#include "image.h"

#include "core/registry.h"
#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 100 };

struct parts {
    struct plugin_line {
        char *text;
    } * v;
    size_t n;
    const char **profiles; /* of the sandbox, each once */
    size_t nprofiles;
};

static void add_profile(struct parts *l, const char *name)
{
    for (size_t i = 0; i < l->nprofiles; i++)
        if (strcmp(l->profiles[i], name) == 0)
            return;
    l->profiles = xrealloc(l->profiles, (l->nprofiles + 1) * sizeof *l->profiles);
    l->profiles[l->nprofiles++] = name;
}

static int add_profiles(void *o, const struct tn_plugin *p)
{
    for (const char *const *name = p->sandbox; name && *name; name++)
        add_profile(o, *name);
    return 0;
}

static int add_plugin(void *o, const char *path, const struct tn_plugin *p, const struct tn_err *e)
{
    struct parts *l = o;
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++].text =
        p ? xasprintf("  %s %s: %s\n", p->id, p->version, p->summary ? p->summary : "")
          : xasprintf("  %s: %s\n", path, err_text(e));
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct plugin_line *)a)->text, ((const struct plugin_line *)b)->text);
}

static void put_plugins(struct buf *out, struct parts *l, int linked)
{
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_text);
    buf_printf(out, "plugins: %zu, %s\n", l->n, linked ? "linked in" : "files");
    for (size_t i = 0; i < l->n; i++) {
        buf_str(out, l->v[i].text);
        free(l->v[i].text);
    }
    free(l->v);
}

/* Words in lines of WIDTH. */
static void put_words(struct buf *out, const char *words)
{
    size_t column = 0;
    for (const char *w = words; *w;) {
        size_t n = strcspn(w, " ");
        if (column && column + 1 + n > WIDTH)
            column = 0, buf_str(out, "\n");
        buf_printf(out, "%s%.*s", column ? " " : "  ", (int)n, w);
        column += column ? n + 1 : n + 2;
        w += n + (w[n] == ' ');
    }
    buf_str(out, "\n");
}

static void put_calls(struct buf *out, enum sandbox_kind kind, const char *whose,
                      const struct parts *l)
{
    BUF_AUTO names = {0};
    size_t n = sandbox_calls(&names, kind, l->profiles, l->nprofiles);
    buf_printf(out, "system calls of %s: %zu\n", whose, n);
    put_words(out, buf_cstr(&names));
}

/* Each plugin in use: a machine with fewer allows less. */
static void put_sandbox(struct buf *out, const struct image *m, struct parts *l)
{
    put_calls(out, SANDBOX_VCPU, "a vCPU", l);
    put_calls(out, SANDBOX_IOTHREAD, "an iothread", l);
    put_calls(out, SANDBOX_MAIN, "the main thread", l);
    if (!strstr(m->parts, "monitor"))
        return;
    add_profile(l, "monitor");
    if (registry_loads())
        add_profile(l, "loading");
    put_calls(out, SANDBOX_MAIN, "the main thread with a monitor", l);
}

void image_describe(struct vm *vm, const struct image *m, struct buf *out)
{
    struct parts l = {0};
    registry_each_plugin(vm->registry, add_plugin, &l);
    registry_each_known(vm->registry, add_profiles, &l);
    buf_printf(out, "tenon %s, plugin ABI %u.%u\n", TENON_VERSION, TN_ABI_MAJOR, TN_ABI_MINOR);
    buf_printf(out, "profile: %s\ncompiled by: %s, %s\n", m->profile, m->compiler, m->kind);
    buf_printf(out, "parts of the host: %s\n", *m->parts ? m->parts : "none");
    if (*m->left_out)
        buf_printf(out, "left out: %s\n", m->left_out);
    put_plugins(out, &l, m->linked != NULL);
    put_sandbox(out, m, &l);
    free(l.profiles);
}
