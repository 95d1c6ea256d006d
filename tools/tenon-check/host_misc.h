/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests may trigger of the small services. */
#ifndef TENON_CHECK_HOST_MISC_H
#define TENON_CHECK_HOST_MISC_H
#include "host.h"
#include <tenon/hotplug.h>
#include <tenon/input.h>

struct hook {
    struct res r;
    uint32_t event;
    int (*fn)(void *s, uint64_t arg, struct tn_err *e);
    void *s;
};
struct input {
    struct res r;
    struct tn_input_ops ops;
    void *s;
    uint32_t mask;
};
struct tn_mem {
    struct res r; /* of the device that allocated it; unused in a stand-in */
    void *va;
    uint64_t len;
    int fd;
    struct dev *claimed;
};

/* What hotplug->handler() registered; b NULL: every PCI bus. NULL: d owns no slots. */
struct plug_handler {
    struct res r;
    struct tn_bus *b;
    const struct tn_plug_ops *o;
    void *s;
};
struct plug_handler *plug_handler_of(struct dev *d);

/* Every hook of TN_ON_*, until one is not 0. */
int host_event(struct host *h, uint32_t event, uint64_t arg, struct tn_err *e);
/* Keys and movements, to every handler. */
void host_input(struct host *h, const struct tn_input_event *v, uint32_t n);

void *stand_in_mem(struct host *h);
void stand_in_mem_free(struct tn_mem *m);

#endif
