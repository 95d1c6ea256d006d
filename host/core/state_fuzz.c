/* SPDX-License-Identifier: BSD-2-Clause */
/* The first byte picks what happens to the rest: a file as it is, a file with a right frame, or a
 * good save with a few bytes changed. Whatever is accepted must print, and save again. */
#include "core/state_format.h"
#include "state_class.h"
#include "util/bytes.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frame(struct buf *b)
{
    buf_add(b, NULL, STATE_CRC_LEN);
    put_le32(b->data + 8, (uint32_t)b->len);
    put_le32(b->data + b->len - STATE_CRC_LEN, state_crc(b->data, b->len - STATE_CRC_LEN));
}

static void framed(struct buf *b, const uint8_t *data, size_t size)
{
    buf_str(b, STATE_MAGIC);
    buf_add_le32(b, STATE_FORMAT);
    buf_add_le32(b, 0);
    buf_add(b, data, size);
    frame(b);
}

/* Triples of offset and value. */
static void mutated(struct buf *b, struct device *from, const uint8_t *data, size_t size)
{
    if (state_save(from, b, NULL) < 0)
        abort();
    b->len -= STATE_CRC_LEN;
    for (; size >= 3; data += 3, size -= 3)
        b->data[STATE_HEADER_LEN + get_le16(data) % (b->len - STATE_HEADER_LEN)] = data[2];
    frame(b);
}

static void try_load(struct device *to, const struct buf *b)
{
    ERR_AUTO e = {0};
    BUF_AUTO json = {0}, again = {0};
    int printed = state_print(b->data, b->len, &json, &e);
    err_clear(&e);
    int loaded = state_load(to, b->data, b->len, &e);
    struct rich *r = rich_of(to);
    if ((loaded == 0 && printed < 0) || r->heap_len > HEAP || r->nslots > SLOTS)
        abort();
    if (loaded == 0 && state_save(to, &again, NULL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct vm *vm = fake_vm_new();
    struct device *from = rich_device(vm, &rich_class, "a"),
                  *to = rich_device(vm, &rich_class, "b");
    BUF_AUTO b = {0};
    rich_values(rich_of(from));
    rich_of(from)->peer = &to->pub;
    if (data[0] % 4 == 0)
        buf_add(&b, data + 1, size - 1);
    else if (data[0] % 4 == 1)
        framed(&b, data + 1, size - 1);
    else
        mutated(&b, from, data + 1, size - 1);
    if (b.len)
        try_load(to, &b);
    fake_vm_free(vm);
    return 0;
}
