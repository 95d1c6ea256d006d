/* SPDX-License-Identifier: BSD-2-Clause */
/* It believes that there is one vCPU.
 * breaks: threads/locked
 * says: Aborted */
#include <pthread.h>
#define IN_READ(s, off)                                   \
    do {                                                  \
        unsigned long me = (unsigned long)pthread_self(); \
        if (!s->pad[5])                                   \
            memcpy(s->memory, &me, sizeof me);            \
        s->pad[5] = 1;                                    \
        if (memcmp(s->memory, &me, sizeof me) != 0)       \
            abort();                                      \
    } while (0)
#include "device.h"
