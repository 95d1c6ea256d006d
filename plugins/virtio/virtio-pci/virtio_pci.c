/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-pci (Virtual I/O Device 1.3, 4.1): the PCI function around any device on the virtio-bus.
 * The layout, the ids and the properties are QEMU's. */
#include "pci/regs.h"
#include "vpci.h"
#include <errno.h>
#include <string.h>
#include <tenon/plugin.h>

enum {
    VECTORS_UNSPECIFIED = 0xffffffffu,
    MSIX_ENTRY = 16,
    MSIX_VECTORS_MAX = 2048, /* PCIe 7.7.2.2: Table Size */
    MSIX_BAR_SIZE = 4096,
    ID_CONSOLE = 3,
};

static uint64_t power_of_two(uint64_t n)
{
    uint64_t p = 1;
    while (p < n)
        p *= 2;
    return p;
}

/* ---- which interfaces ---- */

static bool on_port(struct vpci *p)
{
    struct tn_pci_where w = {.struct_size = sizeof w};
    return p->pci->where(p->dev, &w) == 0 && (w.flags & TN_PCI_ON_EXPRESS) &&
           !(w.flags & TN_PCI_ON_ROOT);
}

/* auto: legacy is for slots of the root complex; I/O space is scarce behind ports. */
static int choose_interfaces(struct vpci *p, bool port, struct tn_err *e)
{
    p->vt.modern = !p->disable_modern;
    p->vt.legacy = p->disable_legacy == TN_AUTO ? !port : p->disable_legacy == TN_OFF;
    if (p->vt.modern || p->vt.legacy)
        return 0;
    int r = tn_fail(p->dev, e, EINVAL,
                    "device cannot work as neither modern nor legacy mode is enabled");
    p->dev->core->hint(e, "Set either disable-modern or disable-legacy to off");
    return r;
}

/* What the child says about it, when it is known. */
static int check_child(struct vpci *p, struct tn_err *e)
{
    struct vt *v = &p->vt;
    if (v->legacy && (v->ops->flags & TN_VIO_NO_LEGACY)) {
        if (p->disable_legacy != TN_AUTO || !v->modern)
            return tn_fail(p->dev, e, EINVAL, "device is modern-only, use disable-legacy=on");
        v->legacy = false;
    }
    if (v->legacy && (v->allowed->features & VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM)))
        return tn_fail(p->dev, e, EINVAL,
                       "VIRTIO_F_IOMMU_PLATFORM was supported by neither legacy nor transitional "
                       "device");
    return 0;
}

static int identify(struct vpci *p, struct tn_err *e)
{
    const struct vt *v = &p->vt;
    uint32_t class_code = p->class_code ? p->class_code << 8 : v->class_rev >> 8;
    struct tn_pci_id id = {
        .struct_size = sizeof id, .vendor = VPCI_VENDOR, .subvendor = VPCI_VENDOR, .int_pin = 1};
    if (v->legacy) {
        id.device = v->ops->pci_legacy_id;
        id.subsystem = (uint16_t)v->device_id;
        id.class_rev = class_code << 8;
    } else {
        id.device = (uint16_t)(VPCI_MODERN_DEVICE + v->device_id);
        id.subsystem = VPCI_SUBSYSTEM;
        id.class_rev = class_code << 8 | VPCI_MODERN_REVISION;
    }
    return p->pci->identify(p->dev, &id, e);
}

/* ---- BARs and vectors ---- */

/* One for each queue and one for the configuration; ports of a console share. */
static uint32_t default_vectors(const struct vt *v)
{
    return v->device_id == ID_CONSOLE && v->nqueues > 2 ? v->nqueues / 2 : v->nqueues + 1;
}

static int add_msix(struct vpci *p, struct tn_err *e)
{
    uint32_t n = p->vectors == VECTORS_UNSPECIFIED ? default_vectors(&p->vt) : p->vectors;
    if (!n)
        return 0;
    if (n > MSIX_VECTORS_MAX)
        return tn_fail(p->dev, e, EINVAL, "unable to init msix vectors to %u", n);
    uint64_t table = (uint64_t)n * MSIX_ENTRY, pba = MSIX_BAR_SIZE / 2;
    if (table > pba)
        pba = table;
    uint64_t size = power_of_two(pba + (n + 63) / 64 * 8);
    int r = p->pci->bar(p->dev, VPCI_MSIX_BAR, TN_BAR_MEM32,
                        size > MSIX_BAR_SIZE ? size : MSIX_BAR_SIZE, NULL, p, e);
    if (r >= 0)
        r = p->pci->msix(p->dev, 0, n, VPCI_MSIX_BAR, 0, VPCI_MSIX_BAR, pba, e);
    p->nvectors = r < 0 ? 0 : n;
    return r < 0 ? r : 0;
}

