/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-mmio (Virtual I/O Device 1.3, 4.2): a register window and a level-triggered line around
 * any device on the virtio-bus, in a slot of the machine. */
#include "vmmio.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/dma.h>
#include <tenon/plugin.h>
#include <unistd.h>

/* ---- what the shared part asks for ---- */

static int add_shm(struct vmmio *m, struct tn_err *e)
{
    const struct vt *v = &m->vt;
    if (!v->nshm)
        return 0;
    const struct vt_shm *last = &v->shm[v->nshm - 1];
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = TN_ANYWHERE,
                                    .size = last->off + last->len,
                                    .min = m->place.min,
                                    .max = m->place.max,
                                    .name = "virtio-mmio-shm"};
    static const struct tn_region_ops holes = {.struct_size = sizeof holes};
    return m->regions->add(m->dev, &q, &holes, m, &m->shm, e);
}

static int child_plugged(void *t, struct tn_err *e)
{
    struct vmmio *m = t;
    if (m->force_legacy && (m->vt.ops->flags & TN_VIO_NO_LEGACY))
        return tn_fail(m->dev, e, EINVAL, "device is modern-only, use force-legacy=off");
    return add_shm(m, e);
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
    struct vmmio *m = t;
    int fd = m->vt.q[q].kick_fd;
    if (!m->ioeventfd)
        return false;
    if (on)
        m->regions->ioeventfd(m->registers, VMMIO_QUEUE_NOTIFY, 4, 1, q, fd);
    else
        m->regions->ioeventfd_del(m->registers, VMMIO_QUEUE_NOTIFY, 4, 1, q, fd);
    return true;
}

/* The line needs its bit in InterruptStatus: no kernel can set that. */
static void called(void *s, uint32_t ev)
{
    struct vmmio_call *c = s;
    uint64_t n;
    (void)ev;
    if (read(c->m->vt.q[c->q].call_fd, &n, sizeof n) == sizeof n)
        vmmio_interrupt(c->m, VMMIO_INT_USED);
}

static int call_fd(void *t, uint32_t q)
{
    struct vmmio *m = t;
    if (!m->call && !(m->call = calloc(m->vt.nqueues, sizeof *m->call)))
        return -ENOMEM;
    m->call[q] = (struct vmmio_call){m, q};
    return m->loop->fd(m->dev, NULL, TN_LF_NOLOCK, m->vt.q[q].call_fd, TN_FD_IN, called,
                       &m->call[q])
               ? 0
               : -ENOMEM;
}

static struct tn_as *dma_space(void *t, bool translated)
{
    struct vmmio *m = t;
    (void)translated; /* nothing translates for a platform device */
    return m->system;
}

/* One for each kind: more are worth their while with vectors of their own only. */
static uint32_t queues_hint(void *t, uint32_t fixed)
{
    (void)t;
    (void)fixed;
    return 1;
}

static int where(void *t, struct tn_pci_where *w, uint64_t *addr)
{
    struct vmmio *m = t;
    (void)w;
    *addr = m->place.base;
    return 1;
}

static int shm_map(void *t, uint64_t off, uint64_t len, int fd, uint64_t fd_off, uint32_t prot)
{
    struct vmmio *m = t;
    return m->regions->map(m->shm, off, len, fd, fd_off, prot, NULL);
}

static int shm_unmap(void *t, uint64_t off, uint64_t len)
{
    struct vmmio *m = t;
    return m->regions->unmap(m->shm, off, len);
}

static const struct vt_hooks hooks = {
    .plugged = child_plugged,
    .reset = registers_reset,
    .queue_interrupt = queue_interrupt,
    .config_interrupt = config_interrupt,
    .doorbell = doorbell,
    .call_fd = call_fd,
    .dma = dma_space,
    .queues_hint = queues_hint,
    .where = where,
    .shm_map = shm_map,
    .shm_unmap = shm_unmap,
};

/* ---- life ---- */

enum { LEGACY_ALIGN = 4096 }; /* QueueAlign before it is written */

static int init(void *s, struct tn_dev *d)
{
    struct vmmio *m = s;
    m->dev = d;
    m->queue_align = LEGACY_ALIGN;
    pthread_mutex_init(&m->isr_lock, NULL);
    vt_init(&m->vt, d, &hooks, m);
    return 0;
}

static int claim(struct vmmio *m, struct tn_err *e)
{
    void *p = NULL;
    const struct tn_mmio_slot *slot = m->dev->core->port(m->dev, &p);
    m->place.struct_size = sizeof m->place;
    int r = slot->place(p, &m->place);
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = m->place.base,
                                    .size = m->place.size,
                                    .name = "virtio-mmio"};
    if (r == 0)
        r = m->regions->add(m->dev, &q, &vmmio_ops, m, &m->registers, e);
    if (r == 0)
        r = m->irq->line(m->dev, TN_LINE_GSI, m->place.gsi, m->place.line_flags, &m->line, e);
    return r;
}

