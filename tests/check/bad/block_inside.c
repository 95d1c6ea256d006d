/* SPDX-License-Identifier: BSD-2-Clause */
/* What it is given is done before it has been given.
 * breaks: backend/block-reads
 * says: never inside submit */
#define SUBMIT(q, r) done(q, r)
#include "block.h"
