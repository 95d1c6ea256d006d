/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/state_format.h"
#include "state_class.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>

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

static struct fixture start(const struct tn_class *from, const struct tn_class *to)
{
    struct fixture f = {.vm = fake_vm_new()};
    f.from = rich_device(f.vm, from, "a");
    f.to = rich_device(f.vm, to, "b");
    rich_values(rich_of(f.from));
    rich_of(f.from)->peer = &f.to->pub;
    return f;
}

static void finish(struct fixture *f)
{
    err_clear(&f->err);
    buf_free(&f->saved);
    fake_vm_free(f->vm);
}

static int save(struct fixture *f)
{
    return state_save(f->from, &f->saved, &f->err);
}

static int load(struct fixture *f)
{
    err_clear(&f->err);
    return state_load(f->to, f->saved.data, f->saved.len, &f->err);
}

static void reseal(struct buf *b)
{
    put_le32(b->data + 8, (uint32_t)b->len);
    put_le32(b->data + b->len - STATE_CRC_LEN, state_crc(b->data, b->len - STATE_CRC_LEN));
}

/* Where text stands in the file. */
static uint8_t *at(struct fixture *f, const char *text)
{
    return memmem(f->saved.data, f->saved.len, text, strlen(text) + 1);
}

static int same_bytes(const struct rich *a, const struct rich *b)
{
    return a->u8 == b->u8 && a->yes == b->yes && memcmp(a->u16, b->u16, sizeof a->u16) == 0 &&
           a->u32 == b->u32 && a->u64 == b->u64 && memcmp(a->mac, b->mac, 6) == 0 &&
           a->heap_len == b->heap_len && memcmp(a->heap, b->heap, a->heap_len) == 0 &&
           memcmp(a->heap_mem, b->heap_mem, 4) == 0 &&
           memcmp(a->queue, b->queue, sizeof a->queue) == 0;
}

TEST(everything_survives_a_round_trip)
{
    struct fixture f = start(&rich_class, &rich_class);
    struct rich *a = rich_of(f.from), *b = rich_of(f.to);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), 0);
    CHECK(same_bytes(a, b));
    CHECK_EQ(b->nslots, 2);
    CHECK_EQ(b->slot[0].addr, 0x1000);
    CHECK_EQ(b->slot[0].live, 1);
    CHECK_EQ(b->slot[1].addr, 0x2000);
    CHECK_EQ(b->one.addr, 7);
    CHECK_EQ(b->since2, 22);
    CHECK_EQ(b->extra, 99);
    CHECK_EQ(b->streamed[1], 2);
    CHECK_EQ(b->streamed_sub.addr, 3);
    CHECK(b->peer == &f.to->pub);
    CHECK_EQ(a->pre_saves, 1);
    CHECK_EQ(b->post_loads, 1);
    CHECK_EQ(b->loaded_version, 2);
    finish(&f);
}

TEST(a_second_save_gives_the_same_bytes)
{
    struct fixture f = start(&rich_class, &rich_class);
    BUF_AUTO again = {0};
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), 0);
    rich_of(f.to)->has_extra = 1;
    CHECK_EQ(state_save(f.to, &again, NULL), 0);
    CHECK_EQ(again.len, f.saved.len);
    CHECK(memcmp(again.data, f.saved.data, again.len) == 0);
    finish(&f);
}

TEST(a_timer_keeps_its_deadline_and_a_disarmed_one_is_disarmed)
{
    struct fixture f = start(&rich_class, &rich_class);
    struct rich *b = rich_of(f.to);
    timer_arm(b->timers[0], 5);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), 0);
    CHECK(b->timer->at != 0);
    CHECK_EQ(b->timer->ns, 123456);
    CHECK_EQ(b->timers[0]->at, 0);
    finish(&f);
}

TEST(an_armed_timer_that_the_device_does_not_have_is_refused)
{
    struct fixture f = start(&rich_class, &rich_class);
    timer_arm(rich_of(f.from)->timers[0], 5);
    CHECK_EQ(save(&f), 0);
    rich_of(f.to)->timers[0] = NULL;
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'timers'"));
    finish(&f);
}

