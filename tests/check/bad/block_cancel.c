/* SPDX-License-Identifier: BSD-2-Clause */
/* A request that it was to cancel has no end.
 * breaks: backend/block-cancel
 * says: never done */
#define CANCEL(q, r) (q)->todo = NULL
#include "block.h"