static int add_shm_bar(struct vpci *p, struct tn_err *e)
{
    const struct vt *v = &p->vt;
    if (!v->nshm)
        return 0;
    const struct vt_shm *last = &v->shm[v->nshm - 1];
    p->shm_size = power_of_two(last->off + last->len);
    return p->pci->bar(p->dev, VPCI_SHM_BAR, TN_BAR_MEM64 | TN_BAR_PREFETCH, p->shm_size, NULL, p,
                       e);
}

static int add_modern(struct vpci *p, struct tn_err *e)
{
    p->notify_step = vpci_flag(p, VPCI_F_PAGE_PER_VQ) ? VPCI_NOTIFY_PAGE : VPCI_NOTIFY_STEP;
    p->bar_size = power_of_two(VPCI_NOTIFY_AT + (uint64_t)p->notify_step * VIRTIO_MAX_QUEUES);
    if (p->vt.nshm && vpci_flag(p, VPCI_F_PIO_NOTIFY))
        return tn_fail(p->dev, e, EINVAL,
                       "modern-pio-notify=on: the BAR is taken by shared memory regions");
    int r = vpci_add_caps(p, e);
    if (r >= 0 && vpci_flag(p, VPCI_F_PIO_NOTIFY))
        r = p->pci->bar(p->dev, VPCI_PIO_BAR, TN_BAR_IO, 4, &vpci_pio_ops, p, e);
    if (r >= 0)
        r = p->pci->bar(p->dev, VPCI_BAR, TN_BAR_MEM64 | TN_BAR_PREFETCH, p->bar_size,
                        &vpci_modern_ops, p, e);
    return r < 0 ? r : add_shm_bar(p, e);
}

static int add_legacy(struct vpci *p, struct tn_err *e)
{
    uint64_t head = p->nvectors ? VPCI_L_CONFIG_MSIX : VPCI_L_CONFIG;
    return p->pci->bar(p->dev, VPCI_LEGACY_BAR, TN_BAR_IO, power_of_two(head + p->vt.config_len),
                       &vpci_legacy_ops, p, e);
}

static int child_plugged(void *t, struct tn_err *e)
{
    struct vpci *p = t;
    int r = check_child(p, e);
    if (r >= 0)
        r = identify(p, e);
    if (r >= 0 && p->vt.modern)
        r = add_modern(p, e);
    if (r >= 0)
        r = add_msix(p, e);
    if (r >= 0 && p->vt.legacy)
        r = add_legacy(p, e);
    return r < 0 ? r : 0;
}

/* ---- what the shared part asks for ---- */

static void registers_reset(void *t)
{
    vpci_irq_reset(t);
}

/* Without ACCESS_PLATFORM the device sees guest-physical memory, but only as bus master: the
 * function's space serves both, unless it is translated. */
static struct tn_as *dma_space(void *t, bool translated)
{
    struct vpci *p = t;
    struct tn_as *own = p->pci->dma(p->dev, TN_NO_PASID);
    struct tn_as_info now = {.struct_size = sizeof now};
    if (translated || p->dma->info(own, &now) < 0 ||
        !(now.flags & (TN_AS_TRANSLATED | TN_AS_MAY_TRANSLATE)))
        return own;
    return p->system;
}

/* The host lets no DMA pass otherwise: a queue that runs all the same would break. */
static bool is_master(void *t)
{
    struct vpci *p = t;
    uint32_t command = 0, power = 0;
    p->pci->config_read(p->dev, PCI_COMMAND, 2, &command);
    if (p->pm_cap)
        p->pci->config_read(p->dev, p->pm_cap + PCI_PM_CTRL, 2, &power);
    return (command & PCI_COMMAND_MASTER) && !(power & PCI_PM_CTRL_STATE_MASK);
}

void vpci_be_master(struct vpci *p)
{
    uint32_t command = 0;
    p->pci->config_read(p->dev, PCI_COMMAND, 2, &command);
    if (!(command & PCI_COMMAND_MASTER))
        p->pci->config_set(p->dev, PCI_COMMAND, 2, command | PCI_COMMAND_MASTER);
}

