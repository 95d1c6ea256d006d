/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables for firmware: fw_cfg files, and a script of commands that allocate and link them. */
#include "core/fwcfg_host.h"
#include "host_impl.h"
#include <errno.h>
#include <string.h>

/* An entry of etc/table-loader has 128 bytes: a command and its operands (QEMU's linker/loader
 * interface). */
enum { LOADER_WRITE_POINTER = 4, LOADER_ENTRY = 128 };

static void add_name(struct buf *script, const char *name)
{
    char field[ACPI_BLOB_NAME] = {0};
    strncpy(field, name, sizeof field - 1);
    buf_add(script, field, sizeof field);
}

/* Firmware writes the address of file name, 8 bytes, to file report. */
static void write_pointer(struct buf *script, const char *report, const char *name)
{
    size_t end = script->len + LOADER_ENTRY;
    buf_add_le32(script, LOADER_WRITE_POINTER);
    add_name(script, report);
    add_name(script, name);
    buf_add_le32(script, 0); /* offset in report */
    buf_add_le32(script, 0); /* offset in name */
    buf_add8(script, 8);
    buf_add(script, NULL, end - script->len);
}

/* All blobs are below 4 GiB, as everything is that firmware allocates. */
static int allocate(void *script, const struct fwcfg_blob *b)
{
    acpi_loader_allocate(script, b->name, (uint32_t)b->align, ACPI_ZONE_HIGH);
    return 0;
}

static int report(void *script, const struct fwcfg_blob *b)
{
    write_pointer(script, b->report, b->name);
    return 0;
}

static int offer(struct vm *vm, const char *name, const struct buf *b, struct tn_err *e)
{
    return fwcfg_host_replace(vm, name, b->data, b->len, e);
}

int acpi_host_publish(struct vm *vm, struct tn_err *e)
{
    BUF_AUTO tables = {0}, rsdp = {0}, script = {0};
    if (!vm->fwcfg)
        return 0;
    struct acpi_tables *t = acpi_host_tables(vm, e);
    if (!t)
        return e && e->err ? -e->err : -EINVAL;
    fwcfg_host_blobs(vm, allocate, &script);
    acpi_loader(t, &tables, &rsdp, &script);
    fwcfg_host_blobs(vm, report, &script);
    acpi_free(t);
    int r = offer(vm, "etc/acpi/tables", &tables, e);
    if (r == 0)
        r = offer(vm, "etc/acpi/rsdp", &rsdp, e);
    if (r == 0)
        r = offer(vm, "etc/table-loader", &script, e);
    return r < 0 ? r : fwcfg_host_sync(vm, e);
}
