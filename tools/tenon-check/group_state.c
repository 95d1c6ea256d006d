/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving and loading: state.h. The file's bytes are the host's; a plugin sees names and values, and
 * all of them are hostile. */
#include "host_pci.h"
#include "stand_virtio.h"
#include "state_rows.h"

enum { STEPS = 200, ROUNDS = 12, ITEMS_MAX = 4096 };

static const char *no_state(const struct check *c)
{
    return c->cls->state ? NULL : "it has no state";
}

/* ---- the table ---- */

static void table(struct check *c, const struct tn_state *st, uint64_t size, uint32_t depth);

static void field(struct check *c, const struct tn_state *st, const struct tn_field *f,
                  uint64_t size, uint32_t depth)
{
    uint32_t elem = f->type == TN_S_SUB ? 1 : f->type == TN_S_TIMER ? 8 : st_size(f->type);
    uint64_t n = f->flags & TN_SF_COUNT_AT ? f->max : f->count,
             stride = f->stride ? f->stride : elem;
    CHECK(c, f->name && *f->name, "'%s' has a field without a name", st->name);
    CHECK(c, elem && f->type <= TN_S_SUB, "'%s/%s' has the unknown type %u", st->name, f->name,
          f->type);
    CHECK(c, !(f->flags & ~(uint32_t)(TN_SF_PTR | TN_SF_COUNT_AT)), "'%s/%s' has unknown flags",
          st->name, f->name);
    CHECK(c, n && n <= 1u << 30, "'%s/%s' has %llu elements", st->name, f->name,
          (unsigned long long)n);
    CHECK(c, f->since <= st->version, "'%s/%s' is since version %u of %u", st->name, f->name,
          f->since, st->version);
    CHECK(c, !(f->flags & TN_SF_COUNT_AT) || f->count + 4ull <= size,
          "the count of '%s/%s' lies outside", st->name, f->name);
    CHECK(c, f->offset <= size, "'%s/%s' lies outside of the instance", st->name, f->name);
    uint64_t sub_size = f->flags & TN_SF_PTR ? UINT64_MAX
                        : f->stride          ? f->stride
                                             : size - f->offset;
    if (f->type == TN_S_SUB) {
        CHECK(c, f->sub && (f->stride || n == 1), "'%s/%s' has no table or no stride", st->name,
              f->name);
        table(c, f->sub, sub_size, depth + 1);
    }
    uint64_t bytes = f->flags & TN_SF_PTR
                         ? sizeof(void *)
                         : (n - 1) * stride + (f->type == TN_S_SUB ? f->stride : elem);
    CHECK(c, bytes <= size - f->offset, "'%s/%s' lies outside of the instance", st->name, f->name);
}

static void table(struct check *c, const struct tn_state *st, uint64_t size, uint32_t depth)
{
    CHECK(c, depth < 16, "'%s' is nested without end", st->name);
    CHECK(c, st->struct_size >= offsetof(struct tn_state, load) + sizeof(void *),
          "struct tn_state says that it has %u bytes", st->struct_size);
    CHECK(c, st->name && *st->name, "a state has no name");
    CHECK(c, st->min_version <= st->version, "'%s' loads versions from %u, and is version %u",
          st->name, st->min_version, st->version);
    CHECK(c, !st->save == !st->load, "'%s' has one of save and load", st->name);
    CHECK(c, !st->nfields || st->field_stride >= sizeof(struct tn_field),
          "the fields of '%s' are %u bytes apart", st->name, st->field_stride);
    for (uint32_t i = 0; i < st->nfields; i++) {
        field(c, st, state_row(st, i), size, depth);
        for (uint32_t k = 0; k < i; k++)
            CHECK(c, strcmp(state_row(st, k)->name, state_row(st, i)->name) != 0,
                  "'%s/%s' is there twice", st->name, state_row(st, i)->name);
    }
    for (const struct tn_state *const *s = st->subsections; s && *s; s++)
        table(c, *s, size, depth + 1);
}

static void tables(struct check *c)
{
    table(c, c->cls->state, c->cls->instance_size, 0);
}

/* ---- round trips ---- */

static void save(struct check *c, struct dev *d, struct st_part *out)
{
    struct tn_err e = {0};
    if (d->stage == ST_RUNNING)
        CHECK(c, dev_quiesce(d, TN_Q_SAVE) == 0, "quiesce failed");
    int r = dev_save(d, out, &e);
    CHECK(c, r == 0, "saving failed: %d %s", r, e.text);
}

static struct dev *used(struct check *c, struct host **h, int steps)
{
    struct dev *d = check_start(c, h);
    for (int i = 0; i < steps; i++)
        guest_step(*h, &c->rng);
    return d;
}

/* A second machine, configured alike, that has not run. */
static struct dev *target(struct check *c, struct host **h)
{
    struct tn_err e = {0};
    *h = host_new(c);
    struct dev *d = check_make(c, h);
    CHECK(c, dev_realize(d, &e) == 0, "a second one cannot be realized: %s", e.text);
    dev_reset(d, TN_RESET_COLD);
    return d;
}

