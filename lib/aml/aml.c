/* SPDX-License-Identifier: BSD-2-Clause */
#include "aml/aml.h"

#include "pkg.h"
#include <assert.h>
#include <string.h>

#define NAME_SEG         4
#define NAME_SEGS_MAX    255
#define METHOD_ARGS      7
#define METHOD_SERIALIZE (1 << 3)

/* ---- blocks ---- */

static void insert(struct buf *a, size_t at, const uint8_t *p, size_t n)
{
    size_t tail = a->len - at;
    buf_add(a, NULL, n);
    memmove(a->data + at + n, a->data + at, tail);
    memcpy(a->data + at, p, n);
}

static void insert_buffer_size(struct buf *a, size_t at)
{
    BUF_AUTO size = {0};
    aml_int(&size, a->len - at);
    insert(a, at, size.data, size.len);
}

/* The length counts its own bytes, so the smallest field that can hold the sum is looked for. */
static void insert_pkg_length(struct buf *a, size_t at)
{
    uint8_t field[4];
    size_t body = a->len - at;
    assert(body <= AML_PKG_LENGTH_MAX - sizeof field);
    uint32_t n = 1;
    while (aml_pkg_encode(field, (uint32_t)body + n) > n)
        n++;
    insert(a, at, field, n);
}

struct aml_block aml_open(struct buf *a, enum aml_op op, uint32_t kind)
{
    aml_op(a, op);
    return (struct aml_block){.at = a->len, .kind = kind};
}

void aml_end(struct buf *a, struct aml_block b)
{
    assert(b.at <= a->len);
    if (b.kind == AML_BLOCK_RESOURCES) {
        buf_add8(a, AML_END_TAG);
        buf_add8(a, 0); /* no checksum */
    }
    if (b.kind != AML_BLOCK_PLAIN)
        insert_buffer_size(a, b.at);
    insert_pkg_length(a, b.at);
}

/* ---- names ---- */

static bool lead_char(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '_';
}

static bool name_char(char c)
{
    return lead_char(c) || (c >= '0' && c <= '9');
}

static size_t seg_len(const char *s)
{
    size_t n = 0;
    if (lead_char(*s))
        while (n < NAME_SEG && name_char(s[n]))
            n++;
    return n;
}

static const char *skip_prefix(const char *s)
{
    if (*s == '\\')
        return s + 1;
    while (*s == '^')
        s++;
    return s;
}

/* The number of segments of s, which has no prefix; -1 if it is malformed. */
static int count_segs(const char *s)
{
    int n = 0;
    if (!*s)
        return 0;
    for (;;) {
        size_t len = seg_len(s);
        if (!len || ++n > NAME_SEGS_MAX)
            return -1;
        s += len;
        if (!*s)
            return n;
        if (*s++ != '.')
            return -1;
    }
}

bool aml_path_valid(const char *s)
{
    const char *segs = skip_prefix(s);
    int n = count_segs(segs);
    return n > 0 || (n == 0 && segs != s);
}

static void put_seg(struct buf *a, const char *s, size_t len)
{
    uint8_t seg[NAME_SEG];
    memset(seg, '_', sizeof seg);
    memcpy(seg, s, len);
    buf_add(a, seg, sizeof seg);
}

static void put_segs_prefix(struct buf *a, int segs)
{
    if (segs == 0)
        buf_add8(a, 0); /* NullName: the root or a parent itself */
    if (segs == 2)
        buf_add8(a, AML_DUAL_NAME);
    if (segs > 2) {
        buf_add8(a, AML_MULTI_NAME);
        buf_add8(a, (uint8_t)segs);
    }
}

void aml_path(struct buf *a, const char *path)
{
    assert(aml_path_valid(path));
    const char *s = skip_prefix(path);
    buf_add(a, path, (size_t)(s - path));
    put_segs_prefix(a, count_segs(s));
    while (*s) {
        size_t len = seg_len(s);
        put_seg(a, s, len);
        s += len;
        s += *s == '.';
    }
}

/* ---- named objects ---- */

static struct aml_block open_named(struct buf *a, enum aml_op op, const char *name)
{
    struct aml_block b = aml_open(a, op, AML_BLOCK_PLAIN);
    aml_path(a, name);
    return b;
}

struct aml_block aml_scope(struct buf *a, const char *path)
{
    return open_named(a, AML_SCOPE, path);
}

struct aml_block aml_device(struct buf *a, const char *name)
{
    return open_named(a, AML_DEVICE, name);
}

