/* SPDX-License-Identifier: BSD-2-Clause */
/* In two passes: everything that the tables can judge is checked, then memory is written. Only a
 * callback of the class can fail after that. */
#include "loop.h"
#include "state.h"
#include "state_format.h"
#include "state_stream.h"
#include "state_table.h"
#include "util/bytes.h"
#include <errno.h>
#include <string.h>

struct tn_load {
    struct vm *vm;
    const struct state_part *part; /* that the callback under way reads */
    struct tn_err *e;
    int touched; /* the instance has been written to */
};

static int refuse(struct tn_load *l, const struct state_part *part, const char *name,
                  const char *why)
{
    return err_set(l->e, EINVAL, "field '%s' of '%s' version %u %s", name, part->name,
                   part->version, why);
}

/* ---- first pass: does the file fit the tables ---- */

static int check_part(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                      void *s);

static int check_timers(struct tn_load *l, const struct state_part *part,
                        const struct state_item *it, const struct tn_field *f, const char *p)
{
    for (uint32_t i = 0; i < it->count; i++) {
        const struct tn_timer *t;
        memcpy(&t, p + (uint64_t)i * state_stride(f), sizeof t);
        if (!t && it->data[(uint64_t)i * state_size(TN_S_TIMER)])
            return refuse(l, part, f->name, "is armed, and the device has no such timer");
    }
    return 0;
}

static int check_item(struct tn_load *l, const struct state_part *part, struct state_item *it,
                      const struct tn_field *f, void *s)
{
    char *p = state_base(f, s);
    it->used = 1;
    if (f->since > part->version)
        return refuse(l, part, f->name, "is newer than that");
    if (it->kind != f->type)
        return refuse(l, part, f->name, "has another type");
    if (f->flags & TN_SF_COUNT_AT ? it->count > f->max : it->count != f->count)
        return refuse(l, part, f->name, "has another number of elements");
    if (it->count && !p)
        return refuse(l, part, f->name, "has elements, and the device no memory for them");
    if (f->type == TN_S_TIMER)
        return check_timers(l, part, it, f, p);
    for (uint32_t i = 0; f->type == TN_S_SUB && i < it->count; i++) {
        int r = check_part(l, &it->parts[i], f->sub, p + (uint64_t)i * state_stride(f));
        if (r < 0)
            return r;
    }
    return 0;
}

/* What item it of field g says about the number of elements of f, in *n. 0: nothing. */
static int says_count(const struct tn_field *g, const struct state_item *it,
                      const struct tn_field *f, uint32_t *n)
{
    if (!it)
        return 0;
    if (g->flags & TN_SF_COUNT_AT) {
        *n = it->count;
        return g->count == f->count;
    }
    *n = g->type == TN_S_U32 && g->count == 1 ? get_le32(it->data) : 0;
    return g->type == TN_S_U32 && g->count == 1 && g->offset == f->count && !g->flags;
}

/* Everybody who says how many elements f has must say the same: the field with the number itself,
 * and other arrays that share it. A device would walk past the end of an array otherwise. */
static int check_count(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                       const struct tn_field *f)
{
    const struct state_item *mine = state_find(part, f->name, 0);
    for (uint32_t i = 0; i < st->nfields; i++) {
        const struct tn_field *g = state_field(st, i);
        uint32_t n;
        if (says_count(g, state_find(part, g->name, 0), f, &n) &&
            (mine ? n != mine->count : n > f->max))
            return refuse(l, part, f->name, "contradicts its number of elements");
    }
    return 0;
}

