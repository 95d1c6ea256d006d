/* SPDX-License-Identifier: BSD-2-Clause */
/* Places on a bus that a class provides: bus.h, check .. detach. Which addresses there are only the
 * provider knows; but a refusal changes nothing, two addresses are two places, a place has one
 * child, and who leaves gives it back. Addresses are the properties that the bus type adds. */
#include "bus_drive.h"
#include "drive.h"
#include "stand_bus.h"
#include <errno.h>

enum { PATH_MAX_ = 256, CANARY = 0xa5, ROOM_MAX = 300, FAILURES = 30, SEEN_MAX = 64 };
#define MINUTE 60000000000u

/* A provider that runs, a bus of it, a class for it, and one of the properties that are addresses.
 */
struct site {
    struct check *c;
    struct host *h;
    struct dev *d;
    struct tn_bus *b;
    const struct tn_class *cls;
    const struct tn_prop *p;
};

static int is_address(const struct tn_prop *p)
{
    return (p->type >= TN_P_U8 && p->type <= TN_P_I64) || p->type == TN_P_STR;
}

static const struct tn_prop *address_of(const struct tn_bus_type *t)
{
    struct prop_rows rows = {t->props, t->nprops, t->prop_stride};
    for (uint32_t i = 0; i < rows.n; i++)
        if (is_address(prop_row(rows, i)) && !(prop_row(rows, i)->flags & TN_PF_READONLY))
            return prop_row(rows, i);
    return NULL;
}

/* Skips the test where there is nothing to put anywhere. */
static struct site open_site(struct check *c)
{
    struct site s = {.c = c};
    s.d = bus_provider(c, &s.h);
    s.b = bus_nth(s.d, 0);
    if (s.b->type == &pci_bus_type)
        check_skip(c, "its bus is of the host's own type");
    s.cls = bus_child_class(c, s.b, 0);
    if (!s.cls)
        check_skip(c, "there is no class for its bus '%s': --with FILE may have one",
                   s.b->type->name);
    struct tn_err e = {0};
    struct dev *x = bus_new_child(c, s.b, s.cls, &e);
    if (!x || !(x = bus_run_child(c, x)))
        check_skip(c, "no %s can be realized here: %s", s.cls->name, e.text);
    dev_free(x);
    s.p = address_of(s.b->type);
    return s;
}

static void close_site(struct site *s)
{
    check_end(s->c, s->h, s->d);
}

static void needs_address(struct site *s)
{
    if (!s->p)
        check_skip(s->c, "its bus gives children no address");
}

/* A child at that address, not realized yet; NULL: the text is none of such a property. */
static struct dev *child_for(struct site *s, const char *text)
{
    struct tn_err e = {0};
    struct dev *x = bus_new_child(s->c, s->b, s->cls, &e);
    if (!x)
        check_skip(s->c, "%s", e.text);
    bus_child_data(x, s->b->type);
    if (!text || prop_store(x, s->p, x->child, text, &e) == 0)
        return x;
    dev_free(x);
    return NULL;
}

static struct dev *child_at(struct site *s, const char *text)
{
    struct dev *x = child_for(s, text);
    return x ? bus_run_child(s->c, x) : NULL;
}

/* ---- where a child is ---- */

typedef int path_fn(void *bus, void *child, char *buf, uint64_t len);

static int ask_path(struct site *s, const struct dev *x, path_fn *fn, const char *what, char *buf,
                    uint64_t len)
{
    int r = 0;
    CALL(s->d, R_MAIN, what, r = fn(s->b->self, x->child, buf, len));
    return r;
}

/* "" where the bus does not say. */
static void path_of(struct site *s, const struct dev *x, char *buf)
{
    *buf = 0;
    if (s->b->type->path && ask_path(s, x, s->b->type->path, "path", buf, PATH_MAX_) < 0)
        *buf = 0;
}

/* In a buffer of len bytes and in no byte more. */
static void path_in(struct site *s, const struct dev *x, path_fn *fn, const char *what,
                    const char *whole, uint64_t len)
{
    char buf[PATH_MAX_ + 16];
    memset(buf, CANARY, sizeof buf);
    int r = ask_path(s, x, fn, what, buf, len);
    for (uint64_t i = len; i < sizeof buf; i++)
        CHECK(s->c, (uint8_t)buf[i] == CANARY, "%s wrote byte %llu of a buffer of %llu", what,
              (unsigned long long)i, (unsigned long long)len);
    CHECK(s->c, r < 0 || (uint64_t)r == strlen(whole), "%s answers %d with %llu bytes, and %zu",
          what, r, (unsigned long long)len, strlen(whole));
    CHECK(s->c, len <= strlen(whole) || (r >= 0 && strcmp(buf, whole) == 0),
          "%s does not give the same in %llu bytes", what, (unsigned long long)len);
}

