/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_executable_stack
 * link: -Wl,-z,execstack */
#include "plugin.h"
