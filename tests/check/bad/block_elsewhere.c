/* SPDX-License-Identifier: BSD-2-Clause */
/* It writes one sector further than it was told.
 * breaks: backend/block-writes
 * says: not what was written */
#define AT(r) (r)->off + ((r)->op == TN_BLK_WRITE ? 512 : 0)
#include "block.h"
