/* SPDX-License-Identifier: BSD-2-Clause */
/* RAM that is hidden or write-protected for a while, as host bridges do. Main thread, but for the
 * service. */
#ifndef TN_HOST_SHADOW_H
#define TN_HOST_SHADOW_H
#include "memory.h"
#include <tenon/shadow.h>

struct shadow;
void shadow_free(struct shadow *s);
/* len bytes of rom, from off on, are at gpa where RAM is not shown. */
void shadow_rom(struct vm *vm, struct tn_mem *rom, uint64_t off, uint64_t gpa, uint64_t len);

extern const struct tn_shadow shadow_table; /* TN_SHADOW_1 */

#endif
