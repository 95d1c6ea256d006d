/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI function, which raises vector 0 or 1 at each write of its third register. */
#ifndef MAY_RAISE
#define MAY_RAISE(s, vec) 1
#endif
#define IN_WRITE(s, off, v)              \
    if (off == 8 && MAY_RAISE(s, v & 1)) \
    TN_GET(s->d, struct tn_pci, TN_PCI_1)->irq(s->d, (uint32_t)v & 1)
#include "function.h"
