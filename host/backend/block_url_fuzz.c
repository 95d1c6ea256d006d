/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of disks: whatever file= says, a tree comes of it or one line. */
#include "block_open.h"

#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {
    "nbd:",
    "nbd://",
    "nbd+unix://",
    "nbd+tcp:",
    "null-co://",
    "file:",
    "unix:",
    "/s",
    "?",
    "socket=",
    ":exportname=",
    "[::1]",
    ":10809",
    "%2f",
    "%00",
    "%",
    "host",
    "@",
    "/",
    ":",
    "json:",
    "http:",
    "",
    "a",
};

/* Odd first byte: the bytes themselves, without line ends, which would come back; else a word for
 * each. */
static char *text_of(const uint8_t *data, size_t size)
{
    if (!size || data[0] & 1) {
        char *text = xstrndup(size ? (const char *)data + 1 : "", size ? size - 1 : 0);
        for (char *p = text; (p = strchr(p, '\n'));)
            *p = ' ';
        return text;
    }
    BUF_AUTO b = {0};
    for (size_t i = 1; i < size && i < 64; i++)
        buf_str(&b, words[data[i] % ARRAY_SIZE(words)]);
    return buf_take(&b);
}

static void check(int r, const char *err, const struct kv_node *tree)
{
    if (r < 0 ? !err || strchr(err, '\n') : !kv_text(tree, "driver") && !kv_text(tree, "filename"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const drivers[] = {"file", "nbd", "null-co", "host_device"};
    AUTO_FREE char *text = text_of(data, size);
    if (!text)
        return 0;
    for (size_t i = 0; i <= ARRAY_SIZE(drivers); i++) {
        AUTO_FREE char *err = NULL;
        KV_AUTO *tree = kv_new(KV_DICT);
        int r = i < ARRAY_SIZE(drivers) ? blk_parse_for(drivers[i], text, tree, &err)
                                        : blk_parse_filename(text, tree, &err);
        check(r, err, tree);
    }
    return 0;
}
