/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvm.h"

#include "irq.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MAX_ROUTES = 4096, MAX_LEAVES = 256 };

struct kvm {
    struct vm *vm;
    int sys, fd;
    uint32_t slots;
    pthread_mutex_t lock; /* leaf: routes */
    uint8_t used[MAX_ROUTES / 8];
    struct kvm_irq_routing_entry *route; /* by gsi; type 0: none */
    uint32_t nroute;                     /* highest gsi in use + 1 */
    uint32_t dirty;
    struct kvm_cpuid2 *cpuid; /* what can be had; NULL: nobody asked */
};

int kvm_system_fd(const struct kvm *k)
{
    return k->sys;
}

int kvm_vm_fd(const struct kvm *k)
{
    return k->fd;
}

int kvm_has(const struct kvm *k, long cap)
{
    return ioctl(k->fd, KVM_CHECK_EXTENSION, cap);
}

uint32_t kvm_max_slots(const struct kvm *k)
{
    return k->slots;
}

static int need(struct kvm *k, long cap, const char *what, struct tn_err *e)
{
    return kvm_has(k, cap) > 0 ? 0 : err_set(e, ENOTSUP, "/dev/kvm: no %s", what);
}

static int open_system(struct kvm *k, struct tn_err *e)
{
    k->sys = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (k->sys < 0)
        return err_set(e, errno, "/dev/kvm: %s", strerror(errno));
    int v = ioctl(k->sys, KVM_GET_API_VERSION, 0);
    return v == KVM_API_VERSION
               ? 0
               : err_set(e, ENOTSUP, "/dev/kvm: API version %d, not %d", v, KVM_API_VERSION);
}

static int open_vm(struct kvm *k, struct tn_err *e)
{
    do
        k->fd = ioctl(k->sys, KVM_CREATE_VM, 0);
    while (k->fd < 0 && errno == EINTR);
    if (k->fd < 0)
        return err_set(e, errno, "/dev/kvm: creating a VM: %s", strerror(errno));
    if (need(k, KVM_CAP_SPLIT_IRQCHIP, "split irqchip", e) < 0 ||
        need(k, KVM_CAP_IMMEDIATE_EXIT, "immediate exit", e) < 0 ||
        need(k, KVM_CAP_SIGNAL_MSI, "KVM_SIGNAL_MSI", e) < 0 ||
        need(k, KVM_CAP_IOEVENTFD, "ioeventfd", e) < 0)
        return -ENOTSUP;
    return 0;
}

/* The APICs are the kernel's, the IOAPIC is a plugin's. The TSS pages lie where x86 firmware would
 * be: below 4 GiB, above RAM and windows. x2APIC ids and broadcast as the architecture has them. */
static int set_up(struct kvm *k, struct tn_err *e)
{
    uint64_t identity = 0xfeffc000;
    struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {IRQ_IOAPIC_PINS}};
    struct kvm_enable_cap x2apic = {
        .cap = KVM_CAP_X2APIC_API,
        .args = {KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK}};
    ioctl(k->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
    if (ioctl(k->fd, KVM_SET_TSS_ADDR, 0xfeffd000) < 0)
        return err_set(e, errno, "/dev/kvm: placing the TSS: %s", strerror(errno));
    if (ioctl(k->fd, KVM_ENABLE_CAP, &split) < 0)
        return err_set(e, errno, "/dev/kvm: split irqchip: %s", strerror(errno));
    ioctl(k->fd, KVM_ENABLE_CAP, &x2apic);
    int slots = kvm_has(k, KVM_CAP_NR_MEMSLOTS);
    k->slots = slots > 0 ? (uint32_t)slots : 32;
    return 0;
}

struct kvm *kvm_new(struct vm *vm, struct tn_err *e)
{
    struct kvm *k = XNEW(struct kvm);
    k->vm = vm;
    k->sys = k->fd = -1;
    pthread_mutex_init(&k->lock, NULL);
    if (open_system(k, e) < 0 || open_vm(k, e) < 0 || set_up(k, e) < 0) {
        kvm_free(k);
        return NULL;
    }
    k->route = xcalloc(MAX_ROUTES, sizeof *k->route);
    for (uint32_t i = 0; i < IRQ_IOAPIC_PINS; i++)
        k->used[i / 8] |= (uint8_t)(1u << i % 8);
    return k;
}

void kvm_free(struct kvm *k)
{
    if (!k)
        return;
    close_fd(&k->fd);
    close_fd(&k->sys);
    pthread_mutex_destroy(&k->lock);
    free(k->route);
    free(k->cpuid);
    free(k);
}

const struct kvm_cpuid2 *kvm_cpuid(struct kvm *k, struct tn_err *e)
{
    if (k->cpuid)
        return k->cpuid;
    struct kvm_cpuid2 *t = xcalloc(1, sizeof *t + MAX_LEAVES * sizeof t->entries[0]);
    t->nent = MAX_LEAVES;
    if (ioctl(k->sys, KVM_GET_SUPPORTED_CPUID, t) == 0)
        return k->cpuid = t;
    err_set(e, errno, "/dev/kvm: CPUID: %s", strerror(errno));
    free(t);
    return NULL;
}