/* What the bus saves: config space. */
static void bus_state(struct dev *to, struct dev *from)
{
    pci_follow(to, from);
}

static void same(struct check *c, const struct st_part *a, const struct st_part *b,
                 const char *what)
{
    BUF_AUTO where = {0};
    CHECK(c, !st_differs(a, b, NULL, &where), "%s: %s", what, buf_cstr(&where));
}

static void same_time(struct host *to, const struct host *from)
{
    to->parts->vm_now = from->parts->vm_now;
    to->now = from->now;
}

static void round_trip(struct check *c, int steps)
{
    struct host *h[2] = {NULL, NULL};
    struct st_part a, b;
    struct tn_err e = {0};
    struct dev *d = used(c, &h[0], steps);
    save(c, d, &a);
    struct dev *t = target(c, &h[1]);
    same_time(h[1], h[0]);
    bus_state(t, d);
    int r = dev_load(t, &a, &e);
    CHECK(c, r == 0, "what it saved it does not load: %s", e.text);
    save(c, t, &b);
    same(c, &a, &b, "saved, loaded and saved again");
    st_free(&a);
    st_free(&b);
    dev_resume(t);
    for (int i = 0; i < 50; i++)
        guest_step(h[1], &c->rng);
    check_end(c, h[1], t);
    check_end(c, h[0], d);
}

static void fresh_trip(struct check *c)
{
    round_trip(c, 0);
}

static void used_trip(struct check *c)
{
    for (int i = 0; i < ROUNDS; i++)
        round_trip(c, STEPS);
}

static void twice(struct check *c)
{
    struct host *h = NULL;
    struct st_part a, b;
    struct dev *d = used(c, &h, STEPS);
    save(c, d, &a);
    save(c, d, &b);
    same(c, &a, &b, "saved twice");
    st_free(&b);
    dev_resume(d);
    save(c, d, &b);
    same(c, &a, &b, "resumed and saved again");
    st_free(&a);
    st_free(&b);
    check_end(c, h, d);
}

/* ---- what a file may say ---- */

/* Loads into a machine of its own, and uses what came of it. 1: it was taken. */
static int try_load(struct check *c, struct st_part *p)
{
    struct host *h = NULL;
    struct tn_err e = {0};
    struct dev *t = target(c, &h);
    int r = dev_load(t, p, &e);
    CHECK(c, r == 0 || e.err, "a callback of load answered %d, and nobody said why", r);
    dev_resume(t);
    if (t->pci)
        pci_firmware(t);
    for (int i = 0; i < 40; i++)
        guest_step(h, &c->rng);
    check_end(c, h, t);
    return r == 0;
}

static struct st_part sample(struct check *c, int steps)
{
    struct host *h = NULL;
    struct st_part a;
    struct dev *d = used(c, &h, steps);
    save(c, d, &a);
    check_end(c, h, d);
    return a;
}

struct nth {
    uint32_t n;
    struct st_part *p;
    uint32_t i;
};

static int find_nth(void *o, struct st_part *p, uint32_t i)
{
    struct nth *x = o;
    if (x->n--)
        return 0;
    x->p = p;
    x->i = i;
    return 1;
}

/* Every item of the state in turn, in a copy that fn changes. */
static void each_item(struct check *c, const struct st_part *a,
                      void (*fn)(struct check *c, struct st_part *p, uint32_t i))
{
    for (uint32_t n = 0; n < ITEMS_MAX; n++) {
        struct st_part b;
        struct nth x = {.n = n};
        st_copy(&b, a);
        int found = st_each(&b, find_nth, &x);
        if (found) {
            check_at(c, "%s/%s", x.p->name, x.p->items[x.i].name);
            fn(c, x.p, x.i);
            try_load(c, &b);
        }
        st_free(&b);
        if (!found)
            return;
    }
}

static void drop(struct check *c, struct st_part *p, uint32_t i)
{
    (void)c;
    st_remove(p, i);
}

static void missing(struct check *c)
{
    struct st_part a = sample(c, STEPS);
    each_item(c, &a, drop);
    st_free(&a);
}

static void truncate_at(struct check *c, struct st_part *p, uint32_t i)
{
    (void)c;
    while (p->n > i)
        st_remove(p, i);
}

static void truncated(struct check *c)
{
    struct st_part a = sample(c, STEPS);
    each_item(c, &a, truncate_at);
    st_free(&a);
}

static void shorten(struct check *c, struct st_part *p, uint32_t i)
{
    struct st_item *it = &p->items[i];
    (void)c;
    if (it->parts || !it->count)
        return;
    it->count--;
    it->data.len -= st_size(it->kind);
}

static void fewer(struct check *c)
{
    struct st_part a = sample(c, STEPS);
    each_item(c, &a, shorten);
    st_free(&a);
}

/* A field that this version does not know, at the end of each part: refused, or, where load() reads
 * by name, by it. */
