/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI 6.5: 5.2.5 (RSDP), 5.2.7/8 (RSDT, XSDT), 5.2.9 (FADT), 4.8.3 (fixed hardware). */
#include "guest.h"

#define SCAN_FROM 0xe0000ul
#define SCAN_TO   0x100000ul

#define RSDP_REVISION 15
#define RSDP_RSDT     16
#define RSDP_LENGTH   20
#define RSDP_XSDT     24
#define RSDP_V1_LEN   20

#define FADT_DSDT        40
#define FADT_PM1A_CNT    64
#define FADT_PM1B_CNT    68
#define FADT_FLAGS       112
#define FADT_RESET_REG   116
#define FADT_RESET_VALUE 128
#define FADT_X_DSDT      140
#define FADT_SLEEP_CTL   244
#define FLAG_RESET_REG   (1u << 10)
#define FLAG_HW_REDUCED  (1u << 20)

#define PM1_SLP_TYP_SHIFT 10
#define PM1_SLP_EN        (1u << 13)
#define SLEEP_TYP_SHIFT   2 /* SLEEP_CONTROL_REG, 4.8.3.7 */
#define SLEEP_EN          (1u << 5)
#define GAS_MEMORY        0
#define GAS_IO            1
#define AML_PACKAGE       0x12
#define AML_BYTE          0x0a
#define S5_MIN            9 /* name, PackageOp, length, count, one element */

static uint32_t le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t le64(const uint8_t *p)
{
    return le32(p) | (uint64_t)le32(p + 4) << 32;
}

bool acpi_sum_ok(const void *table, uint32_t len)
{
    const uint8_t *p = table;
    uint8_t sum = 0;

    while (len--)
        sum += *p++;
    return sum == 0;
}

const uint8_t *acpi_rsdp(void)
{
    static const uint8_t *found;

    if (start_info_rsdp)
        return (const uint8_t *)start_info_rsdp;
    for (uint64_t at = SCAN_FROM; !found && at < SCAN_TO; at += 16)
        if (memcmp((const void *)at, "RSD PTR ", 8) == 0 &&
            acpi_sum_ok((const void *)at, RSDP_V1_LEN))
            found = (const uint8_t *)at;
    return found;
}

static bool has_xsdt(const uint8_t *rsdp)
{
    return rsdp[RSDP_REVISION] >= 2 && le64(rsdp + RSDP_XSDT);
}

static const struct acpi_header *root(void)
{
    const uint8_t *rsdp = acpi_rsdp();
    if (!rsdp)
        return NULL;
    return (const struct acpi_header *)(has_xsdt(rsdp) ? le64(rsdp + RSDP_XSDT)
                                                       : le32(rsdp + RSDP_RSDT));
}

uint32_t acpi_table_count(void)
{
    const struct acpi_header *r = root();
    return r ? (r->length - (uint32_t)sizeof *r) / (has_xsdt(acpi_rsdp()) ? 8 : 4) : 0;
}

const struct acpi_header *acpi_table(uint32_t i)
{
    const uint8_t *entry = (const uint8_t *)(root() + 1);
    uint64_t at = has_xsdt(acpi_rsdp()) ? le64(entry + 8 * i) : le32(entry + 4 * i);
    return (const struct acpi_header *)at;
}

const struct acpi_header *acpi_find(const char *signature)
{
    for (uint32_t i = 0; i < acpi_table_count(); i++)
        if (memcmp(acpi_table(i)->signature, signature, 4) == 0)
            return acpi_table(i);
    return NULL;
}

const uint8_t *acpi_fadt(void)
{
    return (const uint8_t *)acpi_find("FACP");
}

uint64_t acpi_dsdt(const uint8_t *fadt)
{
    uint64_t x = le32(fadt + 4) >= FADT_X_DSDT + 8 ? le64(fadt + FADT_X_DSDT) : 0;
    return x ? x : le32(fadt + FADT_DSDT);
}

static void gas_write8(const uint8_t *gas, uint8_t v)
{
    uint64_t addr = le64(gas + 4);

    if (gas[0] == GAS_IO)
        out8((uint16_t)addr, v);
    else if (gas[0] == GAS_MEMORY)
        mmio_write8(addr, v);
}

bool acpi_reset(void)
{
    const uint8_t *fadt = acpi_fadt();

    if (!fadt || !(le32(fadt + FADT_FLAGS) & FLAG_RESET_REG))
        return false;
    gas_write8(fadt + FADT_RESET_REG, fadt[FADT_RESET_VALUE]);
    wait_ms(100);
    return false;
}

/* SLP_TYPa out of Name (_S5_, Package {...}): a length byte, an element count, then the first
 * element. */
static int package_first(const uint8_t *p)
{
    if (p[0] != AML_PACKAGE)
        return -1;
    p += 1 + 1 + (p[1] >> 6) + 1;
    if (p[0] == AML_BYTE)
        return p[1];
    return p[0] <= 1 ? p[0] : -1; /* ZeroOp, OneOp */
}

int acpi_s5_type(void)
{
    const uint8_t *fadt = acpi_fadt();

    if (!fadt)
        return -1;
    const struct acpi_header *dsdt = (const struct acpi_header *)acpi_dsdt(fadt);
    const uint8_t *p = (const uint8_t *)(dsdt + 1), *end = (const uint8_t *)dsdt + dsdt->length;
    for (; p + S5_MIN <= end; p++)
        if (p[0] == '_' && memcmp(p, "_S5_", 4) == 0)
            return package_first(p + 4);
    return -1;
}

bool acpi_power_off(void)
{
    const uint8_t *fadt = acpi_fadt();
    int type = acpi_s5_type();

    if (type < 0)
        return false;
    if (le32(fadt + FADT_FLAGS) & FLAG_HW_REDUCED) {
        gas_write8(fadt + FADT_SLEEP_CTL, (uint8_t)(type << SLEEP_TYP_SHIFT | SLEEP_EN));
    } else {
        uint16_t port = (uint16_t)le32(fadt + FADT_PM1A_CNT);
        out16(port, (uint16_t)((unsigned)type << PM1_SLP_TYP_SHIFT | PM1_SLP_EN));
    }
    wait_ms(100);
    return false;
}
