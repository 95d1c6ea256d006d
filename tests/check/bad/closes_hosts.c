/* SPDX-License-Identifier: BSD-2-Clause */
/* A descriptor of the host, closed behind its back.
 * breaks: life/one-life
 * says: closed by hand */
#include <unistd.h>
#define IN_REALIZE(s, e) close(TN_GET(s->d, struct tn_os, TN_OS_1)->eventfd(s->d))
#include "device.h"
