/* SPDX-License-Identifier: BSD-2-Clause */
/* Data, operators and statements. */
#include "aml/aml.h"
#include "pkg.h"
#include <assert.h>
#include <string.h>

#define PACKAGE_ELEMENTS_MAX 255
#define UUID_BYTES           16
#define UUID_CHARS           36

/* ---- data ---- */

void aml_int(struct buf *a, uint64_t v)
{
    if (v <= 1 || v == UINT64_MAX) {
        buf_add8(a, (uint8_t)v);
    } else if (v <= UINT8_MAX) {
        buf_add8(a, AML_BYTE_PREFIX);
        buf_add8(a, (uint8_t)v);
    } else if (v <= UINT16_MAX) {
        buf_add8(a, AML_WORD_PREFIX);
        buf_add_le16(a, (uint16_t)v);
    } else if (v <= UINT32_MAX) {
        buf_add8(a, AML_DWORD_PREFIX);
        buf_add_le32(a, (uint32_t)v);
    } else {
        buf_add8(a, AML_QWORD_PREFIX);
        buf_add_le64(a, v);
    }
}

void aml_string(struct buf *a, const char *s)
{
    buf_add8(a, AML_STRING_PREFIX);
    for (const char *p = s; *p; p++)
        assert((uint8_t)*p < 0x80);
    buf_add(a, s, strlen(s) + 1);
}

void aml_buffer(struct buf *a, const void *p, uint32_t n)
{
    struct aml_block b = aml_buffer_begin(a);
    buf_add(a, p, n);
    aml_end(a, b);
}

struct aml_block aml_buffer_begin(struct buf *a)
{
    return aml_open(a, AML_BUFFER, AML_BLOCK_BUFFER);
}

struct aml_block aml_package(struct buf *a, uint32_t n)
{
    if (n > PACKAGE_ELEMENTS_MAX) {
        struct aml_block b = aml_var_package(a);
        aml_int(a, n);
        return b;
    }
    struct aml_block b = aml_open(a, AML_PACKAGE, AML_BLOCK_PLAIN);
    buf_add8(a, (uint8_t)n);
    return b;
}

struct aml_block aml_var_package(struct buf *a)
{
    return aml_open(a, AML_VAR_PACKAGE, AML_BLOCK_PLAIN);
}

/* The value of an upper- or lower-case hex digit; -1 for another character. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Three letters of five bits and four hex digits, big-endian, in an integer that is stored
 * little-endian (19.3.4 "EISAID"): so the bytes are turned round. */
void aml_eisaid(struct buf *a, const char *id)
{
    assert(strlen(id) == 7);
    uint32_t v = 0;
    for (int i = 0; i < 3; i++) {
        assert(id[i] >= 'A' && id[i] <= 'Z');
        v = v << 5 | (uint32_t)(id[i] - 'A' + 1);
    }
    for (int i = 3; i < 7; i++) {
        int digit = hex_digit(id[i]);
        assert(digit >= 0);
        v = v << 4 | (uint32_t)digit;
    }
    aml_int(a, __builtin_bswap32(v));
}

void aml_uuid(struct buf *a, const char *uuid)
{
    /* Where the bytes of the text go: the first three groups are little-endian. */
    static const uint8_t order[UUID_BYTES] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t bytes[UUID_BYTES];
    assert(strlen(uuid) == UUID_CHARS);
    const char *s = uuid;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            assert(*s == '-'), s++;
        int high = hex_digit(s[0]), low = hex_digit(s[1]);
        assert(high >= 0 && low >= 0);
        bytes[order[i]] = (uint8_t)(high << 4 | low);
        s += 2;
    }
    aml_buffer(a, bytes, sizeof bytes);
}

/* ---- operators and operands ---- */

void aml_op(struct buf *a, enum aml_op op)
{
    if (op > UINT8_MAX)
        buf_add8(a, (uint8_t)(op >> 8));
    buf_add8(a, (uint8_t)op);
}

void aml_null(struct buf *a)
{
    buf_add8(a, 0);
}

void aml_arg(struct buf *a, uint32_t n)
{
    assert(n <= 6);
    buf_add8(a, (uint8_t)(AML_ARG0 + n));
}

void aml_local(struct buf *a, uint32_t n)
{
    assert(n <= 7);
    buf_add8(a, (uint8_t)(AML_LOCAL0 + n));
}

void aml_acquire(struct buf *a, const char *mutex, uint16_t ms)
{
    aml_op(a, AML_ACQUIRE);
    aml_path(a, mutex);
    buf_add_le16(a, ms);
}

void aml_release(struct buf *a, const char *mutex)
{
    aml_op(a, AML_RELEASE);
    aml_path(a, mutex);
}

void aml_notify(struct buf *a, const char *object, uint64_t value)
{
    aml_op(a, AML_NOTIFY);
    aml_path(a, object);
    aml_int(a, value);
}

struct aml_block aml_if(struct buf *a)
{
    return aml_open(a, AML_IF, AML_BLOCK_PLAIN);
}

struct aml_block aml_while(struct buf *a)
{
    return aml_open(a, AML_WHILE, AML_BLOCK_PLAIN);
}

struct aml_block aml_else(struct buf *a)
{
    return aml_open(a, AML_ELSE, AML_BLOCK_PLAIN);
}
