/* SPDX-License-Identifier: BSD-2-Clause */
/* The device "s" of virtio_rig.h and its rings, on the way from one machine to another. */
#ifndef TN_VIRTIO_SAVED_H
#define TN_VIRTIO_SAVED_H
#include "core/state.h"
#include "virtio_rig.h"

/* The states of the transport and of the device. */
struct saved {
    struct buf outer, inner;
};

enum { SAVED_BYTES = 0x500000 }; /* all that a driver of these tests uses, and more */
static uint8_t memory[SAVED_BYTES];

static inline void save(struct saved *to)
{
    ERR_AUTO e = {0};
    struct device *s = device_find(vm, TN_K_DEVICE, "s");
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    CHECK_EQ(state_save(s, &to->outer, &e), 0);
    CHECK_EQ(state_save(s->inner, &to->inner, &e), 0);
    if (e.err)
        printf("# %s\n", err_text(&e));
}

static inline int load(const struct saved *from)
{
    ERR_AUTO e = {0};
    struct device *s = device_find(vm, TN_K_DEVICE, "s");
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    int r = state_load(s, from->outer.data, from->outer.len, &e);
    if (r == 0)
        r = state_load(s->inner, from->inner.data, from->inner.len, &e);
    if (r < 0)
        printf("# %s\n", err_text(&e));
    return r;
}

static inline void save_memory(void)
{
    CHECK_EQ(memory_read(vm, RINGS, memory, sizeof memory), 0);
}

static inline void load_memory(void)
{
    CHECK_EQ(memory_write(vm, RINGS, memory, sizeof memory), 0);
}

#endif
