/* SPDX-License-Identifier: BSD-2-Clause */
/* Without relro its constant tables stay writable.
 * breaks: relro_and_bind_now no_writable_globals
 * link: -Wl,-z,norelro */
#include "plugin.h"
