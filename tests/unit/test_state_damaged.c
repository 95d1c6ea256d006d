/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved state of a device that is cut off, changed, or of another: refused, and nothing changed. */
#include "state_fixture.h"
#include <stdlib.h>

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

int main(void)
{
    RUN(truncation_at_every_byte_is_refused_and_changes_nothing);
    RUN(every_flipped_bit_is_refused);
    RUN(every_flipped_byte_with_a_right_checksum_is_survived);
    RUN(a_missing_field_of_the_same_version_is_refused_by_name);
    RUN(a_field_that_is_newer_than_the_state_is_refused);
    RUN(an_unknown_field_is_refused_by_name_before_anything_is_written);
    RUN(a_field_that_the_load_callback_does_not_take_is_refused_and_the_device_reset);
    RUN(an_unknown_subsection_is_refused_by_name);
    RUN(a_state_of_another_class_is_refused);
    RUN(a_count_that_contradicts_its_array_is_refused);
    RUN(more_elements_than_the_device_has_room_for_are_refused);
    return tap_done();
}
