/* SPDX-License-Identifier: BSD-2-Clause */
/* The line editor and the expression parser, on whatever somebody types. */
#include "hmp_edit.h"
#include "hmp_expr.h"
#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What always holds. */
static void check(const struct edit *ed)
{
    if (ed->len > EDIT_LINE_MAX || ed->at > ed->len || ed->first > ed->at ||
        ed->text[ed->len] != 0 || memchr(ed->text, 0, ed->len) || ed->recalled > ed->history.n)
        abort();
}

/* Half the bytes are the keys that do something. */
static uint8_t key(uint8_t byte)
{
    static const char useful[] = "\033[ABCDH~3;5O\001\002\003\004\005\006\010\t\013\r\n\022\024 -x";
    return byte & 1 ? byte : (uint8_t)useful[(byte >> 1) % (sizeof useful - 1)];
}

static void complete(struct edit *ed, uint8_t how)
{
    static const char *const words[] = {"",     "info\ninject\n",      "x\n", "a=\nab=\n", "broken",
                                        "\n\n", "\303\244\n\303\245\n"};
    edit_complete(ed, words[how % ARRAY_SIZE(words)]);
}

static void fuzz_editor(const uint8_t *data, size_t size)
{
    struct edit ed;
    edit_init(&ed, "(qemu) ");
    ed.cols = size ? data[0] : 0;
    edit_begin(&ed);
    for (size_t i = 0; i < size; i++) {
        switch (edit_byte(&ed, key(data[i]))) {
        case EDIT_ENTER:
            edit_begin(&ed);
            break;
        case EDIT_TAB:
            complete(&ed, data[i] >> 3);
            break;
        case EDIT_NONE:
            break;
        }
        check(&ed);
    }
    edit_free(&ed);
}

static int reg(void *o, const char *name, uint64_t *v)
{
    (void)o;
    *v = strlen(name);
    return *v > 5;
}

static void fuzz_expression(const uint8_t *data, size_t size)
{
    static const char useful[] = "0123456789abcdefx()+-*/%&|^~'$ ";
    AUTO_FREE char *text = xcalloc(1, size + 1);
    ERR_AUTO e = {0};
    uint64_t v;
    for (size_t i = 0; i < size; i++)
        text[i] = useful[data[i] % (sizeof useful - 1)];
    const char *at = text;
    hmp_expr(&at, reg, NULL, &v, &e);
    if (at < text || at > text + size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_editor(data, size);
    fuzz_expression(data, size);
    return 0;
}
