/* SPDX-License-Identifier: BSD-2-Clause */
/* pci-testdev, 1b36:0005: BAR 0 is memory, BAR 1 ports. Each has tests that count writes: trapped,
 * by ioeventfd, by ioeventfd with data match. A byte at 0 selects the test; then its parameters can
 * be read. */
#include "guest.h"

#define VENDOR      0x1b36
#define DEVICE      0x0005
#define TEST_SELECT 0
#define TEST_WIDTH  1
#define TEST_OFFSET 4
#define TEST_DATA   8
#define TEST_COUNT  12
#define TEST_NAME   16
#define NAME_MAX    32
#define WRITES      10

struct space {
    uint64_t base;
    bool ports;
};

static uint32_t read(const struct space *s, uint32_t at, uint32_t size)
{
    uint16_t port = (uint16_t)(s->base + at);

    if (s->ports)
        return size == 1 ? in8(port) : size == 2 ? in16(port) : in32(port);
    return size == 1   ? mmio_read8(s->base + at)
           : size == 2 ? mmio_read16(s->base + at)
                       : mmio_read32(s->base + at);
}

static void write(const struct space *s, uint32_t at, uint32_t size, uint32_t v)
{
    uint16_t port = (uint16_t)(s->base + at);

    if (s->ports && size == 1)
        out8(port, (uint8_t)v);
    else if (s->ports && size == 2)
        out16(port, (uint16_t)v);
    else if (s->ports)
        out32(port, v);
    else if (size == 1)
        mmio_write8(s->base + at, (uint8_t)v);
    else if (size == 2)
        mmio_write16(s->base + at, (uint16_t)v);
    else
        mmio_write32(s->base + at, v);
}

static bool read_name(const struct space *s, char *name)
{
    uint32_t i = 0;

    while (i < NAME_MAX - 1 && (name[i] = (char)read(s, TEST_NAME + i, 1)))
        i++;
    name[i] = 0;
    return i && name[0] != (char)0xff;
}

static uint32_t count_writes(const struct space *s, uint32_t number, uint32_t at, uint32_t width,
                             uint32_t v)
{
    write(s, TEST_SELECT, 1, number);
    for (uint32_t i = 0; i < WRITES; i++)
        write(s, at, width, v);
    return read(s, TEST_COUNT, 4);
}

static bool contains(const char *text, const char *part)
{
    size_t n = 0;

    while (part[n])
        n++;
    for (; *text; text++)
        if (memcmp(text, part, n) == 0)
            return true;
    return false;
}

/* A write that the kernel turns into an eventfd's signal does not trap, and the device does not
 * count it. */
static void check_counts(const struct space *s, uint32_t number, const char *name, uint32_t at,
                         uint32_t width, uint32_t data)
{
    uint32_t count = count_writes(s, number, at, width, data);

    if (contains(name, "no-eventfd"))
        ok(count == WRITES, "%s: %u of %u writes trapped", name, count, WRITES);
    else
        ok(count == 0, "%s: %u of %u writes trapped", name, count, WRITES);
    if (contains(name, "datamatch"))
        ok(count_writes(s, number, at, width, data ^ 1) == 0, "%s: other data does not count",
           name);
}

static bool run(const struct space *s, uint32_t number)
{
    char name[NAME_MAX];

    write(s, TEST_SELECT, 1, number);
    uint32_t width = read(s, TEST_WIDTH, 1), at = read(s, TEST_OFFSET, 4);
    uint32_t data = read(s, TEST_DATA, 1);
    if (!read_name(s, name))
        return false;
    if (width != 1 && width != 2 && width != 4)
        return ok(false, "%s: width %u", name, width);
    check_counts(s, number, name, at, width, data);
    return true;
}

static void run_all(struct pci_fn f, uint32_t bar)
{
    struct space s = {pci_bar(f, bar), bar == 1};
    uint32_t n = 0;

    pci_enable(f);
    while (n < 16 && run(&s, n))
        n++;
    ok(n >= 3, "BAR %u offers %u tests", bar, n);
}

int guest_main(void)
{
    struct pci_fn f;

    if (!ok(pci_find(VENDOR, DEVICE, &f), "pci-testdev is found"))
        return 0;
    run_all(f, 0);
    run_all(f, 1);
    return 0;
}
