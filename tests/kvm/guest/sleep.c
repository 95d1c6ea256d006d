/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeps with its memory on (ACPI S3) until it is woken from outside, and goes on in real mode
 * where the FACS said. */
#include "guest.h"
#include "io.h"

#define WAKE_AT         0x7010u /* CS 0x701, IP 0 */
#define FADT_PM1A_EVT   56
#define FADT_X_FIRMWARE 132
#define FACS_VECTOR     12
#define PM1_CNT_OFF     4
#define PM1_S3          (1u << 10 | 1u << 13) /* SLP_TYP as \_S3 says, SLP_EN */

extern const uint8_t wake_begin[], wake_port[], wake_end[];

/* Prints, looks at WAK_STS, and ends with isa-debug-exit's 1: passed. Anything else is another
 * status. */
__asm__(".section .rodata\n"
        ".code16\n"
        "wake_begin:\n"
        "    mov %cs, %ax\n"
        "    mov %ax, %ds\n"
        "    cld\n"
        "    mov $(wake_text - wake_begin), %si\n"
        "    mov $0xe9, %dx\n"
        "1:  lodsb\n"
        "    test %al, %al\n"
        "    jz 2f\n"
        "    out %al, %dx\n"
        "    jmp 1b\n"
        "2:  mov wake_port - wake_begin, %dx\n"
        "    in %dx, %ax\n"
        "    not %ax\n"
        "    shr $15, %ax\n" /* WAK_STS: 0 */
        "    mov $0x501, %dx\n"
        "    out %ax, %dx\n"
        "3:  hlt\n"
        "    jmp 3b\n"
        "wake_port: .word 0\n"
        "wake_text: .asciz \"ok 3 - woken in real mode, memory as it was\\n1..3\\n\"\n"
        "wake_end:\n"
        ".code64\n"
        ".previous\n");

static uint8_t *facs(const uint8_t *fadt)
{
    uint64_t at;
    memcpy(&at, fadt + FADT_X_FIRMWARE, sizeof at);
    return (uint8_t *)at;
}

int guest_main(void)
{
    const uint8_t *fadt = acpi_fadt();
    uint8_t *stub = (uint8_t *)(uint64_t)WAKE_AT;
    uint32_t vector = WAKE_AT;
    uint16_t port;

    ok(fadt != NULL, "there is an FADT");
    if (!fadt)
        return 1;
    ok(memcmp(facs(fadt), "FACS", 4) == 0, "and an FACS");
    memcpy(&port, fadt + FADT_PM1A_EVT, sizeof port);
    memcpy(stub, wake_begin, (size_t)(wake_end - wake_begin));
    memcpy(stub + (wake_port - wake_begin), &port, sizeof port);
    memcpy(facs(fadt) + FACS_VECTOR, &vector, sizeof vector);
    out16((uint16_t)(port + PM1_CNT_OFF), PM1_S3);
    panic("the machine did not sleep");
}
