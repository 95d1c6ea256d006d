/* SPDX-License-Identifier: BSD-2-Clause */
/* A vendor's capability that says it has no bytes.
 * breaks: pci/capabilities
 * says: too few */
#define IN_PCI(s, pci, e) pci->cap(s->d, 9, 0, "\0\0\0\0", NULL, NULL, 4, e)
#include "function.h"
