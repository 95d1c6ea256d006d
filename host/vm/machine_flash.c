/* SPDX-License-Identifier: BSD-2-Clause */
/* Flash memory that firmware is in, below 4 GiB: -drive if=pflash, or -M pflash0=. The first ends
 * at 4 GiB, the second in front of it. */
#include "backend/block_host.h"
#include "cli/kvtree.h"
#include "cli/values.h"
#include "machine_impl.h"
#include "memory.h"
#include "shadow.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FOUR_GIB   ((uint64_t)1 << 32)
#define MIB        ((uint64_t)1 << 20)
#define SECTOR     ((uint64_t)0x1000)
#define ISA_WINDOW 0x20000ull /* below 1 MiB, where the end of the first shows once more */
#define MAX_SIZE \
    (16 * MIB) /* what -M max-fw-size= can say: below, there are interrupt controllers */

static int is_flash_drive(const struct cli_item *item)
{
    const char *interface = kv_text(item->kv, "if");
    return interface && strcmp(interface, "pflash") == 0;
}

int machine_has_flash(const struct machine *m)
{
    const struct cli_list *drives = &m->cli->drives;
    if (!m->type->flash_units)
        return 0;
    for (size_t i = 0; i < drives->n; i++)
        if (is_flash_drive(&drives->v[i]))
            return 1;
    return machine_option(m, "pflash0") || machine_option(m, "pflash1");
}

int machine_boots_kernel(const struct machine *m)
{
    return m->cli->kernel && !machine_has_flash(m);
}

/* ---- what goes where ---- */

struct flash {
    struct machine *m;
    uint64_t max, total; /* bytes: of all, and of those that are there */
};

/* The drive or node of unit i; NULL with e or, if it has none, without. */
static const char *source_of(struct machine *m, uint32_t i, struct tn_err *e)
{
    AUTO_FREE char *key = xasprintf("pflash%u", i);
    const char *option = machine_option(m, key), *drive = block_drive_at(m->vm, "pflash", 0, i),
               *name = option ? option : drive;
    if (option && drive)
        err_set(e, EINVAL, "-drive if=pflash,unit=%u: clashes with -machine %s=%s", i, key, option);
    else if (name && !block_find(m->vm, name))
        err_set(e, ENOENT, "Property 'cfi.pflash01.drive' can't find value '%s'", name);
    else
        return name;
    return NULL;
}

static int check_size(struct flash *f, const char *name, uint64_t size, struct tn_err *e)
{
    if (!size || size % SECTOR) {
        err_set(e, EINVAL, "system firmware block device %s has invalid size %" PRIu64, name, size);
        err_hint(e, "its size must be a non-zero multiple of 0x%" PRIx64, SECTOR);
        return -EINVAL;
    }
    if (size > f->max - f->total)
        return err_set(e, EFBIG, "combined size of system firmware exceeds %" PRIu64 " bytes",
                       f->max);
    return 0;
}

struct search {
    const struct device *owner;
    struct tn_mem *found;
};

static int is_of_owner(void *o, struct tn_mem *mem)
{
    struct search *s = o;
    if (mem->m.dev == s->owner)
        s->found = mem;
    return s->found != NULL;
}

/* As on a PC, where the chipset decodes both. */
static void show_below_1m(struct machine *m, const struct device *d, uint64_t size)
{
    struct search s = {d, NULL};
    uint64_t len = size < ISA_WINDOW ? size : ISA_WINDOW;
    memory_each(m->vm, is_of_owner, &s);
    if (s.found)
        shadow_rom(m->vm, s.found, size - len, MIB - len, len);
}

static int add_unit(struct flash *f, uint32_t i, const char *drive, struct tn_err *e)
{
    struct tn_blk_info info = {.struct_size = sizeof info};
    int err = block_table.info(block_find(f->m->vm, drive)->handle, &info);
    if (err < 0)
        return err_set(e, -err, "can't get size of block device %s: %s", drive, strerror(-err));
    if ((err = check_size(f, drive, info.size, e)) < 0)
        return err;
    f->total += info.size;
    AUTO_FREE char *name = xasprintf("system.flash%u", i),
                   *base = xasprintf("0x%" PRIx64, FOUR_GIB - f->total),
                   *blocks = xasprintf("%" PRIu64, info.size / SECTOR);
    const char *props[] = {"name", name,         "width", "1",     "sector-length", "4096", "base",
                           base,   "num-blocks", blocks,  "drive", drive,           NULL};
    struct device *d = machine_add_device(f->m, "cfi.pflash01", name, props, e);
    if (d && i == 0)
        show_below_1m(f->m, d, info.size);
    return d ? 0 : -EINVAL;
}

static int read_max(const struct machine *m, uint64_t *max, struct tn_err *e)
{
    const char *text = machine_option(m, "max-fw-size");
    AUTO_FREE char *why = NULL;
    *max = 8 * MIB;
    if (text && val_size("max-fw-size", text, 1, max, &why) < 0)
        return err_set(e, EINVAL, "-M %s", why);
    if (*max > MAX_SIZE)
        return err_set(e, EINVAL,
                       "-M max-fw-size=%s: there is room for 16 MiB of firmware below 4 GiB", text);
    return 0;
}

int machine_flash(struct machine *m, struct tn_err *e)
{
    ERR_AUTO why = {0};
    struct flash f = {m, 0, 0};
    int err = read_max(m, &f.max, e);
    for (uint32_t i = 0, gap = 0; i < m->type->flash_units && err == 0; i++) {
        const char *drive = source_of(m, i, &why);
        if (why.text)
            return err_move(e, &why);
        if (drive && gap)
            return err_set(e, EINVAL, "pflash%u requires pflash%u", i, i - 1);
        if (drive)
            err = add_unit(&f, i, drive, e);
        gap |= !drive;
    }
    return err;
}