TEST(a_subsection_is_there_only_when_it_is_needed)
{
    struct fixture f = start(&rich_class, &rich_class);
    rich_of(f.from)->has_extra = 0;
    CHECK_EQ(save(&f), 0);
    CHECK(!at(&f, "rich/extra"));
    CHECK_EQ(load(&f), 0);
    CHECK_EQ(rich_of(f.to)->extra, 0);
    finish(&f);
}

TEST(truncation_at_every_byte_is_refused_and_changes_nothing)
{
    struct fixture f = start(&rich_class, &rich_class);
    uint32_t resets = fake_resets;
    CHECK_EQ(save(&f), 0);
    for (size_t n = 0; n < f.saved.len; n++) {
        AUTO_FREE uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, f.saved.data, n);
        CHECK_EQ(state_load(f.to, copy, n, &f.err), -EINVAL);
        err_clear(&f.err);
    }
    CHECK_EQ(rich_of(f.to)->u32, 0);
    CHECK_EQ(rich_of(f.to)->post_loads, 0);
    CHECK_EQ(fake_resets, resets);
    finish(&f);
}

TEST(every_flipped_bit_is_refused)
{
    struct fixture f = start(&rich_class, &rich_class);
    CHECK_EQ(save(&f), 0);
    for (size_t i = 0; i < f.saved.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            f.saved.data[i] ^= (uint8_t)(1 << bit);
            CHECK_EQ(load(&f), -EINVAL);
            f.saved.data[i] ^= (uint8_t)(1 << bit);
        }
    CHECK_EQ(rich_of(f.to)->u32, 0);
    CHECK_EQ(load(&f), 0);
    finish(&f);
}

/* With a right checksum only the structure is left to see it; what is accepted must not break
 * memory (sanitizers look). */
TEST(every_flipped_byte_with_a_right_checksum_is_survived)
{
    struct fixture f = start(&rich_class, &rich_class);
    CHECK_EQ(save(&f), 0);
    for (size_t i = STATE_HEADER_LEN; i < f.saved.len - STATE_CRC_LEN; i++)
        for (int x = 1; x < 256; x += 37) {
            f.saved.data[i] ^= (uint8_t)x;
            reseal(&f.saved);
            (void)load(&f);
            CHECK(rich_of(f.to)->heap_len <= HEAP);
            CHECK(rich_of(f.to)->nslots <= SLOTS);
            f.saved.data[i] ^= (uint8_t)x;
        }
    reseal(&f.saved);
    CHECK_EQ(load(&f), 0);
    finish(&f);
}

TEST(an_older_state_keeps_the_values_of_newer_fields)
{
    struct fixture f = start(&v1_class, &rich_class);
    rich_of(f.to)->since2 = 5;
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), 0);
    CHECK_EQ(rich_of(f.to)->since2, 5);
    CHECK_EQ(rich_of(f.to)->u32, 0xdeadbeef);
    CHECK_EQ(rich_of(f.to)->loaded_version, 1);
    finish(&f);
}

TEST(a_newer_state_is_refused_with_its_version)
{
    struct fixture f = start(&rich_class, &v1_class);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "version 2, known are 1 to 1"));
    CHECK_EQ(rich_of(f.to)->u32, 0);
    finish(&f);
}

TEST(too_old_a_state_is_refused)
{
    struct tn_state strict = rich_state;
    strict.min_version = 2;
    const struct tn_class c = {
        .name = "rich", .instance_size = sizeof(struct rich), .state = &strict};
    struct fixture f = start(&v1_class, &c);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    finish(&f);
}

TEST(a_missing_field_of_the_same_version_is_refused_by_name)
{
    struct tn_state less = rich_state;
    less.nfields = NFIELDS - 1;
    const struct tn_class c = {
        .name = "rich", .instance_size = sizeof(struct rich), .state = &less};
    struct fixture f = start(&c, &rich_class);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'since2'"));
    finish(&f);
}

/* The name of a field in the file is changed to one of the same length. */
static void rename_field(struct fixture *f, const char *from, const char *to)
{
    uint8_t *p = at(f, from);
    CHECK(p);
    memcpy(p, to, strlen(to));
    reseal(&f->saved);
}

