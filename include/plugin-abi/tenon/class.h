/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * A class: one kind of device, object, machine option block or back end.
 *
 * Life of an instance (docs/abi.md has the picture):
 *   init -> properties -> realize -> reset -> resume ... { quiesce -> save | load | reset | memory change -> resume } ...
 *   unplug_request -> the guest agrees -> quiesce -> unrealize -> fini
 * Everything that an instance takes through the host (regions, lines, timers, watches, bottom halves, threads, files,
 * mappings) is managed: the host gives it back, newest first and drained, after unrealize or a failed realize.
 */
#ifndef TENON_CLASS_H
#define TENON_CLASS_H
#include <tenon/prop.h>
#include <tenon/state.h>
#include <tenon/trace.h>
#ifdef __cplusplus
extern "C" {
#endif

/** tn_class.flags */
enum {
    TN_C_THREADSAFE = 1, /**< the class guards itself: callbacks marked NO_LOCK or NOLOCK run without [dev] */
    TN_C_HOTPLUG = 2,    /**< may be added to and removed from a running machine */
    TN_C_NO_MIGRATE = 4, /**< its presence blocks migration and snapshots */
    TN_C_SERVABLE = 8,   /**< may run in a process of its own */
    TN_C_INTERNAL = 16   /**< made by a machine or another device; -device refuses it: "not user-creatable" */
};

/** tn_class.kind */
enum {
    TN_K_DEVICE = 0,
    TN_K_OBJECT,   /**< -object */
    TN_K_MACHINE,  /**< its properties are -M keys */
    TN_K_NETDEV,
    TN_K_CHARDEV,
    TN_K_BLOCK,
    TN_K_AUDIODEV,
    TN_K_DISPLAY
};

/** reset: kind, and phase. Every device gets ENTER (forget, touch nobody else), then all HOLD (drive lines), then EXIT. */
enum { TN_RESET_COLD = 1, TN_RESET_WARM, TN_RESET_BUS, TN_RESET_FLR, TN_RESET_PM };
enum { TN_RESET_ENTER = 1, TN_RESET_HOLD, TN_RESET_EXIT };

/** quiesce: why, and flags */
enum { TN_Q_SAVE = 1, TN_Q_RESET, TN_Q_UNPLUG, TN_Q_MEMORY };
enum { TN_QF_FORCE = 1 }; /**< the deadline passed: cut the back end off, 0 is the only answer */

/** Constant. Any function may be NULL: nothing is to be done then, and where that means more it says so. */
struct tn_class {
    uint32_t struct_size, flags;  /**< TN_C_* */
    uint32_t kind, category;      /**< TN_K_*; TN_CAT_* for the groups of -device help */
    const char *name, *desc;
    const char *const *aliases;   /**< NULL-terminated, or NULL */
    const char *bus;              /**< bus type it plugs into: "PCI", "ISA", ...; NULL = none */
    const char *const *provides;  /**< interface ids that get_iface answers: static, for the index; NULL = none */
    const char *const *forward;   /**< classes whose properties are accepted too and given to core->child(); NULL = none */
    const void *data;             /**< the plugin's own: one code, many classes */
    uint64_t instance_size;       /**< allocated by the host, zeroed, 64-byte aligned; property defaults are written into it */
    const struct tn_prop *props;
    uint32_t nprops, prop_stride;
    const struct tn_state *state; /**< NULL: nothing to save */
    const void *bus_ops;          /**< the table that the bus type or the kind names, e.g. struct tn_pci_ops; may be NULL */
    /** [main] remember d; no host resource. 0 or -ENOMEM */
    int (*init)(void *s, struct tn_dev *d);
    /** [main][dev] all properties are set. 0, -errno with e filled, or TN_PENDING: core->realized follows */
    int (*realize)(void *s, struct tn_err *e);
    /** [main][dev] kind TN_RESET_*, phase TN_RESET_* */
    void (*reset)(void *s, uint32_t kind, uint32_t phase);
    /** [main][dev] start nothing new, finish what is in flight. 0, TN_PENDING: core->quiesced follows, or -errno.
     * NULL only in a class that never has anything in flight between two calls */
    int (*quiesce)(void *s, uint32_t why, uint32_t flags);
    /** [main][dev] go on. Cannot fail: what the guest left in a bad state is the device's error state */
    void (*resume)(void *s);
    /** [main][dev] show the guest the request to let go. 0: asked, core->unplugged follows; TN_PENDING is not used here;
     * -errno with e: refused. It may be asked again before the guest has answered. NULL: the slot's owner asks, or the
     * device goes at once */
    int (*unplug_request)(void *s, struct tn_err *e);
    /** [main] after a realize that succeeded (never after one that failed): no callback is running or will run; nothing
     * managed has been released yet */
    void (*unrealize)(void *s);
    /** [main] last call; also after an init that succeeded and a realize that never came, or failed: nothing managed is
     * left */
    void (*fini)(void *s);
    /** [main][dev] a TN_PF_RUNTIME property has a new value; -errno with e puts the old one back */
    int (*prop_changed)(void *s, const char *name, struct tn_err *e);
    /** [any] a const table for id, one of provides; its functions take s as their first argument. NULL only in a class
     * without provides; for an id of provides it never answers NULL */
    const void *(*get_iface)(void *s, const char *id);
    /** what its instances add to TN_TRACE_1, as they add it: constant, so that events can be listed; NULL = none */
    const struct tn_trace_event *traces;
    uint32_t ntraces, trace_stride;
};

/** tn_class.category: the groups of -device help */
enum {
    TN_CAT_MISC = 0,
    TN_CAT_BRIDGE,
    TN_CAT_USB,
    TN_CAT_STORAGE,
    TN_CAT_NETWORK,
    TN_CAT_INPUT,
    TN_CAT_DISPLAY,
    TN_CAT_SOUND,
    TN_CAT_CPU,
    TN_CAT_WATCHDOG
};

#ifdef __cplusplus
}
#endif
#endif