static void config_written(void *s, uint32_t off, uint32_t size, uint32_t old)
{
    struct vpci *p = s;
    uint32_t ctrl = p->pm_cap + PCI_PM_CTRL;
    (void)old;
    if (off <= PCI_COMMAND + 1 || (p->pm_cap && off < ctrl + 2 && off + size > ctrl))
        vt_dma_changed(&p->vt);
}

static uint32_t queues_hint(void *t, uint32_t fixed)
{
    struct vpci *p = t;
    uint32_t cpus = p->dev->core->vcpus(p->dev), room = VIRTIO_MAX_QUEUES - fixed;
    return cpus < room ? cpus : room;
}

static int where(void *t, struct tn_pci_where *w, uint64_t *addr)
{
    struct vpci *p = t;
    (void)addr;
    return p->pci->where(p->dev, w);
}

static int shm_map(void *t, uint64_t off, uint64_t len, int fd, uint64_t fd_off, uint32_t prot)
{
    struct vpci *p = t;
    return p->pci->bar_mmap(p->dev, VPCI_SHM_BAR, off, len, fd, fd_off, prot, NULL);
}

static int shm_unmap(void *t, uint64_t off, uint64_t len)
{
    struct vpci *p = t;
    return p->pci->bar_unmap(p->dev, VPCI_SHM_BAR, off, len);
}

static const struct vt_hooks hooks = {
    .plugged = child_plugged,
    .reset = registers_reset,
    .queue_interrupt = vpci_queue_interrupt,
    .config_interrupt = vpci_config_interrupt,
    .doorbell = vpci_doorbell,
    .call_fd = vpci_call_fd,
    .may_dma = is_master,
    .dma = dma_space,
    .queues_hint = queues_hint,
    .where = where,
    .shm_map = shm_map,
    .shm_unmap = shm_unmap,
};

/* ---- life ---- */

static int init(void *s, struct tn_dev *d)
{
    struct vpci *p = s;
    p->dev = d;
    vpci_irq_init(p);
    vt_init(&p->vt, d, &hooks, p);
    return 0;
}

/* Formats of old migration streams. */
static int check_compat(struct vpci *p, struct tn_err *e)
{
    if (!vpci_flag(p, VPCI_F_MIGRATE_EXTRA))
        return tn_fail(p->dev, e, ENOTSUP, "migrate-extra=off: the whole state is always saved");
    if (vpci_flag(p, VPCI_F_MASTER_BUG))
        return tn_fail(p->dev, e, ENOTSUP,
                       "virtio-pci-bus-master-bug-migration=on: no state of such a version exists");
    return 0;
}

static int realize(void *s, struct tn_err *e)
{
    struct vpci *p = s;
    p->pci = TN_GET(p->dev, struct tn_pci, TN_PCI_1);
    p->dma = TN_GET(p->dev, struct tn_dma, TN_DMA_1);
    p->loop = TN_GET(p->dev, struct tn_loop, TN_LOOP_1);
    p->system = p->dma->system(p->dev);
    bool port = on_port(p);
    int r = check_compat(p, e);
    if (r >= 0)
        r = choose_interfaces(p, port, e);
    if (r >= 0 && port && p->vt.modern && !vpci_flag(p, VPCI_F_NO_PCIE))
        r = vpci_add_express(p, e);
    return r < 0 ? r : vt_realize(&p->vt, e);
}

static void fini(void *s)
{
    struct vpci *p = s;
    vt_fini(&p->vt);
    vpci_irq_fini(p);
}

static void reset(void *s, uint32_t kind, uint32_t phase)
{
    vt_reset(&((struct vpci *)s)->vt, kind, phase);
}

static int quiesce(void *s, uint32_t why, uint32_t flags)
{
    return vt_quiesce(&((struct vpci *)s)->vt, why, flags);
}

static void resume(void *s)
{
    vt_resume(&((struct vpci *)s)->vt);
}

/* ---- tables ---- */