static void one_path(struct site *s, const struct dev *x, path_fn *fn, const char *what)
{
    char whole[PATH_MAX_] = "";
    int r = fn ? ask_path(s, x, fn, what, whole, sizeof whole) : -ENOENT;
    if (r < 0)
        return;
    CHECK(s->c, memchr(whole, 0, sizeof whole) && (size_t)r == strlen(whole),
          "%s answers %d for '%.40s'", what, r, whole);
    for (const char *t = whole; *t; t++)
        CHECK(s->c, *t > ' ' && *t <= '~' && *t != '/', "%s says '%s': no node has such a name",
              what, whole);
    for (uint64_t len = 0; len <= strlen(whole) + 2; len++)
        path_in(s, x, fn, what, whole, len);
}

static void paths(struct check *c)
{
    struct site s = open_site(c);
    struct dev *x = child_at(&s, NULL);
    one_path(&s, x, s.b->type->path, "path");
    one_path(&s, x, s.b->type->fw_path, "fw_path");
    dev_free(x);
    close_site(&s);
}

/* ---- what a refusal leaves ---- */

struct before {
    uint32_t children, resources;
    int saved;
    struct st_part state;
};

static struct before before_of(struct site *s)
{
    struct before b = {.children = s->b->children, .resources = res_count(s->d, NULL)};
    b.saved = drive_save(s->d, &b.state) == 0;
    return b;
}

static void nothing_changed(struct site *s, struct before *b, const char *text)
{
    BUF_AUTO where = {0};
    struct before now = before_of(s);
    CHECK(s->c, now.children == b->children, "%u children, and %u after '%.40s' was refused",
          b->children, now.children, text);
    CHECK(s->c, now.resources == b->resources,
          "the provider has %u resources, and %u after '%.40s' was refused", b->resources,
          now.resources, text);
    CHECK(s->c, !b->saved || !st_differs(&b->state, &now.state, NULL, &where),
          "the provider's state has changed with the refusal of '%.40s': %s", text,
          buf_cstr(&where));
    st_free(&b->state);
    st_free(&now.state);
}

/* ---- all addresses ---- */

static const uint64_t numbers[] = {0,    1,    2,    3,    4,     7,     8,    15,   16,
                                   30,   31,   32,   33,   63,    64,    65,   127,  128,
                                   254,  255,  256,  257,  511,   512,   1023, 1024, 1025,
                                   2047, 4095, 4096, 4097, 65534, 65535, 65536};
static const char *const texts[] = {"x",  "%n%s",          "-1", "1x", "99999999999999999999",
                                    " 1", "0:0:0:0:0:0:0", "",   "0",  "1"};

static char *number_text(const struct tn_prop *p, uint32_t n)
{
    uint64_t top = p->size >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * p->size) - 1;
    const uint64_t ends[] = {top / 2, top / 2 + 1, top - 1, top, p->min, p->max, p->max + 1};
    uint64_t v = n < ARRAY_SIZE(numbers) ? numbers[n] : ends[n - ARRAY_SIZE(numbers)];
    return xasprintf("%llu", (unsigned long long)v);
}

/* The n-th address to try, freed by the caller; NULL: there are no more. */
static char *address(const struct tn_prop *p, uint32_t n)
{
    if (p->type == TN_P_STR && n == ARRAY_SIZE(texts)) {
        char *s = xcalloc(4097, 1);
        memset(s, 'a', 4096);
        return s;
    }
    if (p->type == TN_P_STR)
        return n < ARRAY_SIZE(texts) ? xstrdup(texts[n]) : NULL;
    return n < ARRAY_SIZE(numbers) + 7 ? number_text(p, n) : NULL;
}

/* The value that stands for "any free one". */
static int is_default(const struct tn_prop *p, const char *text)
{
    return p->type == TN_P_STR ? !*text : strtoull(text, NULL, 0) == p->defval;
}

struct seen {
    char path[SEEN_MAX][PATH_MAX_], *text[SEEN_MAX];
    uint32_t n;
};

static void two_are_two(struct site *s, struct seen *seen, const char *text, const char *path)
{
    for (uint32_t i = 0; *path && i < seen->n; i++)
        CHECK(s->c, strcmp(seen->text[i], text) == 0 || strcmp(seen->path[i], path) != 0,
              "%s=%.40s and %s=%.40s are the same place: '%s'", s->p->name, seen->text[i],
              s->p->name, text, path);
    if (seen->n == SEEN_MAX)
        return;
    seen->text[seen->n] = xstrdup(text);
    snprintf(seen->path[seen->n++], PATH_MAX_, "%s", path);
}

