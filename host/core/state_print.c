/* SPDX-License-Identifier: BSD-2-Clause */
/* A saved state as JSON:
 *     {"state": "edu", "version": 1, "fields": {"status": 128, "buf": "00ff", "timer": {"armed":
 * true, "ns": 5}}, "subsections": {"edu/dma": {...}}} An array is a list, but one element stands
 * for itself. */
#include "state.h"
#include "state_format.h"
#include "util/bytes.h"
#include <inttypes.h>

/* Printable ASCII is all that a parsed file holds. */
static void string(struct buf *j, const char *s)
{
    buf_add8(j, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_add8(j, '\\');
        buf_add8(j, (uint8_t)*s);
    }
    buf_add8(j, '"');
}

static void element(struct buf *j, uint32_t kind, const uint8_t *p)
{
    switch (kind) {
    case TN_S_U8:
        buf_printf(j, "%u", *p);
        break;
    case TN_S_U16:
        buf_printf(j, "%u", get_le16(p));
        break;
    case TN_S_U32:
        buf_printf(j, "%" PRIu32, get_le32(p));
        break;
    case TN_S_U64:
        buf_printf(j, "%" PRIu64, get_le64(p));
        break;
    case TN_S_BOOL:
        buf_str(j, *p ? "true" : "false");
        break;
    default: /* TN_S_TIMER */
        buf_printf(j, "{\"armed\": %s, \"ns\": %" PRIu64 "}", *p ? "true" : "false",
                   get_le64(p + 1));
        break;
    }
}

static void hex(struct buf *j, const uint8_t *p, uint32_t n)
{
    buf_add8(j, '"');
    for (uint32_t i = 0; i < n; i++)
        buf_printf(j, "%02x", p[i]);
    buf_add8(j, '"');
}

static void part(struct buf *j, const struct state_part *p);

static void list(struct buf *j, const struct state_item *it)
{
    for (uint32_t i = 0; i < it->count; i++) {
        if (i)
            buf_str(j, ", ");
        if (it->parts)
            part(j, &it->parts[i]);
        else
            element(j, it->kind, it->data + (uint64_t)i * state_size(it->kind));
    }
}

static void value(struct buf *j, const struct state_item *it)
{
    if (it->kind == STATE_DEV) {
        string(j, (const char *)it->data);
    } else if (it->kind == TN_S_BYTES) {
        hex(j, it->data, it->count);
    } else if (it->count == 1) {
        list(j, it);
    } else {
        buf_add8(j, '[');
        list(j, it);
        buf_add8(j, ']');
    }
}

static void members(struct buf *j, const struct state_part *p, int subsections)
{
    const char *sep = "";
    for (uint32_t i = 0; i < p->nitems; i++) {
        if ((p->items[i].kind == STATE_SUBSECTION) != subsections)
            continue;
        buf_str(j, sep);
        string(j, p->items[i].name);
        buf_str(j, ": ");
        value(j, &p->items[i]);
        sep = ", ";
    }
}

static void part(struct buf *j, const struct state_part *p)
{
    buf_str(j, "{\"state\": ");
    string(j, p->name);
    buf_printf(j, ", \"version\": %" PRIu32 ", \"fields\": {", p->version);
    members(j, p, 0);
    buf_add8(j, '}');
    /* they are last in order */
    if (p->nitems && p->order[p->nitems - 1]->kind == STATE_SUBSECTION) {
        buf_str(j, ", \"subsections\": {");
        members(j, p, 1);
        buf_add8(j, '}');
    }
    buf_add8(j, '}');
}

int state_print(const void *p, size_t len, struct buf *json, struct tn_err *e)
{
    struct state_part root;
    int r = state_parse(p, len, &root, e);
    if (r == 0)
        part(json, &root);
    state_parse_free(&root);
    return r;
}
