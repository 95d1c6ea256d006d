/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes of any size anywhere in the window of virtio-mmio, version 2 and 1. The child's
 * promises are checked by its rig; the line follows InterruptStatus. */
#include "../../../tests/unit/vt_rig.h"
#include "vmmio.h"

struct machine {
    struct rig r;
    struct vmmio m;
    struct tn_irq irq;
    uint32_t line;
};

static void t_set(struct tn_line *l, uint32_t level)
{
    ((struct machine *)(void *)l)->line = level;
}

static void registers_reset(void *t)
{
    vmmio_lower(t, ~0u);
}

static void queue_interrupt(void *t, uint32_t q)
{
    (void)q;
    vmmio_interrupt(t, VMMIO_INT_USED);
}

static void config_interrupt(void *t)
{
    vmmio_interrupt(t, VMMIO_INT_CONFIG);
}

static bool doorbell(void *t, uint32_t q, bool on)
{
    (void)t;
    (void)q;
    (void)on;
    return true;
}

static const struct vt_hooks hooks = {.plugged = rig_plugged,
                                      .reset = registers_reset,
                                      .queue_interrupt = queue_interrupt,
                                      .config_interrupt = config_interrupt,
                                      .doorbell = doorbell};

static void build(struct machine *m, bool legacy)
{
    rig_tables(&m->r);
    m->irq = (struct tn_irq){.struct_size = sizeof m->irq, .set = t_set};
    m->m = (struct vmmio){.dev = &m->r.dev,
                          .irq = &m->irq,
                          .line = (struct tn_line *)(void *)m,
                          .force_legacy = legacy,
                          .queue_align = 4096};
    pthread_mutex_init(&m->m.isr_lock, NULL);
    m->m.vt.modern = !legacy;
    m->m.vt.legacy = legacy;
    vt_init(&m->m.vt, &m->r.dev, &hooks, &m->m);
    rig_attach(&m->r, &m->m.vt);
}

static uint32_t take(const uint8_t **p, const uint8_t *end, uint32_t n)
{
    uint32_t v = 0;
    for (uint32_t i = 0; i < n && *p < end; i++)
        v |= (uint32_t) * (*p)++ << 8 * i;
    return v;
}

static void put(struct machine *m, uint32_t off, uint32_t v)
{
    vmmio_ops.write(&m->m, off, v, 4);
}

/* What a driver does: else hardly any input comes as far as running queues. */
static void go_live(struct machine *m)
{
    put(m, VMMIO_DRIVER_FEATURES_SEL, 1);
    put(m, VMMIO_DRIVER_FEATURES, 0x101);
    put(m, VMMIO_STATUS, 0xb);
    for (uint32_t q = 0; q < RIG_QUEUES; q++) {
        put(m, VMMIO_QUEUE_SEL, q);
        put(m, m->m.force_legacy ? VMMIO_QUEUE_PFN : VMMIO_QUEUE_READY, 1);
    }
    put(m, VMMIO_STATUS, 0xf);
}

static void step(struct machine *m, const uint8_t **p, const uint8_t *end)
{
    uint32_t what = take(p, end, 1), off = take(p, end, 1),
             size = what & 8 ? 4 : 1u << (what & 3) % 3;
    off = ((what & 4 ? VMMIO_CONFIG : 0) + off) & ~(size - 1);
    if (what & 0x10)
        vmmio_ops.write(&m->m, off, take(p, end, size), size);
    else
        vmmio_ops.read(&m->m, off, size);
    m->r.stop_later = what >> 5 & 1;
    if (what & 0x40)
        rig_stopped(&m->r);
    if (what == 0xff)
        go_live(m);
    if (what & 0x80)
        vt_port.notify(&m->r.slot, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *p = data, *end = data + size;
    struct machine m = {.line = 0};
    build(&m, take(&p, end, 1) & 1);
    while (p < end) {
        step(&m, &p, end);
        if (m.r.broken_promise) {
            fprintf(stderr, "promise broken: %s\n", m.r.broken_promise);
            abort();
        }
        if (m.line != (m.m.isr != 0))
            abort();
    }
    rig_fini(&m.r);
    pthread_mutex_destroy(&m.m.isr_lock);
    return 0;
}
