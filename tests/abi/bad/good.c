/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: nothing */
#include <stdio.h>
#include <string.h>

#include "plugin.h"

static const char *const words[] = {"relocated", "constants", "live in relro", NULL};

static int init(void *s, struct tn_dev *d)
{
    memset(s, 0, 8);
    return snprintf(s, 8, "%s", words[d != NULL]) < 0;
}

__attribute__((used)) static const struct tn_class cls = {.struct_size = sizeof cls, .init = init};
