/* SPDX-License-Identifier: BSD-2-Clause */
/* Two vCPUs in a register of its own lock, which it does not have.
 * breaks: threads/unlocked
 * says: Aborted */
#define EXTRA        .desc = "a gadget", .flags = TN_C_THREADSAFE
#define REGION_FLAGS TN_RO_NO_LOCK
#include <unistd.h>
#define IN_READ(s, off)                                               \
    do {                                                              \
        if (__atomic_add_fetch(&s->pad[2], 1, __ATOMIC_SEQ_CST) != 1) \
            abort();                                                  \
        usleep(10);                                                   \
        __atomic_sub_fetch(&s->pad[2], 1, __ATOMIC_SEQ_CST);          \
    } while (0)
#include "device.h"
