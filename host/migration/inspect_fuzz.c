/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of streams. The first byte picks what the rest is: a stream as it is, or the payloads
 * of sections with right frames, of kinds that their first byte picks. What is accepted must print.
 */
#include "inspect.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *p;
    size_t left;
};

static int from_bytes(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    struct bytes *b = o;
    for (int i = 0; i < nv; i++) {
        if (v[i].iov_len > b->left)
            return err_set(e, ENODATA, "the state ends too soon");
        memcpy(v[i].iov_base, b->p, v[i].iov_len);
        b->p += v[i].iov_len;
        b->left -= v[i].iov_len;
    }
    return 0;
}

static int to_buf(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    (void)e;
    for (int i = 0; i < nv; i++)
        if (v[i].iov_len)
            buf_add(o, v[i].iov_base, v[i].iov_len);
    return 0;
}

static void framed(struct buf *out, const uint8_t *data, size_t size)
{
    static const uint32_t kinds[] = {MIG_CONFIG, MIG_RAM,     MIG_PCI, MIG_DEVICE,
                                     MIG_VCPU,   MIG_MACHINE, MIG_END, 0x41424344};
    struct mig_writer w = {.io = {.write = to_buf, .o = out}};
    mig_write_header(&w, 0, NULL);
    while (size >= 2) {
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        mig_write_bytes(&w, kinds[data[0] % 8], data + 2, n, NULL);
        data += 2 + n;
        size -= 2 + n;
    }
}

static void inspect(const uint8_t *p, size_t n, int json)
{
    ERR_AUTO e = {0};
    BUF_AUTO out = {0};
    struct bytes b = {p, n};
    struct mig_io io = {.read = from_bytes, .o = &b};
    if (mig_inspect(io, json, &out, &e) == 0 && !out.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUF_AUTO b = {0};
    if (!size)
        return 0;
    if (*data & 1)
        framed(&b, data + 1, size - 1);
    else
        buf_add(&b, data + 1, size - 1);
    inspect(b.data, b.len, *data & 2);
    return 0;
}
