/* SPDX-License-Identifier: BSD-2-Clause */
/* The lists that `-device help` and its like print, laid out as QEMU's, since tools read them.
 *
 * Each function appends to out and sorts on its own; the input may come in any order. [any] */
#ifndef TN_CLI_HELP_H
#define TN_CLI_HELP_H
#include "util/buf.h"
#include <stdbool.h>
#include <stdint.h>

/* Groups of `-device help`, as bits: a device may be in several, or in none ("Uncategorized"). */
enum {
    HELP_BRIDGE = 1 << 0,
    HELP_USB = 1 << 1,
    HELP_STORAGE = 1 << 2,
    HELP_NETWORK = 1 << 3,
    HELP_INPUT = 1 << 4,
    HELP_DISPLAY = 1 << 5,
    HELP_SOUND = 1 << 6,
    HELP_MISC = 1 << 7,
    HELP_CPU = 1 << 8,
    HELP_WATCHDOG = 1 << 9,
};

struct help_device {
    const char *name;
    const char *bus, *alias, *desc; /* NULL for none */
    uint32_t groups;                /* HELP_* bits */
    bool no_user;                   /* cannot be made with -device */
};
void help_devices(struct buf *out, const struct help_device *v, size_t n);

struct help_property {
    const char *name;
    const char *type; /* as QEMU names it: bool, uint32, size, str, OnOffAuto ... */
    const char *desc; /* NULL if there is none */
    const char *def;  /* the default as it is printed, NULL if there is none */
};
/* `TITLE options:`, or that there are none. TITLE is a device type, an object type or
 * `NAME-machine`. */
void help_properties(struct buf *out, const char *title, const struct help_property *v, size_t n);

struct help_machine {
    const char *name, *desc;
    const char *alias; /* NULL for none; it gets a line of its own */
    bool is_default, deprecated;
};
/* Alphabetical, but versions of one machine newest first, as the caller lists them: the order is
 * kept. */
void help_machines(struct buf *out, const struct help_machine *v, size_t n);

struct help_cpu {
    const char *name, *desc;
};
/* Models in the given order, then the feature flags, sorted and folded to lines. */
void help_cpus(struct buf *out, const struct help_cpu *v, size_t n, const char *const *flags,
               size_t n_flags);

/* The plain lists: a title line, then one name a line in the given order, with two blanks before it
 * where QEMU has them. */
void help_objects(struct buf *out, const char *const *names, size_t n); /* sorted */
void help_chardevs(struct buf *out, const char *const *names, size_t n);
void help_netdevs(struct buf *out, const char *const *names, size_t n);
void help_accels(struct buf *out, const char *const *names, size_t n);

#endif
