/* SPDX-License-Identifier: BSD-2-Clause */
/* A class whose state has one of everything, for the test and the fuzz target of states. */
#ifndef TN_TEST_STATE_CLASS_H
#define TN_TEST_STATE_CLASS_H
#include "core/state.h"
#include "fake_host.h"
#include <errno.h>
#include <string.h>

enum { QUEUES = 3, HEAP = 8, SLOTS = 4 };

struct queue {
    uint16_t head, tail;
    uint32_t flags;
};
struct slot {
    uint64_t addr;
    uint8_t live;
};
struct rich {
    struct tn_dev *dev;
    const struct tn_stream *stream;
    uint8_t u8, yes;
    uint16_t u16[3];
    uint32_t u32;
    uint64_t u64;
    uint8_t mac[6];
    uint32_t heap_len;
    uint8_t heap[HEAP]; /* heap_len of them */
    uint8_t *ptr;       /* to heap_mem */
    uint8_t heap_mem[4];
    struct queue queue[QUEUES];
    uint32_t nslots;
    struct slot slot[SLOTS];
    struct slot one;
    struct tn_timer *timer, *timers[2];
    uint32_t since2;
    uint32_t extra, has_extra;
    uint32_t streamed[2];
    struct slot streamed_sub;
    struct tn_dev *peer;
    /* what the callbacks saw */
    uint32_t pre_saves, post_loads, loaded_version, refuse, needed_calls;
};

static const struct tn_field queue_fields[] = {
    TN_FIELD(struct queue, head, U16),
    TN_FIELD(struct queue, tail, U16),
    TN_FIELD(struct queue, flags, U32),
};
static const struct tn_state queue_state = {.struct_size = sizeof queue_state,
                                            .version = 1,
                                            .name = "queue",
                                            .fields = queue_fields,
                                            .nfields = 3,
                                            .field_stride = sizeof(struct tn_field)};
static const struct tn_field slot_fields[] = {TN_FIELD(struct slot, addr, U64),
                                              TN_FIELD(struct slot, live, BOOL)};
static const struct tn_state slot_state = {.struct_size = sizeof slot_state,
                                           .version = 1,
                                           .name = "slot",
                                           .fields = slot_fields,
                                           .nfields = 2,
                                           .field_stride = sizeof(struct tn_field)};

#define OFF(m) ((uint32_t)offsetof(struct rich, m))
static const struct tn_field rich_fields[] = {
    TN_FIELD(struct rich, u8, U8),
    TN_FIELD(struct rich, yes, BOOL),
    TN_FIELD_ARRAY(struct rich, u16, U16),
    TN_FIELD(struct rich, u32, U32),
    TN_FIELD(struct rich, u64, U64),
    TN_FIELD_ARRAY(struct rich, mac, BYTES),
    TN_FIELD(struct rich, heap_len, U32),
    {.name = "heap",
     .type = TN_S_BYTES,
     .offset = OFF(heap),
     .count = OFF(heap_len),
     .max = HEAP,
     .flags = TN_SF_COUNT_AT},
    {.name = "ptr", .type = TN_S_U8, .offset = OFF(ptr), .count = 4, .flags = TN_SF_PTR},
    {.name = "queue",
     .type = TN_S_SUB,
     .offset = OFF(queue),
     .count = QUEUES,
     .sub = &queue_state,
     .stride = sizeof(struct queue)},
    /* the heads once more, as an array with a stride */
    {.name = "heads",
     .type = TN_S_U16,
     .offset = OFF(queue[0].head),
     .count = QUEUES,
     .stride = sizeof(struct queue)},
    {.name = "slot",
     .type = TN_S_SUB,
     .offset = OFF(slot),
     .count = OFF(nslots),
     .sub = &slot_state,
     .stride = sizeof(struct slot),
     .max = SLOTS,
     .flags = TN_SF_COUNT_AT},
    {.name = "one", .type = TN_S_SUB, .offset = OFF(one), .count = 1, .sub = &slot_state},
    TN_FIELD(struct rich, timer, TIMER),
    TN_FIELD_ARRAY(struct rich, timers, TIMER),
    {.name = "since2", .type = TN_S_U32, .offset = OFF(since2), .count = 1, .since = 2},
};

