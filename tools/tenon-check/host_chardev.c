/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_CHARDEV_1 with a stand-in behind it that takes what comes, now and then only a part, and can
 * type; and TN_CHR_FEED_1 for back ends, with a front end that takes what it is given. */
#include "parts.h"
#include "services.h"
#include "stand_in.h"

enum { FEED_ROOM = 64 };

struct tn_chr {
    struct host *h;
    struct dev *user;
    struct tn_chr_ops ops;
    void *s;
    uint32_t writes;
};

static void chr_release(struct res *r)
{
    struct tn_chr *c = *(struct tn_chr **)(r + 1);
    c->user = NULL;
}

static int chr_attach(struct tn_chr *c, struct tn_dev *pub, const struct tn_chr_ops *o, void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "chardev->attach");
    if (!c)
        violation("chardev.h: attach", "chardev->attach of a character device that was not given");
    if (c->user || inject(d, "chardev->attach"))
        return -EBUSY;
    if (o && (!o->room || !o->input) && (o->room || o->input))
        violation("chardev.h: struct tn_chr_ops", "room without input, or input without room");
    struct tn_chr **held =
        (void *)((struct res *)res_new(d, "character device", sizeof(struct res) + sizeof *held,
                                       chr_release) +
                 1);
    *held = c;
    c->user = d;
    c->ops = o ? *o : (struct tn_chr_ops){0};
    c->s = s;
    return 0;
}

static void chr_use(struct tn_chr *c, const char *what)
{
    if (!c || !c->user)
        violation("chardev.h: attach", "%s of a character device that is not attached", what);
    enter(c->user, R_ANY, what);
}

static void chr_writable(void *o)
{
    struct tn_chr *c = o;
    if (c->user && c->ops.writable)
        CALL(c->user, c->user->home->role | R_DEV, "tn_chr_ops.writable", c->ops.writable(c->s));
}

/* Every seventh write is taken in part: the rest is asked for later. */
static int64_t chr_write(struct tn_chr *c, const void *p, uint64_t n)
{
    chr_use(c, "chardev->write");
    if (call_inside(c->user, "post_load") || call_inside(c->user, "state load"))
        violation("docs/abi.md: Life of an instance: first I/O in resume",
                  "chardev->write in a load");
    if (n && !p)
        violation("chardev.h: write", "chardev->write of %llu bytes at NULL",
                  (unsigned long long)n);
    c->h->log.chr_out += n;
    if (++c->writes % 7 || !c->ops.writable || !n)
        return (int64_t)n;
    job_add(c->h, c->user, chr_writable, c);
    c->h->log.chr_out -= n - n / 2;
    return (int64_t)(n / 2);
}

static void chr_accept(struct tn_chr *c)
{
    chr_use(c, "chardev->accept");
}

static int chr_set(struct tn_chr *c, uint32_t what, void *arg, uint32_t len)
{
    chr_use(c, "chardev->set");
    if (what < TN_CHR_SET_PARAMS || what > TN_CHR_GET_SIZE || !arg || !len)
        violation("chardev.h: set", "chardev->set(%u) with %u bytes", what, len);
    return -ENOTSUP; /* "is normal" */
}

static int chr_take(struct tn_chr *c, struct tn_dev *pub, int *fd, uint32_t timeout_ms,
                    struct tn_err *e)
{
    (void)c, (void)timeout_ms;
    enter(dev_of(pub), R_MAIN | R_CTX, "chardev->take");
    *fd = -1;
    return err_set(e, ENOTSUP, "it is no socket");
}

const struct tn_chardev chardev_table = {
    .struct_size = sizeof(struct tn_chardev),
    .attach = chr_attach,
    .write = chr_write,
    .accept = chr_accept,
    .set = chr_set,
    .take = chr_take,
};

void *stand_in_chr(struct host *h)
{
    struct tn_chr *c = XNEW(struct tn_chr);
    c->h = h;
    return c;
}

/* Somebody types: as much as there is room for, n bytes at most. */
void chr_type(struct tn_chr *c, const uint8_t *p, uint32_t n)
{
    uint32_t room = 0, role = c->user ? c->user->home->role | R_DEV : 0;
    if (!c->user || !c->ops.input)
        return;
    CALL(c->user, role, "tn_chr_ops.room", room = c->ops.room(c->s));
    n = n < room ? n : room;
    if (n)
        CALL(c->user, role, "tn_chr_ops.input", c->ops.input(c->s, p, n));
}

void chr_event(struct tn_chr *c, uint32_t ev)
{
    if (c->user && c->ops.event)
        CALL(c->user, c->user->home->role | R_DEV, "tn_chr_ops.event", c->ops.event(c->s, ev));
}

/* ---- what back ends call ---- */

static void enter_feed(struct tn_dev *pub, const char *what)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN | R_CTX, what);
    if (d->pub.cls->kind != TN_K_CHARDEV)
        violation("chardev.h: tn_chr_feed: d is the back end itself",
                  "%s of a device that is no character back end", what);
    if (call_top() && !(call_top()->role & R_DEV))
        violation("chardev.h: tn_chr_feed", "%s without the back end's [dev]", what);
}

static uint64_t feed_room(struct tn_dev *d)
{
    enter_feed(d, "chr_feed->room");
    return FEED_ROOM;
}

static void feed_input(struct tn_dev *d, const void *p, uint64_t n)
{
    enter_feed(d, "chr_feed->input");
    if (n > FEED_ROOM || (n && !p))
        violation("chardev.h: tn_chr_feed.input: at most room() bytes",
                  "chr_feed->input of %llu bytes, room is %u", (unsigned long long)n, FEED_ROOM);
}

static void feed_event(struct tn_dev *d, uint32_t ev)
{
    enter_feed(d, "chr_feed->event");
    if (ev < TN_CHR_OPENED || ev > TN_CHR_RESIZED)
        violation("chardev.h: TN_CHR_*", "chr_feed->event(%u)", ev);
}

static void feed_writable(struct tn_dev *d)
{
    enter_feed(d, "chr_feed->writable");
}

const struct tn_chr_feed chr_feed_table = {
    .struct_size = sizeof(struct tn_chr_feed),
    .room = feed_room,
    .input = feed_input,
    .event = feed_event,
    .writable = feed_writable,
};
