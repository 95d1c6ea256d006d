/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_constructors */
#include "plugin.h"

__attribute__((destructor)) static void late(void)
{
    __asm__ volatile("");
}
