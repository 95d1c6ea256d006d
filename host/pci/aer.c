/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors on their way up (PCIe Base 6.0 6.2): from the function that found one, through switches,
 * to the root port. */
#include "pci/aer.h"
#include "pci_impl.h"

static int forwards(struct pci_func *bridge, int message)
{
    pthread_mutex_lock(&bridge->lock);
    int yes = aer_bridge_forwards(&bridge->c, message);
    pthread_mutex_unlock(&bridge->lock);
    return yes;
}

/* The root port's own registers and interrupt are its plugin's business, who looks after them in
 * its own time. */
static void send_up(const struct pci_bus *b, int message, uint32_t rid)
{
    for (; b->bridge; b = b->bridge->bus) {
        if (pci_bus_is_root(b->bridge->bus)) {
            if (b->ops && b->ops->message)
                b->ops->message(b->s, (uint32_t)message, rid);
            return;
        }
        if (!forwards(b->bridge, message))
            return;
    }
}

int pci_func_aer(struct pci_func *f, uint32_t severity, uint32_t bits, const uint32_t *header)
{
    pthread_mutex_lock(&f->lock);
    int message = f->c.absent ? AER_NONE : aer_report(&f->c, (int)severity, bits, header);
    pthread_mutex_unlock(&f->lock);
    if (message != AER_NONE)
        send_up(f->bus, message, pci_func_rid(f));
    return 0;
}