TEST(a_field_that_is_newer_than_the_state_is_refused)
{
    struct tn_field early[NFIELDS];
    memcpy(early, rich_fields, sizeof early);
    early[NFIELDS - 1].since = 0;
    struct tn_state st = v1_state;
    st.fields = early;
    st.nfields = NFIELDS;
    const struct tn_class c = {.name = "rich", .instance_size = sizeof(struct rich), .state = &st};
    struct fixture f = start(&c, &rich_class);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'since2'"));
    finish(&f);
}

TEST(an_unknown_field_is_refused_by_name_before_anything_is_written)
{
    struct tn_state plain = rich_state;
    plain.load = NULL;
    plain.save = NULL;
    struct tn_state more = plain;
    plain.nfields = NFIELDS - 1; /* same version, no since2 */
    const struct tn_class has = {
        .name = "rich", .instance_size = sizeof(struct rich), .state = &more};
    const struct tn_class lacks = {
        .name = "rich", .instance_size = sizeof(struct rich), .state = &plain};
    struct fixture f = start(&has, &lacks);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'since2'"));
    CHECK(strstr(err_text(&f.err), "not known"));
    CHECK_EQ(rich_of(f.to)->u32, 0);
    finish(&f);
}

TEST(a_field_that_the_load_callback_does_not_take_is_refused_and_the_device_reset)
{
    struct fixture f = start(&rich_class, &rich_class);
    uint32_t resets = fake_resets;
    rich_of(f.from)->streamed[0] = 4;
    CHECK_EQ(save(&f), 0);
    rich_of(f.to)->u32 = 0;
    rename_field(&f, "streamed_sub", "streamed_foo");
    CHECK_EQ(load(&f), -ENOENT); /* the callback's own get_sub() */
    CHECK_EQ(fake_resets, resets + 1);
    finish(&f);
}

TEST(an_unknown_subsection_is_refused_by_name)
{
    struct fixture f = start(&rich_class, &rich_class);
    CHECK_EQ(save(&f), 0);
    for (uint8_t *p; (p = at(&f, "rich/extra"));)
        memcpy(p, "rich/other", 10);
    reseal(&f.saved);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'rich/other'"));
    CHECK_EQ(rich_of(f.to)->u32, 0);
    finish(&f);
}

TEST(a_state_of_another_class_is_refused)
{
    struct tn_state other = rich_state;
    other.name = "poor";
    const struct tn_class c = {
        .name = "poor", .instance_size = sizeof(struct rich), .state = &other};
    struct fixture f = start(&c, &rich_class);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'poor'"));
    finish(&f);
}

/* The four bytes of a number field follow kind, name and count. */
static uint8_t *value_of(struct fixture *f, const char *name)
{
    uint8_t *p = at(f, name);
    CHECK(p);
    return p + strlen(name) + 1 + 4;
}

TEST(a_count_that_contradicts_its_array_is_refused)
{
    struct fixture f = start(&rich_class, &rich_class);
    CHECK_EQ(save(&f), 0);
    put_le32(value_of(&f, "heap_len"), 1000);
    reseal(&f.saved);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'heap'"));
    CHECK_EQ(rich_of(f.to)->heap_len, 0);
    finish(&f);
}

TEST(more_elements_than_the_device_has_room_for_are_refused)
{
    struct tn_field small[NFIELDS];
    memcpy(small, rich_fields, sizeof small);
    struct tn_state st = rich_state;
    st.fields = small;
    for (uint32_t i = 0; i < NFIELDS; i++)
        if (strcmp(small[i].name, "slot") == 0)
            small[i].max = 1;
    const struct tn_class c = {.name = "rich", .instance_size = sizeof(struct rich), .state = &st};
    struct fixture f = start(&rich_class, &c);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'slot'"));
    finish(&f);
}

TEST(a_broken_instance_is_not_saved)
{
    struct fixture f = start(&rich_class, &rich_class);
    rich_of(f.from)->heap_len = HEAP + 1;
    CHECK_EQ(save(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "'heap'"));
    CHECK_EQ(f.saved.len, 0);
    finish(&f);
}

