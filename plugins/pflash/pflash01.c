/* SPDX-License-Identifier: BSD-2-Clause */
/* cfi.pflash01: flash memory that firmware is in, and that it keeps its variables in. While it
 * shows its array the guest reads that as memory; a write, and all that is read in another mode,
 * comes here. */
#include "cfi01.h"
#include "pflash_store.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tenon/memory.h>
#include <tenon/plugin.h>
#include <tenon/prop.h>
#include <tenon/region.h>
#include <tenon/state.h>

#define MAX_SIZE (256ull << 20)
#define PAGE     4096ull

struct pflash {
    struct cfi01 chip;
    struct pflash_store store;
    struct tn_dev *dev;
    const struct tn_regions *regions;
    const struct tn_memory *memory;
    struct tn_region *region;
    struct tn_region_ops ops; /* impl_max is the bank's width */
    struct tn_mem *mem;
    uint8_t *locked;
    struct tn_err *error; /* of a realize that has not ended */
    uint64_t stall;       /* the access that waits until the file has all; 0: none does */
    uint32_t quiescing;   /* quiesced() is owed */
    uint32_t moved;       /* state came: the file may not have the array yet */
    uint32_t veiled;      /* the host can hide the array */
    /* properties */
    struct tn_blk *drive;
    const char *name;
    uint64_t base, sector_length;
    uint32_t sectors;
    uint8_t width, device_width, max_device_width, secure, old_multiple_chip_handling, big_endian;
    uint16_t id[4];
};

/* ---- what the chips tell ---- */

static void show(void *owner, uint32_t array)
{
    struct pflash *s = owner;
    if (s->veiled)
        s->regions->show(s->region, array);
}

static void changed(void *owner, uint64_t off, uint64_t len)
{
    struct pflash *s = owner;
    s->memory->dirty(s->mem, off, len);
    pflash_store_mark(&s->store, off, len);
}

static void guest_error(void *owner, const char *what)
{
    struct pflash *s = owner;
    s->dev->core->guest_error(s->dev, "%s", what);
}

static const struct cfi01_env env = {show, changed, guest_error};

/* ---- what the guest does ---- */

static uint64_t read_flash(void *self, uint64_t off, uint32_t size)
{
    const struct pflash *s = self;
    return cfi01_read(&s->chip, off, size);
}

/* Who goes back to the array is done with programming: that shall be in the file then. */
static void wait_for_file(struct pflash *s)
{
    if (!s->stall && pflash_store_busy(&s->store) && s->dev->core->stall(s->dev, &s->stall) < 0)
        s->stall = 0;
}

static void write_flash(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct pflash *s = self;
    if (s->secure) { /* no processor is ever in system management mode here */
        s->dev->core->guest_error(s->dev, "write outside of system management mode");
        return;
    }
    cfi01_write(&s->chip, off, size, value);
    if (s->chip.mode == CFI01_ARRAY)
        wait_for_file(s);
}

/* ---- what the store tells ---- */

static void loaded(struct tn_dev *d, int err)
{
    struct pflash *s = d->self;
    if (err < 0)
        (void)tn_fail(d, s->error, -err, "failed to read the initial flash content");
    s->error = NULL;
    d->core->realized(d, err);
}

static void settled(struct tn_dev *d)
{
    struct pflash *s = d->self;
    uint64_t stall = s->stall;
    s->stall = 0;
    if (stall)
        d->core->unstall(d, stall);
    if (s->quiescing) {
        s->quiescing = 0;
        d->core->quiesced(d, 0);
    }
}

static void failed(struct tn_dev *d, int err)
{
    struct pflash *s = d->self;
    d->core->warn(d, "%s: could not update the flash's file: error %d", s->name, -err);
    cfi01_failed(&s->chip);
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct pflash *s = self;
    s->dev = d;
    return 0;
}

