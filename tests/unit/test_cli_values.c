/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of options and properties; expectations from QEMU 7.2 and 10.0, unless said otherwise.
 */
#include "cli/values.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

static uint64_t size_of(const char *text, uint64_t unit)
{
    uint64_t v = 0xbad;
    return val_size("size", text, unit, &v, NULL) == 0 ? v : 0xbad;
}

static void check_size_error(const char *text, int code, const char *phrase)
{
    AUTO_FREE char *err = NULL;
    uint64_t v = 7;
    CHECK_EQ(val_size("size", text, VAL_MIB, &v, &err), code);
    CHECK_EQ(v, 7);
    CHECK(strstr(err, phrase));
}

TEST(sizes_have_suffixes_of_1024)
{
    CHECK_EQ(size_of("1", 1), 1);
    CHECK_EQ(size_of("1b", VAL_MIB), 1);
    CHECK_EQ(size_of("1k", 1), 1024);
    CHECK_EQ(size_of("4K", 1), 4096);
    CHECK_EQ(size_of("1g", 1), VAL_GIB);
    CHECK_EQ(size_of("1T", 1), (uint64_t)1 << 40);
    CHECK_EQ(size_of("15E", 1), (uint64_t)15 << 60);
    CHECK_EQ(size_of("128", VAL_MIB), 128 * VAL_MIB);
    CHECK_EQ(size_of("+1G", 1), VAL_GIB);
    CHECK_EQ(size_of("010", 1), 10);
}

TEST(sizes_have_fractions)
{
    CHECK_EQ(size_of("1.5G", 1), 3 * VAL_GIB / 2);
    CHECK_EQ(size_of(".5G", 1), VAL_GIB / 2);
    CHECK_EQ(size_of("1.G", 1), VAL_GIB);
    CHECK_EQ(size_of("1.7k", 1), 1741); /* to the nearest byte */
    CHECK_EQ(size_of("0.0000000000000000000000000001E", 1), 0);
    CHECK_EQ(size_of("15.9999999999999999999E", 1), UINT64_MAX);
    CHECK_EQ(size_of("1.5", 1), 0xbad);
    CHECK_EQ(size_of("1.0", 1), 1);
}

TEST(sizes_in_hex_take_no_suffix)
{
    CHECK_EQ(size_of("0x20", 1), 32);
    CHECK_EQ(size_of("0x20", VAL_MIB), 32 * VAL_MIB);
    CHECK_EQ(size_of("0x1E", 1), 30);
    CHECK_EQ(size_of("0x20k", 1), 0xbad);
    CHECK_EQ(size_of("0x1.8", 1), 0xbad);
    CHECK_EQ(size_of("0x", 1), 0xbad);
}

TEST(sizes_beyond_64_bits_are_out_of_range)
{
    check_size_error("16E", -ERANGE, "Value '16E' is out of range for parameter 'size'");
    check_size_error("99999999999999999999", -ERANGE, "out of range");
    check_size_error("18446744073709551615", -ERANGE, "out of range"); /* MiB */
    check_size_error("0xffffffffffffffff", -ERANGE, "out of range");
    CHECK_EQ(size_of("18446744073709551615", 1), UINT64_MAX);
}

