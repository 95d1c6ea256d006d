/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving: by the class's table and callbacks into a tree; state.h. What the table promises is
 * checked on the way. */
#include "parts.h"
#include "services.h"
#include "state_rows.h"

struct tn_save {
    struct dev *d;
    struct st_part *part;
    struct tn_err *e;
    uint32_t depth;
};

enum { DEPTH_MAX = 16 };

uint32_t field_stride(const struct tn_field *f)
{
    return f->stride               ? f->stride
           : f->type == TN_S_TIMER ? (uint32_t)sizeof(struct tn_timer *)
                                   : st_size(f->type);
}

char *field_base(const struct tn_field *f, void *s)
{
    char *p = (char *)s + f->offset;
    return f->flags & TN_SF_PTR ? *(char **)(void *)p : p;
}

uint32_t field_count(const struct tn_field *f, const void *s)
{
    uint32_t n = f->count;
    if (f->flags & TN_SF_COUNT_AT)
        memcpy(&n, (const char *)s + f->count, sizeof n);
    return n;
}

static struct st_item *begin(struct tn_save *o, const char *name, uint32_t kind)
{
    if (!name || !*name)
        violation("state.h: fields tagged by name", "something without a name is saved");
    for (const char *c = name; *c; c++)
        if (*c < ' ' || *c > '~')
            violation("state.h: fields tagged by name",
                      "the name of a saved field has odd characters");
    if (st_find(o->part, name, kind == ST_SUBSECTION))
        violation("state.h: fields tagged by name", "'%s' is saved twice", name);
    return st_add(o->part, name, kind);
}

static void put_element(struct st_item *it, const char *p)
{
    struct tn_timer *t;
    uint64_t at = 0;
    if (it->kind != TN_S_TIMER) {
        buf_add(&it->data, p, st_size(it->kind));
        return;
    }
    memcpy(&t, p, sizeof t);
    buf_add8(&it->data, t ? (uint8_t)timer_state(t, &at) : 0);
    buf_add_le64(&it->data, at);
}

static void put_elements(struct tn_save *o, const char *name, uint32_t kind, const char *p,
                         uint32_t n, uint32_t stride)
{
    struct st_item *it = begin(o, name, kind);
    it->count = n;
    for (uint32_t i = 0; i < n; i++) {
        const char *at = p + (size_t)i * stride;
        if (kind == TN_S_BOOL && *(const uint8_t *)at > 1)
            violation("state.h: TN_S_BOOL", "the field '%s' is %u, not 0 or 1", name,
                      *(const uint8_t *)at);
        put_element(it, at);
    }
}

static int put_part(struct dev *d, const struct tn_state *st, void *s, struct st_part *out,
                    uint32_t depth, struct tn_err *e);

static int put_parts(struct tn_save *o, uint32_t kind, const char *name, const struct tn_state *st,
                     char *p, uint32_t n, uint32_t stride)
{
    struct st_item *it = begin(o, name, kind);
    struct st_part *parts = xcalloc(n + 1, sizeof *parts);
    it->parts = parts;
    it->count = n;
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < n; i++)
        r = put_part(o->d, st, p + (size_t)i * stride, &parts[i], o->depth + 1, o->e);
    return r;
}

static int put_field(struct tn_save *o, const struct tn_field *f, void *s)
{
    uint32_t n = field_count(f, s);
    char *p = field_base(f, s);
    if (f->flags & TN_SF_COUNT_AT && n > f->max)
        violation("state.h: TN_SF_COUNT_AT",
                  "the field '%s' has %u elements, at most %u were declared", f->name, n, f->max);
    if (n && !p)
        violation("state.h: TN_SF_PTR", "the field '%s' has %u elements and no memory", f->name, n);
    if (f->type == TN_S_SUB)
        return put_parts(o, TN_S_SUB, f->name, f->sub, p, n, f->stride);
    put_elements(o, f->name, f->type, p, n, field_stride(f));
    return 0;
}

static int put_subsections(struct tn_save *o, const struct tn_state *st, void *s)
{
    int r = 0;
    for (const struct tn_state *const *sub = st->subsections; r == 0 && sub && *sub; sub++) {
        int needed = 1;
        if ((*sub)->needed)
            CALL(o->d, R_MAIN | R_DEV, "needed", needed = (*sub)->needed(s));
        if (needed)
            r = put_parts(o, ST_SUBSECTION, (*sub)->name, *sub, s, 1, 0);
    }
    return r;
}

static int put_part(struct dev *d, const struct tn_state *st, void *s, struct st_part *out,
                    uint32_t depth, struct tn_err *e)
{
    struct tn_save o = {d, out, e, depth};
    int r = 0;
    if (depth > DEPTH_MAX)
        violation("state.h", "the state '%s' is nested without end", st->name);
    *out = (struct st_part){.name = xstrdup(st->name), .version = st->version};
    if (st->pre_save)
        CALL(d, R_MAIN | R_DEV, "pre_save", r = st->pre_save(s, e));
    for (uint32_t i = 0; r == 0 && i < st->nfields; i++)
        r = put_field(&o, state_row(st, i), s);
    if (r == 0 && st->save)
        CALL(d, R_MAIN | R_DEV, "state save", r = st->save(s, &o, e));
    return r < 0 ? r : put_subsections(&o, st, s);
}

/* Of a pair: the device behind its transport, as if it were a part of it. */
static int put_inner(struct dev *d, struct st_part *out, struct tn_err *e)
{
    struct tn_save o = {d, out, e, 0};
    return put_parts(&o, ST_SUBSECTION, dev_name(d), d->pub.cls->state, d->pub.self, 1, 0);
}

int dev_save(struct dev *d, struct st_part *out, struct tn_err *e)
{
    struct tn_err own = {0};
    e = e ? e : &own;
    *out = (struct st_part){0};
    if (!d->pub.cls->state)
        return err_set(e, ENOENT, "class '%s' has no state", dev_name(d));
    int r = put_part(d, d->pub.cls->state, d->pub.self, out, 0, e);
    if (r == 0 && d->inner && d->inner->pub.cls->state)
        r = put_inner(d->inner, out, e);
    if (r < 0)
        st_free(out);
    return r;
}

/* ---- for callbacks ---- */

static struct tn_save *in_save(struct tn_save *o, const char *what)
{
    enter(o->d, R_MAIN, what);
    if (!call_inside(o->d, "state save"))
        violation("state.h: inside tn_state.save and load only", "%s outside of save", what);
    return o;
}

int stream_put(struct tn_save *o, const char *name, uint32_t type, const void *p, uint32_t count)
{
    in_save(o, "stream->put");
    if (type < TN_S_U8 || type > TN_S_TIMER || (count && !p))
        violation("state.h: put", "stream->put of '%s', type %u", name ? name : "?", type);
    put_elements(o, name, type, p, count,
                 type == TN_S_TIMER ? (uint32_t)sizeof(struct tn_timer *) : st_size(type));
    return 0;
}

int stream_put_sub(struct tn_save *o, const char *name, const struct tn_state *st, const void *s)
{
    return put_parts(in_save(o, "stream->put_sub"), TN_S_SUB, name, st, (char *)(uintptr_t)s, 1, 0);
}

int stream_put_dev(struct tn_save *o, const char *name, struct tn_dev *pub)
{
    const char *id = pub ? dev_of(pub)->id : "";
    struct st_item *it = begin(in_save(o, "stream->put_dev"), name, ST_DEV);
    it->count = (uint32_t)strlen(id) + 1;
    buf_add(&it->data, id, it->count);
    return 0;
}
