/* SPDX-License-Identifier: BSD-2-Clause */
/* What one machine does, the next one feels.
 * breaks: life/two-machines
 * says: something is shared */
#define IN_WRITE(s, off, v)                                                            \
    do {                                                                               \
        if (getenv("GADGET")) {                                                        \
            unsetenv("GADGET");                                                        \
            s->irq->set(s->line, 0), s->irq->set(s->line, 1), s->irq->set(s->line, 0); \
        } else {                                                                       \
            setenv("GADGET", "1", 1);                                                  \
        }                                                                              \
    } while (0)
#include "device.h"
