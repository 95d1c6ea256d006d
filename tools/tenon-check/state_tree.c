/* SPDX-License-Identifier: BSD-2-Clause */
#include "state_tree.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>
#include <string.h>

uint32_t st_size(uint32_t kind)
{
    static const uint32_t sizes[] = {
        [TN_S_U8] = 1,   [TN_S_U16] = 2,   [TN_S_U32] = 4,  [TN_S_U64] = 8,
        [TN_S_BOOL] = 1, [TN_S_BYTES] = 1, [TN_S_TIMER] = 9};
    return kind == ST_DEV ? 1 : kind < ARRAY_SIZE(sizes) ? sizes[kind] : 0;
}

struct st_item *st_add(struct st_part *p, const char *name, uint32_t kind)
{
    p->items = xrealloc(p->items, (p->n + 1) * sizeof *p->items);
    struct st_item *it = &p->items[p->n++];
    *it = (struct st_item){.name = xstrdup(name), .kind = kind};
    return it;
}

struct st_item *st_find(const struct st_part *p, const char *name, int subsection)
{
    for (uint32_t i = 0; i < p->n; i++)
        if ((p->items[i].kind == ST_SUBSECTION) == subsection &&
            strcmp(p->items[i].name, name) == 0)
            return &p->items[i];
    return NULL;
}

static void item_free(struct st_item *it)
{
    for (uint32_t i = 0; it->parts && i < it->count; i++)
        st_free(&it->parts[i]);
    free(it->parts);
    free(it->name);
    buf_free(&it->data);
}

void st_remove(struct st_part *p, uint32_t i)
{
    item_free(&p->items[i]);
    memmove(&p->items[i], &p->items[i + 1], (p->n - i - 1) * sizeof *p->items);
    p->n--;
}

void st_free(struct st_part *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        item_free(&p->items[i]);
    free(p->items);
    free(p->name);
    *p = (struct st_part){0};
}

void st_copy(struct st_part *to, const struct st_part *from)
{
    *to = (struct st_part){.name = xstrdup(from->name), .version = from->version};
    for (uint32_t i = 0; i < from->n; i++) {
        const struct st_item *f = &from->items[i];
        struct st_item *t = st_add(to, f->name, f->kind);
        t->count = f->count;
        if (f->data.len)
            buf_add(&t->data, f->data.data, f->data.len);
        t->parts = f->parts ? xcalloc(f->count + 1, sizeof *t->parts) : NULL;
        for (uint32_t k = 0; f->parts && k < f->count; k++)
            st_copy(&t->parts[k], &f->parts[k]);
    }
}

/* ---- comparing ---- */

static int skipped(const char *part, const char *item, const char *const *skip)
{
    size_t n = strlen(part);
    for (; skip && *skip; skip++)
        if (strcmp(*skip, item) == 0 ||
            (strncmp(*skip, part, n) == 0 && (*skip)[n] == '/' && strcmp(*skip + n + 1, item) == 0))
            return 1;
    return 0;
}

static uint64_t element(const struct st_item *it, uint32_t i)
{
    uint32_t size = it->kind == TN_S_TIMER ? 9 : st_size(it->kind);
    uint64_t v = 0;
    const uint8_t *p = it->data.data + (size_t)i * size;
    memcpy(&v, it->kind == TN_S_TIMER ? p + 1 : p, size > 8 ? 8 : size);
    return v;
}

static int data_differs(const char *part, const struct st_item *a, const struct st_item *b,
                        struct buf *where)
{
    uint32_t size = st_size(a->kind), i = 0;
    if (a->data.len == b->data.len &&
        (!a->data.len || memcmp(a->data.data, b->data.data, a->data.len) == 0))
        return 0;
    if (a->count != b->count) {
        buf_printf(where, "%s/%s has %u elements and %u", part, a->name, a->count, b->count);
        return 1;
    }
    while (memcmp(a->data.data + (size_t)i * size, b->data.data + (size_t)i * size, size) == 0)
        i++;
    buf_printf(where, "%s/%s[%u] is 0x%llx and 0x%llx", part, a->name, i,
               (unsigned long long)element(a, i), (unsigned long long)element(b, i));
    return 1;
}

static int item_differs(const char *part, const struct st_item *a, const struct st_item *b,
                        const char *const *skip, struct buf *where)
{
    if (a->kind != b->kind || (a->parts && a->count != b->count)) {
        buf_printf(where, "%s/%s is of another kind or number", part, a->name);
        return 1;
    }
    for (uint32_t i = 0; a->parts && i < a->count; i++)
        if (st_differs(&a->parts[i], &b->parts[i], skip, where))
            return 1;
    return a->parts ? 0 : data_differs(part, a, b, where);
}

static int missing(const struct st_part *a, const struct st_part *b, const char *const *skip,
                   struct buf *where)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (!skipped(a->name, a->items[i].name, skip) &&
            !st_find(b, a->items[i].name, a->items[i].kind == ST_SUBSECTION)) {
            buf_printf(where, "%s/%s is in one of them only", a->name, a->items[i].name);
            return 1;
        }
    return 0;
}

int st_differs(const struct st_part *a, const struct st_part *b, const char *const *skip,
               struct buf *where)
{
    if (missing(a, b, skip, where) || missing(b, a, skip, where))
        return 1;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct st_item *it = &a->items[i];
        if (!skipped(a->name, it->name, skip) &&
            item_differs(a->name, it, st_find(b, it->name, it->kind == ST_SUBSECTION), skip, where))
            return 1;
    }
    return 0;
}

int st_each(struct st_part *p, int (*fn)(void *, struct st_part *, uint32_t), void *o)
{
    for (uint32_t i = 0; i < p->n; i++) {
        int r = fn(o, p, i);
        for (uint32_t k = 0; r == 0 && p->items[i].parts && k < p->items[i].count; k++)
            r = st_each(&p->items[i].parts[k], fn, o);
        if (r)
            return r;
    }
    return 0;
}

static int earlier(void *o, struct st_part *p, uint32_t i)
{
    const struct st_item *it = &p->items[i];
    for (uint32_t k = 0; it->kind == TN_S_TIMER && k < it->count; k++) {
        uint8_t *t = it->data.data + (size_t)k * st_size(TN_S_TIMER);
        if (*t)
            put_le64(t + 1, get_le64(t + 1) - *(const uint64_t *)o);
    }
    return 0;
}

void st_earlier(struct st_part *p, uint64_t ns)
{
    st_each(p, earlier, &ns);
}
