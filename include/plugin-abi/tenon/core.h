/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * The host as a plugin sees it: service tables by id, the instance handle, and "tenon.core/1".
 */
#ifndef TENON_CORE_H
#define TENON_CORE_H
#include <tenon/bus.h>
#include <tenon/class.h>
#ifdef __cplusplus
extern "C" {
#endif

/** One per virtual machine. */
struct tn_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    const char *name, *version; /**< of the program, e.g. "tenon", "0.1.0" */
    /** [any] the const table for id ("tenon.pci/1"), NULL if this host has none; valid until the VM ends */
    const void *(*get)(const struct tn_host *h, const char *id);
};

struct tn_core;
/** An instance. Frozen: these four members for ever. self is what callbacks get as s. */
struct tn_dev {
    const struct tn_host *host;
    const struct tn_core *core;
    const struct tn_class *cls;
    void *self;
};

/** One property for child(): text in str, or a back end that the parent passes on in handle. Frozen. */
struct tn_kv {
    const char *key, *str;
    const void *handle;
};

enum {
    TN_DEV_HOTPLUGGED = 1, /**< added while the machine ran */
    TN_DEV_REALIZED = 2,
    TN_DEV_INCOMING = 4    /**< state will be loaded before the first resume */
};

#define TN_CORE_1 "tenon.core/1"
/** TN_CORE_1, also in tn_dev.core. */
struct tn_core {
    uint32_t struct_size, rev;
    /** [any] fill e once with errno value err (positive) and a text; file and line are kept for the log. Use tn_fail() */
    void (*fail)(struct tn_err *e, int err, const char *file, int line, const char *fmt, ...) TN_PRINTF(5, 6);
    /** [any] a second line of advice for e */
    void (*hint)(struct tn_err *e, const char *fmt, ...) TN_PRINTF(2, 3);
    /** [any] the guest did something that the specification forbids: rate-limited log, counted, nothing else */
    void (*guest_error)(struct tn_dev *d, const char *fmt, ...) TN_PRINTF(2, 3);
    /** [any] something the user should know */
    void (*warn)(struct tn_dev *d, const char *fmt, ...) TN_PRINTF(2, 3);
    /** [any] id= as given, or the path in the machine if there was none; valid as long as d */
    const char *(*id)(struct tn_dev *d);
    /** [any] the lock of d's domain. Not recursive; never with any [dev] held, never from [leaf] */
    void (*lock)(struct tn_dev *d);
    void (*unlock)(struct tn_dev *d);
    /** [main] in realize: a bus below d. port_ops and bus are given to children (core->port) and to t's functions.
     * name NULL: "ID.0", or the type's name and a number; t, port_ops and bus are borrowed while d lives. 0 and *out, or
     * -errno with e: -EEXIST, another bus has that name. Managed */
    int (*bus_create)(struct tn_dev *d, const struct tn_bus_type *t, const char *name, const void *port_ops, void *bus,
                      struct tn_bus **out, struct tn_err *e);
    /** [any] end of a quiesce that was TN_PENDING; err 0 or -errno */
    void (*quiesced)(struct tn_dev *d, int err);
    /** [any] the guest has let go of d after unplug_request */
    void (*unplugged)(struct tn_dev *d);
    /** [main] from attach on: the provider's port table and, in *port, its data for this child, or of a type without
     * child_size the bus itself. NULL, and *port as it was: the bus has no port_ops */
    const void *(*port)(struct tn_dev *d, void **port);
    /** [main] end of a realize that was TN_PENDING; err < 0: the e of realize was filled and is still alive */
    void (*realized)(struct tn_dev *d, int err);
    /** [any] d wants to leave (its back end is gone for good): the host sends unplug_request */
    void (*unplug)(struct tn_dev *d, const char *why);
    /** [vcpu][dev] inside a region or config callback: this access is not finished. The vCPU stays out of the guest until
     * unstall; a read is called again then. Pausing and saving wait for it, as for quiesce. 0, or -EBUSY: outside of such
     * a callback, or this access is stalled already */
    int (*stall)(struct tn_dev *d, uint64_t *token);
    /** [any] let it go on */
    void (*unstall)(struct tn_dev *d, uint64_t token);
    /** [main] one object per VM, plugin and key (copied), of size bytes, zeroed, counted by devices; open (0 or -errno with
     * e) runs once, close with the last one, both may be NULL. owner lives as long as the object: what it takes through
     * owner outlives the device that came first. NULL with e on error */
    void *(*shared)(struct tn_dev *d, const char *key, uint64_t size,
                    int (*open)(void *sh, struct tn_dev *owner, const char *key, struct tn_err *e), void (*close)(void *sh),
                    struct tn_err *e);
    /** [main] the most vCPUs this machine can have */
    uint32_t (*vcpus)(struct tn_dev *d);
    /** [any] TN_DEV_* */
    uint32_t (*flags)(struct tn_dev *d);
    /** [main] table and instance behind interface id of another device: borrowed. A LINK property and child() hold the
     * other; anything else is looked up again in each callback. The other's [dev] tags need join() or its lock.
     * 0, -ENOENT */
    int (*query)(struct tn_dev *d, struct tn_dev *other, const char *id, const void **ops, void **self);
    /** [main] the same of the provider of b; id may also be the port_ops of its type */
    int (*query_bus)(struct tn_dev *d, struct tn_bus *b, const char *id, const void **ops, void **self);
    /** [any] provider of b; NULL for a bus of the host */
    struct tn_dev *(*owner)(struct tn_bus *b);
    /** [main] the first realized instance whose class provides id; NULL */
    struct tn_dev *(*find)(struct tn_dev *d, const char *id);
    /** [main] every realized instance that provides id, in order of creation, until fn is not 0; that value */
    int (*each)(struct tn_dev *d, const char *id, int (*fn)(void *o, struct tn_dev *other), void *o);
    /** [main] create and realize a device or an object that goes with its parent; cls and the n properties kv are copied,
     * out may be NULL; b: where it sits, NULL for a class without bus. 0; -ENOENT: there is no such class, -errno, with e.
     * On failure nothing is left; the caller's [dev] is let go of while the remains are drained */
    int (*child)(struct tn_dev *d, const char *cls, const char *name, struct tn_bus *b, const struct tn_kv *kv, uint32_t n,
                 struct tn_dev **out, struct tn_err *e);
    /** [main] drained removal of what child() made; the caller's [dev] is let go of meanwhile */
    void (*drop)(struct tn_dev *d, struct tn_dev *child);
    /** [main] move d to bus b, of the type of its own: it lives as long as b's provider then. 0, -ENOSPC: full, -EINVAL: of
     * another type; with e */
    int (*reparent)(struct tn_dev *d, struct tn_bus *b, struct tn_err *e);
    /** [main] in realize, before anything managed is taken: d adopts the lock domain of other, and has that lock at the
     * return. 0, or -EBUSY with e: too late. Two running domains never merge */
    int (*join)(struct tn_dev *d, struct tn_dev *other, struct tn_err *e);
    /** [any] monitors hear of d: TN_TELL_* and its value */
    void (*tell)(struct tn_dev *d, uint32_t what, uint64_t value);
};
/** tn_core.tell: what */
enum {
    TN_TELL_PORT_OPEN = 1 /**< the guest has opened (1) or closed (0) its side of a port: VSERPORT_CHANGE */
};

/** Fills e and gives -err: `return tn_fail(d, e, EINVAL, "size %u is odd", n);` */
#define tn_fail(d, e, err, ...) ((d)->core->fail(e, err, __FILE__, __LINE__, __VA_ARGS__), -(err))

/** The table for id as type T, of the host that d lives in. */
#define TN_GET(d, T, id) ((const T *)(d)->host->get((d)->host, id))

#ifdef __cplusplus
}
#endif
#endif
