/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of a function: INTx through the bridges to a wire of the machine, MSI and MSI-X as
 * messages. */
#include "pci_impl.h"

/* ---- INTx ---- */

/* Pins are swizzled at each bridge on the way up (PCI-to-PCI Bridge 1.2 9.1). */
uint32_t pci_pin_gsi(const struct pci_bus *b, uint32_t devfn, uint32_t pin)
{
    for (; b->bridge; devfn = b->bridge->devfn, b = b->bridge->bus) {
        uint32_t own = b->flags & TN_PCIB_ONE_SLOT ? PCI_FUNC_OF(devfn) : devfn;
        pin = b->ops && b->ops->swizzle ? b->ops->swizzle(b->s, PCI_SLOT_OF(own), pin) & 3
                                        : pci_swizzle(own, pin);
    }
    return pci_root_gsi(PCI_SLOT_OF(devfn), pin);
}

struct tn_line *pci_func_line(struct pci_func *f)
{
    uint32_t pin = f->c.bytes[PCI_INTERRUPT_PIN];
    if (f->line || pin < 1 || pin > 4)
        return f->line;
    ERR_AUTO e = {0};
    uint32_t gsi = pci_pin_gsi(f->bus, f->devfn, pin - 1);
    struct tn_line *l = irq_line_new(f->pci->vm, NULL, gsi, TN_LINE_SHARED | TN_LINE_LEVEL, &e);
    if (!l)
        err_report(&e);
    pthread_mutex_lock(&f->lock);
    f->line = l;
    pthread_mutex_unlock(&f->lock);
    return l;
}

void pci_func_wire(struct pci_func *f)
{
    int level = pci_config_intx(&f->c, f->pin_level) && !f->msi.enabled && !f->msix.enabled;
    if (f->line)
        irq_set(f->line, (uint32_t)level);
}

void pci_func_intx(struct pci_func *f, uint32_t level)
{
    pthread_mutex_lock(&f->lock);
    f->pin_level = level != 0;
    pci_func_wire(f);
    pthread_mutex_unlock(&f->lock);
}

/* ---- messages ---- */

/* A message is a write to memory: it goes out only while the function is bus master. */
static void send(struct pci_func *f, const struct pci_msg *msg)
{
    if (__atomic_load_n(&f->as.open, __ATOMIC_ACQUIRE))
        irq_msi(f->pci->vm, msg->addr, msg->data);
}

void pci_func_notify(struct pci_func *f, uint32_t vec)
{
    struct pci_msg msg;
    enum pci_notify n = f->c.absent       ? PCI_NOTIFY_NONE
                        : f->msix.enabled ? msix_notify(&f->msix, vec, &msg)
                        : f->msi.enabled  ? msi_notify(&f->msi, vec, &msg)
                                          : PCI_NOTIFY_NONE;
    if (n == PCI_NOTIFY_SEND)
        send(f, &msg);
}

void pci_func_irq(struct pci_func *f, uint32_t vec)
{
    pthread_mutex_lock(&f->lock);
    pci_func_notify(f, vec);
    pthread_mutex_unlock(&f->lock);
}

int pci_func_message(const struct pci_func *f, uint32_t vec, struct pci_msg *msg)
{
    if (f->c.absent)
        return 0;
    if (f->msix.enabled)
        return msix_message(&f->msix, vec, msg);
    const struct msi *m = &f->msi;
    if (!m->enabled || vec >= m->nvec || !(m->live & 1u << (vec & (m->active - 1))))
        return 0;
    vec &= m->active - 1;
    *msg = (struct pci_msg){m->base.addr, (m->base.data & ~(m->active - 1)) | vec};
    return 1;
}

/* ---- what lib/pci reports, under the function's lock ---- */

static void rewired(void *s, uint32_t vec, const struct pci_msg *msg)
{
    struct pci_func *f = s;
    uint8_t live = msg ? VEC_LIVE : 0;
    if (vec < f->nvec && (f->vec_state[vec] & VEC_LIVE) != live)
        f->vec_state[vec] = live | VEC_TOGGLED;
}

static void fire(void *s, uint32_t vec, const struct pci_msg *msg)
{
    (void)vec;
    send(s, msg);
}

static void poll_pending(void *s, uint32_t vec, uint32_t n)
{
    pci_irqfds_poll(s, vec, n);
}

const struct pci_vec_ops pci_msi_ops = {.rewire = rewired, .fire = fire};
const struct pci_vec_ops pci_msix_ops = {.rewire = rewired, .fire = fire, .poll = poll_pending};
