/* SPDX-License-Identifier: BSD-2-Clause */
#include "loop.h"
#include "state.h"
#include "state_format.h"
#include "state_stream.h"
#include "state_table.h"
#include "util/bytes.h"
#include <errno.h>
#include <string.h>

/* Bytes of one device's state: far beyond any, short of where lengths overflow. */
enum { MAX_BYTES = 1 << 30 };

struct tn_save {
    struct buf *out;
    size_t start; /* of the file in out */
    struct vm *vm;
    struct tn_err *e;
    uint32_t depth; /* of the part that is being written */
    int failed;     /* first -errno: a callback that ignores one does not get a save out of it */
};

static int fail(struct tn_save *o, const char *name, const char *why)
{
    o->failed = err_set(o->e, EINVAL, "field '%s': %s", name ? name : "", why);
    return o->failed;
}

/* ---- elements ---- */

/* The steady clock means nothing in another process: a timer on it is saved as what is left. */
static uint64_t deadline(const struct tn_timer *t)
{
    if (t->clk != TN_CLK_REAL)
        return t->ns;
    uint64_t now = clock_now(t->ctx->clock, TN_CLK_REAL);
    return t->ns > now ? t->ns - now : 0;
}

static void put_timer(struct buf *out, const char *p)
{
    const struct tn_timer *t;
    memcpy(&t, p, sizeof t);
    int armed = t && t->at;
    buf_add8(out, armed != 0);
    buf_add_le64(out, armed ? deadline(t) : 0);
}

static void put_element(struct buf *out, uint32_t type, const char *p)
{
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    switch (type) {
    case TN_S_U16:
        memcpy(&v16, p, sizeof v16);
        buf_add_le16(out, v16);
        break;
    case TN_S_U32:
        memcpy(&v32, p, sizeof v32);
        buf_add_le32(out, v32);
        break;
    case TN_S_U64:
        memcpy(&v64, p, sizeof v64);
        buf_add_le64(out, v64);
        break;
    case TN_S_BOOL:
        buf_add8(out, *p != 0);
        break;
    case TN_S_TIMER:
        put_timer(out, p);
        break;
    default: /* TN_S_U8, TN_S_BYTES */
        buf_add8(out, (uint8_t)*p);
        break;
    }
}

/* ---- items ---- */

static void put_name(struct tn_save *o, const char *name)
{
    buf_add8(o->out, (uint8_t)strlen(name));
    buf_add(o->out, name, strlen(name) + 1);
}

static int begin_item(struct tn_save *o, uint32_t kind, const char *name, uint32_t count)
{
    if (!name || !state_name_ok(name))
        return fail(o, name, "not a legal name");
    if (o->out->len - o->start > MAX_BYTES || (uint64_t)count * state_size(kind) > MAX_BYTES)
        return fail(o, name, "the state is too large");
    buf_add8(o->out, (uint8_t)kind);
    put_name(o, name);
    buf_add_le32(o->out, count);
    return 0;
}

static int put_elements(struct tn_save *o, const char *name, uint32_t type, const char *p,
                        uint32_t n, uint32_t stride)
{
    int r = begin_item(o, type, name, n);
    if (r < 0)
        return r;
    if (type == TN_S_BYTES && stride == 1) {
        if (n)
            buf_add(o->out, p, n);
        return 0;
    }
    for (uint32_t i = 0; i < n; i++)
        put_element(o->out, type, p + (uint64_t)i * stride);
    return 0;
}

static int put_part(struct tn_save *o, const struct tn_state *st, void *s);

static int put_parts(struct tn_save *o, uint32_t kind, const char *name, const struct tn_state *st,
                     char *p, uint32_t n, uint32_t stride)
{
    int r = begin_item(o, kind, name, n);
    for (uint32_t i = 0; r == 0 && i < n; i++)
        r = put_part(o, st, p + (uint64_t)i * stride);
    return r;
}

static int put_field(struct tn_save *o, const struct tn_field *f, void *s)
{
    uint32_t n = state_count(f, s);
    char *p = state_base(f, s);
    if (n > state_capacity(f))
        return fail(o, f->name, "has more elements than room");
    if (n && !p)
        return fail(o, f->name, "has elements but no memory");
    if (f->type == TN_S_SUB)
        return put_parts(o, TN_S_SUB, f->name, f->sub, p, n, state_stride(f));
    return put_elements(o, f->name, f->type, p, n, state_stride(f));
}

/* ---- parts ---- */

