/* SPDX-License-Identifier: BSD-2-Clause */
/* A Function Level Reset leaves its registers alone.
 * breaks: pci/flr
 * says: not that of a fresh device */
static const unsigned char exp_cap[0x3c] = {0, 0, 2, 0, 0, 0, 0, 0x10}; /* FLR */
static void written(void *s, unsigned off, unsigned size, unsigned old);
#define PCI_OPS .flags = TN_PCIF_EXPRESS, .config_written = written
#define IN_PCI(s, pci, e) \
    s->pad[3] = (unsigned char)pci->cap(s->d, 0x10, 0, exp_cap, NULL, NULL, sizeof exp_cap, e)
#define IN_HOLD(s)                                                       \
    do {                                                                 \
        s->irq->set(s->line, 0);                                         \
        if (!s->pad[2])                                                  \
            memset(s->reg, 0, sizeof s->reg), s->flag = 0, s->index = 0; \
    } while (0)
#include "function.h"
static void written(void *self, unsigned off, unsigned size, unsigned old)
{
    struct gadget *s = self;
    (void)size, (void)old;
    s->pad[2] = off == s->pad[3] + 8u;
}