struct aml_block aml_method(struct buf *a, const char *name, uint32_t args, uint32_t serialized)
{
    assert(args <= METHOD_ARGS);
    struct aml_block b = open_named(a, AML_METHOD, name);
    buf_add8(a, (uint8_t)(args | (serialized ? METHOD_SERIALIZE : 0)));
    return b;
}

struct aml_block aml_processor(struct buf *a, const char *name, uint8_t id, uint32_t pblk,
                               uint8_t pblk_len)
{
    struct aml_block b = open_named(a, AML_PROCESSOR, name);
    buf_add8(a, id);
    buf_add_le32(a, pblk);
    buf_add8(a, pblk_len);
    return b;
}

void aml_name(struct buf *a, const char *name)
{
    aml_op(a, AML_NAME);
    aml_path(a, name);
}

void aml_name_int(struct buf *a, const char *name, uint64_t value)
{
    aml_name(a, name);
    aml_int(a, value);
}

void aml_name_string(struct buf *a, const char *name, const char *value)
{
    aml_name(a, name);
    aml_string(a, value);
}

void aml_name_eisaid(struct buf *a, const char *name, const char *id)
{
    aml_name(a, name);
    aml_eisaid(a, id);
}

void aml_alias(struct buf *a, const char *object, const char *name)
{
    aml_op(a, AML_ALIAS);
    aml_path(a, object);
    aml_path(a, name);
}

void aml_external(struct buf *a, const char *path, uint32_t type, uint32_t args)
{
    assert(args <= METHOD_ARGS);
    aml_op(a, AML_EXTERNAL);
    aml_path(a, path);
    buf_add8(a, (uint8_t)type);
    buf_add8(a, (uint8_t)args);
}

void aml_mutex(struct buf *a, const char *name, uint32_t sync_level)
{
    assert(sync_level <= 15);
    aml_op(a, AML_MUTEX);
    aml_path(a, name);
    buf_add8(a, (uint8_t)sync_level);
}

/* ---- regions and fields ---- */

void aml_op_region_at(struct buf *a, const char *name, uint32_t space)
{
    aml_op(a, AML_OP_REGION);
    aml_path(a, name);
    buf_add8(a, (uint8_t)space);
}

void aml_op_region(struct buf *a, const char *name, uint32_t space, uint64_t offset, uint64_t len)
{
    aml_op_region_at(a, name, space);
    aml_int(a, offset);
    aml_int(a, len);
}

struct aml_block aml_field(struct buf *a, const char *region, uint32_t flags)
{
    struct aml_block b = open_named(a, AML_FIELD, region);
    buf_add8(a, (uint8_t)flags);
    return b;
}

struct aml_block aml_index_field(struct buf *a, const char *index, const char *data, uint32_t flags)
{
    struct aml_block b = open_named(a, AML_INDEX_FIELD, index);
    aml_path(a, data);
    buf_add8(a, (uint8_t)flags);
    return b;
}

/* The width is encoded as a PkgLength that does not count itself. */
static void put_width(struct buf *a, uint32_t bits)
{
    uint8_t field[4];
    assert(bits <= AML_PKG_LENGTH_MAX);
    buf_add(a, field, aml_pkg_encode(field, bits));
}

void aml_field_unit(struct buf *a, const char *name, uint32_t bits)
{
    size_t len = seg_len(name);
    assert(len && !name[len]);
    put_seg(a, name, len);
    put_width(a, bits);
}

void aml_field_reserved(struct buf *a, uint32_t bits)
{
    buf_add8(a, AML_FIELD_RESERVED);
    put_width(a, bits);
}

static enum aml_op create_op(uint32_t size)
{
    switch (size) {
    case 1:
        return AML_CREATE_BYTE_FIELD;
    case 2:
        return AML_CREATE_WORD_FIELD;
    case 4:
        return AML_CREATE_DWORD_FIELD;
    default:
        assert(size == 8);
        return AML_CREATE_QWORD_FIELD;
    }
}

void aml_create_field(struct buf *a, uint32_t size, enum aml_op source, uint64_t byte,
                      const char *name)
{
    aml_op(a, create_op(size));
    aml_op(a, source);
    aml_int(a, byte);
    aml_path(a, name);
}

void aml_create_field_of(struct buf *a, uint32_t size, const char *source, uint64_t byte,
                         const char *name)
{
    aml_op(a, create_op(size));
    aml_path(a, source);
    aml_int(a, byte);
    aml_path(a, name);
}
