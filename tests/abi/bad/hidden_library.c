/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_foreign_symbol
 * link: -l:libz.so.1 */
#include "plugin.h"

const char *zlibVersion(void);

__attribute__((used)) static const char *version(void)
{
    return zlibVersion();
}