TEST(a_null_pointer_is_not_followed)
{
    struct fixture f = start(&rich_class, &rich_class);
    rich_of(f.to)->ptr = NULL;
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    rich_of(f.from)->ptr = NULL;
    f.saved.len = 0;
    err_clear(&f.err);
    CHECK_EQ(save(&f), -EINVAL);
    finish(&f);
}

static int puts_twice(void *s, struct tn_save *o, struct tn_err *e)
{
    struct rich *r = s;
    (void)e;
    r->stream->put(o, "x", TN_S_U8, &r->u8, 1);
    return r->stream->put(o, "x", TN_S_U8, &r->u8, 1);
}

TEST(two_fields_of_one_name_are_not_saved)
{
    struct tn_state st = rich_state;
    st.save = puts_twice;
    const struct tn_class c = {.name = "rich", .instance_size = sizeof(struct rich), .state = &st};
    struct fixture f = start(&c, &rich_class);
    CHECK_EQ(save(&f), -EINVAL);
    finish(&f);
}

static int puts_badly(void *s, struct tn_save *o, struct tn_err *e)
{
    struct rich *r = s;
    (void)e;
    r->stream->put(o, "", TN_S_U8, &r->u8, 1); /* and ignores what it says */
    return 0;
}

TEST(an_ignored_failure_of_put_is_none_of_the_saves_success)
{
    struct tn_state st = rich_state;
    st.save = puts_badly;
    const struct tn_class c = {.name = "rich", .instance_size = sizeof(struct rich), .state = &st};
    struct fixture f = start(&c, &rich_class);
    CHECK_EQ(save(&f), -EINVAL);
    finish(&f);
}

TEST(a_refusing_post_load_fails_the_load_with_its_text_and_resets)
{
    struct fixture f = start(&rich_class, &rich_class);
    uint32_t resets = fake_resets;
    rich_of(f.to)->refuse = 1;
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), -EINVAL);
    CHECK(strstr(err_text(&f.err), "the queue is impossible"));
    CHECK_EQ(fake_resets, resets + 1);
    finish(&f);
}

TEST(a_peer_that_is_not_there_is_refused_and_none_is_none)
{
    struct fixture f = start(&rich_class, &rich_class);
    CHECK_EQ(save(&f), 0);
    rename_field(&f, "/machine/peripheral/b", "/machine/peripheral/z");
    CHECK_EQ(load(&f), -ENODEV);
    rich_of(f.from)->peer = NULL;
    f.saved.len = 0;
    CHECK_EQ(save(&f), 0);
    rich_of(f.to)->peer = &f.to->pub;
    CHECK_EQ(load(&f), 0);
    CHECK(!rich_of(f.to)->peer);
    finish(&f);
}

TEST(a_class_without_state_saves_and_loads_nothing)
{
    static const struct tn_class c = {.name = "plain", .instance_size = sizeof(struct rich)};
    struct fixture f = start(&c, &c);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(load(&f), 0);
    CHECK_EQ(rich_of(f.to)->u32, 0);
    finish(&f);
}

TEST(a_save_is_appended)
{
    struct fixture f = start(&rich_class, &rich_class);
    buf_str(&f.saved, "head");
    CHECK_EQ(save(&f), 0);
    CHECK(memcmp(f.saved.data, "headTnSt", 8) == 0);
    CHECK_EQ(state_load(f.to, f.saved.data + 4, f.saved.len - 4, NULL), 0);
    finish(&f);
}

