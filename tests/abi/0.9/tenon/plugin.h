/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * The plugin itself: one exported constant. Nothing of a plugin runs before one of its classes is instantiated:
 * listing, help, the index and the documentation read constant data.
 */
#ifndef TENON_PLUGIN_H
#define TENON_PLUGIN_H
#include <tenon/core.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_command; /**< QMP and HMP commands; see draft/monitor.h */

enum { TN_COMPOSE_INTO_FREE = 1 }; /**< plug into an existing free inner_bus first (virtio-mmio of microvm) */
/** Makes, from constant data, one class per class that sits on inner_bus: its name + suffix. */
struct tn_compose {
    uint32_t struct_size, flags;
    const char *transport;     /**< a class of this plugin, TN_C_INTERNAL: "virtio-pci" */
    const char *inner_bus;     /**< the bus type that it creates in realize: "virtio-bus" */
    const char *suffix;        /**< "-pci" */
    const char *const *preset; /**< property, value, ..., NULL: set before the user's; or NULL */
    const char *child;         /**< name of the inner device in the machine's tree: "virtio-backend" */
};

struct tn_plugin {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;             /**< of the headers it was compiled with: TN_ABI_MAJOR, TN_ABI_MINOR */
    uint32_t min_host_minor, flags;            /**< the oldest host it can live with */
    const char *id, *version, *license, *summary;
    const struct tn_class *const *classes;     /**< NULL-terminated, or NULL; likewise the ones below */
    const struct tn_bus_type *const *buses;
    const struct tn_command *const *commands;
    const char *const *needs;                  /**< host interface ids without which it is refused */
    const char *const *wants;                  /**< those it can use */
    const struct tn_compose *const *composes;
    const char *const *sandbox;                /**< syscall profiles that its own code needs; see docs/sandbox.md */
};

/** The one exported symbol; the major version is in its name. */
extern TN_EXPORT const struct tn_plugin tn_plugin_v1;

#ifdef __cplusplus
}
#endif
#endif
