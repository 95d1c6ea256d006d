/* SPDX-License-Identifier: BSD-2-Clause */
/* The strict host: a second implementation of the host's side of the ABI, in one thread and on a
 * virtual clock, which serves a plugin to the letter and fails the running test where the plugin
 * breaks a rule of the headers.
 *
 * "Threads" are roles: every call into the plugin is made through call_begin() and call_end(),
 * which say as which thread, and with whose lock, the plugin is called; every call of the plugin
 * into the host begins with ENTER(), which compares. So a test is repeatable, and a function called
 * from the wrong thread is found though nothing has crashed. Tests that want real concurrency make
 * real threads: the roles are kept per thread.
 *
 * Whatever a plugin takes is a struct res on its device's list: given back newest first, and kept
 * as a corpse, so that use after release is found.
 */
#ifndef TENON_CHECK_HOST_H
#define TENON_CHECK_HOST_H
#include "check.h"
#include "util/buf.h"
#include <pthread.h>
#include <sys/queue.h>
#include <tenon/dma.h>
#include <tenon/irq.h>
#include <tenon/region.h>

/* ---- roles: the headers' thread tags ---- */

enum {
    R_MAIN = 1,
    R_VCPU = 2,
    R_CTX = 4, /* of an iothread; a callback of the main context is R_MAIN | R_CTX */
    R_WORKER = 8,
    R_LEAF = 16,
    R_DEV = 32, /* the lock of the device's domain is held */
    R_ANY = R_MAIN | R_VCPU | R_CTX | R_WORKER
};

/* One call into a plugin, on the stack of who makes it. */
struct frame {
    struct frame *up;
    struct dev *d;
    uint32_t role;
    const char *what; /* "isa-serial: realize"-like: the function's name in the headers */
    int locked;       /* this frame took d's domain */
};

/* Around each call of a function of d's plugin: role R_*, what: its name in the headers. R_DEV
 * takes the lock. */
void call_begin(struct frame *f, struct dev *d, uint32_t role, const char *what);
/* Also fails the test if the plugin returns with a lock of its own held, or wrote beside its
 * instance. */
void call_end(struct frame *f);
/* The innermost call of this thread, or NULL: the test itself is speaking. */
struct frame *call_top(void);
/* Number of the outermost call under way in this thread, and its role; 0: none is. */
uint64_t call_serial(uint32_t *role);
/* 1 if a call named what of d is under way in this thread. */
int call_inside(const struct dev *d, const char *what);

#define CALL(d, role, what, expr)             \
    do {                                      \
        struct frame f_;                      \
        call_begin(&f_, (d), (role), (what)); \
        (expr);                               \
        call_end(&f_);                        \
    } while (0)

/* A rule of the headers is broken: the running test fails, naming it, the function under way and
 * the device. */