TEST(sizes_that_are_none_name_the_key)
{
    static const char *const bad[] = {"foo",    "-1",  "",  " 1", "1 ", "1Q", "1GB",
                                      "1.5.5G", "1e2", ".", "G",  "+",  "--1"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        check_size_error(bad[i], -EINVAL,
                         "Parameter 'size' expects a non-negative number below 2^64");
}

static void check_u64(const char *text, uint64_t max, int code, uint64_t value, const char *message)
{
    AUTO_FREE char *err = NULL;
    uint64_t v = 7;
    CHECK_EQ(val_u64("n", text, 0, max, &v, &err), code);
    CHECK_EQ(v, code ? 7 : value);
    if (code)
        CHECK_STR(err, message);
}

TEST(unsigned_integers_have_bounds)
{
    check_u64("0x10", UINT32_MAX, 0, 16, NULL);
    check_u64("010", UINT32_MAX, 0, 8, NULL);
    check_u64("4294967295", UINT32_MAX, 0, UINT32_MAX, NULL);
    check_u64("4294967296", UINT32_MAX, -ERANGE, 0,
              "Parameter 'n' expects integer from 0 to 4294967295");
    check_u64("-1", UINT32_MAX, -ERANGE, 0, "Parameter 'n' expects integer from 0 to 4294967295");
    check_u64("18446744073709551616", UINT64_MAX, -ERANGE, 0,
              "Parameter 'n' expects integer below 2^64");
    check_u64("-18446744073709551615", 5, -ERANGE, 0, "Parameter 'n' expects integer from 0 to 5");
    check_u64("-5", UINT64_MAX - 1, -ERANGE, 0,
              "Parameter 'n' expects integer from 0 to 18446744073709551614");
    check_u64("-0", 5, 0, 0, NULL);
}

TEST(minus_one_is_all_ones_where_64_bits_fit)
{
    check_u64("-1", UINT64_MAX, 0, UINT64_MAX, NULL);
    check_u64("-9223372036854775809", UINT64_MAX, -ERANGE, 0,
              "Parameter 'n' expects integer below 2^64");
}

TEST(integers_that_are_none_name_the_key)
{
    static const char *const bad[] = {"", "abc", "1k", "0x", "08", " 1", "1 ", "-", "--1", "1.0"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        check_u64(bad[i], UINT64_MAX, -EINVAL, 0, "Parameter 'n' expects integer");
}

TEST(signed_integers_have_bounds)
{
    AUTO_FREE char *err = NULL;
    int64_t v = 7;
    CHECK_EQ(val_s64("n", "-1", -1, 255, &v, &err), 0);
    CHECK_EQ(v, -1);
    CHECK_EQ(val_s64("n", "-9223372036854775808", INT64_MIN, INT64_MAX, &v, &err), 0);
    CHECK_EQ(v, INT64_MIN);
    CHECK_EQ(val_s64("n", "9223372036854775808", INT64_MIN, INT64_MAX, &v, &err), -ERANGE);
    CHECK_EQ(val_s64("n", "256", -1, 255, &v, &err), -ERANGE);
    CHECK_STR(err, "Parameter 'n' expects integer from -1 to 255");
}

static int bool_of(const char *text)
{
    bool v;
    return val_bool("b", text, &v, NULL) == 0 ? v : -1;
}

TEST(bools_have_four_spellings_each)
{
    static const char *const on[] = {"on", "yes", "true", "y"}, *const off[] = {"off", "no",
                                                                                "false", "n"};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(bool_of(on[i]), 1);
        CHECK_EQ(bool_of(off[i]), 0);
    }
    CHECK_EQ(bool_of("True"), -1);
    CHECK_EQ(bool_of("1"), -1);
    CHECK_EQ(bool_of(""), -1);
    AUTO_FREE char *err = NULL;
    bool b;
    CHECK_EQ(val_bool("multifunction", "maybe", &b, &err), -EINVAL);
    CHECK_STR(err, "Parameter 'multifunction' expects 'on' or 'off'");
}

TEST(on_off_auto_has_one_spelling_each)
{
    AUTO_FREE char *err = NULL;
    enum val_on_off_auto v;
    CHECK_EQ(val_on_off_auto("disable-legacy", "auto", &v, &err), 0);
    CHECK_EQ(v, VAL_AUTO);
    CHECK_EQ(val_on_off_auto("disable-legacy", "off", &v, &err), 0);
    CHECK_EQ(v, VAL_OFF);
    CHECK_EQ(val_on_off_auto("disable-legacy", "true", &v, &err), -EINVAL);
    CHECK_STR(err, "Parameter 'disable-legacy' does not accept value 'true'");
}

TEST(macs_are_six_bytes)
{
    uint8_t mac[6] = {0};
    AUTO_FREE char *err = NULL;
    CHECK_EQ(val_mac("e1000", "mac", "52:54:00:12:34:Fe", mac, &err), 0);
    CHECK_EQ(mac[5], 0xfe);
    CHECK_EQ(val_mac("e1000", "mac", "52-54-00-12-34-56", mac, &err), 0);
    CHECK_EQ(mac[5], 0x56);
    static const char *const bad[] = {
        "1:2:3:4:5:6",      "52:54:00:12:34",   "5254:00:12:34:56", "52:54:00:12:34:56:78", "",
        "52:54:00:12:34:5", "52:54:00:12:34:g0"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_EQ(val_mac("e1000", "mac", bad[i], mac, &err), -EINVAL);
    CHECK_STR(err, "Property 'e1000.mac' doesn't take value '52:54:00:12:34:g0'");
}

TEST(uuids_are_in_network_order)
{
    uint8_t u[16];
    AUTO_FREE char *err = NULL;
    CHECK_EQ(val_uuid(NULL, "uuid", "550e8400-e29b-41d4-a716-446655440000", u, &err), 0);
    CHECK_EQ(u[0], 0x55);
    CHECK_EQ(u[4], 0xe2);
    CHECK_EQ(u[15], 0);
    CHECK_EQ(val_uuid(NULL, "uuid", "550e8400e29b41d4a716446655440000", u, &err), -EINVAL);
    CHECK_EQ(val_uuid(NULL, "uuid", "550e8400-e29b-41d4-a716-44665544000", u, &err), -EINVAL);
    CHECK_EQ(val_uuid(NULL, "uuid", "550e8400-e29b-41d4-a716-4466554400000", u, &err), -EINVAL);
    CHECK_STR(err, "Property 'uuid' doesn't take value '550e8400-e29b-41d4-a716-4466554400000'");
}

static int32_t devfn_of(const char *text)
{
    int32_t v = -99;
    AUTO_FREE char *err = NULL;
    val_pci_devfn("edu", "addr", text, &v, &err);
    return v;
}

TEST(pci_addresses_are_hex_slot_and_function)
{
    CHECK_EQ(devfn_of("4"), 4 * 8);
    CHECK_EQ(devfn_of("04.0"), 4 * 8);
    CHECK_EQ(devfn_of("0x1e.7"), 0x1e * 8 + 7);
    CHECK_EQ(devfn_of("1e"), 0x1e * 8);
    CHECK_EQ(devfn_of("1f.7"), 255);
    CHECK_EQ(devfn_of("-1"), -1); /* QEMU takes it as a JSON number only */
    static const char *const bad[] = {"04.9",  "0x20", "-2", "30.1", "4.",   "",
                                      "4.0.0", " 4",   "4 ", ".1",   "4.-1", "x"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_EQ(devfn_of(bad[i]), -99);
}

TEST(lists_are_in_brackets)
{
    uint64_t v[3];
    size_t n = 9;
    AUTO_FREE char *err = NULL;
    CHECK_EQ(val_u64_list("q", "[256,0x10]", v, 3, &n, &err), 0);
    CHECK_EQ(n, 2);
    CHECK_EQ(v[1], 16);
    CHECK_EQ(val_u64_list("q", "[]", v, 3, &n, &err), 0);
    CHECK_EQ(n, 0);
    CHECK_EQ(val_u64_list("q", "7", v, 3, &n, &err), 0);
    CHECK_EQ(n, 1);
    CHECK_EQ(val_u64_list("q", "[1,2,3,4]", v, 3, &n, &err), -ERANGE);
    CHECK_EQ(val_u64_list("q", "[1,,2]", v, 3, &n, &err), -EINVAL);
    CHECK_EQ(val_u64_list("q", "[1", v, 3, &n, &err), -EINVAL);
    CHECK_EQ(val_u64_list("q", "[", v, 3, &n, &err), -EINVAL);
    CHECK_EQ(val_u64_list("q", "", v, 3, &n, &err), -EINVAL);
    CHECK_EQ(n, 1);
}

int main(void)
{
    RUN(sizes_have_suffixes_of_1024);
    RUN(sizes_have_fractions);
    RUN(sizes_in_hex_take_no_suffix);
    RUN(sizes_beyond_64_bits_are_out_of_range);
    RUN(sizes_that_are_none_name_the_key);
    RUN(unsigned_integers_have_bounds);
    RUN(minus_one_is_all_ones_where_64_bits_fit);
    RUN(integers_that_are_none_name_the_key);
    RUN(signed_integers_have_bounds);
    RUN(bools_have_four_spellings_each);
    RUN(on_off_auto_has_one_spelling_each);
    RUN(macs_are_six_bytes);
    RUN(uuids_are_in_network_order);
    RUN(pci_addresses_are_hex_slot_and_function);
    RUN(lists_are_in_brackets);
    return tap_done();
}
