/* SPDX-License-Identifier: BSD-2-Clause */
#include "sandbox.h"

#include "core/registry.h"
#include "filter.h"
#include "profiles.h"
#include "sigsys.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct thread_profile {
    const char *name; /* the plugin's constant, or the table's */
    struct filter filter;
};
struct sandbox {
    struct vm *vm;
    uint32_t closed;      /* sandbox_prepare() was here: filters are in force or about to be */
    pthread_mutex_t lock; /* leaf: filters that are made at their first use */
    struct filter of_kind[SANDBOX_PLUGIN + 1]; /* SANDBOX_PLUGIN: a thread without a profile */
    struct thread_profile *profiles;           /* each once */
    const char **names;                        /* of those that the host's threads have */
    size_t nprofiles, nnames;
};

/* Filters, signal handler and privileges are the process's, not a machine's. Changed only while
 * there is one thread. */
static struct sandbox *current;

static void sandbox_free(struct sandbox *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(s->of_kind); i++)
        filter_free(&s->of_kind[i]);
    for (size_t i = 0; i < s->nprofiles; i++)
        filter_free(&s->profiles[i].filter);
    pthread_mutex_destroy(&s->lock);
    free(s->profiles);
    free(s->names);
    free(s);
}

/* ---- what the plugins ask for ---- */

struct collector {
    struct sandbox *s;
    struct tn_err *e;
};

static struct thread_profile *find_profile(const struct sandbox *s, const char *name)
{
    for (size_t i = 0; i < s->nprofiles; i++)
        if (strcmp(s->profiles[i].name, name) == 0)
            return &s->profiles[i];
    return NULL;
}

/* For threads that a plugin makes. */
static void add_own(struct sandbox *s, const char *name)
{
    if (find_profile(s, name))
        return;
    s->profiles = xrealloc(s->profiles, (s->nprofiles + 1) * sizeof *s->profiles);
    s->profiles[s->nprofiles++] = (struct thread_profile){.name = name};
}

/* For the host's threads, too. */
static void add_profile(struct sandbox *s, const char *name)
{
    add_own(s, name);
    for (size_t i = 0; i < s->nnames; i++)
        if (strcmp(s->names[i], name) == 0)
            return;
    s->names = xrealloc(s->names, (s->nnames + 1) * sizeof *s->names);
    s->names[s->nnames++] = name;
}

static int collect(void *o, const struct tn_plugin *p)
{
    struct collector *c = o;
    for (const char *const *name = p->sandbox; name && *name; name++) {
        if (!sandbox_profile_known(*name))
            return err_set(c->e, EINVAL,
                           "plugin '%s' needs the sandbox profile '%s', which does not exist",
                           p->id, *name);
        add_profile(c->s, *name);
    }
    return 0;
}

static struct sandbox *sandbox_new(struct vm *vm)
{
    struct sandbox *s = XNEW(struct sandbox);
    s->vm = vm;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

/* What is being prepared for vm, or a new one in the place of another machine's. */
static struct sandbox *open_for(struct vm *vm)
{
    if (!current || current->vm != vm || current->closed) {
        sandbox_free(current);
        current = sandbox_new(vm);
    }
    return current;
}

int sandbox_need(struct vm *vm, const char *profile)
{
    if (!sandbox_profile_known(profile))
        return -EINVAL;
    if (sandbox_closed(vm))
        return find_profile(current, profile) ? 0 : -EPERM;
    add_profile(open_for(vm), profile);
    return 0;
}

/* What opens by name is the main thread's alone, whose row has it: the others only use what is
 * open.
 */
static int opens(const char *profile)
{
    static const char *const names[] = {"inotify",       "connect-unix", "connect-inet",
                                        "connect-vsock", "open-beneath", "read-files",
                                        "directory",     "unlink"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(names[i], profile) == 0)
            return 1;
    return 0;
}

struct search {
    const char *profile;
};

static int names_it(void *o, const struct tn_plugin *p)
{
    const struct search *s = o;
    for (const char *const *name = p->sandbox; name && *name; name++)
        if (strcmp(*name, s->profile) == 0)
            return 1;
    return 0;
}

/* May a command ask for it? If plugins are files, nobody knows which will come; if they are linked
 * in, these are all, and the host's own chardevs, which say what they need when they are made. */
static int may_come(const struct sandbox *s, const char *profile)
{
    static const char *const host[] = {"socket", "connect-unix", "connect-inet", "unlink"};
    struct search it = {profile};
    if (registry_loads())
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(host); i++)
        if (strcmp(host[i], profile) == 0)
            return 1;
    return registry_each_known(s->vm->registry, names_it, &it);
}

