/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: no_tls */
#include "plugin.h"

static _Thread_local int last;

__attribute__((used)) static int next(void)
{
    return ++last;
}
