/* SPDX-License-Identifier: BSD-2-Clause */
/* fw_cfg on a machine with I/O ports: the register block, DMA, the items that the host hands over,
 * and the ACPI device. All of it with the device's lock held. */
#include "aml/aml.h"
#include "aml/resource.h"
#include "fwcfg_chip.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/acpi.h>
#include <tenon/dma.h>
#include <tenon/fwcfg.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

#define NUMBERED_ITEMS 64

/* An item that changes: the host's callbacks, and the bytes that the guest sees. */
struct entry {
    struct entry *next;
    char name[FWCFG_NAME_MAX]; /* "" for a numbered one */
    int64_t (*fill)(void *s, void *p, uint64_t max);
    void (*written)(void *s, uint64_t off, uint64_t len, const void *p);
    void *s;
    uint8_t bytes[];
};

struct fw_cfg {
    struct fwcfg_chip chip;
    struct tn_dev *dev;
    const struct tn_dma *dma;
    struct tn_as *memory;
    struct fwcfg_item items[NUMBERED_ITEMS];
    struct fwcfg_item *files; /* file_slots */
    struct entry *entries;
    uint16_t file_slots;
    uint8_t dma_enabled;
    uint8_t was_reset; /* since the last resume: no guest has looked yet */
};

/* ---- what the chip asks for ---- */

static int dma_read(void *opaque, uint64_t gpa, void *p, uint32_t len)
{
    struct fw_cfg *s = opaque;
    return s->dma->read(s->memory, gpa, p, len);
}

static int dma_write(void *opaque, uint64_t gpa, const void *p, uint32_t len)
{
    struct fw_cfg *s = opaque;
    return s->dma->write(s->memory, gpa, p, len);
}

static const struct fwcfg_env env = {.dma_read = dma_read, .dma_write = dma_write};

static int64_t fill(void *opaque, void *p, uint32_t max)
{
    struct entry *t = opaque;
    return t->fill(t->s, p, max);
}

static void written(void *opaque, uint32_t off, uint32_t len, const void *p)
{
    struct entry *t = opaque;
    t->written(t->s, off, len, p);
}

/* By [has written][has fill] */
static const struct fwcfg_item_ops changing[2][2] = {
    {{NULL, NULL}, {fill, NULL}},
    {{NULL, written}, {fill, written}},
};

/* ---- ports ---- */

static uint64_t ports_read(void *self, uint64_t off, uint32_t size)
{
    struct fw_cfg *s = self;
    return fwcfg_chip_port_read(&s->chip, off, size);
}

static void ports_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct fw_cfg *s = self;
    fwcfg_chip_port_write(&s->chip, off, size, value);
}

static const struct tn_region_ops ports_ops = {
    .struct_size = sizeof ports_ops, .read = ports_read, .write = ports_write};

/* ---- TN_FWCFG_DEVICE_1 ---- */

static int put(struct fw_cfg *s, const struct tn_fwcfg_item *it, void *data, uint32_t size,
               const struct fwcfg_item_ops *ops, void *opaque)
{
    uint32_t max = (uint32_t)it->len;
    if (it->name)
        return fwcfg_chip_add_file(&s->chip, it->name, data, size, max, ops, opaque);
    return fwcfg_chip_add_item(&s->chip, it->key, data, size, max, ops, opaque);
}

static int put_constant(struct fw_cfg *s, const struct tn_fwcfg_item *it)
{
    /* without ops the chip only reads it */
    return put(s, it, (void *)(uintptr_t)it->data, (uint32_t)it->len, NULL, NULL);
}

static int put_changing(struct fw_cfg *s, const struct tn_fwcfg_item *it)
{
    struct entry *t = calloc(1, sizeof *t + it->len);
    if (!t)
        return -ENOMEM;
    t->fill = it->fill;
    t->written = it->written;
    t->s = it->s;
    if (it->data)
        memcpy(t->bytes, it->data, it->len);
    uint32_t size = it->fill ? 0 : (uint32_t)it->len;
    int r = put(s, it, t->bytes, size, &changing[it->written != NULL][it->fill != NULL], t);
    if (r < 0) {
        free(t);
        return r;
    }
    if (it->name)
        strncpy(t->name, it->name, sizeof t->name - 1);
    t->next = s->entries;
    s->entries = t;
    return 0;
}

static int add(void *self, const struct tn_fwcfg_item *it, struct tn_err *e)
{
    struct fw_cfg *s = self;
    int r = -EFBIG;
    if (it->len <= UINT32_MAX && (it->data || it->fill || it->written || !it->len))
        r = it->fill || it->written ? put_changing(s, it) : put_constant(s, it);
    if (r < 0)
        return tn_fail(s->dev, e, -r, "fw_cfg item '%s' (key 0x%x) of %llu bytes: %s",
                       it->name ? it->name : "", it->key, (unsigned long long)it->len,
                       strerror(-r));
    return 0;
}

static int del(void *self, const char *name)
{
    struct fw_cfg *s = self;
    int r = fwcfg_chip_remove_file(&s->chip, name);
    for (struct entry **at = &s->entries; r == 0 && *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) {
            struct entry *t = *at;
            *at = t->next;
            free(t);
            break;
        }
    return r;
}

static const struct tn_fwcfg_ops device_ops = {
    .struct_size = sizeof device_ops, .add = add, .del = del};