static int extra_needed(void *s)
{
    struct rich *r = s;
    r->needed_calls++;
    return r->has_extra != 0;
}
static const struct tn_field extra_fields[] = {TN_FIELD(struct rich, extra, U32)};
static const struct tn_state extra_state = {.struct_size = sizeof extra_state,
                                            .version = 1,
                                            .name = "rich/extra",
                                            .fields = extra_fields,
                                            .nfields = 1,
                                            .field_stride = sizeof(struct tn_field),
                                            .needed = extra_needed};
static const struct tn_state *const rich_subsections[] = {&extra_state, NULL};

static int rich_pre_save(void *s, struct tn_err *e)
{
    (void)e;
    ((struct rich *)s)->pre_saves++;
    return 0;
}

static int rich_post_load(void *s, uint32_t version, struct tn_err *e)
{
    struct rich *r = s;
    r->post_loads++;
    r->loaded_version = version;
    return r->refuse ? err_set(e, EINVAL, "the queue is impossible") : 0;
}

static int rich_save(void *s, struct tn_save *o, struct tn_err *e)
{
    struct rich *r = s;
    (void)e;
    r->stream->put(o, "streamed", TN_S_U32, r->streamed, 2);
    r->stream->put_sub(o, "streamed_sub", &slot_state, &r->streamed_sub);
    return r->stream->put_dev(o, "peer", r->peer);
}

static int rich_load(void *s, struct tn_load *i, struct tn_err *e)
{
    struct rich *r = s;
    (void)e;
    if (r->stream->get_count(i, "streamed") != 2)
        return -EINVAL;
    int err = r->stream->get(i, "streamed", TN_S_U32, r->streamed, 2);
    if (err == 0)
        err = r->stream->get_sub(i, "streamed_sub", &slot_state, &r->streamed_sub);
    return err < 0 ? err : r->stream->get_dev(i, "peer", &r->peer);
}

#define RICH_STATE(v, n)                                                                         \
    {                                                                                            \
        .struct_size = sizeof(struct tn_state), .version = v, .min_version = 1, .name = "rich",  \
        .fields = rich_fields, .nfields = n, .field_stride = sizeof(struct tn_field),            \
        .subsections = rich_subsections, .pre_save = rich_pre_save, .post_load = rich_post_load, \
        .save = rich_save, .load = rich_load                                                     \
    }
enum { NFIELDS = sizeof rich_fields / sizeof rich_fields[0] };
static const struct tn_state rich_state = RICH_STATE(2, NFIELDS);
static const struct tn_class rich_class = {
    .name = "rich", .instance_size = sizeof(struct rich), .state = &rich_state};

static void tick(void *s)
{
    (void)s;
}

static inline struct rich *rich_of(const struct device *d)
{
    return d->pub.self;
}

/* A device of cls (an instance of struct rich), with its timers and pointers but no values. */
static inline struct device *rich_device(struct vm *vm, const struct tn_class *cls, const char *id)
{
    struct device *d = fake_device(vm, cls, id);
    struct rich *r = rich_of(d);
    r->dev = &d->pub;
    r->stream = &stream_table;
    r->ptr = r->heap_mem;
    r->timer = timer_new(vm->main, d, 0, TN_CLK_VM, tick, r);
    r->timers[0] = timer_new(vm->main, d, 0, TN_CLK_HOST, tick, r);
    return d;
}

static inline void rich_values(struct rich *r)
{
    r->u8 = 0x12;
    r->yes = 1;
    for (uint16_t i = 0; i < 3; i++) {
        r->u16[i] = (uint16_t)(0x1000 + i);
        r->queue[i] =
            (struct queue){.head = i, .tail = (uint16_t)(10 + i), .flags = 0xf0000000u + i};
    }
    r->u32 = 0xdeadbeef;
    r->u64 = 0x0123456789abcdef;
    memcpy(r->mac, "\x52\x54\x00\x12\x34\x56", 6);
    memcpy(r->heap, "abcde", 5);
    r->heap_len = 5;
    memcpy(r->heap_mem, "wxyz", 4);
    r->slot[0] = (struct slot){.addr = 0x1000, .live = 1};
    r->slot[1] = (struct slot){.addr = 0x2000};
    r->nslots = 2;
    r->one = (struct slot){.addr = 7, .live = 1};
    timer_arm(r->timer, 123456);
    r->since2 = 22;
    r->extra = 99;
    r->has_extra = 1;
    r->streamed[0] = 1;
    r->streamed[1] = 2;
    r->streamed_sub = (struct slot){.addr = 3, .live = 1};
}

#endif
