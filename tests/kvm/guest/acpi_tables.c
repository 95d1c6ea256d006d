/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks the ACPI tables and checks what any operating system would stumble over. need= lists
 * signatures, joined by commas, that must be there. */
#include "guest.h"

#define RSDP_V1_LEN 20

static void check_table(const struct acpi_header *t)
{
    char name[5] = {0};

    memcpy(name, t->signature, 4);
    ok(t->length >= (memcmp(name, "FACS", 4) ? sizeof *t : 64) && acpi_sum_ok(t, t->length),
       "%s at 0x%lx: %u bytes, checksum right", name, (uint64_t)t, t->length);
}

static bool in_reserved_memory(uint64_t at)
{
    for (uint32_t i = 0; i < memory_map_len; i++)
        if (at >= memory_map[i].addr && at - memory_map[i].addr < memory_map[i].size)
            return memory_map[i].type != 1;
    return true; /* not in the map at all: no allocator will take it */
}

static void check_needed(const char *list)
{
    char needed[64];

    memset(needed, 0, sizeof needed);
    for (uint32_t i = 0; list[i] && i < sizeof needed - 1; i++)
        needed[i] = list[i];
    for (const char *p = needed; p[0] && p[1] && p[2] && p[3]; p += 4 + (p[4] == ','))
        ok(acpi_find(p) != NULL, "table %c%c%c%c is there", p[0], p[1], p[2], p[3]);
}

int guest_main(void)
{
    const uint8_t *rsdp = acpi_rsdp(), *fadt;

    if (!ok(rsdp != NULL, "there is an RSDP"))
        return 0;
    ok(acpi_sum_ok(rsdp, RSDP_V1_LEN), "RSDP checksum right");
    ok(acpi_table_count() > 0, "the root table lists %u tables", acpi_table_count());
    for (uint32_t i = 0; i < acpi_table_count(); i++)
        check_table(acpi_table(i));
    fadt = acpi_fadt();
    if (ok(fadt != NULL, "there is an FADT"))
        check_table((const struct acpi_header *)acpi_dsdt(fadt));
    ok(in_reserved_memory((uint64_t)acpi_table(0)), "the tables are not in usable RAM");
    if (arg("need"))
        check_needed(arg("need"));
    return 0;
}
