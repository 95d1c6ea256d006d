/* SPDX-License-Identifier: BSD-2-Clause */
/* A device whose state goes to another one, by way of a buffer that a test may change. */
#ifndef TN_STATE_FIXTURE_H
#define TN_STATE_FIXTURE_H
#include "core/state_format.h"
#include "state_class.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"

/* A class like rich at version 1, without its last field. */
static const struct tn_state v1_state = RICH_STATE(1, NFIELDS - 1);
static const struct tn_class v1_class = {
    .name = "rich", .instance_size = sizeof(struct rich), .state = &v1_state};

struct fixture {
    struct vm *vm;
    struct device *from, *to;
    struct buf saved;
    struct tn_err err;
};

static inline struct fixture start(const struct tn_class *from, const struct tn_class *to)
{
    struct fixture f = {.vm = fake_vm_new()};
    f.from = rich_device(f.vm, from, "a");
    f.to = rich_device(f.vm, to, "b");
    rich_values(rich_of(f.from));
    rich_of(f.from)->peer = &f.to->pub;
    return f;
}

static inline void finish(struct fixture *f)
{
    err_clear(&f->err);
    buf_free(&f->saved);
    fake_vm_free(f->vm);
}

static inline int save(struct fixture *f)
{
    return state_save(f->from, &f->saved, &f->err);
}

static inline int load(struct fixture *f)
{
    err_clear(&f->err);
    return state_load(f->to, f->saved.data, f->saved.len, &f->err);
}

static inline void reseal(struct buf *b)
{
    put_le32(b->data + 8, (uint32_t)b->len);
    put_le32(b->data + b->len - STATE_CRC_LEN, state_crc(b->data, b->len - STATE_CRC_LEN));
}

/* Where text stands in the file. */
static inline uint8_t *at(struct fixture *f, const char *text)
{
    return memmem(f->saved.data, f->saved.len, text, strlen(text) + 1);
}

static inline int same_bytes(const struct rich *a, const struct rich *b)
{
    return a->u8 == b->u8 && a->yes == b->yes && memcmp(a->u16, b->u16, sizeof a->u16) == 0 &&
           a->u32 == b->u32 && a->u64 == b->u64 && memcmp(a->mac, b->mac, 6) == 0 &&
           a->heap_len == b->heap_len && memcmp(a->heap, b->heap, a->heap_len) == 0 &&
           memcmp(a->heap_mem, b->heap_mem, 4) == 0 &&
           memcmp(a->queue, b->queue, sizeof a->queue) == 0;
}

/* The name of a field in the file is changed to one of the same length. */
static inline void rename_field(struct fixture *f, const char *from, const char *to)
{
    uint8_t *p = at(f, from);
    CHECK(p);
    memcpy(p, to, strlen(to));
    reseal(&f->saved);
}

#endif