void sandbox_need_monitor(struct vm *vm)
{
    struct sandbox *s = open_for(vm);
    add_profile(s, "monitor");
    if (registry_loads())
        add_profile(s, "loading");
    for (size_t i = 0; i < sandbox_nrows; i++) {
        const struct sandbox_row *row = &sandbox_rows[i];
        if (row->host != OF_PLUGINS || !may_come(s, row->profile))
            continue;
        if (opens(row->profile))
            add_own(s, row->profile);
        else
            add_profile(s, row->profile);
    }
}

/* ---- filters ---- */

/* Code of plugins runs in every thread of the host: each has all of their profiles. A plugin's own
 * thread has one. */
static void make(struct sandbox *s, enum sandbox_kind kind, struct thread_profile *own)
{
    if (kind != SANDBOX_PLUGIN)
        filter_make(&s->of_kind[kind], kind, s->names, s->nnames);
    else if (own)
        filter_make(&own->filter, kind, &own->name, 1);
    else
        filter_make(&s->of_kind[kind], kind, NULL, 0);
}

static int prepare(struct sandbox *s, struct tn_err *e)
{
    struct collector c = {s, e};
    int err = registry_each_open(s->vm->registry, collect, &c);
    if (err == 0 && (err = sigsys_install()) < 0)
        err_set(e, -err, "sandbox: SIGSYS: %s", strerror(-err));
    if (err == 0) { /* here, as a vCPU's thread that allocates nothing needs no heap of its own */
        make(s, SANDBOX_MAIN, NULL);
        make(s, SANDBOX_VCPU, NULL);
    }
    return err;
}

int sandbox_prepare(struct vm *vm, int on, struct tn_err *e)
{
    int err = on ? prepare(open_for(vm), e) : 0;
    if (on && err == 0) {
        current->closed = 1;
        return 0;
    }
    sandbox_free(current);
    current = NULL;
    return err;
}

int sandbox_closed(const struct vm *vm)
{
    return current && current->vm == vm && current->closed;
}

static void cannot_enter(const char *why)
{
    log_line(LOG_ERROR, "%s", why);
    _Exit(1);
}

static const struct filter *filter_of(struct sandbox *s, enum sandbox_kind kind,
                                      const char *profile, struct tn_err *e)
{
    struct thread_profile *own =
        kind == SANDBOX_PLUGIN && profile ? find_profile(s, profile) : NULL;
    if (kind == SANDBOX_PLUGIN && profile && !own) {
        err_set(e, EINVAL,
                "sandbox: a thread wants the profile '%s', which its plugin does not name",
                profile);
        return NULL;
    }
    const struct filter *f = own ? &own->filter : &s->of_kind[kind];
    pthread_mutex_lock(&s->lock);
    if (!f->code)
        make(s, kind, own);
    pthread_mutex_unlock(&s->lock);
    return f;
}

void sandbox_enter(struct vm *vm, enum sandbox_kind kind, const char *profile)
{
    ERR_AUTO e = {0};
    if (!sandbox_closed(vm))
        return;
    const struct filter *f = filter_of(current, kind, profile, &e);
    if (!f)
        cannot_enter(err_text(&e));
    int err = filter_install(f);
    if (err < 0) {
        err_set(&e, -err, "sandbox: the kernel refuses the filter: %s", strerror(-err));
        cannot_enter(err_text(&e));
    }
}

/* ---- the table of docs/sandbox.md ---- */

static void describe_kinds(struct buf *out, uint32_t kinds)
{
    static const char *const names[] = {"main", "vCPU", "iothread", "plugin's"};
    const char *sep = "";
    if (kinds == ON_ALL) {
        buf_str(out, "all");
        return;
    }
    for (size_t k = 0; k < ARRAY_SIZE(names); k++)
        if (kinds >> k & 1) {
            buf_printf(out, "%s%s", sep, names[k]);
            sep = ", ";
        }
}

static void describe_calls(struct buf *out, const struct sandbox_row *row)
{
    const char *sep = "";
    int last = -1;
    for (size_t i = 0; i < row->nrules; i++) {
        const struct sandbox_rule *r = &row->rules[i];
        const char *name = sigsys_name(r->nr);
        if (r->refuse || r->nr == last || !name)
            continue;
        buf_printf(out, "%s%s%s", sep, name, r->test[0].op == OP_NONE ? "" : "*");
        sep = " ";
        last = r->nr;
    }
}

void sandbox_describe(struct buf *out)
{
    buf_str(out, "| Profile | Threads | For | System calls |\n|---|---|---|---|\n");
    for (size_t i = 0; i < sandbox_nrows; i++) {
        const struct sandbox_row *row = &sandbox_rows[i];
        if (!row->kinds)
            continue;
        buf_printf(out, row->host ? "| *%s* | " : "| `%s` | ", row->profile);
        describe_kinds(out, row->kinds);
        buf_printf(out, " | %s | ", row->what);
        describe_calls(out, row);
        buf_str(out, " |\n");
    }
}
