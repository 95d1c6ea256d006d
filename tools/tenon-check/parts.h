/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the strict host; tests include host.h. */
#ifndef TENON_CHECK_PARTS_H
#define TENON_CHECK_PARTS_H
#include "host.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/intc.h>

/* ---- memory between pages that nobody may touch; guard.c ---- */

/* size bytes, zeroed, 64-byte aligned, against an unreadable page at their end; what lies between
 * is watched. */
void *guard_alloc(uint64_t size);
int guard_ok(const void *p, uint64_t size); /* 0: something beside it was written */
void guard_poison(void *p, uint64_t size);  /* any access is a crash from now on */
void guard_free(void *p, uint64_t size);

/* ---- resources that services keep lists of ---- */

struct tn_region {
    struct res r;
    TAILQ_ENTRY(tn_region) link;
    struct tn_region_ops ops;
    void *s;
    uint32_t space, on;
    uint64_t base, size;
    char name[64];
};
struct tn_line {
    struct res r;
    uint32_t domain, n, flags, level;
    uint32_t again, falls; /* raised while it was; lowered, but for resets */
    uint64_t rose_in;      /* call_serial() */
};
/* irq.h, PCI 3.0 2.2.6: a level stays until the guest has seen to it. what goes from 1 to 0, and
 * went to 1 in call rose_in: fails the test if that is the call under way, and not the guest's. */
void irq_pulse_check(uint64_t rose_in, const char *what);
struct intc {
    struct res r;
    struct tn_intc_ops ops;
    void *s;
    uint32_t gsi_base, n;
};
struct intc *host_intc(struct host *h); /* the first controller that a device is; NULL */
struct bar {
    struct tn_region_ops ops;
    void *s;
    uint64_t size;
    uint32_t kind, on;
};

TAILQ_HEAD(timers, tn_timer);
TAILQ_HEAD(watches, tn_watch);
TAILQ_HEAD(bhs, tn_bh);
TAILQ_HEAD(polls, tn_poll);
TAILQ_HEAD(regions, tn_region);
TAILQ_HEAD(spaces, tn_as);
TAILQ_HEAD(buses, tn_bus_entry);

struct tn_bus_entry {
    TAILQ_ENTRY(tn_bus_entry) link;
    struct tn_bus *bus;
};

/* Something of the host's own that runs later in host_run(): a completion, input for a back end's
 * stand-in. */
struct job {
    TAILQ_ENTRY(job) link;
    void (*fn)(void *o);
    void *o;
    struct dev *d; /* forgotten with it; NULL */
};
TAILQ_HEAD(jobs, job);

struct parts {
    struct timers timers;
    struct watches watches;
    struct bhs bhs;
    struct polls polls;
    struct regions regions;
    struct spaces spaces;
    struct buses buses;
    struct jobs jobs;
    pthread_mutex_t jobs_lock; /* and of what is kicked: [any] threads do it */
    int wake;                  /* eventfd: something was kicked from elsewhere */
    uint64_t vm_now;           /* ns of TN_CLK_VM: stands still while nothing runs */
    int running;
    uint32_t stamp; /* for names made up */
    int ram_fd;
    uint8_t *ram_low, *ram_high;
    struct tn_as *system;
    struct stand_ins *stand; /* back ends; host_backend.c */
    struct shared *shared;   /* core->shared */
};

void job_add(struct host *h, struct dev *d, void (*fn)(void *), void *o);
void loop_wake(struct host *h);

/* The tables, by id; each in the file of its service. */
extern const struct tn_core core_table;
const void *service(const struct tn_host *h, const char *id);

/* Properties; host_prop.c */
struct prop_rows {
    const struct tn_prop *p;
    uint32_t n, stride;
};
static inline const struct tn_prop *prop_row(struct prop_rows t, uint32_t i)
{
    return (const struct tn_prop *)(const void *)((const char *)t.p + (size_t)i * t.stride);
}
struct prop_rows class_props(const struct tn_class *c);
void props_default(struct prop_rows t, void *base);
const struct tn_prop *prop_find(struct prop_rows t, const char *name);
/* Stores text at base + p->offset. 0, -EINVAL, -ERANGE with e. Strings and lists are owned by d. */
int prop_store(struct dev *d, const struct tn_prop *p, void *base, const char *text,
               struct tn_err *e);
void props_free(struct dev *d);

/* Stand-ins; host_backend.c. NULL: there is none for this type. */
void *stand_in(struct dev *d, uint32_t prop_type, const char *name);
struct tn_dev *stand_in_link(struct dev *d, const struct tn_prop *p);
void stand_ins_free(struct host *h);

/* Life on a bus; host_bus.c */
int bus_enter(struct dev *d, struct tn_err *e); /* find, check, attach */
int bus_plugged(struct dev *d, struct tn_err *e);
void bus_leave(struct dev *d);
struct tn_bus *bus_new(struct host *h, struct dev *provider, const struct tn_bus_type *t,
                       const char *name, const void *port_ops, void *self);
int bus_is(const struct tn_bus_type *t, const char *name);
struct tn_bus *bus_below(struct dev *d, const char *type);       /* that d made; NULL */
void bus_child_data(struct dev *d, const struct tn_bus_type *t); /* with defaults, unless made */

/* core->lock and unlock; call.c */
void core_lock(struct tn_dev *pub);
void core_unlock(struct tn_dev *pub);
void domain_join(struct dev *d, struct dev *other);
int dev_set_kv(struct dev *d, const struct tn_kv *kv, struct tn_err *e);
enum { DEV_MAGIC = 0x7e404d65 };

#ifndef TAILQ_FOREACH_SAFE /* glibc's has none */
#define TAILQ_FOREACH_SAFE(v, head, field, next) \
    for ((v) = TAILQ_FIRST(head); (v) && ((next) = TAILQ_NEXT(v, field), 1); (v) = (next))
#endif

/* For the fields of state: 1 armed and when, or 0. host_loop.c */
int timer_state(struct tn_timer *t, uint64_t *at);
void timer_set(struct tn_timer *t, int armed, uint64_t at);
void bh_kick(struct tn_bh *b); /* by the host itself */

/* host_region.c: what ops have to be, and all members that this host knows of them */
void region_ops_check(struct dev *d, const struct tn_region_ops *o, const char *what);
struct tn_region_ops region_ops_copy(const struct tn_region_ops *o);

/* Another mapping of guest RAM, which goes away when the plugin lets go; host_mem.c */
void *ram_alias(struct host *h, uint64_t gpa, uint64_t len, int prot);
void ram_unalias(void *va, uint64_t len);

void irq_raised(struct host *h);
/* d raises a line or sends a message, as what: fails the test where d is on its way out. */
void irq_leaving_check(const struct dev *d, const char *what);
void mem_init(struct host *h);
void mem_free(struct host *h);

#endif
