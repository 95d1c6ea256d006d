/* SPDX-License-Identifier: BSD-2-Clause */
/* A vendor that is none.
 * breaks: pci/header
 * says: that is no vendor */
#define IDS .vendor = 0xffff, .device = 1, .class_rev = 0xff000001
#include "function.h"