static int put_subsections(struct tn_save *o, const struct tn_state *st, void *s)
{
    for (const struct tn_state *const *sub = st->subsections; sub && *sub; sub++) {
        if ((*sub)->needed && !(*sub)->needed(s))
            continue;
        int r = put_parts(o, STATE_SUBSECTION, (*sub)->name, *sub, s, 1, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

static int put_items(struct tn_save *o, const struct tn_state *st, void *s)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < st->nfields; i++)
        r = put_field(o, state_field(st, i), s);
    if (r == 0 && st->save)
        r = st->save(s, o, o->e);
    if (r == 0)
        r = put_subsections(o, st, s);
    return r < 0 ? r : o->failed;
}

static int put_part(struct tn_save *o, const struct tn_state *st, void *s)
{
    int r = state_table_check(st, o->e);
    if (r == 0 && o->depth > STATE_MAX_DEPTH)
        r = err_set(o->e, EINVAL, "state '%s' is nested too deep", st->name);
    if (r == 0 && st->pre_save)
        r = st->pre_save(s, o->e);
    if (r < 0)
        return r;
    put_name(o, st->name);
    buf_add_le32(o->out, st->version);
    size_t len_at = o->out->len;
    buf_add_le32(o->out, 0);
    o->depth++;
    r = put_items(o, st, s);
    o->depth--;
    put_le32(o->out->data + len_at, (uint32_t)(o->out->len - len_at - 4));
    return r;
}

/* ---- for callbacks ---- */

int save_put(struct tn_save *o, const char *name, uint32_t type, const void *p, uint32_t count)
{
    uint32_t stride = type == TN_S_TIMER ? (uint32_t)sizeof(struct tn_timer *) : state_size(type);
    if (type < TN_S_U8 || type > TN_S_TIMER || (count && !p))
        return fail(o, name, "not a type that can be put");
    return put_elements(o, name, type, p, count, stride);
}

int save_put_sub(struct tn_save *o, const char *name, const struct tn_state *st, const void *s)
{
    int r = put_parts(o, TN_S_SUB, name, st, (char *)(uintptr_t)s, 1, 0);
    if (r < 0)
        o->failed = r;
    return r;
}

int save_put_dev(struct tn_save *o, const char *name, struct tn_dev *d)
{
    const char *path = d ? device_of(d)->path : "";
    int r = begin_item(o, STATE_DEV, name, (uint32_t)strlen(path) + 1);
    if (r == 0)
        buf_add(o->out, path, strlen(path) + 1);
    return r;
}

/* ---- the file ---- */

static int write_file(struct tn_save *o, const struct tn_state *st, void *s)
{
    buf_str(o->out, STATE_MAGIC);
    buf_add_le32(o->out, STATE_FORMAT);
    buf_add_le32(o->out, 0);
    int r = put_part(o, st, s);
    if (r < 0)
        return r;
    size_t len = o->out->len - o->start;
    if (len > 2u * MAX_BYTES)
        return err_set(o->e, EFBIG, "the state is too large");
    put_le32(o->out->data + o->start + 8, (uint32_t)(len + STATE_CRC_LEN));
    buf_add_le32(o->out, state_crc(o->out->data + o->start, len));
    return 0;
}

/* What could not be read back is no save: two fields of one name, a path with odd characters. */
static int proofread(const struct tn_save *o)
{
    struct state_part root;
    int r = state_parse(o->out->data + o->start, o->out->len - o->start, &root, o->e);
    state_parse_free(&root);
    return r;
}

/* Nothing is left in out of what failed. */
static int finish(const struct tn_save *o, int r)
{
    if (r == 0)
        r = proofread(o);
    if (r < 0)
        o->out->len = o->start;
    if (r < 0 && o->out->data)
        o->out->data[o->out->len] = 0;
    return r;
}

int state_write(const struct tn_state *st, void *s, struct buf *out, struct tn_err *e)
{
    struct tn_save o = {.out = out, .start = out->len, .e = e};
    return finish(&o, write_file(&o, st, s));
}

int state_save(struct device *d, struct buf *out, struct tn_err *e)
{
    struct tn_state none;
    ERR_AUTO why = {0};
    struct tn_save o = {.out = out, .start = out->len, .vm = d->vm, .e = &why};
    int entered = domain_enter(d->domain);
    int r = write_file(&o, state_of(d, &none), d->pub.self);
    domain_leave(d->domain, entered);
    r = finish(&o, r);
    return r == 0 ? 0
                  : err_set(e, -r, "Device '%s' cannot be saved: %s", device_id(d),
                            why.err ? why.text : strerror(-r));
}
