/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_constructors */
#include "plugin.h"

__attribute__((constructor)) static void early(void)
{
    __asm__ volatile("");
}
