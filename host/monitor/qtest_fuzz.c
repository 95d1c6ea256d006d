/* SPDX-License-Identifier: BSD-2-Clause */
/* Anything may come down the line: text that is nearly a command. The first byte cuts the rest into
 * pieces; bytes choose words from a list, or stand for themselves. */
#include "qtest_machine.h"
#include "util/alloc.h"

#include <string.h>

static const char *const words[] = {
    "outb ",
    "inl ",
    "write ",
    "read ",
    "writeq ",
    "readw ",
    "b64write ",
    "b64read ",
    "memset ",
    "clock_step ",
    "clock_set ",
    "set_irq_in ioapic x ",
    "irq_intercept_in ioapic",
    "rtas ",
    "\n",
    "\n",
    "0x100 ",
    "4 ",
    "0xfe000000 ",
    "0xffffffffffffffff ",
    "0x3fff ",
    "0xdeadbeef\n",
    "aGVsbG8=\n",
    "1\n",
    "0x2000 ",
    "-1 ",
    "endianness\n",
    " ",
};

static void spell(struct buf *b, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] < ARRAY_SIZE(words) || data[i] >= 0x80)
            buf_str(b, words[data[i] % ARRAY_SIZE(words)]);
        else
            buf_add8(b, data[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    BUF_AUTO b = {0};
    struct qmachine *m = qmachine_new(NULL);
    size_t piece = (size_t)data[0] + 1;
    m->timer[0].at = 50;
    m->timer[0].irq = 4;
    m->most = data[1] ? ~(uint64_t)0 : 7;
    spell(&b, data + 2, size - 2);
    for (size_t at = 0; at < b.len; at += piece)
        qmachine_send(m, b.data + at, b.len - at < piece ? b.len - at : piece);
    qmachine_free(m);
    return 0;
}
