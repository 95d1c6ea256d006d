/* SPDX-License-Identifier: BSD-2-Clause */
/* Times n= accesses. kind=pio-in|pio-out|mmio-read|mmio-write, port=, mmio=. Not a test of speed:
 * the numbers are in a comment line, for the benchmark to read. */
#include "guest.h"

enum kind { PIO_IN, PIO_OUT, MMIO_READ, MMIO_WRITE, KINDS };
static const char *const names[] = {"pio-in", "pio-out", "mmio-read", "mmio-write"};

static enum kind chosen(void)
{
    const char *name = arg("kind");
    enum kind k = PIO_OUT;

    for (uint32_t i = 0; name && i < KINDS; i++)
        if (streq(name, names[i]))
            k = (enum kind)i;
    return k;
}

static void access_n(enum kind k, uint16_t port, uint64_t mmio, uint64_t n)
{
    while (n--) {
        if (k == PIO_IN)
            in8(port);
        else if (k == PIO_OUT)
            out8(port, 0);
        else if (k == MMIO_READ)
            mmio_read32(mmio);
        else
            mmio_write32(mmio, 0);
    }
}

int guest_main(void)
{
    uint64_t n = arg_num("n", 10000), mmio = arg_num("mmio", 0xfed80000), tsc, ns;
    uint16_t port = (uint16_t)arg_num("port", 0x2f0);
    enum kind k = chosen();

    access_n(k, port, mmio, 10);
    clock_start();
    tsc = rdtsc();
    access_n(k, port, mmio, n);
    tsc = rdtsc() - tsc;
    ns = clock_ns();
    print("# timing kind=%s n=%lu tsc=%lu ns=%lu tsc_each=%lu ns_each=%lu exits_per_s=%lu\n",
          names[k], n, tsc, ns, tsc / n, ns / n, ns ? n * 1000000000 / ns : 0);
    ok(tsc > 0, "%lu accesses were made", n);
    return 0;
}
