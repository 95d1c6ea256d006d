/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_text.h"
#include "util/alloc.h"
#include "util/buf.h"

static const char *const tokens[] = {
    ",",       "=",       ".",        ",,",       "{",         "}",       "[",       "]",
    "\"",      "'",       ":",        "0",        "1",         "4",       "a",       "id",
    "no",      "help",    "on",       "off",      "size",      "driver",  "\n",      " ",
    "\\u00e9", "\\ud83d", "\\",       "-1",       "1.5G",      "0x",      "smp",     "cpus",
    "cores",   "-M",      "-m",       "-smp",     "-device",   "-serial", "-object", "-drive",
    "-rtc",    "-boot",   "-global",  "-set",     "base",      "unix:",   "tcp:",    "mon:",
    "stdio",   "null",    "chardev",  "[device]", "[machine]", "# ",      "type",    "edu",
    "true",    "false",   "-chardev", "-mon",     "-name",     "\xc3",    "accel",   "-sandbox",
    "-action",
};

char *fuzz_text(const uint8_t *data, size_t size)
{
    if (size == 0 || data[0] & 1)
        return xstrndup((const char *)data, size);
    struct buf b = {0};
    for (size_t i = 1; i < size; i++)
        buf_str(&b, tokens[data[i] % ARRAY_SIZE(tokens)]);
    buf_str(&b, "");
    return b.data ? buf_take(&b) : xstrdup("");
}