static int check_props(struct pflash *s, struct cfi01_shape *shape, struct tn_err *e)
{
    const char *missing = !s->sector_length       ? "sector-length\" not specified or zero"
                          : !s->sectors           ? "num-blocks\" not specified or zero"
                          : !s->name || !*s->name ? "name\" not specified"
                                                  : NULL;
    if (missing)
        return tn_fail(s->dev, e, EINVAL, "attribute \"%s.", missing);
    if (s->big_endian)
        return tn_fail(s->dev, e, ENOTSUP, "big-endian=on: no machine of this host is");
    uint8_t wired = s->device_width ? s->device_width : s->width;
    *shape = (struct cfi01_shape){
        .sector_length = s->sector_length,
        .sectors = s->sectors,
        .width = s->width,
        .device_width = wired,
        .max_device_width = s->max_device_width ? s->max_device_width : wired,
        .id = {(uint32_t)s->id[0] << 8 | s->id[1], (uint32_t)s->id[2] << 8 | s->id[3]}};
    const char *bad = cfi01_bad_shape(shape);
    if (bad)
        return tn_fail(s->dev, e, EINVAL, "%s", bad);
    uint64_t size = shape->sector_length * shape->sectors;
    if (size % PAGE || size > MAX_SIZE)
        return tn_fail(s->dev, e, EINVAL,
                       "0x%llx bytes are not a multiple of 4096, at most 256 MiB",
                       (unsigned long long)size);
    return 0;
}

/* The array is memory that migrates. */
static int take_memory(struct pflash *s, const struct cfi01_shape *shape, uint32_t writable,
                       struct tn_err *e)
{
    void *va = NULL;
    uint64_t size = shape->sector_length * shape->sectors;
    s->memory = TN_GET(s->dev, struct tn_memory, TN_MEMORY_1);
    s->locked = calloc(shape->sectors, 1);
    if (!s->locked)
        return tn_fail(s->dev, e, ENOMEM, "no memory for %u locks", shape->sectors);
    int err = s->memory->alloc(s->dev, s->name, size, &s->mem, e);
    if (err < 0)
        return err;
    s->memory->get(s->mem, &va, NULL, NULL, NULL, NULL);
    memset(va, 0xff, size);
    cfi01_init(&s->chip, shape, va, s->locked, writable, &env, s);
    return 0;
}

/* Where the host can hide it again, the array is read without a way out of the guest. */
static int take_region(struct pflash *s, struct tn_err *e)
{
    int fd = -1;
    uint64_t off = 0;
    s->regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    s->ops = (struct tn_region_ops){.struct_size = sizeof s->ops,
                                    .flags = TN_RO_UNALIGNED,
                                    .impl_min = 1,
                                    .impl_max = s->chip.shape.width,
                                    .read = read_flash,
                                    .write = write_flash};
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = s->base,
                                    .size = s->chip.size,
                                    .name = s->name};
    int err = s->regions->add(s->dev, &q, &s->ops, s, &s->region, e);
    if (err < 0 || !TN_HAS(s->regions, show))
        return err;
    s->memory->get(s->mem, NULL, NULL, &fd, &off, NULL);
    s->veiled =
        fd >= 0 && s->regions->map(s->region, 0, s->chip.size, fd, off, PROT_READ, NULL) == 0;
    return 0;
}

/* State that is to come brings the array along. */
static int take_drive(struct pflash *s, struct tn_err *e)
{
    if (!s->drive)
        return 0;
    s->store = (struct pflash_store){.dev = s->dev,
                                     .blk = s->drive,
                                     .array = s->chip.array,
                                     .size = s->chip.size,
                                     .loaded = loaded,
                                     .settled = settled,
                                     .failed = failed};
    int err = pflash_store_open(&s->store, &s->chip.writable, e);
    if (err < 0 || (s->dev->core->flags(s->dev) & TN_DEV_INCOMING))
        return err;
    s->error = e;
    err = pflash_store_load(&s->store);
    return err < 0 ? tn_fail(s->dev, e, -err, "failed to read the initial flash content")
                   : TN_PENDING;
}

