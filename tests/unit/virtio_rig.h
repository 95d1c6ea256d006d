/* SPDX-License-Identifier: BSD-2-Clause */
/* A built virtio device in a machine, and a driver of it: by the legacy interface of PCI
 * (VIRTIO 1.3, 4.1.4.10), in slot 4 of q35. TENON_PLUGIN_DIR says where the plugins are. */
#ifndef TN_TEST_VIRTIO_RIG_H
#define TN_TEST_VIRTIO_RIG_H
#include "cli/options.h"
#include "core/loop.h"
#include "start.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/memory.h"
#include "vm/space.h"
#include <stdlib.h>
#include <unistd.h>

enum {
    SLOT = 4,
    IO = 0xc000,
    /* legacy registers */
    GUEST_FEATURES = 4,
    QUEUE_PFN = 8,
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    QUEUE_NOTIFY = 16,
    STATUS = 18,
    ISR = 19,
    CONFIG = 20,
    RINGS = 0x100000, /* guest memory: rings, then buffers */
    RING_BYTES = 0x4000,
    BUFFERS = 0x200000,
};

static struct cli_options options;
static struct vm *vm;

/* ---- a machine ---- */

/* more: options behind those of a machine of 16 MiB under qtest, NULL-terminated. */
static inline void machine_up(const char *const *more)
{
    const char *argv[32] = {"tenon", "-accel",      "qtest", "-sandbox", "off", "-display",
                            "none",  "-nodefaults", "-M",    "q35",      "-m",  "16"};
    int argc = 12;
    char *text = NULL;
    ERR_AUTO e = {0};
    while (*more)
        argv[argc++] = *more++;
    CHECK_EQ(cli_options_scan(&options, argc, (char **)(uintptr_t)argv, &text), 0);
    vm = start_vm(&options, NULL);
    CHECK(vm);
    if (start_machine(vm, &options, &e) < 0)
        printf("# %s\n", err_text(&e));
    CHECK(!e.err);
}

static inline void machine_down(void)
{
    vm_free(vm);
    cli_options_free(&options);
    options = (struct cli_options){0};
}

static inline void turns(int n)
{
    for (int i = 0; i < n; i++)
        loop_once(vm->main, 2000000u);
}

/* ---- a driver ---- */

static inline void config(uint32_t reg, uint32_t v)
{
    space_write(vm->pio, 0xcf8, 0x80000000u | SLOT << 11 | reg, 4);
    space_write(vm->pio, 0xcfc, v, 4);
}

static inline void place_device(void)
{
    config(0x10, IO);
    config(0x04, 7);
}

static inline void out(uint32_t reg, uint32_t v, uint32_t size)
{
    space_write(vm->pio, IO + reg, v, size);
}

static inline uint32_t in(uint32_t reg, uint32_t size)
{
    return (uint32_t)space_read(vm->pio, IO + reg, size);
}

static inline void put(uint64_t gpa, uint64_t v, uint32_t size)
{
    uint8_t le[8];
    put_le64(le, v);
    CHECK_EQ(memory_write(vm, gpa, le, size), 0);
}

static inline uint64_t get(uint64_t gpa, uint32_t size)
{
    uint8_t le[8] = {0};
    CHECK_EQ(memory_read(vm, gpa, le, size), 0);
    return get_le64(le);
}

static inline uint32_t queue_size(uint32_t q)
{
    out(QUEUE_SELECT, q, 2);
    return in(QUEUE_SIZE, 2);
}

static inline uint64_t avail_ring(uint32_t q)
{
    return RINGS + q * RING_BYTES + 16u * queue_size(q);
}

/* 2.7.2 */
static inline uint64_t used_ring(uint32_t q)
{
    return (avail_ring(q) + 6 + 2u * queue_size(q) + 4095) & ~(uint64_t)4095;
}

/* Descriptor i of queue q; the next one is i + 1, if flags say that there is one. */
static inline void describe(uint32_t q, uint32_t i, uint64_t at, uint32_t len, uint32_t flags)
{
    uint64_t desc = RINGS + q * RING_BYTES + 16u * i;
    put(desc, at, 8);
    put(desc + 8, len, 4);
    put(desc + 12, flags, 2);
    put(desc + 14, i + 1, 2);
}

static inline void kick(uint32_t q)
{
    out(QUEUE_NOTIFY, q, 2);
    turns(5);
}

static inline uint32_t used(uint32_t q)
{
    return (uint32_t)get(used_ring(q) + 2, 2);
}

#endif