static int realize(void *s, struct tn_err *e)
{
    struct vmmio *m = s;
    m->regions = TN_GET(m->dev, struct tn_regions, TN_REGION_1);
    m->irq = TN_GET(m->dev, struct tn_irq, TN_IRQ_1);
    m->dma = TN_GET(m->dev, struct tn_dma, TN_DMA_1);
    m->loop = TN_GET(m->dev, struct tn_loop, TN_LOOP_1);
    m->system = m->dma->system(m->dev);
    m->vt.modern = !m->force_legacy;
    m->vt.legacy = m->force_legacy;
    int r = claim(m, e);
    if (r == 0)
        r = vmmio_describe(m, e);
    return r < 0 ? r : vt_realize(&m->vt, e);
}

static void fini(void *s)
{
    struct vmmio *m = s;
    vt_fini(&m->vt);
    free(m->call);
    pthread_mutex_destroy(&m->isr_lock);
}

static void reset(void *s, uint32_t kind, uint32_t phase)
{
    struct vmmio *m = s;
    vt_reset(&m->vt, kind, phase);
    m->page_shift = 0;
    m->queue_align = LEGACY_ALIGN;
}

static int quiesce(void *s, uint32_t why, uint32_t flags)
{
    return vt_quiesce(&((struct vmmio *)s)->vt, why, flags);
}

static void resume(void *s)
{
    vt_resume(&((struct vmmio *)s)->vt);
}

/* ---- tables ---- */

static const struct tn_prop props[] = {
    TN_PROP(struct vmmio, force_legacy, "force-legacy", BOOL, 0,
            "version 1, the legacy interface, instead of version 2"),
    TN_PROP(struct vmmio, ioeventfd, "ioeventfd", BOOL, 1,
            "notifications without an exit to the device"),
    VT_COMPAT_PROPS(struct vmmio),
};

static const struct tn_field fields[] = {
    {.name = "transport",
     .type = TN_S_SUB,
     .offset = offsetof(struct vmmio, vt),
     .count = 1,
     .sub = &vt_state},
    TN_FIELD(struct vmmio, isr, U32),
    TN_FIELD(struct vmmio, page_shift, U32),
    TN_FIELD(struct vmmio, queue_align, U32),
};

static int post_load(void *s, uint32_t version, struct tn_err *e)
{
    struct vmmio *m = s;
    (void)version;
    if (m->page_shift > 31 || !m->queue_align || (m->queue_align & (m->queue_align - 1)))
        return tn_fail(m->dev, e, EINVAL, "the state of virtio-mmio makes no sense");
    m->irq->set(m->line, m->isr != 0);
    return 0;
}

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-mmio",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

static int regs(void *s, struct tn_virtio_regs *out)
{
    const struct vmmio *m = s;
    return vt_regs(&m->vt, __atomic_load_n(&m->isr, __ATOMIC_RELAXED), out);
}

static int queue_regs(void *s, uint32_t q, struct tn_virtio_queue_regs *out)
{
    return vt_queue_regs(&((const struct vmmio *)s)->vt, q, out);
}

static const struct tn_virtio_regs_ops regs_ops = {
    .struct_size = sizeof regs_ops, .regs = regs, .queue = queue_regs};

static const char *const provides[] = {TN_VIRTIO_REGS_1, NULL};
static const void *get_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_VIRTIO_REGS_1) == 0 ? &regs_ops : NULL;
}

static const struct tn_class virtio_mmio = {
    .struct_size = sizeof virtio_mmio,
    .flags = TN_C_THREADSAFE | TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .name = "virtio-mmio",
    .desc = "virtio transport in memory",
    .bus = TN_MMIO_SLOT_BUS,
    .instance_size = sizeof(struct vmmio),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .provides = provides,
    .get_iface = get_iface,
    .init = init,
    .realize = realize,
    .reset = reset,
    .quiesce = quiesce,
    .resume = resume,
    .fini = fini,
};

static const struct tn_compose compose = {.struct_size = sizeof compose,
                                          .flags = TN_COMPOSE_INTO_FREE,
                                          .transport = "virtio-mmio",
                                          .inner_bus = TN_VIRTIO_BUS,
                                          .suffix = "-device",
                                          .child = "virtio-backend"};
static const struct tn_class *const classes[] = {&virtio_mmio, NULL};
static const struct tn_bus_type *const buses[] = {&vt_bus_type, NULL};
static const struct tn_compose *const composes[] = {&compose, NULL};
static const char *const needs[] = {TN_REGION_1, TN_IRQ_1, TN_DMA_1, TN_LOOP_1, TN_OS_1, NULL};
static const char *const wants[] = {TN_ACPI_1, TN_FDT_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "virtio-mmio",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "virtio devices at addresses of microvm",
    .classes = classes,
    .buses = buses,
    .needs = needs,
    .wants = wants,
    .composes = composes,
};
