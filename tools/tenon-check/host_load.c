/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading: what does not fit the table is refused before anything is written; then fields, load(),
 * subsections, post_load. */
#include "parts.h"
#include "services.h"
#include "state_rows.h"
#include "util/bytes.h"

struct tn_load {
    struct dev *d;
    struct st_part *part;
    struct tn_err *e;
};

/* ---- first pass ---- */

static int check_part(const struct st_part *p, const struct tn_state *st, void *s,
                      struct tn_err *e);

static int check_parts(const struct st_item *it, const struct tn_state *st, char *s,
                       uint32_t stride, struct tn_err *e)
{
    for (uint32_t i = 0; i < it->count; i++) {
        int r = check_part(&it->parts[i], st, s + (size_t)i * stride, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_field(const struct st_part *p, const struct tn_field *f, void *s, struct tn_err *e)
{
    const struct st_item *it = st_find(p, f->name, 0);
    if (!it)
        return f->since > p->version ? 0
                                     : err_set(e, EINVAL, "'%s/%s' is missing", p->name, f->name);
    uint32_t room = f->flags & TN_SF_COUNT_AT ? f->max : f->count;
    if (it->kind != f->type || it->count > room ||
        (!(f->flags & TN_SF_COUNT_AT) && it->count != room))
        return err_set(e, EINVAL, "'%s/%s' is of another type or number", p->name, f->name);
    if (it->count && !field_base(f, s))
        return err_set(e, EINVAL, "'%s/%s' has no memory here", p->name, f->name);
    return f->type == TN_S_SUB ? check_parts(it, f->sub, field_base(f, s), f->stride, e) : 0;
}

static const struct tn_field *row_named(const struct tn_state *st, const char *name)
{
    for (uint32_t i = 0; i < st->nfields; i++)
        if (strcmp(state_row(st, i)->name, name) == 0)
            return state_row(st, i);
    return NULL;
}

static const struct tn_state *subsection(const struct tn_state *st, const char *name)
{
    for (const struct tn_state *const *sub = st->subsections; sub && *sub; sub++)
        if (strcmp((*sub)->name, name) == 0)
            return *sub;
    return NULL;
}

static int check_unknown(const struct st_item *it, const struct tn_state *st, void *s,
                         struct tn_err *e)
{
    if (it->kind != ST_SUBSECTION)
        return row_named(st, it->name) || st->load
                   ? 0
                   : err_set(e, EINVAL, "'%s/%s' is not known", st->name, it->name);
    const struct tn_state *sub = subsection(st, it->name);
    return sub ? check_part(&it->parts[0], sub, s, e)
               : err_set(e, EINVAL, "'%s/%s' is not known", st->name, it->name);
}

static int check_part(const struct st_part *p, const struct tn_state *st, void *s, struct tn_err *e)
{
    int r = 0;
    if (strcmp(p->name, st->name) != 0 || p->version < st->min_version || p->version > st->version)
        return err_set(e, EINVAL, "state '%s' version %u is not for '%s' version %u to %u", p->name,
                       p->version, st->name, st->min_version, st->version);
    for (uint32_t i = 0; r == 0 && i < st->nfields; i++)
        r = check_field(p, state_row(st, i), s, e);
    for (uint32_t i = 0; r == 0 && i < p->n; i++)
        r = check_unknown(&p->items[i], st, s, e);
    return r;
}

/* ---- second pass ---- */

static void set_elements(const struct st_item *it, char *p, uint32_t stride)
{
    uint32_t size = st_size(it->kind);
    for (uint32_t i = 0; i < it->count; i++, p += stride) {
        const uint8_t *from = it->data.data + (size_t)i * size;
        struct tn_timer *t;
        if (it->kind != TN_S_TIMER) {
            memcpy(p, from, size);
            continue;
        }
        memcpy(&t, p, sizeof t);
        if (t)
            timer_set(t, *from, get_le64(from + 1));
    }
}

static int apply_part(struct dev *d, struct st_part *p, const struct tn_state *st, void *s,
                      struct tn_err *e);

static int apply_field(struct dev *d, const struct st_item *it, const struct tn_field *f, void *s,
                       struct tn_err *e)
{
    char *p = field_base(f, s);
    if (f->flags & TN_SF_COUNT_AT)
        memcpy((char *)s + f->count, &it->count, sizeof it->count);
    if (f->type != TN_S_SUB) {
        set_elements(it, p, field_stride(f));
        return 0;
    }
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < it->count; i++)
        r = apply_part(d, &it->parts[i], f->sub, p + (size_t)i * f->stride, e);
    return r;
}

static int run_load(struct dev *d, struct st_part *p, const struct tn_state *st, void *s,
                    struct tn_err *e)
{
    struct tn_load l = {d, p, e};
    int r = 0;
    for (uint32_t i = 0; i < p->n; i++)
        p->items[i].used = p->items[i].kind == ST_SUBSECTION || row_named(st, p->items[i].name);
    CALL(d, R_MAIN | R_DEV, "state load", r = st->load(s, &l, e));
    if (r < 0)
        return err_set(e, -r, "'%s' refuses its state", st->name);
    for (uint32_t i = 0; i < p->n; i++)
        if (!p->items[i].used)
            return err_set(e, EINVAL, "'%s/%s' is not known", p->name, p->items[i].name);
    return 0;
}

static int apply_part(struct dev *d, struct st_part *p, const struct tn_state *st, void *s,
                      struct tn_err *e)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < st->nfields; i++) {
        const struct st_item *it = st_find(p, state_row(st, i)->name, 0);
        r = it ? apply_field(d, it, state_row(st, i), s, e) : 0;
    }
    if (r == 0 && st->load)
        r = run_load(d, p, st, s, e);
    for (uint32_t i = 0; r == 0 && i < p->n; i++)
        if (p->items[i].kind == ST_SUBSECTION)
            r = apply_part(d, p->items[i].parts, subsection(st, p->items[i].name), s, e);
    if (r == 0 && st->post_load)
        CALL(d, R_MAIN | R_DEV, "post_load", r = st->post_load(s, p->version, e));
    if (r > 0 || r < -4095)
        violation("docs/abi.md: Errors", "a callback of load answered %d", r);
    return r;
}

