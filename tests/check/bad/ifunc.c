/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of its functions is the right one, it wants to find out while it is loaded.
 * breaks: meta/loads
 * says: Aborted */
#include <stdlib.h>
static int fast(void)
{
    return 1;
}
static int (*choose(void))(void)
{
    abort();
    return fast;
}
int chosen(void) __attribute__((ifunc("choose"), visibility("hidden")));
#define IN_INIT(s) chosen()
#include "device.h"
