/* SPDX-License-Identifier: BSD-2-Clause */
/* What a device has taken through the host, and how it is taken back: first everything is stopped
 * (no new callback), then, after a grace period and unrealize, released, newest first. */
#ifndef TN_HOST_MANAGED_H
#define TN_HOST_MANAGED_H

struct device;
struct managed {
    struct managed *next, *prev;
    struct device *dev;
    void (*stop)(struct managed *);    /* may be NULL; main thread; must not wait */
    void (*release)(struct managed *); /* main thread; frees */
};

/* Any thread. dev NULL: not managed. */
void managed_add(struct device *dev, struct managed *m);
void managed_del(struct managed *m); /* released early, by its owner */

#endif
