/* SPDX-License-Identifier: BSD-2-Clause */
#include "values.h"
#include "fail.h"
#include "keyval.h"
#include "texts.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int out_of_range(const char *key, const char *text, char **err)
{
    cli_fail(err, "Value '%s' is out of range for parameter '%s'", text, key);
    return -ERANGE;
}

static int not_a_size(const char *key, char **err)
{
    return cli_fail(
        err,
        "Parameter '%s' expects a non-negative number below 2^64, such as 4096, 0x1000, 1.5G; "
        "the suffixes k, M, G, T, P, E are powers of 1024",
        key);
}

/* strtoull() without its blanks and signs: an unsigned number in base 8, 10 or 16 by prefix, or in
 * base 10 or 16 when base says so. Returns 0, -EINVAL (no digit) or -ERANGE. */
static int digits_u64(const char *s, int base, uint64_t *out, const char **end)
{
    bool hex = base != 10 && s[0] == '0' && (s[1] | 0x20) == 'x';
    if (hex ? !isxdigit((unsigned char)s[2]) : !isalnum((unsigned char)*s))
        return -EINVAL;
    char *e;
    errno = 0;
    *out = strtoull(s, &e, base);
    int r = errno == ERANGE ? -ERANGE : 0;
    *end = e;
    return e == s ? -EINVAL : r;
}

/* The multiplier of a suffix, 0 if it is none. */
static uint64_t suffix_unit(char c)
{
    static const char suffixes[] = "BKMGTPE";
    const char *p = strchr(suffixes, toupper((unsigned char)c));
    return c && p ? (uint64_t)1 << (10 * (p - suffixes)) : 0;
}

/* Reads ".digits" as a fraction of 10^18; further digits say nothing about bytes. */
static uint64_t take_fraction(const char **s)
{
    uint64_t v = 0, scale = UINT64_C(1000000000000000000);
    if (**s != '.')
        return 0;
    for ((*s)++; isdigit((unsigned char)**s); (*s)++) {
        scale /= 10;
        v += scale * (uint64_t)(**s - '0');
    }
    return v;
}

static int decimal_size(const char *s, uint64_t unit, uint64_t *out)
{
    uint64_t whole = 0;
    const char *end = s;
    bool digit = isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]));
    int r = isdigit((unsigned char)*s) ? digits_u64(s, 10, &whole, &end) : 0;
    uint64_t fraction = take_fraction(&end);
    if (*end) {
        unit = suffix_unit(*end);
        end++;
    }
    if (!digit || !unit || *end || (unit == 1 && fraction))
        return -EINVAL;
    const unsigned __int128 one = UINT64_C(1000000000000000000);
    unsigned __int128 v =
        (unsigned __int128)whole * unit + (fraction * (unsigned __int128)unit + one / 2) / one;
    *out = (uint64_t)v;
    return r < 0 || v > UINT64_MAX ? -ERANGE : 0;
}

static int hex_size(const char *s, uint64_t unit, uint64_t *out)
{
    uint64_t v;
    const char *end;
    int r = digits_u64(s, 16, &v, &end);
    if (r == -EINVAL || *end)
        return -EINVAL;
    if (r < 0 || __builtin_mul_overflow(v, unit, out))
        return -ERANGE;
    return 0;
}

int val_size(const char *key, const char *text, uint64_t unit, uint64_t *out, char **err)
{
    uint64_t v;
    const char *s = text + (*text == '+');
    bool hex = s[0] == '0' && (s[1] | 0x20) == 'x';
    int r = hex ? hex_size(s, unit, &v) : decimal_size(s, unit, &v);
    if (r == -ERANGE)
        return out_of_range(key, text, err);
    if (r < 0)
        return not_a_size(key, err);
    *out = v;
    return 0;
}

/* Sign and magnitude of an integer. */
static int take_integer(const char *text, bool *negative, uint64_t *magnitude)
{
    const char *end = text;
    *negative = *text == '-';
    int r = digits_u64(text + (*text == '-' || *text == '+'), 0, magnitude, &end);
    return r == -EINVAL || *end ? -EINVAL : r;
}

static int u64_bounds(const char *key, uint64_t min, uint64_t max, char **err)
{
    if (max == UINT64_MAX && min == 0)
        cli_fail(err, "Parameter '%s' expects integer below 2^64", key);
    else
        cli_fail(err, "Parameter '%s' expects integer from %" PRIu64 " to %" PRIu64, key, min, max);
    return -ERANGE;
}

int val_u64(const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *out,
            char **err)
{
    bool negative;
    uint64_t v;
    int r = take_integer(text, &negative, &v);
    if (r == -EINVAL)
        return cli_fail(err, "Parameter '%s' expects integer", key);
    bool wraps = negative && v && (max != UINT64_MAX || v > (uint64_t)INT64_MAX + 1);
    if (negative)
        v = -v;
    if (r < 0 || wraps || v < min || v > max)
        return u64_bounds(key, min, max, err);
    *out = v;
    return 0;
}

int val_s64(const char *key, const char *text, int64_t min, int64_t max, int64_t *out, char **err)
{
    bool negative;
    uint64_t v;
    int r = take_integer(text, &negative, &v);
    if (r == -EINVAL)
        return cli_fail(err, "Parameter '%s' expects integer", key);
    bool wraps = v > (uint64_t)INT64_MAX + negative;
    int64_t s = (int64_t)(negative ? -v : v);
    if (r < 0 || wraps || s < min || s > max) {
        cli_fail(err, "Parameter '%s' expects integer from %" PRId64 " to %" PRId64, key, min, max);
        return -ERANGE;
    }
    *out = s;
    return 0;
}