static int check_fields(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                        void *s)
{
    for (uint32_t i = 0; i < st->nfields; i++) {
        const struct tn_field *f = state_field(st, i);
        struct state_item *it = state_find(part, f->name, 0);
        int r = 0;
        if (it)
            r = check_item(l, part, it, f, s);
        else if (f->since <= part->version)
            r = refuse(l, part, f->name, "is missing");
        if (r < 0)
            return r;
    }
    for (uint32_t i = 0; i < st->nfields; i++) {
        const struct tn_field *f = state_field(st, i);
        int r = f->flags & TN_SF_COUNT_AT ? check_count(l, part, st, f) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static const struct tn_state *subsection(const struct tn_state *st, const char *name)
{
    for (const struct tn_state *const *sub = st->subsections; sub && *sub; sub++)
        if (strcmp((*sub)->name, name) == 0)
            return *sub;
    return NULL;
}

static int check_rest(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                      void *s)
{
    for (uint32_t i = 0; i < part->nitems; i++) {
        struct state_item *it = &part->items[i];
        const struct tn_state *sub = it->kind == STATE_SUBSECTION ? subsection(st, it->name) : NULL;
        int r = 0;
        if (sub)
            r = check_part(l, it->parts, sub, s);
        else if (it->kind == STATE_SUBSECTION || (!it->used && !st->load))
            r = refuse(l, part, it->name, "is not known here");
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_part(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                      void *s)
{
    int r = state_table_check(st, l->e);
    if (r < 0)
        return r;
    if (strcmp(part->name, st->name) != 0)
        return err_set(l->e, EINVAL, "state of '%s' where one of '%s' is wanted", part->name,
                       st->name);
    if (part->version < st->min_version || part->version > st->version)
        return err_set(l->e, EINVAL, "state of '%s' has version %u, known are %u to %u", st->name,
                       part->version, st->min_version, st->version);
    r = check_fields(l, part, st, s);
    return r < 0 ? r : check_rest(l, part, st, s);
}

/* ---- second pass ---- */

static void set_timer(const char *p, const uint8_t *from)
{
    struct tn_timer *t;
    memcpy(&t, p, sizeof t);
    if (!t)
        return;
    uint64_t ns = get_le64(from + 1);
    if (t->clk == TN_CLK_REAL && ns < UINT64_MAX / 2) /* what is left, see state_save.c */
        ns += clock_now(t->ctx->clock, TN_CLK_REAL);
    if (*from)
        timer_arm(t, ns);
    else
        timer_disarm(t);
}

static void set_element(uint32_t type, char *p, const uint8_t *from)
{
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    switch (type) {
    case TN_S_U16:
        v16 = get_le16(from);
        memcpy(p, &v16, sizeof v16);
        break;
    case TN_S_U32:
        v32 = get_le32(from);
        memcpy(p, &v32, sizeof v32);
        break;
    case TN_S_U64:
        v64 = get_le64(from);
        memcpy(p, &v64, sizeof v64);
        break;
    case TN_S_TIMER:
        set_timer(p, from);
        break;
    default: /* TN_S_U8, TN_S_BYTES, TN_S_BOOL */
        *p = (char)*from;
        break;
    }
}

static void set_elements(const struct state_item *it, char *p, uint32_t stride)
{
    uint32_t size = state_size(it->kind);
    for (uint32_t i = 0; i < it->count; i++)
        set_element(it->kind, p + (uint64_t)i * stride, it->data + (uint64_t)i * size);
}

static int apply_part(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                      void *s);

static int apply_field(struct tn_load *l, const struct state_item *it, const struct tn_field *f,
                       void *s)
{
    char *p = state_base(f, s);
    l->touched = 1;
    if (f->flags & TN_SF_COUNT_AT)
        memcpy((char *)s + f->count, &it->count, sizeof it->count);
    if (f->type != TN_S_SUB) {
        set_elements(it, p, state_stride(f));
        return 0;
    }
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < it->count; i++)
        r = apply_part(l, &it->parts[i], f->sub, p + (uint64_t)i * state_stride(f));
    return r;
}

static int apply_fields(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                        void *s)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < st->nfields; i++) {
        const struct tn_field *f = state_field(st, i);
        const struct state_item *it = state_find(part, f->name, 0);
        if (it)
            r = apply_field(l, it, f, s);
    }
    return r;
}

static int apply_subsections(struct tn_load *l, const struct state_part *part,
                             const struct tn_state *st, void *s)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < part->nitems; i++)
        if (part->items[i].kind == STATE_SUBSECTION)
            r = apply_part(l, part->items[i].parts, subsection(st, part->items[i].name), s);
    return r;
}

static int run_load(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                    void *s)
{
    const struct state_part *outer = l->part;
    l->part = part;
    l->touched = 1;
    int r = st->load(s, l, l->e);
    l->part = outer;
    if (r < 0)
        return err_set(l->e, -r, "'%s' refuses its state: %s", st->name, strerror(-r));
    for (uint32_t i = 0; i < part->nitems; i++)
        if (!part->items[i].used && part->items[i].kind != STATE_SUBSECTION)
            return refuse(l, part, part->items[i].name, "is not known here");
    return 0;
}

