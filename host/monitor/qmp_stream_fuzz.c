/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes, in any pieces: the same values are found as in one piece, none longer than is allowed,
 * and what is parsed from them and printed is parsed to the same again. The first byte cuts the
 * rest into pieces; bytes choose words from a list, or stand for themselves. */
#include "cli/json.h"
#include "qmp_impl.h"
#include "qmp_stream.h"
#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"execute\":",
    "\"id\":",
    "\"a\"",
    "'b'",
    "1",
    "-2.5e3",
    "01",
    "true",
    "nul",
    "null",
    " ",
    "\n",
    "\xff",
    "\\",
    "\"",
    "\\u00e9",
    "\xc3\xa9",
    "{\"execute\":\"x\",\"id\":1}",
    "[[[[[[[[",
    "]]]]]]]]",
};

static void spell(struct buf *b, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] < ARRAY_SIZE(words) || data[i] >= 0x80)
            buf_str(b, words[data[i] % ARRAY_SIZE(words)]);
        else
            buf_add8(b, data[i]);
}

static void check_value(const char *text)
{
    AUTO_FREE char *why = NULL;
    KV_AUTO *tree = json_parse(text, &why);
    BUF_AUTO once = {0};
    BUF_AUTO twice = {0};
    if (!tree) {
        if (!why)
            abort();
        return;
    }
    json_print(&once, tree, 0);
    KV_AUTO *again = json_parse(buf_cstr(&once), NULL);
    if (!again)
        abort();
    json_print(&twice, again, 0);
    if (strcmp(buf_cstr(&once), buf_cstr(&twice)) != 0)
        abort();
}

/* Everything that is found, one after the other. */
static void find(struct buf *out, const uint8_t *p, size_t size, size_t piece)
{
    struct qmp_stream s = {0};
    for (size_t at = 0; at < size;) {
        enum qmp_found f;
        size_t n = size - at < piece ? size - at : piece, used = qmp_stream_feed(&s, p + at, n, &f);
        if (used > n || (f == QMP_MORE && used != n) || s.text.len > QMP_MAX_TEXT + 1)
            abort();
        at += used;
        if (f == QMP_VALUE)
            check_value(buf_cstr(&s.text));
        if (f != QMP_MORE)
            buf_printf(out, "%d%s\n", (int)f, f == QMP_VALUE ? buf_cstr(&s.text) : s.error);
    }
    qmp_stream_reset(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUF_AUTO text = {0};
    BUF_AUTO whole = {0};
    BUF_AUTO pieces = {0};
    if (size < 2)
        return 0;
    spell(&text, data + 1, size - 1);
    find(&whole, text.data, text.len, text.len);
    find(&pieces, text.data, text.len, (size_t)data[0] % 16 + 1);
    if (strcmp(buf_cstr(&whole), buf_cstr(&pieces)) != 0)
        abort();
    return 0;
}
