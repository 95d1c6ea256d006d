/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's PCI test device: counts writes to one byte of a memory and of an I/O BAR, trapped or taken
 * by an eventfd, with any or one value. All of it with the device's lock held. */
#include "pci_testdev_regs.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <tenon/os.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>
#include <unistd.h>

enum { BAR_MEM, BAR_IO, BAR_MEMBAR };
#define NO_TEST 0xff

/* What the ops of a BAR get. */
struct half {
    struct testdev *dev;
    uint32_t bar;
};

struct testdev {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    struct half half[2];
    int fd;            /* signalled instead of a write; -errno: none */
    uint8_t test, bar; /* that runs; NO_TEST: none */
    uint8_t wired;     /* the host has fd */
    uint32_t count;
    uint64_t membar;
    uint8_t membar_backed;
    uint8_t header[TESTDEV_HEADER];
};

/* ---- the test that runs ---- */

/* QEMU's places: the second half of the BAR, a byte for each of the six tests. */
static uint32_t offset_of(const struct testdev *s)
{
    uint32_t size = s->bar == BAR_MEM ? TESTDEV_MEM_SIZE : TESTDEV_IO_SIZE;
    return size / 2 + s->bar * TESTDEV_TESTS + s->test;
}

static uint32_t wants_data(const struct testdev *s)
{
    return s->test != TESTDEV_WILDCARD_EVENTFD;
}

static uint8_t data_of(const struct testdev *s)
{
    return wants_data(s) ? TESTDEV_DATA_MATCH : TESTDEV_DATA_ANY;
}

static void describe_test(struct testdev *s)
{
    static const char *const names[] = {"no-eventfd", "wildcard-eventfd", "datamatch-eventfd"};
    memset(s->header, 0, sizeof s->header);
    if (s->test == NO_TEST)
        return;
    s->header[TESTDEV_TEST] = (uint8_t)(s->bar * TESTDEV_TESTS + s->test);
    s->header[TESTDEV_WIDTH] = 1;
    put_le32(s->header + TESTDEV_OFFSET, offset_of(s));
    put_le32(s->header + TESTDEV_DATA, data_of(s));
    put_le32(s->header + TESTDEV_COUNT, s->count);
    snprintf((char *)s->header + TESTDEV_NAME, TESTDEV_HEADER - TESTDEV_NAME, "%s-%s",
             s->bar == BAR_MEM ? "mmio" : "portio", names[s->test]);
}

/* The host may refuse: the write traps then and is counted. */
static void wire(struct testdev *s)
{
    if (s->test == NO_TEST || s->test == TESTDEV_NO_EVENTFD || s->fd < 0)
        return;
    s->wired = s->pci->bar_ioeventfd(s->dev, s->bar, offset_of(s), 1, wants_data(s), data_of(s),
                                     s->fd) == 0;
}

static void stop(struct testdev *s)
{
    uint64_t n;
    if (s->wired) {
        s->pci->bar_ioeventfd_del(s->dev, s->bar, offset_of(s), 1, wants_data(s), data_of(s),
                                  s->fd);
        ssize_t r = read(s->fd, &n, sizeof n); /* it does not block; nothing there is fine */
        (void)r;
    }
    s->wired = 0;
    s->count = 0;
    s->test = NO_TEST;
    s->bar = BAR_MEM;
    describe_test(s);
}

static void start(struct testdev *s, uint32_t bar, uint64_t test)
{
    stop(s);
    if (test >= TESTDEV_TESTS)
        return;
    s->test = (uint8_t)test;
    s->bar = (uint8_t)bar;
    wire(s);
    describe_test(s);
}

static void count_write(struct testdev *s, uint64_t data)
{
    if (wants_data(s) && data != data_of(s))
        return;
    s->count++;
    describe_test(s);
}

/* ---- BARs: the host makes single bytes of every access ---- */

static uint64_t bar_read(void *self, uint64_t off, uint32_t size)
{
    const struct half *h = self;
    (void)size;
    return off < TESTDEV_HEADER ? h->dev->header[off] : 0;
}