TEST(json_shows_names_and_values)
{
    struct fixture f = start(&rich_class, &rich_class);
    BUF_AUTO json = {0};
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(state_print(f.saved.data, f.saved.len, &json, NULL), 0);
    const char *s = buf_cstr(&json);
    CHECK(strncmp(s,
                  "{\"state\": \"rich\", \"version\": 2, \"fields\": {\"u8\": 18, \"yes\": true, ",
                  66) == 0);
    CHECK(
        strstr(s, "\"u16\": [4096, 4097, 4098], \"u32\": 3735928559, \"u64\": 81985529216486895"));
    CHECK(strstr(s, "\"mac\": \"525400123456\", \"heap_len\": 5, \"heap\": \"6162636465\""));
    CHECK(strstr(s, "\"timer\": {\"armed\": true, \"ns\": 123456}"));
    CHECK(strstr(s, "\"one\": {\"state\": \"slot\", \"version\": 1, \"fields\": {\"addr\": 7, "
                    "\"live\": true}}"));
    CHECK(strstr(s, "\"peer\": \"/machine/peripheral/b\"}"));
    CHECK(strstr(s, "\"subsections\": {\"rich/extra\": {\"state\": \"rich/extra\", \"version\": 1, "
                    "\"fields\": {\"extra\": 99}}}}"));
    finish(&f);
}

TEST(the_file_is_little_endian_and_as_documented)
{
    static const struct tn_field one[] = {TN_FIELD(struct rich, u32, U32)};
    static const struct tn_state st = {.struct_size = sizeof st,
                                       .version = 3,
                                       .name = "d",
                                       .fields = one,
                                       .nfields = 1,
                                       .field_stride = sizeof(struct tn_field)};
    static const struct tn_class c = {
        .name = "d", .instance_size = sizeof(struct rich), .state = &st};
    static const uint8_t want[] = {'T', 'n', 'S', 't', 1, 0, 0,  0,    41,   0,    0,   0, 1,
                                   'd', 0,   3,   0,   0, 0, 14, 0,    0,    0,    3,   3, 'u',
                                   '3', '2', 0,   1,   0, 0, 0,  0xef, 0xbe, 0xad, 0xde};
    struct fixture f = start(&c, &c);
    CHECK_EQ(save(&f), 0);
    CHECK_EQ(f.saved.len, sizeof want + 4);
    CHECK(memcmp(f.saved.data + 12, want + 12, sizeof want - 12) == 0);
    CHECK_EQ(get_le32(f.saved.data + 8), f.saved.len);
    CHECK_EQ(state_crc((const uint8_t *)"123456789", 9), 0xcbf43926u);
    finish(&f);
}

int main(void)
{
    RUN(everything_survives_a_round_trip);
    RUN(a_second_save_gives_the_same_bytes);
    RUN(a_timer_keeps_its_deadline_and_a_disarmed_one_is_disarmed);
    RUN(an_armed_timer_that_the_device_does_not_have_is_refused);
    RUN(a_subsection_is_there_only_when_it_is_needed);
    RUN(truncation_at_every_byte_is_refused_and_changes_nothing);
    RUN(every_flipped_bit_is_refused);
    RUN(every_flipped_byte_with_a_right_checksum_is_survived);
    RUN(an_older_state_keeps_the_values_of_newer_fields);
    RUN(a_newer_state_is_refused_with_its_version);
    RUN(too_old_a_state_is_refused);
    RUN(a_missing_field_of_the_same_version_is_refused_by_name);
    RUN(a_field_that_is_newer_than_the_state_is_refused);
    RUN(an_unknown_field_is_refused_by_name_before_anything_is_written);
    RUN(a_field_that_the_load_callback_does_not_take_is_refused_and_the_device_reset);
    RUN(an_unknown_subsection_is_refused_by_name);
    RUN(a_state_of_another_class_is_refused);
    RUN(a_count_that_contradicts_its_array_is_refused);
    RUN(more_elements_than_the_device_has_room_for_are_refused);
    RUN(a_broken_instance_is_not_saved);
    RUN(a_null_pointer_is_not_followed);
    RUN(two_fields_of_one_name_are_not_saved);
    RUN(an_ignored_failure_of_put_is_none_of_the_saves_success);
    RUN(a_refusing_post_load_fails_the_load_with_its_text_and_resets);
    RUN(a_peer_that_is_not_there_is_refused_and_none_is_none);
    RUN(a_class_without_state_saves_and_loads_nothing);
    RUN(a_save_is_appended);
    RUN(json_shows_names_and_values);
    RUN(the_file_is_little_endian_and_as_documented);
    return tap_done();
}
