/* SPDX-License-Identifier: BSD-2-Clause */
/* rng-builtin: entropy from the host's kernel, without a file. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "source.h"

#define POOL_NOT_READY_NS 100000000u /* the host itself has only just been started */

struct rng_builtin {
    struct source source;
};

static int fill(struct source *s, struct reader *r, uint8_t *buf, uint32_t len)
{
    ssize_t n = getrandom(buf, len, GRND_NONBLOCK);
    if (n > 0)
        return (int)n;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        int err = errno;
        s->dev->core->warn(s->dev, "the host gives no entropy: %s", strerror(err));
        return -err;
    }
    reader_again(r, POOL_NOT_READY_NS);
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct rng_builtin *s = self;
    (void)e;
    s->source.fill = fill;
    return 0;
}

const struct tn_class rng_builtin_class = {
    SOURCE_CLASS(struct rng_builtin, "rng-builtin", "entropy from the host's kernel"),
    .realize = realize,
};
