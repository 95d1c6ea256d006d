/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_foreign_symbol
 * link: -Wl,-z,undefs */
#include "plugin.h"

int host_helper(void);

__attribute__((used)) static int call(void)
{
    return host_helper();
}
