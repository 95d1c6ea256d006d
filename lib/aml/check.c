/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a byte stream back as a flat list of tokens: an opcode, the immediate data that its grammar
 * prescribes, and for opcodes with a PkgLength the tokens inside. Operands are tokens of their own.
 */
#include "aml/aml.h"
#include "util/bytes.h"
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 64
#define NAME_SEG  4

struct reader {
    const uint8_t *p, *end; /* where we are; the end of the innermost block */
    uint32_t depth;
};

/* What follows an opcode. P: PkgLength, the rest of the format and tokens are inside; n:
 * NameString; m: a name, an argument or a local; i: an integer constant or a name; b w d q: 1, 2,
 * 4, 8 bytes; s: NUL-terminated ASCII; R: size and raw bytes of a buffer; F: field list. */
static const char *const one_byte[256] = {
    [AML_ZERO... AML_ONE] = "",
    [AML_ALIAS] = "nn",
    [AML_NAME] = "n",
    [AML_BYTE_PREFIX] = "b",
    [AML_WORD_PREFIX] = "w",
    [AML_DWORD_PREFIX] = "d",
    [AML_STRING_PREFIX] = "s",
    [AML_QWORD_PREFIX] = "q",
    [AML_SCOPE] = "Pn",
    [AML_BUFFER] = "PR",
    [AML_PACKAGE] = "Pb",
    [AML_VAR_PACKAGE] = "P",
    [AML_METHOD] = "Pnb",
    [AML_EXTERNAL] = "nbb",
    [AML_LOCAL0... AML_LOCAL0 + 7] = "",
    [AML_ARG0... AML_ARG0 + 6] = "",
    [AML_STORE... AML_INDEX] = "",
    [AML_CREATE_DWORD_FIELD... AML_TO_INTEGER] = "",
    [AML_TO_STRING... AML_CONTINUE] = "",
    [AML_IF... AML_WHILE] = "P",
    [AML_NOOP... AML_BREAK] = "",
    [AML_BREAK_POINT] = "",
    [AML_ONES] = "",
};

#define EXT(op) ((op)&0xff)
static const char *const ext[256] = {
    [EXT(AML_MUTEX)] = "nb",
    [EXT(AML_EVENT)] = "n",
    [EXT(AML_COND_REF_OF)... EXT(AML_CREATE_FIELD)] = "",
    [EXT(AML_LOAD)... EXT(AML_SLEEP)] = "",
    [EXT(AML_ACQUIRE)] = "mw",
    [EXT(AML_SIGNAL)... EXT(AML_TO_BCD)] = "",
    [EXT(AML_REVISION)... EXT(AML_DEBUG)] = "",
    [EXT(AML_FATAL)] = "bd",
    [EXT(AML_TIMER)] = "",
    [EXT(AML_OP_REGION)] = "nb",
    [EXT(AML_FIELD)] = "PnbF",
    [EXT(AML_DEVICE)] = "Pn",
    [EXT(AML_PROCESSOR)] = "Pnbdb",
    [EXT(AML_POWER_RES)] = "Pnbw",
    [EXT(AML_THERMAL_ZONE)] = "Pn",
    [EXT(AML_INDEX_FIELD)] = "PnnbF",
    [EXT(AML_BANK_FIELD)] = "PnnibF",
    [EXT(AML_DATA_REGION)] = "n",
};

static bool skip(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->p) < n)
        return false;
    r->p += n;
    return true;
}

static bool at_end(const struct reader *r)
{
    return r->p == r->end;
}

/* ---- names and numbers ---- */

static bool is_lead(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || c == '_';
}

static bool read_seg(struct reader *r)
{
    const uint8_t *s = r->p;
    if (!skip(r, NAME_SEG))
        return false;
    bool ok = is_lead(s[0]);
    for (int i = 1; i < NAME_SEG; i++)
        ok = ok && (is_lead(s[i]) || (s[i] >= '0' && s[i] <= '9'));
    if (!ok)
        r->p = s;
    return ok;
}

static bool read_segs(struct reader *r, uint32_t n)
{
    while (n && read_seg(r))
        n--;
    return n == 0;
}

static bool read_prefix(struct reader *r)
{
    const uint8_t *start = r->p;
    if (!at_end(r) && *r->p == AML_ROOT)
        r->p++;
    else
        while (!at_end(r) && *r->p == AML_PARENT)
            r->p++;
    return r->p != start;
}

static bool read_name(struct reader *r)
{
    bool prefix = read_prefix(r);
    if (at_end(r))
        return false;
    switch (*r->p) {
    case 0: /* NullName */
        r->p += prefix;
        return prefix;
    case AML_DUAL_NAME:
        r->p++;
        return read_segs(r, 2);
    case AML_MULTI_NAME:
        if (!skip(r, 2) || r->p[-1] == 0)
            return false;
        return read_segs(r, r->p[-1]);
    default:
        return read_seg(r);
    }
}

static bool is_name_start(uint8_t c)
{
    return is_lead(c) || c == AML_ROOT || c == AML_PARENT || c == AML_DUAL_NAME ||
           c == AML_MULTI_NAME;
}