int kvm_memslot(struct kvm *k, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t len, void *va)
{
    struct kvm_userspace_memory_region r = {slot, flags, gpa, len, (uint64_t)(uintptr_t)va};
    return ioctl(k->fd, KVM_SET_USER_MEMORY_REGION, &r) < 0 ? -errno : 0;
}

int kvm_dirty_log(struct kvm *k, uint32_t slot, uint64_t *bits)
{
    struct kvm_dirty_log d = {.slot = slot};
    d.dirty_bitmap = bits;
    return ioctl(k->fd, KVM_GET_DIRTY_LOG, &d) < 0 ? -errno : 0;
}

int kvm_ioeventfd(struct kvm *k, int pio, uint64_t addr, uint32_t size, uint32_t match,
                  uint64_t data, int fd, int on)
{
    struct kvm_ioeventfd f = {.datamatch = data, .addr = addr, .len = size, .fd = fd};
    f.flags = (pio ? KVM_IOEVENTFD_FLAG_PIO : 0u) | (match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0u) |
              (on ? 0u : KVM_IOEVENTFD_FLAG_DEASSIGN);
    return ioctl(k->fd, KVM_IOEVENTFD, &f) < 0 ? -errno : 0;
}

int kvm_signal_msi(struct kvm *k, uint64_t addr, uint32_t data)
{
    struct kvm_msi m = {
        .address_lo = (uint32_t)addr, .address_hi = (uint32_t)(addr >> 32), .data = data};
    int r = ioctl(k->fd, KVM_SIGNAL_MSI, &m);
    return r < 0 ? -errno : r > 0;
}

int kvm_gsi_alloc(struct kvm *k)
{
    int gsi = -ENOSPC;
    pthread_mutex_lock(&k->lock);
    for (int i = IRQ_IOAPIC_PINS; i < MAX_ROUTES && gsi < 0; i++)
        if (!(k->used[i / 8] >> i % 8 & 1))
            gsi = i;
    if (gsi >= 0)
        k->used[gsi / 8] |= (uint8_t)(1u << gsi % 8);
    pthread_mutex_unlock(&k->lock);
    return gsi;
}

void kvm_gsi_free(struct kvm *k, int gsi)
{
    kvm_route(k, (uint32_t)gsi, 0, 0);
    pthread_mutex_lock(&k->lock);
    k->used[gsi / 8] &= (uint8_t) ~(1u << gsi % 8);
    pthread_mutex_unlock(&k->lock);
}

static int same_route(const struct kvm_irq_routing_entry *a, const struct kvm_irq_routing_entry *b)
{
    return a->type == b->type && a->u.msi.address_lo == b->u.msi.address_lo &&
           a->u.msi.address_hi == b->u.msi.address_hi && a->u.msi.data == b->u.msi.data;
}

void kvm_route(struct kvm *k, uint32_t gsi, uint64_t addr, uint32_t data)
{
    if (gsi >= MAX_ROUTES)
        return;
    struct kvm_irq_routing_entry r = {0};
    if (addr) {
        r.gsi = gsi;
        r.type = KVM_IRQ_ROUTING_MSI;
        r.u.msi.address_lo = (uint32_t)addr;
        r.u.msi.address_hi = (uint32_t)(addr >> 32);
        r.u.msi.data = data;
    }
    pthread_mutex_lock(&k->lock);
    if (!same_route(&k->route[gsi], &r)) {
        k->route[gsi] = r;
        k->nroute = gsi >= k->nroute ? gsi + 1 : k->nroute;
        k->dirty = 1;
    }
    pthread_mutex_unlock(&k->lock);
}

static int commit(struct kvm *k)
{
    struct kvm_irq_routing *t = xcalloc(1, sizeof *t + k->nroute * sizeof t->entries[0]);
    for (uint32_t i = 0; i < k->nroute; i++)
        if (k->route[i].type)
            t->entries[t->nr++] = k->route[i];
    int r = ioctl(k->fd, KVM_SET_GSI_ROUTING, t) < 0 ? -errno : 0;
    free(t);
    k->dirty = 0;
    return r;
}

int kvm_routes_commit(struct kvm *k)
{
    pthread_mutex_lock(&k->lock);
    int r = k->dirty ? commit(k) : 0;
    pthread_mutex_unlock(&k->lock);
    return r;
}

int kvm_irqfd(struct kvm *k, uint32_t gsi, int fd, int on)
{
    struct kvm_irqfd f = {
        .fd = (uint32_t)fd, .gsi = gsi, .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN};
    return ioctl(k->fd, KVM_IRQFD, &f) < 0 ? -errno : 0;
}
