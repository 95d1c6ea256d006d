/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of host/acpi only. */
#ifndef TN_ACPI_BUILD_H
#define TN_ACPI_BUILD_H
#include "acpi/machine.h"
#include "acpi/tables.h"
#include <stdbool.h>

/* A table, or what a scope of the DSDT gets; in order of creation */
struct acpi_part {
    struct acpi_part *next;
    char *name;       /* signature or path */
    struct buf bytes; /* of a table: with its header, filled in by acpi_layout() */
    uint8_t revision;
};

struct acpi_list {
    struct acpi_part *first, **tail;
};

/* An address that is known when the tables are placed */
struct acpi_ref {
    const struct acpi_part *part;
    size_t off;
    uint32_t size;
    char *blob;
    uint64_t blob_off;
};

struct acpi_place_of {
    char *blob;
    uint64_t gpa;
};

struct acpi_tables {
    struct buf dsdt; /* the host's AML, without header */
    struct acpi_list tables, scopes;
    struct acpi_ref *refs;
    size_t n_refs;
    struct acpi_place_of *places;
    size_t n_places;
    size_t bytes; /* added by acpi_aml(), acpi_table(), acpi_entry() */
    bool facs;
    struct {
        struct acpi_part *part;
        size_t off, len;
    } last;
};

/* Adds a table with room for its header; its body is appended to the result. */
struct buf *acpi_start(struct acpi_tables *t, const char *sig, uint8_t revision);
struct acpi_part *acpi_find(const struct acpi_list *list, const char *name);

/* fixed.c */
void acpi_add_fadt(struct acpi_tables *t, const struct acpi_machine *m);
void acpi_add_mcfg(struct acpi_tables *t, const struct acpi_machine *m);
void acpi_add_spcr(struct acpi_tables *t);
/* cpu.c */
void acpi_add_madt(struct acpi_tables *t, const struct acpi_machine *m);
void acpi_add_srat(struct acpi_tables *t, const struct acpi_machine *m);
void acpi_add_slit(struct acpi_tables *t, const struct acpi_machine *m);
/* hmat.c */
void acpi_add_hmat(struct acpi_tables *t, const struct hmat *h);
/* One entry of the MADT: also what _MAT of CPU uid gives (6.2.10). */
void acpi_add_madt_cpu(struct buf *b, const struct acpi_cpu *cpu, uint32_t uid);
/* cpu_aml.c: \_SB.CPUS, inside the scope of \_SB */
void acpi_write_cpus(struct buf *a, const struct acpi_machine *m);
/* mem_aml.c: \_SB.MHPC, inside the scope of \_SB */
void acpi_write_modules(struct buf *a, const struct acpi_machine *m);
/* dsdt.c */
void acpi_write_dsdt(struct buf *a, const struct acpi_machine *m);
/* machine.c */
int acpi_machine_check(const struct acpi_machine *m);

/* A field that holds an address: at an offset of the tables, that of target in the tables or in
 * blob. */
struct acpi_fixup {
    size_t at;
    uint32_t size;
    bool optional; /* 0 if the address does not fit */
    const char *blob;
    uint64_t target;
};

/* All tables in a row. The fields of fixups hold target; the checksums are zero. */
struct acpi_layout {
    struct buf bytes;
    struct acpi_fixup *fixups;
    size_t n_fixups;
    size_t *tables; /* where those that have a checksum start */
    size_t n_tables;
    size_t xsdt;
};

void acpi_layout(const struct acpi_tables *t, struct acpi_layout *l);
void acpi_layout_free(struct acpi_layout *l);

#endif
