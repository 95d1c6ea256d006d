/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that runs out for a plugin, and for nobody else: this program's malloc and its relatives
 * are those of the whole process, and know by the return address who asks. What libc allocates for
 * a plugin (strdup, asprintf) counts as the plugin's; what another library does for it does not:
 * some end the process by design. */
#ifndef TENON_CHECK_FAULT_ALLOC_H
#define TENON_CHECK_FAULT_ALLOC_H
#include <stdint.h>

/* NULL, or why memory cannot be made to run out in this build. */
const char *alloc_cannot(void);
/* The object in memory that has this address is a plugin from now on; at most four. */
void alloc_plugin(const void *inside);
/* The n-th allocation from now on fails, 0: none; starts alloc_count() and alloc_failed() anew. */
void alloc_fail(uint64_t n);
uint64_t alloc_count(void); /* allocations of plugins since */
int alloc_failed(void);     /* 1: one of them has failed */

#endif
