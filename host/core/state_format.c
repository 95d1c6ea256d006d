/* SPDX-License-Identifier: BSD-2-Clause */
#include "state_format.h"

#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is left to read. */
struct cursor {
    const uint8_t *p, *end;
};

uint32_t state_size(uint32_t kind)
{
    switch (kind) {
    case TN_S_U8:
    case TN_S_BOOL:
    case TN_S_BYTES:
    case STATE_DEV:
        return 1;
    case TN_S_U16:
        return 2;
    case TN_S_U32:
        return 4;
    case TN_S_U64:
        return 8;
    case TN_S_TIMER:
        return 9;
    default:
        return 0;
    }
}

static int printable(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < 0x20 || s[i] > 0x7e)
            return 0;
    return 1;
}

int state_name_ok(const char *s)
{
    size_t n = strlen(s);
    return n && n <= UINT8_MAX && printable(s, n);
}

uint32_t state_crc(const uint8_t *p, size_t n)
{
    static const uint32_t nibble[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                        0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = ~0u;
    for (; n; n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return ~crc;
}

/* ---- reading ---- */

static const uint8_t *take(struct cursor *c, uint64_t n)
{
    const uint8_t *p = c->p;
    if (n > (uint64_t)(c->end - c->p))
        return NULL;
    c->p += n;
    return p;
}

static int take_u32(struct cursor *c, uint32_t *v)
{
    const uint8_t *p = take(c, 4);
    if (p)
        *v = get_le32(p);
    return p ? 0 : -EINVAL;
}

static int take_name(struct cursor *c, const char **name)
{
    const uint8_t *n = take(c, 1);
    const uint8_t *s = n ? take(c, *n + 1u) : NULL;
    if (!s || !*n || s[*n] || !printable((const char *)s, *n))
        return -EINVAL;
    *name = (const char *)s;
    return 0;
}

static int take_part(struct cursor *c, struct state_part *part, uint32_t depth);

static int take_parts(struct cursor *c, struct state_item *it, uint32_t depth)
{
    enum { SMALLEST = 3 + 4 + 4 };
    if (depth >= STATE_MAX_DEPTH || it->count > (uint64_t)(c->end - c->p) / SMALLEST)
        return -EINVAL;
    it->parts = xcalloc(it->count ? it->count : 1, sizeof *it->parts);
    for (uint32_t i = 0; i < it->count; i++)
        if (take_part(c, &it->parts[i], depth + 1) < 0)
            return -EINVAL;
    return 0;
}

/* Says whether the elements have values that their kind can have. */
static int values_ok(const struct state_item *it)
{
    if (it->kind == STATE_DEV)
        return it->count && !it->data[it->count - 1] &&
               printable((const char *)it->data, it->count - 1);
    if (it->kind != TN_S_BOOL && it->kind != TN_S_TIMER)
        return 1;
    uint32_t step = state_size(it->kind);
    for (uint32_t i = 0; i < it->count; i++)
        if (it->data[(uint64_t)i * step] > 1)
            return 0;
    return 1;
}

static int take_item(struct cursor *c, struct state_item *it, uint32_t depth)
{
    const uint8_t *kind = take(c, 1);
    if (!kind || take_name(c, &it->name) < 0 || take_u32(c, &it->count) < 0)
        return -EINVAL;
    it->kind = *kind;
    if (it->kind == TN_S_SUB || (it->kind == STATE_SUBSECTION && it->count == 1))
        return take_parts(c, it, depth);
    uint32_t size = state_size(it->kind);
    it->data = size ? take(c, (uint64_t)size * it->count) : NULL;
    return it->data && values_ok(it) ? 0 : -EINVAL;
}

static int compare(const struct state_item *a, const char *name, int subsection)
{
    int sub = a->kind == STATE_SUBSECTION;
    return sub != subsection ? sub - subsection : strcmp(a->name, name);
}

static int by_name(const void *a, const void *b)
{
    const struct state_item *x = *(struct state_item *const *)a,
                            *y = *(struct state_item *const *)b;
    return compare(x, y->name, y->kind == STATE_SUBSECTION);
}

/* Makes part->order. -EINVAL: two of one name. */
static int sort(struct state_part *part)
{
    part->order = xcalloc(part->nitems + 1, sizeof *part->order);
    for (uint32_t i = 0; i < part->nitems; i++)
        part->order[i] = &part->items[i];
    qsort(part->order, part->nitems, sizeof *part->order, by_name);
    for (uint32_t i = 1; i < part->nitems; i++)
        if (by_name(&part->order[i - 1], &part->order[i]) == 0)
            return -EINVAL;
    return 0;
}

static int take_items(struct cursor *c, struct state_part *part, uint32_t depth)
{
    for (uint32_t room = 0; c->p < c->end;) {
        if (part->nitems == room) {
            room = room ? 2 * room : 8;
            part->items = xrealloc(part->items, room * sizeof *part->items);
        }
        struct state_item *it = &part->items[part->nitems++];
        *it = (struct state_item){0};
        if (take_item(c, it, depth) < 0)
            return -EINVAL;
    }
    return 0;
}

static int take_part(struct cursor *c, struct state_part *part, uint32_t depth)
{
    uint32_t len;
    if (take_name(c, &part->name) < 0 || take_u32(c, &part->version) < 0 || take_u32(c, &len) < 0)
        return -EINVAL;
    const uint8_t *p = take(c, len);
    if (!p)
        return -EINVAL;
    struct cursor items = {p, p + len};
    return take_items(&items, part, depth) < 0 ? -EINVAL : sort(part);
}

static int check_frame(const uint8_t *p, size_t len, struct tn_err *e)
{
    if (len < STATE_HEADER_LEN + STATE_CRC_LEN || memcmp(p, STATE_MAGIC, 4) != 0)
        return err_set(e, EINVAL, "this is not a saved state");
    if (get_le32(p + 4) != STATE_FORMAT)
        return err_set(e, EINVAL, "saved state of format %u, known is %u", get_le32(p + 4),
                       STATE_FORMAT);
    if (get_le32(p + 8) != len)
        return err_set(e, EINVAL, "saved state has %zu bytes instead of %u", len, get_le32(p + 8));
    if (get_le32(p + len - STATE_CRC_LEN) != state_crc(p, len - STATE_CRC_LEN))
        return err_set(e, EINVAL, "saved state is damaged: wrong checksum");
    return 0;
}

int state_parse(const void *p, size_t len, struct state_part *root, struct tn_err *e)
{
    *root = (struct state_part){0};
    int r = check_frame(p, len, e);
    if (r < 0)
        return r;
    struct cursor c = {(const uint8_t *)p + STATE_HEADER_LEN,
                       (const uint8_t *)p + len - STATE_CRC_LEN};
    if (take_part(&c, root, 0) == 0 && c.p == c.end)
        return 0;
    state_parse_free(root);
    return err_set(e, EINVAL, "saved state is malformed");
}

static void free_part(struct state_part *part)
{
    for (uint32_t i = 0; i < part->nitems; i++) {
        struct state_item *it = &part->items[i];
        for (uint32_t k = 0; it->parts && k < it->count; k++)
            free_part(&it->parts[k]);
        free(it->parts);
    }
    free(part->items);
    free(part->order);
}

void state_parse_free(struct state_part *root)
{
    free_part(root);
    *root = (struct state_part){0};
}

struct state_item *state_find(const struct state_part *part, const char *name, int subsection)
{
    uint32_t lo = 0, hi = part->nitems;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int r = compare(part->order[mid], name, subsection);
        if (r == 0)
            return part->order[mid];
        if (r < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
