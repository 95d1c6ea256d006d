/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that write down what is done to them, and fail or take their time where a property says
 * so.
 *
 * Classes: `actor` (no bus), `coward` (never realizes), `hub` (gives a "port-bus"), `leaf` (sits on
 * one), `disk` (sits on a "link-bus"), and `disk-via`, composed of the transport `link` of one
 * plugin and `disk` of another. */
#ifndef TN_TEST_ACTOR_H
#define TN_TEST_ACTOR_H
#include "vm_fixture.h"

/* Where it fails: bits of the property "fail"; of a hub, "refuse", for its children */
enum { FAIL_REALIZE = 1, FAIL_LATE = 2, FAIL_QUIESCE = 4, FAIL_UNPLUG = 8, FAIL_INIT = 16 };
enum { REFUSE_CHECK = 1, REFUSE_ATTACH = 2, REFUSE_PLUGGED = 4, REFUSE_CHANGE = 8 };
/* What it finishes later, from `finish`: bits of the property "pending"; never: only by force */
enum { PENDING_REALIZE = 1, PENDING_QUIESCE = 2, PENDING_FOREVER = 4, PENDING_UNPLUG = 8 };

struct actor {
    struct tn_dev *dev;
    const char *tag;
    uint32_t fail, pending, refuse, shares, kids, value;
    const char *kid_class;
    struct tn_ctx *iothread;
    struct tn_bh *finish; /* kicked when something is pending; runs in the home context */
    struct tn_bus *bus;
    struct tn_err *e; /* of a pending realize */
    uint32_t realizing, quiescing, quiesces, forced;
};

/* What has been done since the log was cleared: "realize(a) reset1(a) ...". */
extern char actor_log[8192];
void actor_clear(void);
extern const struct tn_plugin actors;      /* all but disk */
extern const struct tn_plugin more_actors; /* disk */
extern const struct tn_bus_type port_bus, link_bus;
struct port_data {
    uint32_t port, changes;
};
static inline struct actor *actor_of(struct device *d)
{
    return device_self(d);
}
/* A machine with both plugins, and an empty log. */
struct vm *actor_vm(void);

#endif
