/* SPDX-License-Identifier: BSD-2-Clause */
/* What people call the classes of PCI functions (PCI Code and ID Assignment 1.11, 1). */
#ifndef TN_HOST_PCI_WORDS_H
#define TN_HOST_PCI_WORDS_H
#include <stdint.h>

const char *pci_class_word(uint32_t class_code); /* base class << 8 | sub-class; NULL: no word */

#endif
