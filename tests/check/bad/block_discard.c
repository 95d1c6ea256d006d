/* SPDX-License-Identifier: BSD-2-Clause */
/* It says that it can discard, and cannot.
 * breaks: backend/block-others
 * says: fails with -22 */
#define DISCARD(r) -EINVAL
#include "block.h"
