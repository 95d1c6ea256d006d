/* SPDX-License-Identifier: BSD-2-Clause */
/* The way from the RSDP to the FACS and its waking vector (ACPI 6.5 5.2.10), through tables that
 * the guest may have written to. */
#include "acpi_host.h"
#include "spec.h"
#include "tables.h"
#include "util/bytes.h"
#include "vm/memory.h"
#include <errno.h>
#include <string.h>

enum { TABLES_MAX = 1024, REAL_MODE_END = 1 << 20 };

/* The table at gpa, NULL: there is none of that name. */
static const uint8_t *table(struct vm *vm, uint64_t gpa, const char *name, uint32_t len)
{
    const uint8_t *p = memory_ptr(vm, gpa, len);
    return p && memcmp(p, name, 4) == 0 && get_le32(p + HDR_LENGTH) >= len ? p : NULL;
}

static const uint8_t *find_fadt(struct vm *vm, uint64_t xsdt_gpa)
{
    const uint8_t *xsdt = table(vm, xsdt_gpa, "XSDT", ACPI_HEADER_LEN);
    uint32_t n = xsdt ? (get_le32(xsdt + HDR_LENGTH) - ACPI_HEADER_LEN) / 8 : 0;
    const uint8_t *entries =
        n && n <= TABLES_MAX ? memory_ptr(vm, xsdt_gpa + ACPI_HEADER_LEN, 8ull * n) : NULL;
    for (uint32_t i = 0; entries && i < n; i++) {
        const uint8_t *fadt = table(vm, get_le64(entries + 8ull * i), "FACP", FADT_LEN);
        if (fadt)
            return fadt;
    }
    return NULL;
}

int acpi_host_waking_vector(struct vm *vm, uint64_t rsdp, uint32_t *vector, struct tn_err *e)
{
    const uint8_t *root = memory_ptr(vm, rsdp, ACPI_RSDP_LEN);
    const uint8_t *fadt = root ? find_fadt(vm, get_le64(root + RSDP_XSDT)) : NULL;
    const uint8_t *facs =
        fadt ? table(vm, get_le64(fadt + FADT_X_FIRMWARE_CTRL), "FACS", FACS_LEN) : NULL;
    *vector = facs ? get_le32(facs + FACS_WAKING_VECTOR) : 0;
    if (*vector && *vector < REAL_MODE_END)
        return 0;
    return err_set(e, EINVAL, "the guest sleeps and does not say where to wake: vector 0x%x",
                   *vector);
}