static bool read_name_or_var(struct reader *r)
{
    if (at_end(r) || *r->p < AML_LOCAL0 || *r->p > AML_ARG0 + 6)
        return read_name(r);
    return skip(r, 1);
}

static bool read_pkg_length(struct reader *r, uint32_t *v)
{
    if (at_end(r))
        return false;
    const uint8_t *s = r->p;
    uint32_t follow = s[0] >> 6;
    if (!skip(r, 1 + follow) || (follow && (s[0] & 0x30)))
        return false;
    *v = follow ? s[0] & 0xf : s[0];
    for (uint32_t i = 0; i < follow; i++)
        *v |= (uint32_t)s[1 + i] << (4 + 8 * i);
    return true;
}

static bool read_const(struct reader *r, uint64_t *v)
{
    const uint8_t *s = r->p;
    if (!skip(r, 1))
        return false;
    *v = *s == AML_ONES ? UINT64_MAX : *s;
    if (*s <= AML_ONE || *s == AML_ONES)
        return true;
    s++;
    switch (s[-1]) {
    case AML_BYTE_PREFIX:
        return skip(r, 1) && (*v = *s, true);
    case AML_WORD_PREFIX:
        return skip(r, 2) && (*v = get_le16(s), true);
    case AML_DWORD_PREFIX:
        return skip(r, 4) && (*v = get_le32(s), true);
    case AML_QWORD_PREFIX:
        return skip(r, 8) && (*v = get_le64(s), true);
    default:
        r->p = s - 1;
        return false;
    }
}

static bool read_const_or_name(struct reader *r)
{
    uint64_t v;
    if (!at_end(r) && is_name_start(*r->p))
        return read_name(r);
    return read_const(r, &v);
}

static bool read_text(struct reader *r)
{
    while (!at_end(r) && *r->p && *r->p < 0x80)
        r->p++;
    return !at_end(r) && *r->p++ == 0;
}

/* ---- bodies ---- */

/* A buffer may be larger than its initial bytes, never smaller. */
static bool read_raw(struct reader *r)
{
    uint64_t size;
    if (!read_const(r, &size) || size < (uint64_t)(r->end - r->p))
        return false;
    r->p = r->end;
    return true;
}

static bool read_field_element(struct reader *r)
{
    uint32_t bits;
    switch (*r->p) {
    case AML_FIELD_RESERVED:
        r->p++;
        return read_pkg_length(r, &bits);
    case AML_FIELD_ACCESS:
        return skip(r, 3);
    case AML_FIELD_EXT_ACCESS:
        return skip(r, 4);
    default:
        return read_seg(r) && read_pkg_length(r, &bits);
    }
}

static bool read_fields(struct reader *r)
{
    while (!at_end(r))
        if (!read_field_element(r))
            return false;
    return true;
}

static bool read_tokens(struct reader *r);
static bool read_format(struct reader *r, const char *format);

static bool read_block(struct reader *r, const char *format)
{
    const uint8_t *start = r->p, *outer = r->end;
    uint32_t len;
    if (r->depth == DEPTH_MAX || !read_pkg_length(r, &len))
        return false;
    if (len < (size_t)(r->p - start) || len > (size_t)(outer - start)) {
        r->p = start;
        return false;
    }
    r->end = start + len;
    r->depth++;
    if (!read_format(r, format) || !read_tokens(r))
        return false;
    r->depth--;
    r->end = outer;
    return true;
}

static bool read_format(struct reader *r, const char *format)
{
    bool ok = true;
    for (const char *f = format; ok && *f; f++) {
        switch (*f) {
        case 'P':
            return read_block(r, f + 1);
        case 'n':
            ok = read_name(r);
            break;
        case 'm':
            ok = read_name_or_var(r);
            break;
        case 'i':
            ok = read_const_or_name(r);
            break;
        case 's':
            ok = read_text(r);
            break;
        case 'R':
            ok = read_raw(r);
            break;
        case 'F':
            ok = read_fields(r);
            break;
        default:
            ok = skip(r, *f == 'b' ? 1 : *f == 'w' ? 2 : *f == 'd' ? 4 : 8);
        }
    }
    return ok;
}

static bool read_token(struct reader *r)
{
    const uint8_t *start = r->p;
    if (is_name_start(*start))
        return read_name(r);
    const char *format = one_byte[*r->p++];
    if (*start == AML_EXT_PREFIX && !at_end(r))
        format = ext[*r->p++];
    if (!format)
        r->p = start;
    return format && read_format(r, format);
}

static bool read_tokens(struct reader *r)
{
    while (!at_end(r))
        if (!read_token(r))
            return false;
    return true;
}

int aml_check(const void *aml, size_t len, size_t *bad_at)
{
    const uint8_t *start = aml;
    if (!len)
        return 0;
    struct reader r = {.p = start, .end = start + len};
    if (read_tokens(&r))
        return 0;
    if (bad_at)
        *bad_at = (size_t)(r.p - start);
    return -EINVAL;
}