static void bar_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct half *h = self;
    struct testdev *s = h->dev;
    (void)size;
    if (off == TESTDEV_TEST)
        start(s, h->bar, value);
    else if (s->test != NO_TEST && h->bar == s->bar && off == offset_of(s))
        count_write(s, value);
}

static const struct tn_region_ops bar_ops = {.struct_size = sizeof bar_ops,
                                             .flags = TN_RO_UNALIGNED,
                                             .valid_min = 1,
                                             .valid_max = 8,
                                             .impl_min = 1,
                                             .impl_max = 1,
                                             .read = bar_read,
                                             .write = bar_write};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct testdev *s = self;
    s->dev = d;
    s->test = NO_TEST;
    return 0;
}

static int back_membar(struct testdev *s, const struct tn_os *os, struct tn_err *e)
{
    int fd = os ? os->memfd(s->dev, "membar", s->membar) : -ENOTSUP;
    if (fd < 0)
        return tn_fail(s->dev, e, -fd, "no memory behind membar");
    return s->pci->bar_mmap(s->dev, BAR_MEMBAR, 0, s->membar, fd, 0, PROT_READ | PROT_WRITE, e);
}

static int add_membar(struct testdev *s, const struct tn_os *os, struct tn_err *e)
{
    if (!s->membar)
        return 0;
    uint32_t kind = TN_BAR_MEM64 | TN_BAR_PREFETCH;
    int r = s->pci->bar(s->dev, BAR_MEMBAR, kind, s->membar, NULL, NULL, e);
    return r < 0 || !s->membar_backed ? r : back_membar(s, os, e);
}

static int realize(void *self, struct tn_err *e)
{
    struct testdev *s = self;
    const struct tn_os *os = TN_GET(s->dev, struct tn_os, TN_OS_1);
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    s->fd = os ? os->eventfd(s->dev) : -ENOTSUP;
    for (uint32_t i = BAR_MEM; i <= BAR_IO; i++)
        s->half[i] = (struct half){s, i};
    int r = s->pci->bar(s->dev, BAR_MEM, TN_BAR_MEM32, TESTDEV_MEM_SIZE, &bar_ops,
                        &s->half[BAR_MEM], e);
    if (r == 0)
        r = s->pci->bar(s->dev, BAR_IO, TN_BAR_IO, TESTDEV_IO_SIZE, &bar_ops, &s->half[BAR_IO], e);
    return r < 0 ? r : add_membar(s, os, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    (void)kind;
    if (phase == TN_RESET_ENTER)
        stop(self);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct testdev *s = self;
    (void)version;
    (void)e;
    if (s->test >= TESTDEV_TESTS || s->bar > BAR_IO)
        s->test = NO_TEST;
    wire(s);
    describe_test(s);
    return 0;
}

static const struct tn_prop props[] = {
    TN_PROP(struct testdev, membar, "membar", SIZE, 0, "bytes of a 64-bit BAR 2, 0 for none"),
    TN_PROP(struct testdev, membar_backed, "membar-backed", BOOL, 0, "with memory behind it"),
};

static const struct tn_field fields[] = {
    TN_FIELD(struct testdev, test, U8),
    TN_FIELD(struct testdev, bar, U8),
    TN_FIELD(struct testdev, count, U32),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "pci-testdev",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = TESTDEV_VENDOR_ID,
    .device = TESTDEV_DEVICE_ID,
    .class_rev = TESTDEV_CLASS << 16,
};

static const struct tn_class pci_testdev = {
    .struct_size = sizeof pci_testdev,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "pci-testdev",
    .desc = "PCI test device",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct testdev),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
};

static const struct tn_class *const classes[] = {&pci_testdev, NULL};
static const char *const needs[] = {TN_PCI_1, NULL};
static const char *const wants[] = {TN_OS_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "pci-testdev",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "PCI test device",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
