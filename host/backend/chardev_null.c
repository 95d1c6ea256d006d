/* SPDX-License-Identifier: BSD-2-Clause */
/* null: swallows everything, never says a word. vc: a text console in a window, of which there is
 * none: the same. */
#include "chardev_io.h"

struct null {
    struct chr_common c;
    uint32_t width, height, cols, rows;
};

static int null_realize(void *s, struct tn_err *e)
{
    struct null *n = s;
    int r = chr_common_realize(&n->c, e);
    if (r == 0)
        chr_event(n->c.chr, TN_CHR_OPENED);
    return r;
}

static void null_end(void *s)
{
    struct null *n = s;
    back_run(n->c.chr); /* for the log */
}

static int64_t null_write(void *s, const void *p, uint64_t n)
{
    (void)s, (void)p;
    return (int64_t)n;
}

static void null_room(void *s, uint64_t n)
{
    (void)s, (void)n;
}

static const struct tn_chr_backend null_ops = {sizeof null_ops, .write = null_write,
                                               .room = null_room};

static const struct tn_prop null_props[] = {CHR_COMMON_PROPS(struct null)};
static const struct tn_prop vc_props[] = {
    CHR_COMMON_PROPS(struct null),
    TN_PROP(struct null, width, "width", U32, 0, "pixels"),
    TN_PROP(struct null, height, "height", U32, 0, "pixels"),
    TN_PROP(struct null, cols, "cols", U32, 0, "characters"),
    TN_PROP(struct null, rows, "rows", U32, 0, "characters"),
};

const struct tn_class chr_null_class =
    CHR_CLASS(struct null, "null", "Swallows output", null_props, null_realize, null_end, null_ops);
const struct tn_class chr_vc_class = CHR_CLASS(struct null, "vc", "Text console without a window",
                                               vc_props, null_realize, null_end, null_ops);
