/* SPDX-License-Identifier: BSD-2-Clause */
/* A device in one page: a range of I/O ports; what the guest writes there is written down. */
#include <errno.h>
#include <stdio.h>
#include <tenon/chardev.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

struct log_device {
    struct tn_dev *dev;
    struct tn_region *ports;
    struct tn_chr *chr; /* the properties: the host fills them in before realize */
    uint16_t base;
    uint32_t len;
};

/* One line for each write. What a full chardev does not take is lost: the guest never waits. */
static void write_port(void *self, uint64_t offset, uint64_t value, uint32_t size)
{
    struct log_device *s = self;
    char line[80];
    int n = snprintf(line, sizeof line, "base 0x%x offset %u len %u data", s->base,
                     (uint32_t)offset, size);
    for (uint32_t i = 0; i < size; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, " %02x", (uint8_t)(value >> (8 * i)));
    line[n++] = '\n';
    TN_GET(s->dev, struct tn_chardev, TN_CHARDEV_1)->write(s->chr, line, (uint64_t)n);
}

static const struct tn_region_ops ops = {
    .struct_size = sizeof ops,
    .flags = TN_RO_UNALIGNED,
    .write = write_port, /* and no read: all-ones */
};

static int init(void *self, struct tn_dev *d)
{
    struct log_device *s = self;
    s->dev = d;
    return 0;
}

/* Whatever is taken here, the host gives back: on failure, and when the device goes. */
static int realize(void *self, struct tn_err *e)
{
    struct log_device *s = self;
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_chardev *chardev = TN_GET(s->dev, struct tn_chardev, TN_CHARDEV_1);
    const struct tn_region_req req = {.struct_size = sizeof req,
                                      .space = TN_SPACE_PIO,
                                      .base = s->base,
                                      .size = s->len,
                                      .name = "log-device"};

    if (chardev->attach(s->chr, s->dev, NULL, NULL) < 0)
        return tn_fail(s->dev, e, EBUSY, "log-device: the chardev is in use");
    return regions->add(s->dev, &req, &ops, s, &s->ports, e);
}

static const struct tn_prop props[] = {
    TN_PROP(struct log_device, base, "base", U16, 0, "first port"),
    TN_PROP_RANGE(struct log_device, len, "len", U32, 10, 1, 65536, "number of ports"),
    TN_PROP_REF(struct log_device, chr, "chardev", CHARDEV, TN_PF_REQUIRED, "where the lines go"),
};

static const struct tn_class log_device = {
    .struct_size = sizeof log_device,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "log-device",
    .desc = "writes down what the guest sends to its I/O ports",
    .instance_size = sizeof(struct log_device),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .init = init,
    .realize = realize,
};

static const struct tn_class *const classes[] = {&log_device, NULL};
static const char *const needs[] = {TN_REGION_1, TN_CHARDEV_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "log-device",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "an example: a device in one page",
    .classes = classes,
    .needs = needs,
};
