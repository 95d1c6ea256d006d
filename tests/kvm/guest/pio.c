/* SPDX-License-Identifier: BSD-2-Clause */
/* Port and memory-mapped accesses of every width, and string instructions.
 * port=, mmio=: where nothing answers. unclaimed=zeros: memory there reads zeros, as QEMU has it.
 */
#include "guest.h"

#define SCRATCH 0x3ff /* of the UART at 0x3f8 */
#define MANY    300

static void unclaimed_ports(uint16_t port)
{
    ok_eq(in8(port), 0xff, "unclaimed port reads ones, 8 bits");
    ok_eq(in16(port), 0xffff, "unclaimed port reads ones, 16 bits");
    ok_eq(in32(port), 0xffffffff, "unclaimed port reads ones, 32 bits");
    out8(port, 1);
    out16(port, 2);
    out32(port, 3);
    ok_eq(in32(port), 0xffffffff, "writes to an unclaimed port are dropped");
}

static void unclaimed_memory(uint64_t at)
{
    bool zeros = arg("unclaimed") && streq(arg("unclaimed"), "zeros");
    uint64_t want = zeros ? 0 : UINT64_MAX;

    ok_eq(mmio_read8(at), (uint8_t)want, "unclaimed address, 8 bits");
    ok_eq(mmio_read16(at), (uint16_t)want, "unclaimed address, 16 bits");
    ok_eq(mmio_read32(at), (uint32_t)want, "unclaimed address, 32 bits");
    ok_eq(mmio_read64(at), want, "unclaimed address, 64 bits");
    mmio_write8(at, 0x5a);
    mmio_write64(at, 0x5a5a);
    ok_eq(mmio_read64(at), want, "writes to an unclaimed address are dropped");
}

static bool all(const uint8_t *p, uint8_t v, size_t n)
{
    while (n && *p == v)
        p++, n--;
    return n == 0;
}

static void unclaimed_strings(uint16_t port)
{
    static uint8_t buffer[4 * MANY];

    ins8(port, buffer, MANY);
    ok(all(buffer, 0xff, MANY), "rep insb reads ones");
    memset(buffer, 0, sizeof buffer);
    ins16(port, buffer, MANY);
    ok(all(buffer, 0xff, 2 * MANY) && !buffer[2 * MANY], "rep insw reads ones");
    memset(buffer, 0, sizeof buffer);
    ins32(port, buffer, MANY);
    ok(all(buffer, 0xff, 4 * MANY), "rep insl reads ones");
    outs16(port, buffer, MANY);
    outs32(port, buffer, MANY);
}

static void strings_on_a_register(void)
{
    static uint8_t out[MANY], in[MANY];

    for (uint32_t i = 0; i < MANY; i++)
        out[i] = (uint8_t)(i * 5 + 1);
    out8(SCRATCH, 0x42);
    if (in8(SCRATCH) != 0x42) {
        skip("rep outsb writes in order", "no UART at 0x3f8");
        return;
    }
    outs8(SCRATCH, out, MANY);
    ok_eq(in8(SCRATCH), out[MANY - 1], "rep outsb writes in order");
    ins8(SCRATCH, in, MANY);
    ok(all(in, out[MANY - 1], MANY), "rep insb reads a register each time");
}

int guest_main(void)
{
    uint16_t port = (uint16_t)arg_num("port", 0x2f0);

    unclaimed_ports(port);
    unclaimed_memory(arg_num("mmio", 0xfed80000));
    unclaimed_strings(port);
    strings_on_a_register();
    return 0;
}
