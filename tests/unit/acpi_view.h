/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI tables as a guest finds them: from the RSDP through the XSDT, sums checked. */
#ifndef TN_ACPI_VIEW_H
#define TN_ACPI_VIEW_H
#include "acpi/tables.h"
#include "acpi_machines.h"
#include "tap.h"
#include "util/bytes.h"
#include <stdbool.h>

#define GPA 0x7fe0000u

static inline uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;
    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

/* The memory at address; checks that len bytes of it are inside of the tables. */
static inline const uint8_t *at(const struct buf *b, uint64_t gpa, uint64_t address, size_t len)
{
    CHECK(address >= gpa && address - gpa <= b->len && b->len - (address - gpa) >= len);
    return b->data + (address - gpa);
}

static inline const uint8_t *table_at(const struct buf *b, uint64_t gpa, uint64_t address)
{
    uint32_t len = get_le32(at(b, gpa, address, ACPI_HEADER_LEN) + 4);
    const uint8_t *p = at(b, gpa, address, len);
    if (memcmp(p, "FACS", 4) != 0) {
        CHECK_EQ(sum(p, len), 0);
        CHECK(memcmp(p + 10, "TENON TENONVM ", 14) == 0);
    }
    return p;
}

/* Finds the table number n with signature sig; NULL if there is none. */
static inline const uint8_t *find_nth(const struct buf *b, uint64_t gpa, const char *sig,
                                      uint32_t n)
{
    const uint8_t *rsdp = at(b, gpa, gpa, 36);
    CHECK(memcmp(rsdp, "RSD PTR ", 8) == 0);
    CHECK_EQ(rsdp[15], 2);
    CHECK_EQ(sum(rsdp, 20), 0);
    CHECK_EQ(sum(rsdp, 36), 0);
    const uint8_t *xsdt = table_at(b, gpa, get_le64(rsdp + 24));
    CHECK(memcmp(xsdt, "XSDT", 4) == 0);
    for (uint32_t i = 36; i < get_le32(xsdt + 4); i += 8) {
        const uint8_t *p = table_at(b, gpa, get_le64(xsdt + i));
        if (memcmp(p, sig, 4) == 0 && n-- == 0)
            return p;
    }
    return NULL;
}

static inline const uint8_t *find(const struct buf *b, const char *sig)
{
    return find_nth(b, GPA, sig, 0);
}

static inline const uint8_t *dsdt_of(const struct buf *b, uint64_t gpa)
{
    const uint8_t *fadt = find_nth(b, gpa, "FACP", 0);
    CHECK(fadt != NULL);
    return table_at(b, gpa, get_le64(fadt + 140));
}

static inline struct acpi_tables *described(const struct acpi_machine *m)
{
    struct acpi_tables *t = acpi_new();
    CHECK_EQ(acpi_describe(t, m), 0);
    return t;
}

static inline void place_machine(const struct acpi_machine *m, struct buf *out)
{
    struct acpi_tables *t = described(m);
    int r = acpi_place(t, GPA, out);
    acpi_free(t);
    CHECK_EQ(r, 0);
}

static inline bool contains(const uint8_t *table, const void *what, size_t n)
{
    const uint8_t *body = table + ACPI_HEADER_LEN;
    return memmem(body, get_le32(table + 4) - ACPI_HEADER_LEN, what, n) != NULL;
}

static inline void check_gas(const uint8_t *p, uint8_t space, uint8_t bits, uint64_t address)
{
    CHECK_EQ(p[0], space);
    CHECK_EQ(p[1], bits);
    CHECK_EQ(get_le64(p + 4), address);
}

#endif