static int check_inner(const struct dev *d, const struct st_item *it, struct tn_err *e)
{
    if (it->count != 1)
        return err_set(e, EINVAL, "'%s' is there %u times", it->name, it->count);
    return check_part(it->parts, d->pub.cls->state, d->pub.self, e);
}

/* The transport's own, and then that of the device behind it: inner, or NULL. */
static int load_both(struct dev *d, struct st_part *p, const struct st_item *inner,
                     struct tn_err *e)
{
    struct dev *x = d->inner;
    int r = check_part(p, d->pub.cls->state, d->pub.self, e);
    if (r == 0 && inner)
        r = check_inner(x, inner, e);
    if (r < 0)
        return r;
    r = apply_part(d, p, d->pub.cls->state, d->pub.self, e);
    if (r == 0 && inner)
        r = apply_part(x, inner->parts, x->pub.cls->state, x->pub.self, e);
    if (r < 0)
        dev_reset(d, TN_RESET_COLD); /* it may be half loaded */
    return r;
}

int dev_load(struct dev *d, struct st_part *p, struct tn_err *e)
{
    struct tn_err own = {0};
    struct st_item *inner = NULL;
    e = e ? e : &own;
    if (!d->inner || !d->inner->pub.cls->state)
        return load_both(d, p, NULL, e);
    inner = st_find(p, dev_name(d->inner), 1);
    if (!inner)
        return err_set(e, EINVAL, "the state of '%s' is missing", dev_name(d->inner));
    struct st_item last = p->items[p->n - 1]; /* out of the transport's sight, for now */
    p->items[p->n - 1] = *inner;
    *inner = last;
    p->n--;
    int r = load_both(d, p, &p->items[p->n], e);
    p->n++;
    return r;
}

/* ---- for callbacks ---- */

static struct st_item *wanted(struct tn_load *l, const char *name, const char *what)
{
    enter(l->d, R_MAIN, what);
    if (!call_inside(l->d, "state load"))
        violation("state.h: inside tn_state.save and load only", "%s outside of load", what);
    return st_find(l->part, name, 0);
}

static int stream_get(struct tn_load *l, const char *name, uint32_t type, void *p, uint32_t count)
{
    struct st_item *it = wanted(l, name, "stream->get");
    if (!it)
        return -ENOENT;
    if (it->kind != type || it->count != count || !st_size(type) || type == ST_DEV)
        return -EINVAL;
    it->used = 1;
    set_elements(it, p, type == TN_S_TIMER ? (uint32_t)sizeof(struct tn_timer *) : st_size(type));
    return 0;
}

static int64_t stream_get_count(struct tn_load *l, const char *name)
{
    const struct st_item *it = wanted(l, name, "stream->get_count");
    return it ? (int64_t)it->count : -ENOENT;
}

static int stream_get_sub(struct tn_load *l, const char *name, const struct tn_state *st, void *s)
{
    struct st_item *it = wanted(l, name, "stream->get_sub");
    if (!it)
        return -ENOENT;
    if (it->kind != TN_S_SUB || it->count != 1)
        return -EINVAL;
    struct tn_err none = {0}; /* l->e is the caller's to fill */
    it->used = 1;
    int r = check_part(it->parts, st, s, &none);
    return r < 0 ? r : apply_part(l->d, it->parts, st, s, &none);
}

static int stream_get_dev(struct tn_load *l, const char *name, struct tn_dev **out)
{
    struct st_item *it = wanted(l, name, "stream->get_dev");
    struct dev *d;
    if (!it)
        return -ENOENT;
    if (it->kind != ST_DEV)
        return -EINVAL;
    it->used = 1;
    *out = NULL;
    TAILQ_FOREACH(d, &l->d->h->devs, link)
    if (strcmp(d->id, buf_cstr(&it->data)) == 0)
        *out = &d->pub;
    return *out || !*buf_cstr(&it->data) ? 0 : -ENODEV;
}

const struct tn_stream stream_table = {
    .struct_size = sizeof(struct tn_stream),
    .put = stream_put,
    .put_sub = stream_put_sub,
    .get = stream_get,
    .get_count = stream_get_count,
    .get_sub = stream_get_sub,
    .put_dev = stream_put_dev,
    .get_dev = stream_get_dev,
};
