/* SPDX-License-Identifier: BSD-2-Clause */
/* rng-egd: entropy from a daemon at the other end of a character device. */
#include <errno.h>
#include <tenon/chardev.h>

#include "egd.h"
#include "source.h"

struct rng_egd {
    struct source source;
    struct tn_chr *chr;
    const struct tn_chardev *chardev;
    struct egd egd;
};

static void send_command(struct rng_egd *s)
{
    uint32_t n;
    const uint8_t *p = egd_command(&s->egd, &n);
    int64_t sent = n ? s->chardev->write(s->chr, p, n) : 0;
    if (sent > 0)
        egd_sent(&s->egd, (uint32_t)sent);
}

static int fill(struct source *source, struct reader *r, uint8_t *buf, uint32_t len)
{
    struct rng_egd *s = (struct rng_egd *)source;
    (void)r;
    uint32_t n = egd_take(&s->egd, buf, len);
    if (n)
        return (int)n;
    send_command(s);
    s->chardev->accept(s->chr);
    return 0; /* input() will wake the readers */
}

/* ---- what the character device brings ---- */

static uint32_t room(void *self)
{
    const struct rng_egd *s = self;
    return egd_room(&s->egd);
}

static void input(void *self, const uint8_t *p, uint32_t n)
{
    struct rng_egd *s = self;
    egd_receive(&s->egd, p, n);
    if (!egd_room(&s->egd))
        source_wake(&s->source);
}

/* Who waits gets what came before the end, or asks again. */
static void event(void *self, uint32_t ev)
{
    struct rng_egd *s = self;
    if (ev == TN_CHR_CLOSED)
        egd_closed(&s->egd);
    else if (ev == TN_CHR_OPENED)
        egd_opened(&s->egd);
    source_wake(&s->source);
}

static void writable(void *self)
{
    send_command(self);
}

static const struct tn_chr_ops chr_ops = {.struct_size = sizeof chr_ops,
                                          .room = room,
                                          .input = input,
                                          .event = event,
                                          .writable = writable};

static int realize(void *self, struct tn_err *e)
{
    struct rng_egd *s = self;
    struct tn_dev *d = s->source.dev;
    if (!s->chr)
        return tn_fail(d, e, EINVAL, "Parameter 'chardev' is missing");
    s->source.fill = fill;
    s->chardev = TN_GET(d, struct tn_chardev, TN_CHARDEV_1);
    return s->chardev->attach(s->chr, d, &chr_ops, s) < 0
               ? tn_fail(d, e, EBUSY, "rng-egd: the chardev is in use")
               : 0;
}

static const struct tn_prop props[] = {
    TN_PROP_REF(struct rng_egd, chr, "chardev", CHARDEV, 0, "where the daemon is"),
};

const struct tn_class rng_egd_class = {
    SOURCE_CLASS(struct rng_egd, "rng-egd", "entropy from an EGD daemon"),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .realize = realize,
};
