/* SPDX-License-Identifier: BSD-2-Clause */
#include "qtest_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int qtest_number(const char *word, uint64_t max, uint64_t *v)
{
    char *end;
    if (!isdigit((unsigned char)word[0]))
        return 0;
    errno = 0;
    unsigned long long x = strtoull(word, &end, 0);
    if (errno || *end || x > max)
        return 0;
    *v = x;
    return 1;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int qtest_unhex(const char *word, uint8_t *to, size_t len)
{
    memset(to, 0, len);
    if (word[0] != '0' || word[1] != 'x' || !word[2])
        return -EINVAL;
    word += 2;
    for (size_t i = 0; word[2 * i]; i++) {
        int hi = nibble(word[2 * i]), lo = nibble(word[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return -EINVAL;
        if (i < len)
            to[i] = (uint8_t)(hi << 4 | lo);
    }
    return 0;
}

void qtest_hex(struct buf *out, const uint8_t *p, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = out->len;
    buf_add(out, NULL, 2 * len);
    for (size_t i = 0; i < len; i++) {
        out->data[at + 2 * i] = (uint8_t)digits[p[i] >> 4];
        out->data[at + 2 * i + 1] = (uint8_t)digits[p[i] & 15];
    }
}

/* ---- RFC 4648, 4 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int sextet(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* Of four characters: how many bytes they are, or -EINVAL. Only at the end may it be fewer than
 * three. */
static int unquad(const char *s, uint8_t b[3])
{
    int v[4], n = 4;
    for (int i = 0; i < 4; i++) {
        v[i] = s[i] == '=' && i >= 2 ? 0 : sextet(s[i]);
        if (v[i] < 0)
            return -EINVAL;
    }
    while (s[n - 1] == '=')
        n--;
    if (n == 3 ? (v[2] & 3) : n == 2 ? (v[1] & 15) || s[2] != '=' : memchr(s, '=', 4) != NULL)
        return -EINVAL;
    b[0] = (uint8_t)(v[0] << 2 | v[1] >> 4);
    b[1] = (uint8_t)(v[1] << 4 | v[2] >> 2);
    b[2] = (uint8_t)(v[2] << 6 | v[3]);
    return n - 1;
}

int64_t qtest_unbase64(const char *word, uint8_t *to, size_t len)
{
    size_t chars = strlen(word), done = 0;
    if (chars % 4)
        return -EINVAL;
    for (size_t at = 0; at < chars; at += 4) {
        uint8_t b[3];
        int n = unquad(word + at, b);
        if (n < 0 || (n < 3 && at + 4 != chars))
            return -EINVAL;
        for (int i = 0; i < n && done < len; i++)
            to[done++] = b[i];
    }
    return (int64_t)done;
}

void qtest_base64(struct buf *out, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v =
            (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        char q[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], n > 1 ? alphabet[v >> 6 & 63] : '=',
                     n > 2 ? alphabet[v & 63] : '='};
        buf_add(out, q, sizeof q);
    }
}
