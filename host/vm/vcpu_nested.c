/* SPDX-License-Identifier: BSD-2-Clause */
#include "vcpu_nested.h"

#include "kvm.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    CR4_VMXE = 1 << 13,  /* SDM 24.7 */
    EFER_SVME = 1 << 12, /* APM volume 2, 15.4 */
    HEAD = sizeof(struct kvm_nested_state)
};
_Static_assert(sizeof(struct kvm_nested_state) == 8 + VCPU_NESTED_HEAD, "its head is 128 bytes");

/* KVM's largest; 0: it has none. */
static uint32_t size_here(struct kvm *k)
{
    int size = kvm_has(k, KVM_CAP_NESTED_STATE);
    return size >= HEAD && size <= HEAD + VCPU_NESTED_DATA ? (uint32_t)size : 0;
}

static struct kvm_nested_state *get(struct kvm *k, int fd)
{
    uint32_t size = size_here(k);
    struct kvm_nested_state *s = size ? xcalloc(1, size) : NULL;
    if (!s)
        return NULL;
    s->size = size;
    if (ioctl(fd, KVM_GET_NESTED_STATE, s) == 0 && s->size >= HEAD && s->size <= size)
        return s;
    free(s);
    return NULL;
}

/* As if the processor had just been reset. */
static int is_initial(const struct kvm_nested_state *s)
{
    return s->format == KVM_STATE_NESTED_FORMAT_SVM
               ? s->flags == KVM_STATE_NESTED_GIF_SET
               : !s->flags && s->hdr.vmx.vmxon_pa == ~(uint64_t)0 && !s->hdr.vmx.smm.flags;
}

int vcpu_nested_get(struct kvm *k, int fd, uint32_t i, const struct vcpu_regs *r,
                    struct vcpu_nested *n, struct tn_err *e)
{
    AUTO_FREE struct kvm_nested_state *s = get(k, fd);
    *n = (struct vcpu_nested){0};
    if (!s)
        return r->sregs.cr4 & CR4_VMXE || r->sregs.efer & EFER_SVME
                   ? err_set(
                         e, ENOTSUP,
                         "a hypervisor runs on vCPU %u, and this kernel does not tell its state", i)
                   : 0;
    n->on = !is_initial(s);
    n->format = s->format;
    n->flags = s->flags;
    memcpy(n->head, &s->hdr, sizeof n->head);
    n->len = s->size - HEAD;
    n->data = xcalloc(1, n->len + 1);
    memcpy(n->data, (const uint8_t *)s + HEAD, n->len);
    return 0;
}

int vcpu_nested_set(struct kvm *k, int fd, uint32_t i, const struct vcpu_nested *n,
                    struct tn_err *e)
{
    AUTO_FREE struct kvm_nested_state *s = xcalloc(1, HEAD + n->len);
    (void)k;
    if (!n->on)
        return 0;
    s->flags = (uint16_t)n->flags;
    s->format = (uint16_t)n->format;
    s->size = HEAD + n->len;
    memcpy(&s->hdr, n->head, sizeof n->head);
    memcpy((uint8_t *)s + HEAD, n->data, n->len);
    return ioctl(fd, KVM_SET_NESTED_STATE, s) == 0
               ? 0
               : err_set(e, errno, "/dev/kvm: the hypervisor on vCPU %u cannot go on here: %s", i,
                         strerror(errno));
}

void vcpu_nested_leave(struct kvm *k, int fd)
{
    AUTO_FREE struct kvm_nested_state *s = get(k, fd);
    if (!s || is_initial(s))
        return;
    struct kvm_nested_state none = {.format = s->format, .size = HEAD};
    if (s->format == KVM_STATE_NESTED_FORMAT_SVM)
        none.flags = KVM_STATE_NESTED_GIF_SET;
    else
        none.hdr.vmx.vmxon_pa = none.hdr.vmx.vmcs12_pa = ~(uint64_t)0;
    ioctl(fd, KVM_SET_NESTED_STATE, &none);
}

int vcpu_nested_fits(struct kvm *k, int fd, uint32_t i, const struct vcpu_nested *n,
                     struct tn_err *e)
{
    AUTO_FREE struct kvm_nested_state *s = n->on ? get(k, fd) : NULL;
    if (!n->on)
        return 0;
    return s && s->format == n->format && n->len <= size_here(k) - HEAD
               ? 0
               : err_set(e, ENOTSUP,
                         "a hypervisor runs on vCPU %u there: it cannot go on with this processor "
                         "and kernel",
                         i);
}