/* ---- ACPI: Linux's driver finds the ports by QEMU0002 ---- */

static int build(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o, struct tn_err *e)
{
    struct fw_cfg *s = self;
    BUF_AUTO a = {0};
    struct aml_block dev = aml_device(&a, "FWCF");
    aml_name_string(&a, "_HID", "QEMU0002");
    aml_name_int(&a, "_STA", 0x0b); /* present, enabled, working; not for the user to see */
    aml_name(&a, "_CRS");
    struct aml_block crs = aml_resources(&a);
    aml_res_io(&a, FWCFG_PORT_BASE, FWCFG_PORT_BASE, 1, FWCFG_PORT_LEN);
    aml_end(&a, crs);
    aml_end(&a, dev);
    int r = b->aml(o, TN_SCOPE_SB, a.data, (uint32_t)a.len);
    return r < 0 ? tn_fail(s->dev, e, -r, "no place in the ACPI tables") : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct fw_cfg *s = self;
    s->dev = d;
    return 0;
}

static int make_chip(struct fw_cfg *s, struct tn_err *e)
{
    s->files = calloc(s->file_slots, sizeof *s->files);
    if (!s->files)
        return tn_fail(s->dev, e, ENOMEM, "no memory for %u files", s->file_slots);
    uint32_t flags = s->dma_enabled ? FWCFG_FLAG_DMA : 0;
    int r = fwcfg_chip_init(&s->chip, flags, s->items, NUMBERED_ITEMS, s->files, s->file_slots,
                            &env, s);
    return r < 0 ? tn_fail(s->dev, e, -r, "%u files are too many", s->file_slots) : 0;
}

static int claim_ports(struct fw_cfg *s, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req req = {.struct_size = sizeof req,
                                      .space = TN_SPACE_PIO,
                                      .base = FWCFG_PORT_BASE,
                                      .size = FWCFG_PORT_LEN,
                                      .name = "fw_cfg"};
    struct tn_region *r;
    return regions->add(s->dev, &req, &ports_ops, s, &r, e);
}

static int realize(void *self, struct tn_err *e)
{
    struct fw_cfg *s = self;
    const struct tn_acpi *acpi = TN_GET(s->dev, struct tn_acpi, TN_ACPI_1);
    s->dma = TN_GET(s->dev, struct tn_dma, TN_DMA_1);
    s->memory = s->dma->system(s->dev);
    int r = make_chip(s, e);
    if (r == 0)
        r = claim_ports(s, e);
    if (r < 0 || !acpi)
        return r;
    r = acpi->builder(s->dev, build, s);
    return r < 0 ? tn_fail(s->dev, e, -r, "no memory for its ACPI tables") : 0;
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct fw_cfg *s = self;
    (void)kind;
    if (phase != TN_RESET_ENTER)
        return;
    s->was_reset = 1;
    fwcfg_chip_publish(&s->chip);
    fwcfg_chip_reset(&s->chip);
}

/* The machine loads the guest between a reset and the first resume, and adds files then. */
static void resume(void *self)
{
    struct fw_cfg *s = self;
    if (s->was_reset)
        fwcfg_chip_publish(&s->chip);
    s->was_reset = 0;
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct fw_cfg *s = self;
    uint16_t selected = s->chip.selected;
    uint32_t offset = s->chip.offset;
    (void)version;
    (void)e;
    fwcfg_chip_publish(&s->chip);
    s->chip.selected = selected;
    s->chip.offset = offset;
    fwcfg_chip_loaded(&s->chip);
    s->was_reset = 0;
    return 0;
}

static void fini(void *self)
{
    struct fw_cfg *s = self;
    while (s->entries) {
        struct entry *t = s->entries;
        s->entries = t->next;
        free(t);
    }
    free(s->files);
}

static const void *get_iface(void *self, const char *id)
{
    (void)self;
    return strcmp(id, TN_FWCFG_DEVICE_1) == 0 ? &device_ops : NULL;
}

static const struct tn_prop props[] = {
    TN_PROP(struct fw_cfg, dma_enabled, "dma_enabled", BOOL, 1, "DMA interface"),
    TN_PROP_RANGE(struct fw_cfg, file_slots, "x-file-slots", U16, 256, 16, 0x3fe0,
                  "room for files"),
};

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct fw_cfg, chip.selected, "selected", U16, 1),
    TN_FIELD_ROW(struct fw_cfg, chip.offset, "offset", U32, 1),
    TN_FIELD_ROW(struct fw_cfg, chip.dma_address, "dma_address", U64, 1),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "fw_cfg",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

static const char *const aliases[] = {"fw_cfg", NULL};
static const char *const provides[] = {TN_FWCFG_DEVICE_1, NULL};

static const struct tn_class fw_cfg_io = {
    .struct_size = sizeof fw_cfg_io,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "fw_cfg_io",
    .desc = "firmware configuration, at I/O ports",
    .aliases = aliases,
    .provides = provides,
    .instance_size = sizeof(struct fw_cfg),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .resume = resume,
    .fini = fini,
    .get_iface = get_iface,
};

static const struct tn_class *const classes[] = {&fw_cfg_io, NULL};
static const char *const needs[] = {TN_DMA_1, TN_REGION_1, NULL};
static const char *const wants[] = {TN_ACPI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "fw_cfg",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "firmware configuration device",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
