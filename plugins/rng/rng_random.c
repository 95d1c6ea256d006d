/* SPDX-License-Identifier: BSD-2-Clause */
/* rng-random: entropy from a file, /dev/urandom by default. The file may be anything: a FIFO that
 * nobody writes to, a file that is too short, a device that has nothing for minutes. The loop never
 * waits for it. */
#include <errno.h>
#include <string.h>
#include <tenon/os.h>
#include <unistd.h>

#include "source.h"

#define LOOK_AGAIN_NS 1000000000u /* at the end of a file, or of a FIFO's writers */

struct rng_random {
    struct source source;
    const char *filename;
    int fd;
    uint32_t warned;
};

static int failed(struct rng_random *s, int err)
{
    if (!s->warned++)
        s->source.dev->core->warn(s->source.dev, "'%s' gives no entropy: %s", s->filename,
                                  strerror(err));
    return -err;
}

/* More may be appended, and another writer may come. */
static int at_end(struct rng_random *s, struct reader *r)
{
    if (!s->warned++)
        s->source.dev->core->warn(s->source.dev, "'%s' is at its end: waiting for more entropy",
                                  s->filename);
    reader_again(r, LOOK_AGAIN_NS);
    return 0;
}

static int fill(struct source *source, struct reader *r, uint8_t *buf, uint32_t len)
{
    struct rng_random *s = (struct rng_random *)source;
    ssize_t n = read(s->fd, buf, len);
    if (n > 0)
        return (int)n;
    if (n == 0)
        return at_end(s, r);
    if (errno != EAGAIN && errno != EINTR)
        return failed(s, errno);
    reader_watch(r, s->fd);
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct rng_random *s = self;
    struct tn_dev *d = s->source.dev;
    if (!s->filename || !*s->filename)
        return tn_fail(d, e, EINVAL, "Parameter 'filename' expects a valid filename");
    s->source.fill = fill;
    s->fd = TN_GET(d, struct tn_os, TN_OS_1)->open(d, s->filename, TN_O_READ | TN_O_NONBLOCK, e);
    if (s->fd < 0)
        return s->fd;
    return read(s->fd, NULL, 0) < 0 && errno == EISDIR
               ? tn_fail(d, e, EISDIR, "Could not open '%s': %s", s->filename, strerror(EISDIR))
               : 0;
}

static const struct tn_prop props[] = {
    TN_PROP_STR(struct rng_random, filename, "filename", "/dev/urandom", "where to read"),
};

const struct tn_class rng_random_class = {
    SOURCE_CLASS(struct rng_random, "rng-random", "entropy from a file"),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .realize = realize,
};
