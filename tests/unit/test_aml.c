/* SPDX-License-Identifier: BSD-2-Clause */
/* The AML writer against bytes worked out by hand from ACPI 6.3, chapters 6.4 and 20. */
#include "aml/aml.h"
#include "aml/resource.h"
#include "tap.h"
#include <errno.h>
#include <stdlib.h>

/* Checks that the buffer holds just these bytes, and that they read back, then empties it. */
#define EXPECT(a, ...)                                              \
    do {                                                            \
        static const uint8_t want_[] = {__VA_ARGS__};               \
        CHECK_EQ((a)->len, sizeof want_);                           \
        for (size_t i_ = 0; i_ < sizeof want_; i_++)                \
            CHECK_EQ((a)->data[i_] | i_ << 8, want_[i_] | i_ << 8); \
        buf_free(a);                                                \
    } while (0)

TEST(integers_take_their_shortest_form)
{
    struct buf a = {0};
    aml_int(&a, 0);
    aml_int(&a, 1);
    aml_int(&a, 2);
    aml_int(&a, 0xff);
    aml_int(&a, 0x100);
    aml_int(&a, 0xffff);
    EXPECT(&a, 0x00, 0x01, 0x0a, 2, 0x0a, 0xff, 0x0b, 0, 1, 0x0b, 0xff, 0xff);
    aml_int(&a, 0x10000);
    aml_int(&a, 0xffffffff);
    aml_int(&a, 0x100000000);
    aml_int(&a, UINT64_MAX);
    EXPECT(&a, 0x0c, 0, 0, 1, 0, 0x0c, 0xff, 0xff, 0xff, 0xff, 0x0e, 0, 0, 0, 0, 1, 0, 0, 0, 0xff);
}

TEST(paths_are_padded_and_prefixed)
{
    struct buf a = {0};
    aml_path(&a, "S08");
    EXPECT(&a, 'S', '0', '8', '_');
    aml_path(&a, "\\");
    aml_path(&a, "\\_SB");
    EXPECT(&a, '\\', 0, '\\', '_', 'S', 'B', '_');
    aml_path(&a, "^^A.B1");
    EXPECT(&a, '^', '^', 0x2e, 'A', '_', '_', '_', 'B', '1', '_', '_');
    aml_path(&a, "\\_SB.PCI0.ISA");
    EXPECT(&a, '\\', 0x2f, 3, '_', 'S', 'B', '_', 'P', 'C', 'I', '0', 'I', 'S', 'A', '_');
}

