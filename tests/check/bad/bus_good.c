/* SPDX-License-Identifier: BSD-2-Clause */
/* It provides a bus, and what sits there.
 * breaks: nothing
 * says: nothing */
#include "provider.h"
