/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes of any size anywhere in the BARs of virtio-pci and in its window in
 * configuration space, with MSI-X switched on and off in between. The child's promises are checked
 * by its rig. */
#include "../../../tests/unit/vt_rig.h"
#include "pci/regs.h"
#include "util/bytes.h"
#include "vpci.h"

enum { CFG_CAP = 0x40, BAR_BYTES = 0x4000 };

struct machine {
    struct rig r;
    struct vpci p;
    struct tn_pci pci;
    struct tn_loop loop;
    uint8_t config[256];
    uint32_t pin;
};

static struct machine *machine_of(struct tn_dev *d)
{
    return (struct machine *)rig_of_dev(d); /* r is the first member */
}

static void t_irq(struct tn_dev *d, uint32_t vec)
{
    RIG_PROMISE(rig_of_dev(d), vec < machine_of(d)->p.nvectors);
}

static void t_intx(struct tn_dev *d, uint32_t level)
{
    machine_of(d)->pin = level;
}

static int t_config_read(struct tn_dev *d, uint32_t off, uint32_t size, uint32_t *v)
{
    *v = get_le32(machine_of(d)->config + (off & 0xfc)) >> off % 4 * 8 & (uint32_t)ones(size);
    return 0;
}

static int t_config_set(struct tn_dev *d, uint32_t off, uint32_t size, uint32_t v)
{
    memcpy(machine_of(d)->config + off, &v, size);
    return 0;
}

static int t_adopt(struct tn_dev *d, uint32_t vec, int fd, struct tn_err *e)
{
    (void)d;
    (void)vec;
    (void)fd;
    (void)e;
    return 0;
}

static int t_ioeventfd(struct tn_dev *d, uint32_t n, uint64_t off, uint32_t size, uint32_t match,
                       uint64_t data, int fd)
{
    (void)data;
    RIG_PROMISE(rig_of_dev(d), fd >= 0 && (size == 2 || (size == 0 && !match)) &&
                                   (n != VPCI_BAR || off < BAR_BYTES));
    return 0;
}

static struct tn_watch *t_fd(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, int fd,
                             uint32_t ev, void (*fn)(void *, uint32_t), void *s)
{
    (void)c;
    (void)flags;
    (void)fd;
    (void)ev;
    (void)fn;
    (void)s;
    return (struct tn_watch *)(void *)d;
}

static void t_fd_mask(struct tn_watch *w, uint32_t ev)
{
    (void)w;
    (void)ev;
}

static bool is_master(void *t)
{
    return ((struct vpci *)t)->dev;
}

static int nothing(void *t, struct tn_err *e)
{
    (void)t;
    (void)e;
    return 0;
}

static void registers_reset(void *t)
{
    vpci_irq_reset(t);
}

static struct tn_as *dma_space(void *t, bool translated)
{
    (void)translated;
    return t;
}

void vpci_be_master(struct vpci *p)
{
    (void)p;
}

static const struct vt_hooks hooks = {.plugged = nothing,
                                      .reset = registers_reset,
                                      .queue_interrupt = vpci_queue_interrupt,
                                      .config_interrupt = vpci_config_interrupt,
                                      .doorbell = vpci_doorbell,
                                      .may_dma = is_master,
                                      .call_fd = vpci_call_fd,
                                      .dma = dma_space};

static void build(struct machine *m)
{
    rig_tables(&m->r);
    m->pci = (struct tn_pci){.struct_size = sizeof m->pci,
                             .irq = t_irq,
                             .intx = t_intx,
                             .config_read = t_config_read,
                             .config_set = t_config_set,
                             .irqfd_adopt = t_adopt,
                             .bar_ioeventfd = t_ioeventfd,
                             .bar_ioeventfd_del = t_ioeventfd};
    m->loop = m->r.loop;
    m->loop.fd = t_fd;
    m->loop.fd_mask = t_fd_mask;
    m->p = (struct vpci){.dev = &m->r.dev,
                         .pci = &m->pci,
                         .loop = &m->loop,
                         .flags = ~0u,
                         .nvectors = 3,
                         .notify_step = VPCI_NOTIFY_STEP,
                         .bar_size = BAR_BYTES,
                         .cfg_cap = CFG_CAP};
    vpci_irq_init(&m->p);
    m->p.vt.modern = m->p.vt.legacy = true;
    vt_init(&m->p.vt, &m->r.dev, &hooks, &m->p);
    rig_attach(&m->r, &m->p.vt);
}

