/* SPDX-License-Identifier: BSD-2-Clause */
/* An address space that traps: PIO or MMIO. Ranges are registered by devices; what is registered,
 * enabled and live is flattened into an immutable view that readers look up without a lock. */
#ifndef TN_HOST_SPACE_H
#define TN_HOST_SPACE_H
#include "core/device.h"
#include "core/epoch.h"
#include <tenon/region.h>

struct overlay;
struct ioeventfd;

struct tn_region {
    struct managed m;
    struct space *space;
    struct tn_region *next; /* in its space, by age: older first */
    char *name;
    uint64_t base, size;
    uint32_t enabled, live; /* live: its device is realized; atomic */
    uint32_t whole;         /* an access that begins in it is its own, though it ends behind it */
    uint32_t direct; /* sizes, as bits, in which an aligned access goes to the callback as it is */
    uint32_t refs;   /* atomic; one is the space's, one each of those who wait in a callback */
    const struct tn_region_ops *ops; /* NULL: all-ones */
    void *s;
    struct domain *domain; /* NULL: no lock is taken */
    struct overlay *overlays;
    uint32_t veiled; /* region_show(0): as if there were no overlays; the space's lock */
    struct ioeventfd *eventfds;
};

struct space *space_new(struct vm *vm, uint32_t kind,
                        uint64_t limit); /* TN_SPACE_*; limit: last address */
void space_free(struct space *s);

/* One access of size 1, 2, 4 or 8 at addr. Unclaimed: reads all-ones, writes dropped, counted.
 * [any] but no device lock. */
uint64_t space_read(struct space *s, uint64_t addr, uint32_t size);
void space_write(struct space *s, uint64_t addr, uint64_t v, uint32_t size);
uint64_t space_misses(const struct space *s);

/* 0, -EBUSY (e names the owner), -EINVAL. Not reachable before its device is live. Main thread. */
int region_add(struct space *s, struct device *d, const struct tn_region_req *req,
               const struct tn_region_ops *ops, void *p, uint32_t may_overlap,
               struct tn_region **out, struct tn_err *e);
void region_del(struct tn_region *r);
int region_move(struct tn_region *r, uint64_t base);               /* [main][vcpu][dev] */
void region_enable(struct tn_region *r, uint32_t on);              /* [main][vcpu][dev] */
int region_place(struct tn_region *r, uint64_t base, uint32_t on); /* both, published once */
/* n of them, published once; TN_ANYWHERE, or a base that does not fit: off. */
void regions_place(struct space *s, struct tn_region *const *r, const uint64_t *base, uint32_t n);
uint64_t region_base(struct tn_region *r);
void region_above(struct tn_region *r,
                  struct tn_region *below); /* where both are, r wins, as if it were older */
int region_overlay(struct tn_region *r, uint64_t off, uint64_t len, int fd, uint64_t fd_off,
                   uint32_t prot, struct tn_err *e);
int region_overlay_del(struct tn_region *r, uint64_t off, uint64_t len);
void region_show(struct tn_region *r, uint32_t on); /* [main][vcpu][dev] overlays answer, or not */
int region_ioeventfd(struct tn_region *r, uint64_t off, uint32_t size, uint32_t match,
                     uint64_t data, int fd);
int region_ioeventfd_del(struct tn_region *r, uint64_t off, uint32_t size, uint32_t match,
                         uint64_t data, int fd);

/* Everything that d and its children have registered becomes reachable, in one step. Main thread.
 */
void space_activate(struct vm *vm, struct device *d);

/* For maps and messages: each region in order of address, until fn is not 0. Main thread. */
int space_each(struct space *s,
               int (*fn)(void *o, const struct tn_region *r, uint64_t first, uint64_t last),
               void *o);

/* Every region that is registered, wherever it is and whether it answers or not, older first, until
 * fn is not 0. Main thread. */
int space_each_region(struct space *s, int (*fn)(void *o, const struct tn_region *r), void *o);

/* core->stall, unstall. -EBUSY also outside an access; a token that is not known any more is
 * ignored. */
int space_stall(struct device *d, uint64_t *token);
void space_unstall(struct device *d, uint64_t token);
void space_unstall_all(struct device *d); /* it goes: nobody else would let them go on */

extern const struct tn_regions region_table; /* TN_REGION_1 */

#endif