static void try_address(struct site *s, struct seen *seen, const char *text)
{
    char path[PATH_MAX_];
    struct before b = before_of(s);
    check_at(s->c, "%s=%.40s", s->p->name, text);
    struct dev *x = child_at(s, text);
    if (!x) {
        nothing_changed(s, &b, text);
        return;
    }
    path_of(s, x, path);
    two_are_two(s, seen, text, path);
    drive_all(s->h, &s->c->rng, 4);
    dev_free(x);
    st_free(&b.state);
}

static void bounds(struct check *c)
{
    static struct seen seen;
    struct site s = open_site(c);
    char *text;
    needs_address(&s);
    for (uint32_t n = 0; (text = address(s.p, n)); n++) {
        if (!is_default(s.p, text))
            try_address(&s, &seen, text);
        free(text);
    }
    if (!seen.n)
        check_skip(c, "no %s=NUMBER that was tried is one of its addresses", s.p->name);
    check_note(c, "%u of %u addresses are taken", seen.n, (uint32_t)ARRAY_SIZE(numbers) + 7);
    struct dev *x = child_at(&s, NULL);
    CHECK(c, x, "after all that, a child that may go anywhere is refused");
    dev_free(x);
    close_site(&s);
}

/* ---- one address ---- */

/* The first that is accepted; skips the test where none is. Freed by the caller. */
static char *some_address(struct site *s)
{
    char *text;
    needs_address(s);
    for (uint32_t n = 0; (text = address(s->p, n)); n++) {
        struct dev *x = is_default(s->p, text) ? NULL : child_at(s, text);
        if (x) {
            dev_free(x);
            return text;
        }
        free(text);
    }
    check_skip(s->c, "no %s=NUMBER that was tried is one of its addresses", s->p->name);
}

static void refuse_second(struct site *s, const struct dev *first, const char *text)
{
    char path[PATH_MAX_], other[PATH_MAX_];
    struct before b = before_of(s);
    path_of(s, first, path);
    struct dev *x = child_at(s, text);
    if (x) {
        path_of(s, x, other);
        CHECK(s->c, !*path || strcmp(path, other) != 0, "two children are at %s=%s, '%s'",
              s->p->name, text, path);
        check_skip(s->c, "several children may have the same %s", s->p->name);
    }
    nothing_changed(s, &b, text);
    path_of(s, first, other);
    CHECK(s->c, strcmp(path, other) == 0, "the child at '%s' is at '%s' after another was refused",
          path, other);
}

static void taken(struct check *c)
{
    struct site s = open_site(c);
    AUTO_FREE char *text = some_address(&s);
    struct dev *x = child_at(&s, text);
    for (uint32_t i = 0; i < 3; i++) /* a refusal does not make the place free */
        refuse_second(&s, x, text);
    drive_all(s.h, &c->rng, 20);
    dev_free(x);
    x = child_at(&s, text);
    CHECK(c, x, "%s=%s is refused though the child that had it has left", s.p->name, text);
    dev_free(x);
    close_site(&s);
}

/* The n-th call of the host fails in its realize. 0: there is none. */
static int fail_child(struct site *s, const char *text, uint64_t n)
{
    struct tn_err e = {0};
    struct dev *x = child_for(s, text);
    s->h->fallible = 0;
    s->h->fail_at = n;
    s->h->failed = NULL;
    int r = dev_realize(x, &e);
    s->h->fail_at = 0;
    dev_free(x);
    return r < 0 && s->h->failed;
}

/* "Each success is answered by one detach(), whatever failed later" */
static void given_back(struct check *c)
{
    struct site s = open_site(c);
    AUTO_FREE char *text = some_address(&s);
    struct tn_err e = {0};
    struct dev *x = child_for(&s, text);
    CHECK(c, bus_enter(x, &e) == 0, "%s=%s is refused now: %s", s.p->name, text, e.text);
    bus_leave(x);
    dev_free(x);
    for (uint64_t n = 0; n == 0 || (n < FAILURES && fail_child(&s, text, n)); n++) {
        x = child_at(&s, text);
        CHECK(c, x, "%s=%s is not free after a child that failed behind check()", s.p->name, text);
        dev_free(x);
    }
    close_site(&s);
}

/* ---- all of them at once ---- */

