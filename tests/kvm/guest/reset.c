/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets the machine one way after the other, counting boots in CMOS RAM. methods= names the ways
 * by a letter each: c 0xcf9, k keyboard controller, a ACPI reset register, t triple fault. */
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

int guest_main(void)
{
    const char *methods = arg("methods");
    uint32_t n = boots_so_far(), total = 0;

    if (!methods)
        methods = "ck";
    while (methods[total])
        total++;
    if (n) {
        tap_start_at(n - 1);
        ok(n <= total, "reset by %c starts the guest again", methods[n - 1]);
    }
    if (n >= total) {
        set_boots(0);
        return 0;
    }
    set_boots(n + 1);
    reset_by(methods[n]);
    wait_ms(200);
    set_boots(0);
    tap_start_at(n);
    ok(false, "reset by %c did nothing", methods[n]);
    return 0;
}