static int apply_part(struct tn_load *l, const struct state_part *part, const struct tn_state *st,
                      void *s)
{
    int r = apply_fields(l, part, st, s);
    if (r == 0 && st->load)
        r = run_load(l, part, st, s);
    if (r == 0)
        r = apply_subsections(l, part, st, s);
    if (r < 0 || !st->post_load)
        return r;
    l->touched = 1;
    r = st->post_load(s, part->version, l->e);
    return r < 0 ? err_set(l->e, -r, "'%s' refuses its state: %s", st->name, strerror(-r)) : 0;
}

/* ---- for callbacks ---- */

int load_get(struct tn_load *l, const char *name, uint32_t type, void *p, uint32_t count)
{
    struct state_item *it = state_find(l->part, name, 0);
    if (!it)
        return -ENOENT;
    if (it->kind != type || it->count != count || !state_size(type) || type == STATE_DEV)
        return -EINVAL;
    it->used = 1;
    set_elements(it, p,
                 type == TN_S_TIMER ? (uint32_t)sizeof(struct tn_timer *) : state_size(type));
    return 0;
}

int64_t load_get_count(struct tn_load *l, const char *name)
{
    const struct state_item *it = state_find(l->part, name, 0);
    return it ? (int64_t)it->count : -ENOENT;
}

int load_get_sub(struct tn_load *l, const char *name, const struct tn_state *st, void *s)
{
    struct state_item *it = state_find(l->part, name, 0);
    if (!it)
        return -ENOENT;
    if (it->kind != TN_S_SUB || it->count != 1)
        return -EINVAL;
    it->used = 1;
    int r = check_part(l, it->parts, st, s);
    return r < 0 ? r : apply_part(l, it->parts, st, s);
}

int load_get_dev(struct tn_load *l, const char *name, struct tn_dev **out)
{
    struct state_item *it = state_find(l->part, name, 0);
    struct device *d;
    if (!it)
        return -ENOENT;
    if (it->kind != STATE_DEV)
        return -EINVAL;
    it->used = 1;
    *out = NULL;
    if (!it->data[0])
        return 0; /* none was saved */
    TAILQ_FOREACH(d, &l->vm->devices, all)
    if (d->stage == DEV_REALIZED && strcmp(d->path, (const char *)it->data) == 0)
        *out = &d->pub;
    return *out ? 0 : err_set(l->e, ENODEV, "device '%s' is not here", (const char *)it->data);
}

const struct tn_stream stream_table = {
    .struct_size = sizeof stream_table,
    .put = save_put,
    .put_sub = save_put_sub,
    .get = load_get,
    .get_count = load_get_count,
    .get_sub = load_get_sub,
    .put_dev = save_put_dev,
    .get_dev = load_get_dev,
};

/* ---- the file ---- */

int state_read(const struct tn_state *st, void *s, const void *p, size_t len, struct tn_err *e)
{
    struct state_part root;
    struct tn_load l = {.e = e};
    int r = state_parse(p, len, &root, e);
    if (r == 0)
        r = check_part(&l, &root, st, s);
    if (r == 0)
        r = apply_part(&l, &root, st, s);
    state_parse_free(&root);
    return r;
}

static int cannot(struct device *d, int r, const struct tn_err *why, struct tn_err *e)
{
    return err_set(e, -r, "Device '%s' cannot be loaded: %s", device_id(d), err_text(why));
}

int state_fits(struct device *d, const void *p, size_t len, struct tn_err *e)
{
    struct tn_state none;
    struct state_part root;
    ERR_AUTO why = {0};
    struct tn_load l = {.vm = d->vm, .e = &why};
    int r = state_parse(p, len, &root, &why);
    int entered = domain_enter(d->domain);
    if (r == 0)
        r = check_part(&l, &root, state_of(d, &none), d->pub.self);
    domain_leave(d->domain, entered);
    state_parse_free(&root);
    return r == 0 ? 0 : cannot(d, r, &why, e);
}

int state_load(struct device *d, const void *p, size_t len, struct tn_err *e)
{
    struct tn_state none;
    struct state_part root;
    ERR_AUTO why = {0};
    struct tn_load l = {.vm = d->vm, .e = &why};
    const struct tn_state *st = state_of(d, &none);
    int r = state_parse(p, len, &root, &why);
    int entered = domain_enter(d->domain);
    if (r == 0)
        r = check_part(&l, &root, st, d->pub.self);
    if (r == 0)
        r = apply_part(&l, &root, st, d->pub.self);
    domain_leave(d->domain, entered);
    state_parse_free(&root);
    if (r == 0)
        return 0;
    if (l.touched)
        device_reset(d, TN_RESET_COLD);
    return cannot(d, r, &why, e);
}
