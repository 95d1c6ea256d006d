/* SPDX-License-Identifier: BSD-2-Clause */
/* Address maps for people and pictures: what answers where. Main thread. */
#ifndef TN_HOST_ADDRESS_MAP_H
#define TN_HOST_ADDRESS_MAP_H
#include "space.h"

enum map_kind { MAP_IO, MAP_RAM, MAP_ROM };
struct map_range {
    uint64_t first, last;
    uint64_t offset; /* of first in what it is a part of: a block of RAM, or a region */
    enum map_kind kind;
    uint32_t off; /* 1: registered, but it does not answer; first and last only say its size
                     if nobody has placed it */
    const char *name;
    struct device *owner; /* NULL: the machine */
};
typedef int (*map_fn)(void *o, const struct map_range *r);

/* What the guest finds in s, in order of address, nothing twice: RAM, and memory that a device has
 * put over its registers, hides what traps. Until fn is not 0. */
int map_flat(struct vm *vm, struct space *s, map_fn fn, void *o);
/* What has been registered, in order of address: each block of RAM and each region as a whole. */
int map_registered(struct vm *vm, struct space *s, map_fn fn, void *o);

const char *map_kind_name(enum map_kind k); /* "i/o", "ram", "rom" */

#endif
