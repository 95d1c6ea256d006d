/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be wrong with a description. */
#include "build.h"
#include <errno.h>

#define GIB4 ((uint64_t)1 << 32)

static bool inside(const struct acpi_range *r, uint64_t end)
{
    return r->len && r->base < end && r->len <= end - r->base;
}

static bool overlap(const struct acpi_range *a, const struct acpi_range *b)
{
    return a->base < b->base + b->len && b->base < a->base + a->len;
}

/* Windows of one space lie below end, apart from each other, and apart from ecam unless it is NULL.
 */
static bool windows_ok(const struct acpi_range *w, uint32_t n, uint64_t end,
                       const struct acpi_range *ecam)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!inside(&w[i], end) || (ecam && overlap(&w[i], ecam)))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (overlap(&w[i], &w[k]))
                return false;
    }
    return true;
}

static bool pci_ok(const struct acpi_machine *m)
{
    const struct acpi_range *ecam = m->flags & ACPI_PCIE ? &m->ecam : NULL;
    if (ecam && (!(m->flags & ACPI_PCI) || ecam->len != (uint64_t)(m->last_bus + 1) << 20 ||
                 ecam->base & 0xfffff || !inside(ecam, UINT64_MAX)))
        return false;
    /* A WordIO descriptor holds a length of 0xffff at most, so the last port is beyond reach of
     * one. */
    for (uint32_t i = 0; i < m->n_io; i++)
        if (m->io[i].len > UINT16_MAX)
            return false;
    return windows_ok(m->io, m->n_io, 0x10000, NULL) &&
           windows_ok(m->mem32, m->n_mem32, GIB4, ecam) &&
           windows_ok(m->mem64, m->n_mem64, UINT64_MAX, ecam);
}

static bool numa_ok(const struct acpi_machine *m)
{
    if (!m->n_nodes)
        return !m->n_memory && !m->distances;
    for (uint32_t i = 0; i < m->n_cpus; i++)
        if (m->cpus[i].node >= m->n_nodes)
            return false;
    for (uint32_t i = 0; i < m->n_memory; i++) {
        const struct acpi_range r = {m->memory[i].base, m->memory[i].len};
        if (m->memory[i].node >= m->n_nodes || !inside(&r, UINT64_MAX))
            return false;
    }
    return true;
}

/* The diagonal of the distances is fixed, and 0 to 9 are reserved (5.2.17). */
static bool distances_ok(const struct acpi_machine *m)
{
    for (uint32_t i = 0; m->distances && i < m->n_nodes * m->n_nodes; i++) {
        bool local = i % m->n_nodes == i / m->n_nodes;
        if (m->distances[i] < 10 || (local && m->distances[i] != 10))
            return false;
    }
    return true;
}

int acpi_machine_check(const struct acpi_machine *m)
{
    /* Four characters name a CPU device: C and three hex digits. */
    if (!m->n_cpus || m->n_cpus > 4096 || m->n_nodes > 256)
        return -EINVAL;
    return pci_ok(m) && numa_ok(m) && distances_ok(m) ? 0 : -EINVAL;
}
