/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: one_export */
#include "plugin.h"

TN_EXPORT int helper(void);

int helper(void)
{
    return 1;
}