TEST(malformed_paths_are_told_apart)
{
    static const char *const good[] = {"A", "_STA", "\\", "^", "^^X", "\\_SB.PCI0", "A.B.C.D"};
    static const char *const bad[] = {"",    "a",   "1A",  "ABCDE", "A.", ".A",  "A..B",
                                      "^.A", "\\^", "A^B", "A B",   "A-", "^\\A"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(aml_path_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!aml_path_valid(bad[i]));
}

TEST(paths_hold_255_segments)
{
    BUF_AUTO path = {0}, a = {0};
    for (int i = 0; i < 255; i++)
        buf_str(&path, i ? ".A" : "A");
    CHECK(aml_path_valid(buf_cstr(&path)));
    aml_path(&a, buf_cstr(&path));
    CHECK_EQ(a.len, 2 + 255 * 4);
    CHECK_EQ(a.data[1], 255);
    buf_str(&path, ".A");
    CHECK(!aml_path_valid(buf_cstr(&path)));
}

TEST(strings_and_ids)
{
    struct buf a = {0};
    aml_string(&a, "hi");
    EXPECT(&a, 0x0d, 'h', 'i', 0);
    aml_eisaid(&a, "PNP0A08");
    EXPECT(&a, 0x0c, 0x41, 0xd0, 0x0a, 0x08);
    aml_eisaid(&a, "PNP0501");
    EXPECT(&a, 0x0c, 0x41, 0xd0, 0x05, 0x01);
    aml_uuid(&a, "33DB4D5B-1ff7-401C-9657-7441C03DD766");
    EXPECT(&a, 0x11, 0x13, 0x0a, 0x10, 0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40, 0x96, 0x57,
           0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66);
}

TEST(buffers_and_packages)
{
    struct buf a = {0};
    aml_buffer(&a, "\1\2\3", 3);
    EXPECT(&a, 0x11, 0x06, 0x0a, 3, 1, 2, 3);
    aml_buffer(&a, NULL, 0);
    EXPECT(&a, 0x11, 0x02, 0x00);
    struct aml_block p = aml_package(&a, 2);
    aml_int(&a, 5);
    aml_string(&a, "x");
    aml_end(&a, p);
    EXPECT(&a, 0x12, 0x07, 2, 0x0a, 5, 0x0d, 'x', 0);
    p = aml_package(&a, 256);
    aml_end(&a, p);
    EXPECT(&a, 0x13, 0x04, 0x0b, 0, 1);
    p = aml_var_package(&a);
    aml_local(&a, 1);
    aml_int(&a, 1);
    aml_end(&a, p);
    EXPECT(&a, 0x13, 0x03, 0x61, 0x01);
}

TEST(named_objects)
{
    struct buf a = {0};
    struct aml_block dev = aml_device(&a, "COM1");
    aml_name_int(&a, "_UID", 1);
    aml_end(&a, dev);
    EXPECT(&a, 0x5b, 0x82, 0x0b, 'C', 'O', 'M', '1', 0x08, '_', 'U', 'I', 'D', 0x01);
    struct aml_block scope = aml_scope(&a, "\\_SB");
    struct aml_block m = aml_method(&a, "_STA", 0, AML_SERIALIZED);
    aml_op(&a, AML_RETURN);
    aml_int(&a, 15);
    aml_end(&a, m);
    aml_end(&a, scope);
    EXPECT(&a, 0x10, 0x10, '\\', '_', 'S', 'B', '_', 0x14, 0x09, '_', 'S', 'T', 'A', 0x08, 0xa4,
           0x0a, 15);
    struct aml_block cpu = aml_processor(&a, "C000", 3, 0x1234, 6);
    aml_end(&a, cpu);
    EXPECT(&a, 0x5b, 0x83, 0x0b, 'C', '0', '0', '0', 3, 0x34, 0x12, 0, 0, 6);
    aml_mutex(&a, "MTX", 2);
    aml_acquire(&a, "MTX", 0xffff);
    aml_release(&a, "MTX");
    EXPECT(&a, 0x5b, 0x01, 'M', 'T', 'X', '_', 2, 0x5b, 0x23, 'M', 'T', 'X', '_', 0xff, 0xff, 0x5b,
           0x27, 'M', 'T', 'X', '_');
    aml_external(&a, "\\FOO", AML_OBJ_METHOD, 2);
    aml_alias(&a, "A", "B");
    EXPECT(&a, 0x15, '\\', 'F', 'O', 'O', '_', 8, 2, 0x06, 'A', '_', '_', '_', 'B', '_', '_', '_');
}

TEST(regions_and_fields)
{
    struct buf a = {0};
    aml_op_region(&a, "REGN", AML_SYSTEM_IO, 0x600, 16);
    EXPECT(&a, 0x5b, 0x80, 'R', 'E', 'G', 'N', 1, 0x0b, 0x00, 0x06, 0x0a, 16);
    struct aml_block f = aml_field(&a, "REGN", AML_DWORD_ACC | AML_LOCK | AML_WRITE_AS_ZEROS);
    aml_field_unit(&a, "F1", 32);
    aml_field_reserved(&a, 0x40);
    aml_field_unit(&a, "F2", 0x12345);
    aml_end(&a, f);
    EXPECT(&a, 0x5b, 0x81, 0x15, 'R', 'E', 'G', 'N', 0x53, 'F', '1', '_', '_', 0x20, 0x00, 0x40,
           0x04, 'F', '2', '_', '_', 0x85, 0x34, 0x12);
    f = aml_index_field(&a, "IDX", "DAT", AML_BYTE_ACC);
    aml_end(&a, f);
    EXPECT(&a, 0x5b, 0x86, 0x0a, 'I', 'D', 'X', '_', 'D', 'A', 'T', '_', 0x01);
    aml_create_field(&a, 4, AML_ARG0 + 3, 8, "CDW3");
    aml_create_field_of(&a, 8, "BUF", 0, "Q");
    EXPECT(&a, 0x8a, 0x6b, 0x0a, 8, 'C', 'D', 'W', '3', 0x8f, 'B', 'U', 'F', '_', 0x00, 'Q', '_',
           '_', '_');
}

TEST(statements_and_operators)
{
    struct buf a = {0};
    struct aml_block b = aml_if(&a);
    aml_op(&a, AML_LNOT_EQUAL);
    aml_arg(&a, 1);
    aml_int(&a, 1);
    aml_notify(&a, "DEV", 0x80);
    aml_end(&a, b);
    b = aml_else(&a);
    aml_op(&a, AML_ADD);
    aml_local(&a, 0);
    aml_int(&a, 2);
    aml_null(&a);
    aml_end(&a, b);
    EXPECT(&a, 0xa0, 0x0c, 0x92, 0x93, 0x69, 0x01, 0x86, 'D', 'E', 'V', '_', 0x0a, 0x80, 0xa1, 0x06,
           0x72, 0x60, 0x0a, 0x02, 0x00);
    b = aml_while(&a);
    aml_op(&a, AML_LLESS);
    aml_local(&a, 7);
    aml_int(&a, 8);
    aml_op(&a, AML_INCREMENT);
    aml_local(&a, 7);
    aml_end(&a, b);
    EXPECT(&a, 0xa2, 0x07, 0x95, 0x67, 0x0a, 8, 0x75, 0x67);
}

TEST(small_resources)
{
    struct buf a = {0};
    struct aml_block r = aml_resources(&a);
    aml_res_io(&a, 0x3f8, 0x3f8, 1, 8);
    aml_res_irq_no_flags(&a, 1 << 4);
    aml_res_dma(&a, 1 << 2);
    aml_end(&a, r);
    EXPECT(&a, 0x11, 0x13, 0x0a, 0x10, 0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08, 0x22, 0x10,
           0x00, 0x2a, 0x04, 0x00, 0x79, 0x00);
}

TEST(large_resources)
{
    struct buf a = {0};
    aml_res_memory32_fixed(&a, AML_READ_WRITE, 0xfed00000, 0x400);
    EXPECT(&a, 0x86, 9, 0, 1, 0, 0, 0xd0, 0xfe, 0, 4, 0, 0);
    aml_res_interrupt(&a, AML_INT_EDGE, (const uint32_t[]){5, 0x12345}, 2);
    EXPECT(&a, 0x89, 10, 0, 0x03, 2, 5, 0, 0, 0, 0x45, 0x23, 1, 0);
    aml_res_word_bus(&a, AML_PRODUCER, 0, 0xff);
    EXPECT(&a, 0x88, 13, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 1);
    aml_res_word_io(&a, AML_PRODUCER, 0xd00, 0xf300);
    EXPECT(&a, 0x88, 13, 0, 1, 0x0c, 3, 0, 0, 0, 0x0d, 0xff, 0xff, 0, 0, 0, 0xf3);
    aml_res_dword_memory(&a, AML_PRODUCER, AML_MEM_NON_CACHEABLE, 0xc0000000, 0x3ec00000);
    EXPECT(&a, 0x87, 23, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff, 0xbf, 0xfe, 0, 0, 0,
           0, 0, 0, 0xc0, 0x3e);
    aml_res_qword_memory(&a, AML_CONSUMER, AML_MEM_PREFETCHABLE, 0x8000000000, 0x100000000);
    EXPECT(&a, 0x8a, 43, 0, 0, 0x0d, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0xff,
           0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
}

/* A scope "\" and then n One opcodes: the length is field + 2 + n. */
static void scope_of(struct buf *a, size_t ones)
{
    buf_free(a);
    struct aml_block s = aml_scope(a, "\\");
    for (size_t i = 0; i < ones; i++)
        buf_add8(a, AML_ONE);
    aml_end(a, s);
}

static void check_length_field(size_t ones, const uint8_t *field, uint32_t n)
{
    BUF_AUTO a = {0};
    scope_of(&a, ones);
    CHECK_EQ(a.len, 1 + n + 2 + ones);
    CHECK(memcmp(a.data + 1, field, n) == 0);
    CHECK_EQ(a.data[1 + n], '\\');
    CHECK_EQ(aml_check(a.data, a.len, NULL), 0);
}

TEST(package_lengths_change_size_at_their_limits)
{
    check_length_field(60, (const uint8_t[]){0x3f}, 1);
    check_length_field(61, (const uint8_t[]){0x41, 0x04}, 2);
    check_length_field(4091, (const uint8_t[]){0x4f, 0xff}, 2);
    check_length_field(4092, (const uint8_t[]){0x81, 0x00, 0x01}, 3);
    check_length_field(0xfffff - 5, (const uint8_t[]){0x8f, 0xff, 0xff}, 3);
    check_length_field(0xfffff - 4, (const uint8_t[]){0xc1, 0x00, 0x00, 0x01}, 4);
}

TEST(growth_of_an_inner_length_reaches_the_outer_ones)
{
    BUF_AUTO a = {0};
    struct aml_block outer = aml_scope(&a, "\\");
    struct aml_block dev = aml_device(&a, "DEV0");
    aml_name(&a, "BLOB");
    aml_buffer(&a, NULL, 5000);
    aml_end(&a, dev);
    aml_end(&a, outer);
    CHECK_EQ(aml_check(a.data, a.len, NULL), 0);
    CHECK_EQ(a.data[1] >> 6, 2);
    CHECK_EQ((a.data[1] & 15) | a.data[2] << 4 | a.data[3] << 12, a.len - 1);
}

static int check_bytes(size_t n, const uint8_t *p, size_t *bad)
{
    return aml_check(p, n, bad);
}
#define BYTES(...)                                            \
    sizeof((const uint8_t[]){__VA_ARGS__}), (const uint8_t[]) \
    {                                                         \
        __VA_ARGS__                                           \
    }

TEST(check_points_at_the_first_bad_byte)
{
    size_t bad = 0;
    CHECK_EQ(aml_check(NULL, 0, &bad), 0);
    CHECK_EQ(check_bytes(BYTES(0x01, 0x02), &bad), -EINVAL); /* no such opcode */
    CHECK_EQ(bad, 1);
    CHECK_EQ(check_bytes(BYTES(0x10, 0x07, '\\', '_', 'S', 'B', '_'), &bad),
             -EINVAL); /* too long */
    CHECK_EQ(bad, 1);
    CHECK_EQ(check_bytes(BYTES(0x10, 0x05, '\\', '_', 'S', 'B', '_'), &bad),
             -EINVAL);                                                           /* too short */
    CHECK_EQ(check_bytes(BYTES(0x08, 'a', 'B', 'C', 'D', 0x01), &bad), -EINVAL); /* bad name */
    CHECK_EQ(bad, 1);
    CHECK_EQ(check_bytes(BYTES(0x0d, 'x'), &bad), -EINVAL);              /* no NUL */
    CHECK_EQ(check_bytes(BYTES(0x11, 0x04, 0x01, 1, 2), &bad), -EINVAL); /* more bytes than size */
    CHECK_EQ(check_bytes(BYTES(0x5b), &bad), -EINVAL);
    CHECK_EQ(bad, 0);
}

TEST(check_bounds_the_nesting)
{
    BUF_AUTO a = {0};
    struct aml_block b[80];
    for (int i = 0; i < 80; i++)
        b[i] = aml_if(&a);
    for (int i = 80; i-- > 0;)
        aml_end(&a, b[i]);
    CHECK_EQ(aml_check(a.data, a.len, NULL), -EINVAL);
}

int main(void)
{
    RUN(integers_take_their_shortest_form);
    RUN(paths_are_padded_and_prefixed);
    RUN(malformed_paths_are_told_apart);
    RUN(paths_hold_255_segments);
    RUN(strings_and_ids);
    RUN(buffers_and_packages);
    RUN(named_objects);
    RUN(regions_and_fields);
    RUN(statements_and_operators);
    RUN(small_resources);
    RUN(large_resources);
    RUN(package_lengths_change_size_at_their_limits);
    RUN(growth_of_an_inner_length_reaches_the_outer_ones);
    RUN(check_points_at_the_first_bad_byte);
    RUN(check_bounds_the_nesting);
    return tap_done();
}
