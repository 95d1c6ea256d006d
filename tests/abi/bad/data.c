/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_writable_globals */
#include "plugin.h"

static int counter = 1;

__attribute__((used)) static int next(void)
{
    return ++counter;
}
