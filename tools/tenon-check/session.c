/* SPDX-License-Identifier: BSD-2-Clause */
/* Which tests run, on what, in which order: first the file, unloaded; then, once it has been loaded
 * in a child without harm, the plugin; then each of its classes. */
#include "meta.h"
#include "run.h"
#include "util/alloc.h"
#include <dlfcn.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct report rep;
    const char *stop; /* why no further test makes sense; NULL */
    int failed, only_list;
};

static int selected(const struct options *o, const char *name)
{
    return !o->filter || strstr(name, o->filter) || fnmatch(o->filter, name, 0) == 0;
}

static void add_result(struct session *s, struct result r)
{
    s->rep.r = xrealloc(s->rep.r, (s->rep.n + 1) * sizeof r);
    s->rep.r[s->rep.n++] = r;
    report_line(&r, s->rep.n, (int)s->rep.o->verbose);
}

/* A gate runs whatever the filter says, but only its failure is told then. */
static void one(struct session *s, const struct check_group *g, const struct check_test *t,
                struct check *c)
{
    struct result r = {.test = t};
    const char *no;
    if (s->failed && s->rep.o->first)
        return;
    snprintf(r.name, sizeof r.name, "%s/%s: %s", g->name, t->name, check_subject(c));
    int wanted = selected(s->rep.o, r.name);
    if (!wanted && (!(t->flags & CT_GATE) || s->stop))
        return;
    if (s->only_list) {
        if (wanted)
            printf("%-50s %s (%s)\n", r.name, t->rule, t->from);
        return;
    }
    if (s->stop) {
        r.verdict = V_SKIP;
        buf_str(&r.why, s->stop);
    } else if (t->applies && (no = t->applies(c))) {
        r.verdict = V_SKIP;
        buf_str(&r.why, no);
    } else {
        run_test(c, t, &r);
    }
    int bad = r.verdict != V_PASS && r.verdict != V_SKIP;
    s->failed |= bad;
    if (bad && t->flags & CT_GATE)
        s->stop = t->rule;
    if (wanted || bad) {
        add_result(s, r);
        return;
    }
    buf_free(&r.why);
    buf_free(&r.notes);
}

static void each_test(struct session *s, struct check *c, uint32_t on)
{
    for (const struct check_group *const *g = check_groups; *g; g++)
        for (const struct check_test *t = (*g)->tests; t->name; t++)
            if (t->flags & on)
                one(s, *g, t, c);
}

static const struct tn_plugin *load(const char *file)
{
    AUTO_FREE char *path = realpath(file, NULL); /* dlopen looks elsewhere for what has no slash */
    void *so = dlopen(path ? path : file, RTLD_NOW | RTLD_LOCAL);
    return so ? dlsym(so, "tn_plugin_v1") : NULL;
}

static uint32_t each_class(struct session *s, struct check *c)
{
    const struct options *o = c->o;
    uint32_t seen = 0;
    for (const struct tn_class *const *cls = c->plugin->classes; cls && *cls; cls++)
        if (!o->only_class || strcmp(o->only_class, (*cls)->name) == 0) {
            c->cls = *cls;
            seen++;
            each_test(s, c, CT_CLASS);
        }
    return seen;
}

/* Each class on its inner bus gets the transport's suffix, whoever's it is (docs/abi.md). */
static uint32_t pairs_of(struct session *s, struct check *c, const struct tn_plugin *p,
                         const struct tn_compose *how)
{
    const struct tn_class *k, *transport = how->transport ? meta_class(p, how->transport) : NULL;
    uint32_t seen = 0;
    for (uint32_t i = 0; transport && (k = check_class(c, i)); i++) {
        struct pair pair = {.how = how, .child = k};
        if (!k->bus || !how->inner_bus || strcmp(k->bus, how->inner_bus) != 0)
            continue;
        snprintf(pair.name, sizeof pair.name, "%s%s", k->name, how->suffix);
        if (c->o->only_class && strcmp(c->o->only_class, pair.name) != 0)
            continue;
        c->cls = transport;
        c->pair = &pair;
        seen++;
        each_test(s, c, CT_CLASS);
        c->pair = NULL;
    }
    return seen;
}

static uint32_t each_pair(struct session *s, struct check *c)
{
    const struct tn_plugin *all[WITH_MAX + 1] = {c->plugin};
    uint32_t seen = 0;
    memcpy(all + 1, c->with, WITH_MAX * sizeof all[0]);
    for (uint32_t i = 0; i <= WITH_MAX && all[i]; i++)
        for (const struct tn_compose *const *m = all[i]->composes; m && *m; m++)
            seen += pairs_of(s, c, all[i], *m);
    return seen;
}

/* What --with names is checked by a run of its own: here it only has to load. */
static int load_others(struct check *c)
{
    const char *const *path = c->o->with;
    for (uint32_t n = 0; path[n]; n++) {
        c->with[n] = load(path[n]);
        if (!c->with[n]) {
            const char *why = dlerror();
            fprintf(stderr, "tenon-check: --with %s: %s\n", path[n], why ? why : "no plugin");
            return -1;
        }
    }
    return 0;
}

static uint32_t each_subject(struct session *s, struct check *c)
{
    return each_class(s, c) + each_pair(s, c);
}

static void session(struct session *s)
{
    const struct options *o = s->rep.o;
    struct check c = {.o = o};
    each_test(s, &c, CT_FILE);
    if (!s->stop)
        c.plugin = load(o->path);
    if (!c.plugin)
        return;
    if (load_others(&c) < 0) {
        s->failed = 1;
        return;
    }
    each_test(s, &c, CT_PLUGIN);
    if (!s->stop && !each_subject(s, &c) && o->only_class) {
        fprintf(stderr, "tenon-check: %s has no class '%s'\n", o->path, o->only_class);
        s->failed = 1;
    }
}

struct report run_all(const struct options *o, int *exit_status)
{
    struct session s = {.rep = {.o = o}};
    puts("TAP version 14");
    session(&s);
    printf("1..%u\n", s.rep.n);
    *exit_status = s.failed || !s.rep.n;
    return s.rep;
}

void run_list(const struct options *o)
{
    struct session s = {.rep = {.o = o}, .only_list = 1};
    session(&s);
}