static uint32_t take(const uint8_t **p, const uint8_t *end, uint32_t n)
{
    uint32_t v = 0;
    for (uint32_t i = 0; i < n && *p < end; i++)
        v |= (uint32_t) * (*p)++ << 8 * i;
    return v;
}

/* One access; most offsets are where registers are. */
static void access_bar(struct machine *m, const uint8_t **p, const uint8_t *end)
{
    uint32_t size = 1u << take(p, end, 1) % 3, part = take(p, end, 1) % 5;
    uint64_t off = (part * VPCI_PART_SIZE + take(p, end, 1)) & ~(uint64_t)(size - 1);
    if (take(p, end, 1) & 1)
        vpci_modern_write(&m->p, off % BAR_BYTES, take(p, end, size), size);
    else
        vpci_modern_read(&m->p, off % BAR_BYTES, size);
}

static void access_legacy(struct machine *m, const uint8_t **p, const uint8_t *end)
{
    uint32_t size = 1u << take(p, end, 1) % 3, off = take(p, end, 1) % 0x40;
    if (take(p, end, 1) & 1)
        vpci_legacy_ops.write(&m->p, off, take(p, end, size), size);
    else
        vpci_legacy_ops.read(&m->p, off, size);
}

static void access_window(struct machine *m, const uint8_t **p, const uint8_t *end)
{
    uint32_t size = 1u << take(p, end, 1) % 3, at = CFG_CAP + VPCI_CAP_DATA + take(p, end, 1) % 4;
    m->config[CFG_CAP + VPCI_CAP_BAR] = (uint8_t)(take(p, end, 1) % 6);
    put_le32(m->config + CFG_CAP + VPCI_CAP_OFFSET, take(p, end, 2));
    put_le32(m->config + CFG_CAP + VPCI_CAP_LENGTH, take(p, end, 1) % 6);
    if (take(p, end, 1) & 1)
        vpci_config_write(&m->p, at, size, take(p, end, size));
    else
        vpci_config_read(&m->p, at, size, 0);
}

/* What a driver does: else hardly any input comes as far as running queues. */
static void go_live(struct machine *m)
{
    vpci_modern_write(&m->p, VPCI_DRIVER_FEATURE_SELECT, 1, 4);
    vpci_modern_write(&m->p, VPCI_DRIVER_FEATURE, 0x101, 4);
    vpci_modern_write(&m->p, VPCI_STATUS, 0xb, 1);
    for (uint32_t q = 0; q < RIG_QUEUES; q++) {
        vpci_modern_write(&m->p, VPCI_QUEUE_SELECT, q, 2);
        vpci_modern_write(&m->p, VPCI_QUEUE_ENABLE, 1, 2);
    }
    vpci_modern_write(&m->p, VPCI_STATUS, 0xf, 1);
}

static void outside(struct machine *m, const uint8_t **p, const uint8_t *end)
{
    uint32_t what = take(p, end, 1);
    m->r.stop_later = what >> 6 & 1;
    if (what & 1)
        vpci_irq_mode(&m->p, what & 2 ? TN_IRQ_MSIX : TN_IRQ_INTX, 3);
    if (what & 4)
        rig_stopped(&m->r);
    if (what & 8)
        vt_port.call_fd(&m->r.slot, what >> 4 & 1);
    if (what & 0x10)
        vt_port.notify(&m->r.slot, what >> 5 & 1);
    if (what & 0x80)
        go_live(m);
    if (what & 0x20)
        vpci_pio_ops.write(&m->p, 0, take(p, end, 4), 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ops[])(struct machine *, const uint8_t **, const uint8_t *) = {
        access_bar, access_legacy, access_window, outside};
    const uint8_t *p = data, *end = data + size;
    struct machine m = {.pin = 0};
    build(&m);
    while (p < end) {
        ops[take(&p, end, 1) % 4](&m, &p, end);
        if (m.r.broken_promise) {
            fprintf(stderr, "promise broken: %s\n", m.r.broken_promise);
            abort();
        }
        if (m.pin && !m.p.isr)
            abort();
    }
    rig_fini(&m.r);
    vpci_irq_fini(&m.p);
    return 0;
}
