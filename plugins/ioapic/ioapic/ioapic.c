/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APIC on a machine: register page, pins as GSIs, messages by the host.
 *
 * Nothing here takes the device's lock: pins and ends of interrupt come from any thread, so one
 * leaf mutex guards the chip. Only host calls that are leaves themselves are made with it held. */
#include "ioapic_chip.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <tenon/fdt.h>
#include <tenon/intc.h>
#include <tenon/loop.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

#define IOAPIC_ADDRESS 0xfec00000u
#define IOAPIC_SIZE    0x1000u

struct ioapic {
    struct ioapic_chip chip;
    pthread_mutex_t lock; /* leaf: chip, pause_ns */
    struct tn_dev *dev;
    const struct tn_intc *intc;
    const struct tn_loop *loop;
    struct tn_region *page;
    struct tn_timer *storm;     /* pins that were held back go on */
    struct tn_bh *storm_starts; /* arms storm: a leaf may only kick */
    uint64_t pause_ns;
    uint64_t address;
    uint32_t version;
    uint8_t ext_dest_id;
};

/* ---- what the chip asks for ---- */

static void route(void *opaque, uint32_t pin, uint64_t addr, uint32_t data, uint32_t masked)
{
    struct ioapic *s = opaque;
    s->intc->route_msi(s->dev, pin, addr, data, masked);
}

static void commit(void *opaque)
{
    struct ioapic *s = opaque;
    s->intc->commit(s->dev);
}

static void inject(void *opaque, uint64_t addr, uint32_t data)
{
    struct ioapic *s = opaque;
    s->intc->inject(s->dev, addr, data);
}

static void eoi_of(void *opaque, uint32_t pin)
{
    struct ioapic *s = opaque;
    s->intc->eoi_of(s->dev, pin);
}

static void hold_back(void *opaque, uint64_t ns)
{
    struct ioapic *s = opaque;
    s->pause_ns = ns;
    s->loop->kick(s->storm_starts);
}

static const struct ioapic_env env = {
    .route = route, .commit = commit, .inject = inject, .eoi_of = eoi_of, .arm = hold_back};

/* ---- what the host calls, on any thread ---- */

static uint64_t page_read(void *self, uint64_t off, uint32_t size)
{
    struct ioapic *s = self;
    pthread_mutex_lock(&s->lock);
    uint64_t value = ioapic_chip_read(&s->chip, off, size);
    pthread_mutex_unlock(&s->lock);
    return value;
}

static void page_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct ioapic *s = self;
    pthread_mutex_lock(&s->lock);
    ioapic_chip_write(&s->chip, off, size, value);
    pthread_mutex_unlock(&s->lock);
}

static const struct tn_region_ops page_ops = {
    .struct_size = sizeof page_ops, .flags = TN_RO_NO_LOCK, .read = page_read, .write = page_write};

static void pin(void *self, uint32_t n, uint32_t level)
{
    struct ioapic *s = self;
    pthread_mutex_lock(&s->lock);
    ioapic_chip_pin(&s->chip, n, level);
    pthread_mutex_unlock(&s->lock);
}

static void eoi(void *self, uint32_t vector)
{
    struct ioapic *s = self;
    pthread_mutex_lock(&s->lock);
    ioapic_chip_eoi(&s->chip, vector);
    pthread_mutex_unlock(&s->lock);
}

static const struct tn_intc_ops intc_ops = {.struct_size = sizeof intc_ops, .pin = pin, .eoi = eoi};

static void storm_starts(void *self)
{
    struct ioapic *s = self;
    pthread_mutex_lock(&s->lock);
    uint64_t ns = s->pause_ns;
    pthread_mutex_unlock(&s->lock);
    s->loop->arm(s->storm, s->loop->now(s->dev, TN_CLK_VM) + ns);
}

static void storm_over(void *self)
{
    struct ioapic *s = self;
    pthread_mutex_lock(&s->lock);
    ioapic_chip_resume(&s->chip);
    pthread_mutex_unlock(&s->lock);
}

/* ---- device tree: the name under which Linux looks for a PC's I/O APIC ---- */

