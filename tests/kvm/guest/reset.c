/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets the machine one way after the other, counting boots in CMOS RAM. methods= names the ways
 * by a letter each: c 0xcf9, k keyboard controller, a ACPI reset register, t triple fault. ap=: the
 * APIC id of a second CPU, whose TSC must go on in step with this one's. */
#include "cmos.h"
#include "guest.h"

#define MAGIC 0xb7 /* in the first byte: the second counts */

static uint32_t boots_so_far(void)
{
    return cmos_read(CMOS_FREE) == MAGIC ? cmos_read(CMOS_FREE + 1) : 0;
}

static void set_boots(uint32_t n)
{
    cmos_write(CMOS_FREE, n ? MAGIC : 0);
    cmos_write(CMOS_FREE + 1, (uint8_t)n);
}

static void triple_fault(void)
{
    static const uint8_t empty_idt[10];
    __asm__ volatile("lidt %0" : : "m"(empty_idt));
    mmio_read8(0x100000000); /* not mapped */
}

static void reset_by(char method)
{
    if (method == 'c') {
        out8(0xcf9, 0x02);
        out8(0xcf9, 0x06);
    } else if (method == 'k') {
        out8(0x64, 0xfe);
    } else if (method == 'a') {
        acpi_reset();
    } else if (method == 't') {
        triple_fault();
    }
}

static volatile uint64_t ap_tsc;

static void on_ap(void)
{
    ap_tsc = rdtsc();
}

/* The second CPU's TSC lies between two values of this one's. */
static void check_tsc(uint32_t ap)
{
    uint64_t before = rdtsc();
    bool started = smp_start(ap, on_ap);
    uint64_t after = rdtsc();

    ok(started && before < ap_tsc && ap_tsc < after,
       "then CPU %u starts, with its TSC in step (%lx < %lx < %lx)", ap, before, ap_tsc, after);
}

int guest_main(void)
{
    uint32_t ap = (uint32_t)arg_num("ap", 0);
    uint32_t checks = ap ? 2 : 1; /* after each reset */
    const char *methods = arg("methods");
    uint32_t n = boots_so_far(), total = 0;

    if (!methods)
        methods = "ck";
    while (methods[total])
        total++;
    char next = n < total ? methods[n] : 0; /* the second CPU's start uses arg()'s buffer again */
    if (n) {
        tap_start_at((n - 1) * checks);
        ok(n <= total, "reset by %c starts the guest again", methods[n - 1]);
        if (ap)
            check_tsc(ap);
    }
    if (n >= total) {
        set_boots(0);
        return 0;
    }
    set_boots(n + 1);
    reset_by(next);
    wait_ms(200);
    set_boots(0);
    tap_start_at(n * checks);
    ok(false, "reset by %c did nothing", next);
    return 0;
}
