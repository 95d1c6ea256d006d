/* SPDX-License-Identifier: BSD-2-Clause */
/* It cannot do without what it says it only wants.
 * breaks: life/without-wants
 * says: Segmentation */
#define NEEDS TN_REGION_1, TN_IRQ_1, NULL
#define WANTS TN_LOOP_1, NULL
#include "device.h"