static int describe(void *self, const struct tn_fdt_build *b, struct tn_fdt_out *o,
                    struct tn_err *e)
{
    struct ioapic *s = self;
    uint32_t at, two = 2, zero = 0;
    char name[32];
    snprintf(name, sizeof name, "ioapic@%llx", (unsigned long long)s->address);
    int r = b->begin(o, NULL, name, &at);
    if (r == 0)
        r = b->str(o, at, "compatible", "intel,ce4100-ioapic");
    if (r == 0)
        r = b->reg(o, at, &s->page, 1);
    if (r == 0)
        r = b->bytes(o, at, "interrupt-controller", "", 0);
    if (r == 0)
        r = b->cells(o, at, "#interrupt-cells", &two, 1);
    if (r == 0)
        r = b->cells(o, at, "#address-cells", &zero, 1);
    if (r == 0)
        r = b->role(o, at, "intc");
    return r < 0 ? tn_fail(s->dev, e, -r, "no place in the device tree") : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct ioapic *s = self;
    s->dev = d;
    return -pthread_mutex_init(&s->lock, NULL);
}

static int claim_page(struct ioapic *s, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req req = {.struct_size = sizeof req,
                                      .space = TN_SPACE_MMIO,
                                      .base = s->address,
                                      .size = IOAPIC_SIZE,
                                      .name = "ioapic"};
    return regions->add(s->dev, &req, &page_ops, s, &s->page, e);
}

static int make_timer(struct ioapic *s, struct tn_err *e)
{
    s->storm = s->loop->timer(s->dev, NULL, TN_LF_NOLOCK, TN_CLK_VM, storm_over, s);
    s->storm_starts = s->loop->bh(s->dev, NULL, TN_LF_NOLOCK, storm_starts, s);
    return s->storm && s->storm_starts ? 0 : tn_fail(s->dev, e, ENOMEM, "no memory for a timer");
}

static int realize(void *self, struct tn_err *e)
{
    struct ioapic *s = self;
    const struct tn_fdt *fdt = TN_GET(s->dev, struct tn_fdt, TN_FDT_1);
    s->intc = TN_GET(s->dev, struct tn_intc, TN_INTC_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    uint32_t flags = s->ext_dest_id ? IOAPIC_FLAG_EXT_DEST : 0;
    if (ioapic_chip_init(&s->chip, s->version, flags, &env, s) < 0)
        return tn_fail(s->dev, e, EINVAL, "version 0x%x is neither 0x11 nor 0x20", s->version);
    int r = make_timer(s, e);
    if (r == 0)
        r = claim_page(s, e);
    if (r == 0)
        r = s->intc->attach(s->dev, 0, IOAPIC_PINS, &intc_ops, s, e);
    if (r == 0 && fdt && fdt->builder(s->dev, describe, s) < 0)
        r = tn_fail(s->dev, e, ENOMEM, "no memory for its node of the device tree");
    return r;
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct ioapic *s = self;
    (void)kind;
    if (phase != TN_RESET_ENTER)
        return;
    s->loop->disarm(s->storm);
    pthread_mutex_lock(&s->lock);
    ioapic_chip_reset(&s->chip);
    pthread_mutex_unlock(&s->lock);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct ioapic *s = self;
    (void)version;
    (void)e;
    pthread_mutex_lock(&s->lock);
    ioapic_chip_loaded(&s->chip);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static void fini(void *self)
{
    struct ioapic *s = self;
    pthread_mutex_destroy(&s->lock);
}

static const struct tn_prop props[] = {
    TN_PROP(struct ioapic, version, "version", U32, IOAPIC_VERSION_EOIR,
            "0x11, or 0x20: with EOIR"),
    TN_PROP(struct ioapic, address, "address", U64, IOAPIC_ADDRESS, "of the register page"),
    TN_PROP(struct ioapic, ext_dest_id, "ext-dest-id", BOOL, 0,
            "entry bits 55:49 are destination bits 14:8"),
};

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct ioapic, chip.rte, "rte", U64, IOAPIC_PINS),
    TN_FIELD_ROW(struct ioapic, chip.wires, "wires", U32, 1),
    TN_FIELD_ROW(struct ioapic, chip.deferred, "deferred", U32, 1),
    TN_FIELD_ROW(struct ioapic, chip.streak, "streak", U32, IOAPIC_PINS),
    TN_FIELD_ROW(struct ioapic, chip.regsel, "regsel", U8, 1),
    TN_FIELD_ROW(struct ioapic, chip.id, "id", U8, 1),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "ioapic",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

static const struct tn_class ioapic = {
    .struct_size = sizeof ioapic,
    .flags = TN_C_INTERNAL | TN_C_THREADSAFE,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "ioapic",
    .desc = "I/O APIC with 24 pins",
    .instance_size = sizeof(struct ioapic),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .fini = fini,
};

static const struct tn_class *const classes[] = {&ioapic, NULL};
static const char *const needs[] = {TN_INTC_1, TN_LOOP_1, TN_REGION_1, NULL};
static const char *const wants[] = {TN_FDT_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "ioapic",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "I/O APIC",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
