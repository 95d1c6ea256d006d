/* SPDX-License-Identifier: BSD-2-Clause */
#include "fail.h"
#include "util/buf.h"
#include <errno.h>
#include <stdlib.h>

int cli_fail(char **err, const char *fmt, ...)
{
    if (!err)
        return -EINVAL;
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    free(*err);
    *err = buf_take(&b);
    return -EINVAL;
}
