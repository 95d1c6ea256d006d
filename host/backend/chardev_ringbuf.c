/* SPDX-License-Identifier: BSD-2-Clause */
/* ringbuf (also memory): keeps the newest output in memory, for the monitor to read. */
#include "chardev_io.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

struct ringbuf {
    struct chr_common c;
    uint64_t size; /* a power of two */
    uint8_t *data;
    uint64_t head, tail; /* free-running */
};

enum { MOST = 1 << 30 };

static int ringbuf_realize(void *s, struct tn_err *e)
{
    struct ringbuf *b = s;
    int r = chr_common_realize(&b->c, e);
    if (r < 0)
        return r;
    if (!b->size || b->size & (b->size - 1))
        return err_set(e, EINVAL, "size of ringbuf chardev must be power of two");
    if (b->size > MOST || !(b->data = calloc(1, b->size)))
        return err_set(e, ENOMEM, "no memory for a ringbuf of %llu bytes",
                       (unsigned long long)b->size);
    chr_event(b->c.chr, TN_CHR_OPENED);
    return 0;
}

static void ringbuf_end(void *s)
{
    struct ringbuf *b = s;
    if (b->data)
        back_run(b->c.chr); /* for the log */
    free(b->data);
    b->data = NULL;
}

static int64_t ringbuf_write(void *s, const void *p, uint64_t n)
{
    struct ringbuf *b = s;
    for (const uint8_t *at = p; at < (const uint8_t *)p + n; at++)
        b->data[b->head++ & (b->size - 1)] = *at;
    if (b->head - b->tail > b->size)
        b->tail = b->head - b->size;
    return (int64_t)n;
}

static void ringbuf_room(void *s, uint64_t n)
{
    (void)s, (void)n;
}

static const struct tn_chr_backend ringbuf_ops = {sizeof ringbuf_ops, .write = ringbuf_write,
                                                  .room = ringbuf_room};

static struct ringbuf *ringbuf_of(struct tn_chr *c)
{
    return c && c->be == &ringbuf_ops && c->back ? c->back->pub.self : NULL;
}

int64_t chardev_ringbuf_read(struct tn_chr *c, void *buf, uint64_t max)
{
    struct ringbuf *b = ringbuf_of(c);
    uint64_t n = 0;
    if (!b)
        return -EINVAL;
    int entered = domain_enter(c->back->domain);
    back_run(c); /* what has been written up to now is in it */
    for (; n < max && b->tail != b->head; n++)
        ((uint8_t *)buf)[n] = b->data[b->tail++ & (b->size - 1)];
    domain_leave(c->back->domain, entered);
    return (int64_t)n;
}

int chardev_ringbuf_write(struct tn_chr *c, const void *p, uint64_t n)
{
    struct ringbuf *b = ringbuf_of(c);
    if (!b)
        return -EINVAL;
    int entered = domain_enter(c->back->domain);
    back_run(c);
    ringbuf_write(b, p, n);
    domain_leave(c->back->domain, entered);
    return 0;
}

static const struct tn_prop ringbuf_props[] = {
    CHR_COMMON_PROPS(struct ringbuf),
    TN_PROP(struct ringbuf, size, "size", SIZE, 65536, "bytes kept, a power of two"),
};

const struct tn_class chr_ringbuf_class =
    CHR_CLASS(struct ringbuf, "ringbuf", "Keeps the newest output in memory", ringbuf_props,
              ringbuf_realize, ringbuf_end, ringbuf_ops);
const struct tn_class chr_memory_class =
    CHR_CLASS(struct ringbuf, "memory", "Keeps the newest output in memory (ringbuf)",
              ringbuf_props, ringbuf_realize, ringbuf_end, ringbuf_ops);