static int realize(void *self, struct tn_err *e)
{
    struct pflash *s = self;
    struct cfi01_shape shape;
    int err = check_props(s, &shape, e);
    if (err == 0)
        err = take_memory(s, &shape, 1, e);
    if (err == 0)
        err = take_region(s, e);
    return err < 0 ? err : take_drive(s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct pflash *s = self;
    (void)kind;
    if (phase == TN_RESET_ENTER)
        cfi01_reset(&s->chip);
}

static int quiesce(void *self, uint32_t why, uint32_t flags)
{
    struct pflash *s = self;
    (void)why;
    s->quiescing = !(flags & TN_QF_FORCE) && pflash_store_busy(&s->store);
    return s->quiescing ? TN_PENDING : 0;
}

static void resume(void *self)
{
    struct pflash *s = self;
    if (s->moved && s->chip.writable)
        pflash_store_mark(&s->store, 0, s->chip.size);
    s->moved = 0;
    pflash_store_resume(&s->store);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct pflash *s = self;
    (void)version;
    s->moved = 1;
    return cfi01_loaded(&s->chip) < 0
               ? tn_fail(s->dev, e, EINVAL, "no flash memory can be in that state")
               : 0;
}

static int save_locks(void *self, struct tn_save *o, struct tn_err *e)
{
    struct pflash *s = self;
    (void)e;
    return TN_GET(s->dev, struct tn_stream, TN_STREAM_1)
        ->put(o, "locked", TN_S_BYTES, s->locked, s->sectors);
}

static int load_locks(void *self, struct tn_load *i, struct tn_err *e)
{
    struct pflash *s = self;
    int err = TN_GET(s->dev, struct tn_stream, TN_STREAM_1)
                  ->get(i, "locked", TN_S_BYTES, s->locked, s->sectors);
    return err < 0 ? tn_fail(s->dev, e, -err, "it has %u blocks, others were saved", s->sectors)
                   : 0;
}

static void fini(void *self)
{
    struct pflash *s = self;
    pflash_store_free(&s->store);
    free(s->locked);
}

/* ---- tables ---- */

static const struct tn_prop props[] = {
    TN_PROP_REF(struct pflash, drive, "drive", DRIVE, 0,
                "Node name or ID of a block device to use as a backend"),
    TN_PROP_STR(struct pflash, name, "name", NULL, "what its memory is called"),
    TN_PROP(struct pflash, base, "base", U64, 0, "where the guest finds it"),
    TN_PROP(struct pflash, sector_length, "sector-length", U64, 0, "bytes of a block"),
    TN_PROP(struct pflash, sectors, "num-blocks", U32, 0, "number of blocks"),
    TN_PROP(struct pflash, width, "width", U8, 0, "bytes that the bank is wide"),
    TN_PROP(struct pflash, device_width, "device-width", U8, 0,
            "bytes of a chip as it is wired; 0: one chip is the bank"),
    TN_PROP(struct pflash, max_device_width, "max-device-width", U8, 0,
            "bytes that a chip can be wide; 0: as it is wired"),
    TN_PROP(struct pflash, big_endian, "big-endian", BOOL, 0, "cannot be had"),
    TN_PROP(struct pflash, secure, "secure", BOOL, 0,
            "only system management mode may write: nobody, here"),
    TN_PROP(struct pflash, id[0], "id0", U16, 0, "manufacturer code, bits 15:8"),
    TN_PROP(struct pflash, id[1], "id1", U16, 0, "manufacturer code, bits 7:0"),
    TN_PROP(struct pflash, id[2], "id2", U16, 0, "device code, bits 15:8"),
    TN_PROP(struct pflash, id[3], "id3", U16, 0, "device code, bits 7:0"),
    TN_PROP(struct pflash, old_multiple_chip_handling, "old-multiple-chip-handling", BOOL, 0,
            "without effect: chips side by side are what they are"),
};

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct pflash, chip.mode, "mode", U8, 1),
    TN_FIELD_ROW(struct pflash, chip.cycle, "cycle", U8, 1),
    TN_FIELD_ROW(struct pflash, chip.status, "status", U8, 1),
    TN_FIELD_ROW(struct pflash, chip.words, "words", U32, 1),
    TN_FIELD_ROW(struct pflash, chip.buffer_base, "buffer_base", U64, 1),
    {"buffer", TN_S_BYTES, offsetof(struct pflash, chip.buffer),
     offsetof(struct pflash, chip.buffer_used), 0, NULL, 0, CFI01_BUFFER_MAX, TN_SF_COUNT_AT, 0},
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "cfi.pflash01",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
    .save = save_locks,
    .load = load_locks,
};

static const struct tn_class pflash01 = {
    .struct_size = sizeof pflash01,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_STORAGE,
    .name = "cfi.pflash01",
    .desc = "parallel flash memory, Intel's command set",
    .instance_size = sizeof(struct pflash),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .quiesce = quiesce,
    .resume = resume,
    .fini = fini,
};

static const struct tn_class *const classes[] = {&pflash01, NULL};
static const char *const needs[] = {TN_BLOCK_1,  TN_LOOP_1,   TN_MEMORY_1,
                                    TN_REGION_1, TN_STREAM_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "pflash",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "parallel flash memory for firmware",
    .classes = classes,
    .needs = needs,
};
