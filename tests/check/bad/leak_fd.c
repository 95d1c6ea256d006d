/* SPDX-License-Identifier: BSD-2-Clause */
/* A descriptor that it opens by itself and never closes.
 * breaks: life/thousand
 * says: descriptors */
#include <fcntl.h>
#define IN_REALIZE(s, e)                 \
    if (open("/dev/null", O_RDONLY) < 0) \
    return tn_fail(s->d, e, EMFILE, "none left")
#include "device.h"
