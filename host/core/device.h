/* SPDX-License-Identifier: BSD-2-Clause */
/* An instance of a class of any kind, and its life. All functions are for the main thread unless
 * they say otherwise. */
#ifndef TN_HOST_DEVICE_H
#define TN_HOST_DEVICE_H
#include "domain.h"
#include "managed.h"
#include "registry.h"
#include "vm.h"
#include <pthread.h>

enum device_stage {
    DEV_NEW,       /* init done, properties may be set */
    DEV_REALIZING, /* inside realize */
    DEV_REALIZED,
    DEV_GONE /* being taken apart */
};

struct device {
    struct tn_dev pub; /* first */
    struct vm *vm;
    const struct class_entry *entry;
    TAILQ_ENTRY(device) all;
    TAILQ_ENTRY(device) sibling;           /* on its bus */
    TAILQ_HEAD(brothers, device) children; /* core->child, and the inner device of a composite */
    TAILQ_ENTRY(device) brother;           /* among its parent's children */
    char *id;                              /* as given, or NULL */
    char *path;                            /* in the machine's tree */
    char *name;                            /* among its parent's children, or NULL */
    enum device_stage stage;
    uint32_t flags; /* TN_DEV_* */
    struct domain *domain;
    struct tn_ctx *home;
    struct managed managed;       /* list head */
    pthread_mutex_t managed_lock; /* leaf */
    struct device *parent;
    struct device *inner; /* of a composite: the device on the inner bus */
    struct tn_bus *bus;
    const struct tn_bus_type *bus_type; /* of bus; of an inner device also before there is one */
    void *bus_child;                    /* provider's data for this child, of type->child_size */
    uint32_t on_bus;                    /* check() succeeded: one detach() is owed */
    uint32_t among_siblings;            /* of its bus */
    void *handle;            /* what a property of handle_type that names this instance stores */
    uint32_t handle_type;    /* TN_P_CHARDEV, TN_P_MEMDEV, ...; 0 = none */
    uint32_t holds;          /* properties and others that rely on this instance */
    struct pci_func *pci;    /* host/pci's */
    struct strings *strings; /* text of TN_P_STR values and the like, freed after fini */
    int realize_result;      /* of a pending realize */
    uint32_t realize_waits;
    uint32_t inited, realize_done; /* these succeeded: fini, unrealize are owed */
    uint32_t quiesced;             /* 1 quiesced, 2 answer pending, 0 running */
    int quiesce_result;            /* of a pending one */
    uint32_t busy;    /* frames of the main thread that wait for it and go on with it */
    uint32_t leaving; /* nothing stands between it and its removal but the main loop */
    uint32_t asked;   /* the guest is to let go of it, and has not answered */
    uint64_t guest_errors, last_error_ns, muted;
};

static inline struct device *device_of(const struct tn_dev *d)
{
    return (struct device *)(uintptr_t)d;
}
static inline struct domain *device_domain(const struct device *d)
{
    return d->domain;
}
static inline void *device_self(const struct device *d)
{
    return d->pub.self;
}

/* A new instance with the class's defaults and -global values. id may be NULL; path_dir:
 * "peripheral", "unattached", or NULL for a child of parent. NULL with e on error. */
struct device *device_new(struct vm *vm, const struct class_entry *entry, const char *id,
                          struct device *parent, const char *name, struct tn_err *e);
/* Sets a property of the class, of its bus, or of the inner device; "Property 'C.P' not found". */
int device_set(struct device *d, const char *key, const char *text, struct tn_err *e);
int device_set_node(struct device *d, const struct kv_node *value, struct tn_err *e);
int device_set_handle(struct device *d, const char *key, const void *handle, struct tn_err *e);
/* Puts d on bus (NULL: none, or the default bus for its class) and realizes it. On failure d is
 * still there: free it. */
int device_realize(struct device *d, struct tn_bus *bus, struct tn_err *e);
/* Takes d and all below it apart, drained, and frees it. Any stage. */
void device_free(struct device *d);

/* -device, -object, -chardev: creates and realizes what dict says ("driver", "id", "bus",
 * properties). */
int device_add(struct vm *vm, uint32_t kind, const struct kv_node *dict, struct device **out,
               struct tn_err *e);
/* The instance of kind with this id, or the one at this path. NULL. */
struct device *device_find(struct vm *vm, uint32_t kind, const char *id);
/* const table for an interface of d; self in *self. NULL if it has none. A composite is asked with
 * its inner device. */
const void *device_iface(struct device *d, const char *id, void **self);
int device_has_iface(struct device *d, const char *id); /* itself */
/* First realized instance whose class provides id. */
struct device *device_providing(struct vm *vm, const char *id);
const char *device_id(const struct device *d); /* id, or the path, of the composite if it is one's
                                                  inner; any thread */
struct device *
device_top(struct device *d); /* the composite that d is the inner device of; else d */

/* All three reset phases over every realized device. */
void devices_reset(struct vm *vm, uint32_t kind);
void device_reset(struct device *d, uint32_t kind); /* one device and what is below it */
/* Quiesces every realized device, providers first; runs the main loop while answers are pending. 0
 * or the first -errno, and then everything runs again. */
int devices_quiesce(struct vm *vm, uint32_t why, struct tn_err *e);
void devices_resume(struct vm *vm); /* children first */
/* One device and what is below it. */
int device_quiesce(struct device *d, uint32_t why, struct tn_err *e);
void device_resume(struct device *d);
/* Ask d to leave: class, slot owner, bus; else soon. DEVICE_DELETED tells the monitors that it has
 * gone. */
int device_unplug(struct device *d, struct tn_err *e);
/* The guest keeps d: DEVICE_UNPLUG_GUEST_ERROR. */
void device_refused(struct device *d);
/* A machine's reset: whoever was asked to leave does, as nobody is left to object. Everything is
 * quiesced. */
void devices_leave_asked(struct vm *vm);
/* d is quiesced and freed, soon, by the main loop. Any thread. */
void device_leave(struct device *d);

/* Returns when every callback that was under way at the call, on any other thread, has ended. No
 * lock held. */
void devices_drain(struct vm *vm);

/* Runs fn with d's lock, once, from the main loop. Any thread. */
void device_defer(struct device *d, void (*fn)(void *), void *s);

/* tn_core.tell: monitor/cmd_vserport.c */
void device_said(struct tn_dev *d, uint32_t what, uint64_t value);

/* core/core_table.c: "tenon.core/1" */
extern const struct tn_core host_core_table;

#endif
