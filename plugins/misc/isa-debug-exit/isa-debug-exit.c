/* SPDX-License-Identifier: BSD-2-Clause */
/* isa-debug-exit: a write ends the host's process with a status of the guest's choice. */
#include <tenon/machine.h>
#include <tenon/plugin.h>

#include "isa.h"

#define PORT  0x501
#define PORTS 2

struct debug_exit {
    struct tn_dev *dev;
    struct tn_region *ports;
    uint32_t iobase, iosize;
};

static uint64_t read_port(void *self, uint64_t off, uint32_t size)
{
    (void)self;
    (void)off;
    (void)size;
    return 0;
}

/* The status is odd, so that no guest can pass its failure off as a normal end. */
static void write_port(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    const struct debug_exit *s = self;
    (void)off;
    (void)size;
    TN_GET(s->dev, struct tn_machine, TN_MACHINE_1)
        ->request_exit(s->dev, (uint8_t)(value << 1) | 1u);
}

static const struct tn_region_ops ops = {.struct_size = sizeof ops,
                                         .flags = TN_RO_UNALIGNED,
                                         .valid_min = 1,
                                         .valid_max = 4,
                                         .read = read_port,
                                         .write = write_port};

static int init(void *self, struct tn_dev *d)
{
    struct debug_exit *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct debug_exit *s = self;
    return isa_claim(s->dev, s->iobase, s->iosize, "isa-debug-exit", &ops, s, &s->ports, e);
}

static const struct tn_prop props[] = {
    TN_PROP(struct debug_exit, iobase, "iobase", U32, PORT, "first port"),
    TN_PROP(struct debug_exit, iosize, "iosize", U32, PORTS, "number of ports"),
};

static const struct tn_class debug_exit = {
    .struct_size = sizeof debug_exit,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "isa-debug-exit",
    .bus = "ISA",
    .instance_size = sizeof(struct debug_exit),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .init = init,
    .realize = realize,
};

static const struct tn_class *const classes[] = {&debug_exit, NULL};
static const char *const needs[] = {TN_REGION_1, TN_MACHINE_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "isa-debug-exit",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "a port that ends the virtual machine",
    .classes = classes,
    .needs = needs,
};
