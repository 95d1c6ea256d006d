/* SPDX-License-Identifier: BSD-2-Clause */
/* INTx that is raised and lowered in one go.
 * breaks: life/used
 * says: INTx is raised and lowered in one call */
#define IN_TIMER(s)                                                     \
    do {                                                                \
        const struct tn_pci *p = TN_GET(s->d, struct tn_pci, TN_PCI_1); \
        p->intx(s->d, 1);                                               \
        p->intx(s->d, 0);                                               \
    } while (0)
#include "function.h"
