/* SPDX-License-Identifier: BSD-2-Clause */
/* Lazy binding writes .got.plt for as long as the program runs.
 * breaks: relro_and_bind_now no_writable_globals
 * link: -Wl,-z,lazy */
#include <string.h>

#include "plugin.h"

__attribute__((used)) static unsigned long length(const char *s)
{
    return strlen(s);
}
