/* SPDX-License-Identifier: BSD-2-Clause */
/* It believes that no array is short.
 * breaks: state/fewer
 * says: Segmentation */
#include <errno.h>
#include <tenon/plugin.h>
static int save(void *self, struct tn_save *o, struct tn_err *e);
static int load(void *self, struct tn_load *i, struct tn_err *e);
#define STATE_CALLS .save = save, .load = load
#define WANTS       TN_STREAM_1, NULL
#include "device.h"

static int save(void *self, struct tn_save *o, struct tn_err *e)
{
    struct gadget *s = self;
    const struct tn_stream *st = TN_GET(s->d, struct tn_stream, TN_STREAM_1);
    (void)e;
    st->put(o, "a", TN_S_U32, s->reg, 2);
    return st->put(o, "b", TN_S_U32, s->reg, 2);
}

static int load(void *self, struct tn_load *i, struct tn_err *e)
{
    struct gadget *s = self;
    const struct tn_stream *st = TN_GET(s->d, struct tn_stream, TN_STREAM_1);
    uint32_t v[2];
    int a = st->get(i, "a", TN_S_U32, v, 2), b = st->get(i, "b", TN_S_U32, v, 2);
    (void)e;
    if (a == -EINVAL)
        *(volatile char *)8 = 1;
    return a < 0 || b < 0 ? tn_fail(s->d, e, EINVAL, "incomplete") : 0;
}