static void unknown(struct check *c)
{
    struct st_part a = sample(c, 20);
    struct st_item *it = st_add(&a, "from-the-future", TN_S_U32);
    it->count = 1;
    buf_add_le32(&it->data, 1);
    CHECK(c, !try_load(c, &a), "a field that it does not know was taken");
    st_free(&a);
}

static void odd_value(struct check *c, struct st_part *p, uint32_t i)
{
    struct st_item *it = &p->items[i];
    uint32_t size = st_size(it->kind);
    if (it->parts || !size)
        return;
    for (uint32_t k = 0; k < it->count; k++) {
        uint64_t v = rng_value(&c->rng);
        uint8_t *at = it->data.data + (size_t)k * size;
        if (it->kind == TN_S_TIMER) {
            at[0] &= 1;
            memcpy(at + 1, &v, 8);
        } else {
            v = it->kind == TN_S_BOOL ? v & 1 : v;
            memcpy(at, &v, size);
        }
    }
}

/* Each field with values that no device would save: it is refused, or a state that the device lives
 * with. */
static void hostile(struct check *c)
{
    struct st_part a = sample(c, STEPS);
    for (int round = 0; round < 4; round++)
        each_item(c, &a, odd_value);
    st_free(&a);
}

static int all_odd(void *o, struct st_part *p, uint32_t i)
{
    struct check *c = o;
    if (!rng_below(&c->rng, 3))
        odd_value(c, p, i);
    return 0;
}

static void hostile_all(struct check *c)
{
    struct st_part a = sample(c, STEPS);
    for (int round = 0; round < 60; round++) {
        struct st_part b;
        st_copy(&b, &a);
        st_each(&b, all_odd, c);
        try_load(c, &b);
        st_free(&b);
    }
    st_free(&a);
}

/* ---- versions ---- */

static void to_version(struct st_part *p, const struct tn_state *st, uint32_t version)
{
    p->version = version;
    for (uint32_t i = 0; i < st->nfields; i++)
        for (uint32_t k = 0; state_row(st, i)->since > version && k < p->n; k++)
            if (strcmp(p->items[k].name, state_row(st, i)->name) == 0)
                st_remove(p, k--);
}

static void older(struct check *c)
{
    const struct tn_state *st = c->cls->state;
    if (st->load && st->min_version < st->version)
        check_skip(c, "what older versions saved in save() is not in the table");
    for (uint32_t v = st->min_version; v <= st->version; v++) {
        struct st_part a = sample(c, 50);
        to_version(&a, st, v);
        CHECK(c, try_load(c, &a), "version %u, the oldest it takes is %u, was refused", v,
              st->min_version);
        st_free(&a);
    }
}

static void load_twice(struct check *c)
{
    struct host *h = NULL, *from = NULL;
    struct st_part a, b;
    struct tn_err e = {0};
    struct dev *d = used(c, &from, STEPS), *t = target(c, &h);
    save(c, d, &a);
    same_time(h, from);
    for (int i = 0; i < 2; i++)
        CHECK(c, dev_load(t, &a, &e) == 0, "load %d failed: %s", i + 1, e.text);
    save(c, t, &b);
    same(c, &a, &b, "loaded twice");
    st_free(&a);
    st_free(&b);
    check_end(c, h, t);
    check_end(c, from, d);
}

#define STATE "state.h: struct tn_state"
static const struct check_test tests[] = {
    {"table", "fields have names, each once, known types, and lie in the instance",
     "state.h: struct tn_field", CT_CLASS | CT_GATE, no_state, tables},
    {"fresh-round-trip", "the state of a fresh device, loaded into another, is saved as it was",
     STATE, CT_CLASS, no_state, fresh_trip},
    {"used-round-trip", "likewise after a guest has used it", STATE, CT_CLASS, no_state, used_trip},
    {"save-twice", "saving changes nothing, nor do resume and quiesce", "state.h: save", CT_CLASS,
     no_state, twice},
    {"load-twice", "loading a second time gives the same", "state.h: load", CT_CLASS, no_state,
     load_twice},
    {"missing", "without any one of its fields a state is refused or completed, and no crash",
     STATE, CT_CLASS, no_state, missing},
    {"truncated", "a state that ends at any of its fields is no crash", STATE, CT_CLASS, no_state,
     truncated},
    {"fewer", "nor one with an element less", STATE, CT_CLASS, no_state, fewer},
    {"unknown-field", "a field that it does not know is refused", STATE, CT_CLASS, no_state,
     unknown},
    {"older", "every version from min_version on is loaded", "state.h: min_version, since",
     CT_CLASS, no_state, older},
    {"hostile-field", "whatever a field says, load refuses it or the device lives with it",
     "state.h: post_load", CT_CLASS | CT_LONG, no_state, hostile},
    {"hostile-state", "likewise many at once", "state.h: post_load", CT_CLASS | CT_LONG, no_state,
     hostile_all},
    {0},
};

const struct check_group group_state = {"state", tests};