static uint32_t fill(struct site *s, struct dev **x)
{
    uint32_t n = 0, most = s->b->type->max_children;
    most = most && most < ROOM_MAX ? most : ROOM_MAX;
    while (n < most && (x[n] = child_at(s, NULL)))
        n++;
    return n;
}

static void full(struct check *c)
{
    struct site s = open_site(c);
    struct dev *x[ROOM_MAX] = {NULL};
    uint32_t n = fill(&s, x);
    CHECK(c, n, "the bus is full with nothing on it");
    drive_all(s.h, &c->rng, 20);
    const uint32_t leave[] = {n / 2, 0, n - 1};
    for (uint32_t i = 0; i < ARRAY_SIZE(leave); i++) {
        dev_free(x[leave[i]]);
        x[leave[i]] = child_at(&s, NULL);
        CHECK(c, x[leave[i]], "of %u children number %u has left, and no other gets its place", n,
              leave[i]);
    }
    while (n)
        dev_free(x[--n]);
    CHECK(c, !s.b->children, "%u devices are on the bus after all have gone", s.b->children);
    close_site(&s);
}

/* ---- leaving, changing ---- */

static void ask_to_leave(struct site *s, const struct dev *x)
{
    struct tn_err e = {0};
    int r = 0;
    CALL(s->d, R_MAIN | R_DEV, "unplug_request of a bus",
         r = s->b->type->unplug_request(s->b->self, x->child, &e));
    CHECK(s->c, r <= 0 && r > -4096, "unplug_request of a bus answers %d", r);
    CHECK(s->c, r == 0 || e.err, "unplug_request of a bus answers %d and does not fill e", r);
}

static void unplug(struct check *c)
{
    struct site s = open_site(c);
    if (!s.b->type->unplug_request)
        check_skip(c, "its bus asks nobody before a child leaves");
    for (uint32_t i = 0; i < 4; i++) {
        struct dev *x = child_at(&s, NULL);
        ask_to_leave(&s, x);
        ask_to_leave(&s, x);
        host_run(s.h, i % 2 ? MINUTE : 0);
        dev_free(x);
        drive_all(s.h, &c->rng, 10);
    }
    close_site(&s);
}

/* TN_PF_RUNTIME: taken, or refused with a reason. */
static void change(struct site *s, struct dev *x, const struct tn_prop *p)
{
    char *text;
    for (uint32_t n = 0; (text = address(p, n)); n++) {
        struct tn_err e = {0};
        int r = 0, known = prop_store(x, p, x->child, text, &e) == 0;
        if (known && s->b->type->prop_changed)
            CALL(s->d, R_MAIN | R_DEV, "prop_changed of a bus",
                 r = s->b->type->prop_changed(s->b->self, x->child, p->name, &e));
        CHECK(s->c, r == 0 || (r < 0 && e.err), "prop_changed of a bus answers %d for %s=%.40s", r,
              p->name, text);
        free(text);
    }
}

static void runtime(struct check *c)
{
    struct site s = open_site(c);
    struct prop_rows rows = {s.b->type->props, s.b->type->nprops, s.b->type->prop_stride};
    struct dev *x = child_at(&s, NULL);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < rows.n; i++)
        if (prop_row(rows, i)->flags & TN_PF_RUNTIME && is_address(prop_row(rows, i))) {
            change(&s, x, prop_row(rows, i));
            seen++;
        }
    dev_free(x);
    close_site(&s);
    if (!seen)
        check_skip(c, "no property of its bus can be set while it runs");
}

static const struct check_test tests[] = {
    {"bounds", "an address is a place of its own, or refused in one line, and then nothing changes",
     "bus.h: check", CT_CLASS | CT_LONG, needs_device, bounds},
    {"taken", "an address that is taken is refused until its child has left", "bus.h: check",
     CT_CLASS, needs_device, taken},
    {"given-back", "a child that fails behind check() gives its address back",
     "bus.h: check: answered by one detach()", CT_CLASS, needs_device, given_back},
    {"full", "of a full bus any child may leave, and another gets its place", "bus.h: detach",
     CT_CLASS | CT_LONG, needs_device, full},
    {"paths", "path and fw_path stay in their buffer and answer their length",
     "bus.h: path, fw_path", CT_CLASS, needs_device, paths},
    {"unplug",
     "a bus that is asked for a child answers 0 or why not, and the child may go all the same",
     "bus.h: unplug_request", CT_CLASS, needs_device, unplug},
    {"runtime", "properties of a running child are taken, or refused with a reason",
     "bus.h: prop_changed", CT_CLASS, needs_device, runtime},
    {0},
};

const struct check_group group_addresses = {"addresses", tests};