void violation(const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* First line of each function of a service: d's plugin calls "what", which the headers allow for
 * roles. d may be NULL where the function has none. Checks that d lives, the thread and the locks.
 */
void enter(struct dev *d, uint32_t roles, const char *what);
/* Likewise, and only while d's realize (or its bus's plugged) runs. */
void enter_realize(struct dev *d, const char *what);

/* Injection. Each host function that may fail asks: 1 = fail now, as if it had failed by itself.
 * Counts h->fallible. */
int inject(struct dev *d, const char *what);
/* Likewise, filling e and answering -err: `if ((r = inject_err(d, e, ENOMEM, "bar"))) return r;` */
int inject_err(struct dev *d, struct tn_err *e, int err, const char *what);

/* ---- errors ---- */

struct tn_err {
    int err; /* positive; 0 = nothing was filled in */
    char text[256], hint[256];
};
int err_set(struct tn_err *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- what plugins hold ---- */

struct res {
    TAILQ_ENTRY(res) link;
    struct dev *d;
    const char *kind; /* "timer", "region": for messages */
    int dead;
    void (*release)(
        struct res *r); /* gives back what stands behind it; the memory stays until the host goes */
};
/* size bytes that begin with a struct res, at the end of d's list. Never NULL. */
void *res_new(struct dev *d, const char *kind, size_t size, void (*release)(struct res *));
void res_drop(struct res *r); /* before its time: by a deletion of the ABI */
/* The plugin hands r in: fails the test if it was released, or is NULL. */
void res_check(const struct res *r, const char *what);
uint32_t res_count(const struct dev *d, const char *kind); /* alive; kind NULL: all */

TAILQ_HEAD(reslist, res);
TAILQ_HEAD(devlist, dev);

/* A context: main, or an iothread. Both run in the test's thread, in host_run(). */
struct tn_ctx {
    struct host *h;
    uint32_t role; /* R_MAIN | R_CTX, or R_CTX */
    const char *name;
};

struct tn_bus {
    struct res r; /* on its provider; for buses of the host r.d is NULL */
    const struct tn_bus_type *type;
    const char *name;
    const void *port_ops;
    void *self; /* the provider's "bus" */
    struct host *h;
    uint32_t children;
};

/* ---- devices ---- */

enum stage {
    ST_NEW,
    ST_REALIZING,
    ST_REALIZED,
    ST_RUNNING,
    ST_QUIESCING,
    ST_QUIET,
    ST_UNREALIZING,
    ST_GONE
};

struct domain {
    pthread_mutex_t lock;
    struct dev *volatile holder;
    pthread_t thread;
    uint32_t refs;
};

struct pci_fn; /* host_pci.h */
struct dev {
    struct tn_dev pub; /* first: struct tn_dev * is struct dev * */
    uint32_t magic;
    TAILQ_ENTRY(dev) link;
    struct host *h;
    struct dev *parent;
    struct domain *domain;
    struct tn_ctx *home;
    struct tn_bus *bus;
    void *child; /* the bus's data for it */
    void *port;  /* second answer of core->port */
    const void *port_ops;
    struct pci_fn *pci; /* on a PCI bus */
    enum stage stage;
    char id[64];
    struct reslist res;
    int pending; /* a realize, quiesce or reset answered TN_PENDING and has not ended */
    int pending_err;
    int checked; /* the bus's check() has succeeded: detach() answers it */
    int hotplugged, unplug_done;
    uint64_t stalled;        /* token of the access that is not finished, 0 = none */
    struct tn_bus *want_bus; /* where dev_realize() is to put it; NULL = the first that fits */
    uint8_t *required_set;   /* one for each property: it has been given */
    uint64_t guest_errors;
    struct buf owned;  /* pointers to free after fini: strings and lists of properties */
    struct tn_err err; /* of its last realize */
    /* Of a pair: the device on the transport's bus, which comes and goes with it; and back */
    struct dev *inner, *outer;
    const char *inner_bus; /* type of that bus */
    struct vport *guest;   /* a driver at the transport's registers (via.h), once it is asked for */
};

/* What a test may want to know of what the plugin did; all counts are since host_new(). */
struct host_log {
    uint64_t irqs; /* lines raised and messages sent */
    uint64_t dma_read, dma_write, dma_failed, dma_mapped;
    uint64_t messages; /* written by DMA, past pci->irq */
    uint64_t guest_errors, warnings;
    uint64_t requests; /* tn_machine.request */
    uint64_t chr_out, net_out, blk_out;
    uint64_t net_in; /* packets that back ends delivered */
};

enum { DMA_DIRECT = 0, DMA_NO_MAP, DMA_SHORT, DMA_IOMMU, DMA_RETRY, DMA_FAIL, DMA_MODES };

struct host {
    struct tn_host pub; /* first */
    struct check *c;
    struct devlist devs;
    struct devlist gone; /* poisoned, so that late use is found */
    struct reslist corpses;
    struct tn_ctx main, io;
    uint64_t now;       /* ns of every clock */
    uint32_t dma_mode;  /* DMA_*: of every space of this host; may be changed between two calls of
                           the plugin */
    uint64_t fallible;  /* calls that could have been made to fail */
    uint64_t fail_at;   /* the 1-based number of the one that is; 0 = none */
    const char *failed; /* what was made to fail, or NULL */
    int null_err;       /* realize is given no e: "NULL is legal everywhere" */
    int seal;           /* the first resume is over: no open, no new profile */
    const char *without[8]; /* service ids that it claims not to have */
    const char *asked[64];  /* those that the plugin asked for */
    uint32_t nasked;
    uint64_t stalls;
    struct host_log log;
    struct parts *parts; /* of the services, see the host_*.c */
};

/* A machine with every service, PCI, ISA, virtio and the other buses, RAM and no device. Never
 * NULL. */
struct host *host_new(struct check *c);
/* With every device in it, newest first. */
void host_free(struct host *h);

/* An instance of cls: memory between guard pages, defaults, init. NULL if init fails. id NULL: made
 * up. */
struct dev *dev_new(struct host *h, const struct tn_class *cls, const char *id);
/* Makes the device of a pair for its transport d, which is not realized yet. NULL if init fails. */
struct dev *dev_compose(struct dev *d, const struct pair *p);
/* key=text, as a user would give it. 0, or -errno with e: -ENOENT for an unknown key. */
int dev_set(struct dev *d, const char *key, const char *text, struct tn_err *e);
/* Stand-ins for required back ends and links that are not set. 0, or -ENOENT with e naming what has
 * no stand-in. */
int dev_set_required(struct dev *d, struct tn_err *e);
/* On a bus of its class's type (made for it if the host has none), then realize. A pending one is
 * waited for. 0 or -errno. */
int dev_realize(struct dev *d, struct tn_err *e);
/* All phases of kind TN_RESET_*; the device is quiet. */
void dev_reset(struct dev *d, uint32_t kind);
void dev_resume(struct dev *d);
/* 0, or -errno; a pending one is waited for. why: TN_Q_*. */
int dev_quiesce(struct dev *d, uint32_t why);
/* Quiesces if it runs, unrealizes, releases, and leaves the instance poisoned. */
void dev_free(struct dev *d);
const char *dev_name(const struct dev *d); /* for messages: the class's name */
struct dev *dev_of(struct tn_dev *d);      /* fails the test if it is no device that lives */
void *dev_self(const struct dev *d);

/* The state as a tree (state_tree.h), which the caller frees; the device is quiet. 0 or -errno with
 * e. */
struct st_part;
int dev_save(struct dev *d, struct st_part *out, struct tn_err *e);
/* Refused before anything is written if it does not fit the class's table; a refusal of the class's
 * own resets the device. */
int dev_load(struct dev *d, struct st_part *p, struct tn_err *e);

/* Time and events: runs what is due in every context for ns of virtual time (0: what is due now),
 * and what comes from files without waiting for it. Returns the number of callbacks made. */
uint32_t host_run(struct host *h, uint64_t ns);
/* Waits at most ms of real time until what's under way outside (threads, io_uring, peers) has led
 * to done(o) being true. */
uint32_t host_patience(const struct host *h); /* ms for a completion: half of a test's time */
int host_wait(struct host *h, uint32_t ms, int (*done)(void *o), void *o);

/* ---- the guest ---- */

/* One range of registers as a guest reaches it: a fixed region, or a PCI BAR. */
struct place {
    struct dev *d;
    const struct tn_region_ops *ops;
    void *s;
    uint64_t size; /* bytes */
    const char *name;
    uint32_t bar; /* of a PCI function; ~0u for fixed regions */
};
/* The n-th place that traps, over all devices; 0 when there are fewer. */
int host_place(struct host *h, uint32_t n, struct place *out);
/* An access as the headers promise it to the plugin: outside valid_* it never gets there, else it
 * is split or widened to impl_*. */
uint64_t place_read(const struct place *p, uint64_t off, uint32_t size);
void place_write(const struct place *p, uint64_t off, uint64_t v, uint32_t size);

/* One hostile step of a guest that knows nothing: a register, a config byte, input from outside,
 * time, RAM. Repeatable. */
void guest_step(struct host *h, struct rng *r);

/* Another DMA_* mode for every space, as an IOMMU or a moved memory would bring it: caches and
 * views follow. Between two calls of the plugin. */
void host_dma(struct host *h, uint32_t mode);

/* Guest RAM: the bytes at gpa, or NULL if len of them are not there. */
enum { RAM_LOW = 0x200000, RAM_HIGH_AT = 0x100000000, RAM_HIGH = 0x100000 };
uint8_t *host_ram(struct host *h, uint64_t gpa, uint64_t len);

#endif
