/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the ACPI tables of a guest (ACPI 6.3, 5.2): first what the machine is, then what devices
 * add, then the bytes for a place in guest memory. The same calls give the same bytes. A builder
 * belongs to one thread at a time. Functions that return int: 0, or -errno and nothing has changed.
 */
#ifndef TN_ACPI_TABLES_H
#define TN_ACPI_TABLES_H
#include "acpi/machine.h"
#include "util/buf.h"
#include <stddef.h>
#include <stdint.h>

struct acpi_tables;

/* The bytes of all additions together, at most */
#define ACPI_BYTES_MAX (16u << 20)
#define ACPI_RSDP_LEN  36
/* Common header of all tables but RSDP and FACS (5.2.6) */
#define ACPI_HEADER_LEN 36
/* What the address of the tables is a multiple of (5.2.10) */
#define ACPI_ALIGN 64
/* Bytes of the name of a fw_cfg file, with its NUL */
#define ACPI_BLOB_NAME 56
/* Bytes that hold the path of a function eight buses down */
#define ACPI_PATH_MAX 64

struct acpi_tables *acpi_new(void);
void acpi_free(struct acpi_tables *t);

/* Adds the tables of machine m: FADT, FACS, MADT, DSDT and what else it has. Once, and first.
 * -EINVAL if m contradicts itself: windows that wrap or overlap, nodes that are out of range. */
int acpi_describe(struct acpi_tables *t, const struct acpi_machine *m);

/* Appends len bytes of AML to the DSDT inside Scope(scope), behind what the host put there; scope
 * is an absolute path. Scopes are written in the order of their first use. -EINVAL: malformed path
 * or AML; -E2BIG: more than ACPI_BYTES_MAX. */
int acpi_aml(struct acpi_tables *t, const char *scope, const void *aml, size_t len);

/* Makes a Device with its _ADR for function devfn (slot << 3 | function) below the ACPI device of
 * its bus, if there is none yet: \_SB.PCI0.S18 for slot 3. Its path, a scope for acpi_aml(), goes
 * to path. -EINVAL: malformed bus; -ENAMETOOLONG: path would need more than size bytes; -E2BIG. */
int acpi_pci_function(struct acpi_tables *t, const char *bus, uint8_t devfn, char *path,
                      size_t size);

/* Adds a table: len bytes that follow the header. -EINVAL: a malformed signature; -EEXIST: one of
 * the host's (5.2.6) or a second of its kind ("SSDT" may come often); -E2BIG. */
int acpi_table(struct acpi_tables *t, const char *sig, uint8_t rev, const void *body, size_t len);

/* Appends one structure to "APIC", "SRAT", "DMAR" or "VIOT", which is made when it gets its first.
 * -EINVAL: another table, or the structure's own length is not len; -E2BIG. A DMAR that is
 * made so says 48 address bits. */
int acpi_entry(struct acpi_tables *t, const char *sig, const void *bytes, size_t len);

/* The size (4 or 8) bytes at off of what acpi_aml(), acpi_table() or acpi_entry() added last shall
 * hold the guest address of byte blob_off of the fw_cfg file blob. -EINVAL: not inside; size; too
 * long a name. */
int acpi_pointer(struct acpi_tables *t, size_t off, uint32_t size, const char *blob,
                 uint64_t blob_off);

/* Says where blob is, for acpi_place(); again: moves it. */
void acpi_blob(struct acpi_tables *t, const char *blob, uint64_t gpa);

/* The FADT, for the PM device to fill in; owned by t, valid until the next call. NULL: none yet. */
uint8_t *acpi_fadt(struct acpi_tables *t, size_t *len);

/* Appends to out the RSDP (the first ACPI_RSDP_LEN bytes) and all tables as they are in guest
 * memory at gpa, a multiple of ACPI_ALIGN. A copy of the RSDP elsewhere (0xe0000, 5.2.5.1) is as
 * good. -EINVAL: gpa; -ENOENT: acpi_pointer() to a blob without an address; -ERANGE: an address
 * that is too large for its field; out is unchanged then. */
int acpi_place(const struct acpi_tables *t, uint64_t gpa, struct buf *out);

/* Where firmware allocates: anywhere below 4 GiB, or where it is scanned for (0xe0000) */
enum { ACPI_ZONE_HIGH = 1, ACPI_ZONE_FSEG = 2 };
/* Appends a command to the fw_cfg file "etc/table-loader": place a copy of fw_cfg file name,
 * aligned, in a zone. To be done for each blob of acpi_pointer(), before acpi_loader(). */
void acpi_loader_allocate(struct buf *script, const char *name, uint32_t align, uint32_t zone);

/* The same as acpi_place() for firmware that places the tables itself: appends the contents of the
 * fw_cfg files "etc/acpi/tables" and "etc/acpi/rsdp" to empty buffers, and to script the commands
 * that allocate, relocate and checksum them. */
void acpi_loader(const struct acpi_tables *t, struct buf *tables, struct buf *rsdp,
                 struct buf *script);

#endif
