/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_text_relocation
 * link: -Wl,-z,notext */
#include "plugin.h"

__asm__(".text\n.quad tn_plugin_v1\n");