int val_bool(const char *key, const char *text, bool *out, char **err)
{
    static const char *const names[] = {"on", "yes", "true", "y", "off", "no", "false", "n"};
    size_t i = 0;
    if (val_choice(key, text, names, ARRAY_SIZE(names), &i, NULL) < 0)
        return cli_fail(err, TEXT_BAD_BOOL, key);
    *out = i < 4;
    return 0;
}

int val_choice(const char *key, const char *text, const char *const *names, size_t n, size_t *out,
               char **err)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return cli_fail(err, TEXT_BAD_CHOICE, key, text);
}

int val_on_off_auto(const char *key, const char *text, enum val_on_off_auto *out, char **err)
{
    static const char *const names[] = {[VAL_AUTO] = "auto", [VAL_ON] = "on", [VAL_OFF] = "off"};
    size_t i = 0;
    int r = val_choice(key, text, names, ARRAY_SIZE(names), &i, err);
    if (r == 0)
        *out = (enum val_on_off_auto)i;
    return r;
}

static int refuse(const char *owner, const char *key, const char *text, char **err)
{
    return cli_fail(err, TEXT_BAD_VALUE, owner ? owner : "", owner ? "." : "", key, text);
}

static int hex_digit(char c)
{
    return !isxdigit((unsigned char)c) ? -1
           : isdigit((unsigned char)c) ? c - '0'
                                       : (c | 0x20) - 'a' + 10;
}

/* Two hex digits, or -1. */
static int hex_byte(const char *s)
{
    int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);
    return low < 0 ? -1 : high * 16 + low;
}

int val_mac(const char *owner, const char *key, const char *text, uint8_t out[6], char **err)
{
    uint8_t mac[6];
    const char *s = text;
    for (int i = 0; i < 6; i++, s += 2) {
        if (i && *s != ':' && *s != '-')
            return refuse(owner, key, text, err);
        s += i > 0;
        int b = hex_byte(s);
        if (b < 0)
            return refuse(owner, key, text, err);
        mac[i] = (uint8_t)b;
    }
    if (*s)
        return refuse(owner, key, text, err);
    memcpy(out, mac, sizeof(mac));
    return 0;
}

int val_uuid(const char *owner, const char *key, const char *text, uint8_t out[16], char **err)
{
    uint8_t uuid[16];
    const char *s = text;
    for (int i = 0; i < 16; i++, s += 2) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        if (dash && *s++ != '-')
            return refuse(owner, key, text, err);
        int b = hex_byte(s);
        if (b < 0)
            return refuse(owner, key, text, err);
        uuid[i] = (uint8_t)b;
    }
    if (*s)
        return refuse(owner, key, text, err);
    memcpy(out, uuid, sizeof(uuid));
    return 0;
}

/* A hex number up to max, 0x allowed; -1 if there is none. */
static int small_hex(const char **s, uint64_t max)
{
    uint64_t v;
    if (!isxdigit((unsigned char)**s) || digits_u64(*s, 16, &v, s) < 0 || v > max)
        return -1;
    return (int)v;
}

int val_pci_devfn(const char *owner, const char *key, const char *text, int32_t *out, char **err)
{
    if (strcmp(text, "-1") == 0) {
        *out = -1;
        return 0;
    }
    const char *s = text;
    int slot = small_hex(&s, 31), function = 0;
    if (slot >= 0 && *s == '.') {
        s++;
        function = small_hex(&s, 7);
    }
    if (slot < 0 || function < 0 || *s)
        return refuse(owner, key, text, err);
    *out = slot * 8 + function;
    return 0;
}

static int bad_list(const char *key, char **err)
{
    return cli_fail(err, "Parameter '%s' expects a list such as [1,2]", key);
}

/* The body of `[a,b]`, up to and with the bracket. */
static int list_items(const char *key, char *body, uint64_t *out, size_t max, size_t *n, char **err)
{
    char *next = body;
    for (size_t i = 0; next; i++) {
        char *item = strsep(&next, ",");
        if (i == max) {
            cli_fail(err, "Parameter '%s' expects at most %zu integers", key, max);
            return -ERANGE;
        }
        int r = val_u64(key, item, 0, UINT64_MAX, &out[i], err);
        if (r < 0)
            return r;
        *n = i + 1;
    }
    return 0;
}

int val_u64_list(const char *key, const char *text, uint64_t *out, size_t max, size_t *n,
                 char **err)
{
    size_t len = strlen(text), count = 0;
    bool open = *text == '[';
    if (open && text[len - 1] != ']')
        return bad_list(key, err);
    AUTO_FREE char *body = xstrndup(text + open, len - 2 * open);
    int r = open && !*body ? 0 : list_items(key, body, out, max, &count, err);
    if (r == 0)
        *n = count;
    return r;
}

int val_id(const char *key, const char *text, char **err)
{
    if (keyval_is_id(text))
        return 0;
    return cli_fail(
        err,
        "Parameter '%s' expects an identifier: a letter, then letters, digits, '-', '.' or '_', "
        "but not '%s'",
        key, text);
}
