/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved state of a device: what survives, what is not saved, what does not fit. */
#include "state_fixture.h"
#include "util/bytes.h"
#include <stdlib.h>

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
    RUN(an_older_state_keeps_the_values_of_newer_fields);
    RUN(a_newer_state_is_refused_with_its_version);
    RUN(too_old_a_state_is_refused);
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