#define FLAG(nm, bit, def, help) TN_PROP_BIT(struct vpci, flags, nm, bit, def, help)
static const struct tn_prop props[] = {
    TN_PROP(struct vpci, disable_legacy, "disable-legacy", ONOFFAUTO, TN_AUTO,
            "no legacy interface; auto: behind a PCI Express port"),
    TN_PROP(struct vpci, disable_modern, "disable-modern", BOOL, 0, "no modern interface"),
    TN_PROP(struct vpci, vectors, "vectors", U32, VECTORS_UNSPECIFIED,
            "MSI-X vectors; by default one for each queue, and one"),
    TN_PROP(struct vpci, class_code, "class", U32, 0, "class and subclass; 0: the device's own"),
    FLAG("ioeventfd", VPCI_F_IOEVENTFD, 1, "notifications without an exit to the device"),
    FLAG("modern-pio-notify", VPCI_F_PIO_NOTIFY, 0, "a doorbell in I/O space, too"),
    FLAG("page-per-vq", VPCI_F_PAGE_PER_VQ, 0, "a page for each doorbell"),
    FLAG("ats", VPCI_F_ATS, 0, "address translation services capability"),
    FLAG("x-ats-page-aligned", VPCI_F_ATS_ALIGNED, 1, NULL),
    FLAG("aer", VPCI_F_AER, 0, "advanced error reporting capability"),
    FLAG("x-disable-pcie", VPCI_F_NO_PCIE, 0, "a conventional function, also behind a port"),
    FLAG("x-pcie-deverr-init", VPCI_F_DEVERR_INIT, 1, NULL),
    FLAG("x-pcie-lnkctl-init", VPCI_F_LNKCTL_INIT, 1, NULL),
    FLAG("x-pcie-pm-init", VPCI_F_PM_INIT, 1, NULL),
    FLAG("x-pcie-pm-no-soft-reset", VPCI_F_PM_NO_SOFT_RESET, 0, NULL),
    FLAG("x-pcie-flr-init", VPCI_F_FLR_INIT, 1, NULL),
    FLAG("migrate-extra", VPCI_F_MIGRATE_EXTRA, 1, NULL),
    FLAG("virtio-pci-bus-master-bug-migration", VPCI_F_MASTER_BUG, 0, NULL),
    VT_COMPAT_PROPS(struct vpci),
};

static const struct tn_field fields[] = {
    {.name = "transport",
     .type = TN_S_SUB,
     .offset = offsetof(struct vpci, vt),
     .count = 1,
     .sub = &vt_state},
    TN_FIELD(struct vpci, isr, U32),
    TN_FIELD(struct vpci, config_vector, U32),
};

static int post_load(void *s, uint32_t version, struct tn_err *e)
{
    struct vpci *p = s;
    (void)version;
    (void)e;
    vpci_irq_loaded(p);
    return 0;
}

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-pci",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_EXPRESS | TN_PCIF_CONVENTIONAL,
    .vendor = VPCI_VENDOR,
    .device = VPCI_MODERN_DEVICE,
    .class_rev = 0x00ff0000u, /* the child's, from plugged() on */
    .int_pin = 1,
    .config_written = config_written,
    .irq_mode = vpci_irq_mode,
    .config_read = vpci_config_read,
    .config_write = vpci_config_write,
};

static int regs(void *s, struct tn_virtio_regs *out)
{
    const struct vpci *p = s;
    return vt_regs(&p->vt, __atomic_load_n(&p->isr, __ATOMIC_RELAXED), out);
}

static int queue_regs(void *s, uint32_t q, struct tn_virtio_queue_regs *out)
{
    return vt_queue_regs(&((const struct vpci *)s)->vt, q, out);
}

static const struct tn_virtio_regs_ops regs_ops = {
    .struct_size = sizeof regs_ops, .regs = regs, .queue = queue_regs};

static const char *const provides[] = {TN_VIRTIO_REGS_1, NULL};
static const void *get_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_VIRTIO_REGS_1) == 0 ? &regs_ops : NULL;
}

static const struct tn_class virtio_pci = {
    .struct_size = sizeof virtio_pci,
    .flags = TN_C_THREADSAFE | TN_C_HOTPLUG | TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .name = "virtio-pci",
    .desc = "virtio transport over PCI",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct vpci),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .provides = provides,
    .get_iface = get_iface,
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
    .quiesce = quiesce,
    .resume = resume,
    .fini = fini,
};

static const struct tn_compose compose = {.struct_size = sizeof compose,
                                          .transport = "virtio-pci",
                                          .inner_bus = TN_VIRTIO_BUS,
                                          .suffix = "-pci",
                                          .child = "virtio-backend"};
static const struct tn_class *const classes[] = {&virtio_pci, NULL};
static const struct tn_bus_type *const buses[] = {&vt_bus_type, NULL};
static const struct tn_compose *const composes[] = {&compose, NULL};
static const char *const needs[] = {TN_PCI_1, TN_DMA_1, TN_LOOP_1, TN_OS_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "virtio-pci",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "virtio devices as PCI functions",
    .classes = classes,
    .buses = buses,
    .needs = needs,
    .composes = composes,
};
