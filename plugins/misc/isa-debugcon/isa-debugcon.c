/* SPDX-License-Identifier: BSD-2-Clause */
/* isa-debugcon: one port whose bytes go to a character device; firmware prints its log there. */
#include <errno.h>
#include <tenon/chardev.h>
#include <tenon/plugin.h>

#include "isa.h"

#define PORT     0xe9
#define READBACK 0xe9 /* as Bochs has it: firmware looks for this value */

struct debugcon {
    struct tn_dev *dev;
    const struct tn_chardev *chardev;
    struct tn_region *ports;
    struct tn_chr *chr;
    uint32_t iobase, readback;
};

static uint64_t read_port(void *self, uint64_t off, uint32_t size)
{
    const struct debugcon *s = self;
    (void)off;
    (void)size;
    return s->readback;
}

/* There is no flow control: the guest never waits for the character device. */
static void write_port(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    const struct debugcon *s = self;
    uint8_t byte = (uint8_t)value;
    (void)off;
    (void)size;
    s->chardev->write(s->chr, &byte, 1);
}

static const struct tn_region_ops ops = {
    .struct_size = sizeof ops, ISA_BYTE_WIDE, .read = read_port, .write = write_port};

static int init(void *self, struct tn_dev *d)
{
    struct debugcon *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct debugcon *s = self;
    s->chardev = TN_GET(s->dev, struct tn_chardev, TN_CHARDEV_1);
    if (!s->chr)
        return tn_fail(s->dev, e, EINVAL, "Can't create debugcon device, empty char device");
    if (s->chardev->attach(s->chr, s->dev, NULL, NULL) < 0)
        return tn_fail(s->dev, e, EBUSY, "isa-debugcon: the chardev is in use");
    return isa_claim(s->dev, s->iobase, 1, "isa-debugcon", &ops, s, &s->ports, e);
}

static const struct tn_prop props[] = {
    TN_PROP_REF(struct debugcon, chr, "chardev", CHARDEV, 0, "ID of a chardev to use as a backend"),
    TN_PROP(struct debugcon, iobase, "iobase", U32, PORT, "the port"),
    TN_PROP(struct debugcon, readback, "readback", U32, READBACK, "what a read returns"),
};

static const struct tn_class debugcon = {
    .struct_size = sizeof debugcon,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "isa-debugcon",
    .bus = "ISA",
    .instance_size = sizeof(struct debugcon),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .init = init,
    .realize = realize,
};

static const struct tn_class *const classes[] = {&debugcon, NULL};
static const char *const needs[] = {TN_REGION_1, TN_CHARDEV_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "isa-debugcon",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "debug console port",
    .classes = classes,
    .needs = needs,
};
