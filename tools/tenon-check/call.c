/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is calling whom, as which thread, with which lock: the rules of base.h and docs/abi.md,
 * Threads. */
#include "parts.h"
#include <stdarg.h>

static __thread struct frame *top;
static __thread uint32_t locks_held; /* by core->lock, in this thread */
static __thread uint64_t serial;     /* of outermost calls */

struct frame *call_top(void)
{
    return top;
}

void violation(const char *rule, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (top)
        check_fail(check_current(), "%s [%s; in %s of %s]", text, rule, top->what,
                   dev_name(top->d));
    check_fail(check_current(), "%s [%s]", text, rule);
}

static const char *role_name(uint32_t role, char *buf, size_t n)
{
    snprintf(buf, n, "%s%s%s%s%s%s", role & R_LEAF ? "[leaf]" : "", role & R_MAIN ? "[main]" : "",
             role & R_VCPU ? "[vcpu]" : "", role & R_CTX ? "[ctx]" : "",
             role & R_WORKER ? "[worker]" : "", role & R_DEV ? "[dev]" : "");
    return buf;
}

struct dev *dev_of(struct tn_dev *pub)
{
    struct dev *d = (struct dev *)(void *)pub;
    if (!d)
        violation("core.h: struct tn_dev", "the device is NULL");
    if (d->magic != DEV_MAGIC)
        violation("core.h: struct tn_dev", "what was given as a device is none that lives");
    return d;
}

void enter(struct dev *d, uint32_t roles, const char *what)
{
    char is[48], may[48];
    if (d)
        dev_of(&d->pub);
    if (!top)
        return;
    if (top->role & R_LEAF && !(roles & R_LEAF))
        violation("base.h: [leaf]", "%s was called from a [leaf] function", what);
    if (!(top->role & roles & R_ANY))
        violation("base.h: thread tags", "%s is %s, and was called in %s", what,
                  role_name(roles, may, sizeof may), role_name(top->role, is, sizeof is));
    if (d && d->stage == ST_GONE)
        violation("class.h: fini is the last call", "%s was called for a device that is gone",
                  what);
}

void enter_realize(struct dev *d, const char *what)
{
    enter(d, R_MAIN, what);
    if (d->stage != ST_REALIZING)
        violation("docs/abi.md: Life of an instance", "%s is for realize alone", what);
}

/* ---- locks ---- */

static int holds(const struct domain *m)
{
    return m->holder && pthread_equal(m->thread, pthread_self());
}

static void domain_take(struct domain *m, struct dev *d)
{
    pthread_mutex_lock(&m->lock);
    m->thread = pthread_self();
    m->holder = d;
}

static void domain_give(struct domain *m)
{
    m->holder = NULL;
    pthread_mutex_unlock(&m->lock);
}

static int dev_held(void)
{
    for (struct frame *f = top; f; f = f->up)
        if (f->role & R_DEV)
            return 1;
    return 0;
}

void core_lock(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->lock");
    if (dev_held())
        violation("core.h: lock: never with any [dev] held",
                  "core->lock was called with the lock of a device held");
    if (locks_held)
        violation("base.h: Lock", "core->lock is not recursive");
    domain_take(d->domain, d);
    locks_held++;
}

void core_unlock(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->unlock");
    if (!locks_held || !holds(d->domain))
        violation("core.h: unlock",
                  "core->unlock of a lock that this thread did not take with core->lock");
    locks_held--;
    domain_give(d->domain);
}

/* ---- calls into the plugin ---- */

void call_begin(struct frame *f, struct dev *d, uint32_t role, const char *what)
{
    *f = (struct frame){.up = top, .d = d, .role = role, .what = what};
    serial += !top;
    if (role & R_DEV && !holds(d->domain)) {
        domain_take(d->domain, d);
        f->locked = 1;
    }
    top = f;
}

static void check_instance(struct dev *d)
{
    if (d->pub.self && d->stage != ST_GONE && !guard_ok(d->pub.self, d->pub.cls->instance_size))
        violation("class.h: instance_size", "bytes beside the instance were written: it has %llu",
                  (unsigned long long)d->pub.cls->instance_size);
}

void call_end(struct frame *f)
{
    if (locks_held)
        violation("base.h: Lock", "%s returned with core->lock held", f->what);
    check_instance(f->d);
    top = f->up;
    if (f->locked)
        domain_give(f->d->domain);
}

uint64_t call_serial(uint32_t *role)
{
    const struct frame *f = top;
    while (f && f->up)
        f = f->up;
    *role = f ? f->role : 0;
    return f ? serial : 0;
}

int call_inside(const struct dev *d, const char *what)
{
    for (struct frame *f = top; f; f = f->up)
        if (f->d == d && strcmp(f->what, what) == 0)
            return 1;
    return 0;
}

/* ---- injection ---- */

int inject(struct dev *d, const char *what)
{
    struct host *h = d->h;
    if (++h->fallible != h->fail_at)
        return 0;
    h->failed = what;
    check_at(h->c, "call %llu fails: %s", (unsigned long long)h->fail_at, what);
    return 1;
}

int inject_err(struct dev *d, struct tn_err *e, int err, const char *what)
{
    return inject(d, what) ? err_set(e, err, "%s fails because the test wants it", what) : 0;
}

int err_set(struct tn_err *e, int err, const char *fmt, ...)
{
    va_list ap;
    if (!e)
        return -err;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    e->err = err;
    return -err;
}
