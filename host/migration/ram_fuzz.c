/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections of RAM whose frame is right. However one is read, as a whole or straight to its place,
 * it is accepted or refused alike, and leaves the same memory. Of runs that overlap, which the
 * format has not, a straight reader may find the sum wrong. */
#include "ram.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGES = 4, BLOCKS = 2 };
static const uint64_t pages[BLOCKS] = {PAGES, PAGES};

struct memory {
    uint8_t block[BLOCKS][PAGES * DIRTY_PAGE];
    uint64_t seen;
    uint32_t put[BLOCKS]; /* a bit for each page */
    uint32_t twice;       /* runs overlap: which of them counts is not said */
};

struct source {
    const struct buf *b;
    size_t at;
};

static int read_some(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    struct source *s = o;
    for (int i = 0; i < nv; i++) {
        if (v[i].iov_len > s->b->len - s->at)
            return err_set(e, ENODATA, "the state ends too soon");
        memcpy(v[i].iov_base, s->b->data + s->at, v[i].iov_len);
        s->at += v[i].iov_len;
    }
    return 0;
}

static int write_some(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    (void)e;
    for (int i = 0; i < nv; i++)
        buf_add(o, v[i].iov_base, v[i].iov_len);
    return 0;
}

/* One block is put page by page, so that both ways are taken. */
static uint8_t *place(void *o, uint32_t block)
{
    return block ? NULL : ((struct memory *)o)->block[0];
}

static int put(void *o, uint32_t block, const struct ram_run *run)
{
    struct memory *m = o;
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t bit = 1u << (run->page + i);
        m->twice |= m->put[block] & bit;
        m->put[block] |= bit;
    }
    ram_put_run(m->block[block], run, block ? NULL : &m->seen);
    return 0;
}

static int take(const struct buf *stream, struct memory *m, int straight)
{
    ERR_AUTO e = {0};
    struct source source = {stream, 0};
    struct mig_reader r = {.io = {.read = read_some, .o = &source}};
    struct ram_sink to = {pages, BLOCKS, place, put, m};
    struct mig_section s;
    int err = straight ? mig_read_head(&r, &s, &e) : mig_read(&r, &s, &e);
    if (err == 0)
        err = straight ? ram_read(&r, &s, &to, &e) : ram_each_run(&s, &to, &e);
    mig_reader_fini(&r);
    return err;
}

/* Runs that fit, more often than chance has them: of each byte of the input one, and what each
 * needs behind them. */
static void add_section(struct buf *out, const uint8_t *data, size_t size)
{
    uint64_t need = 0;
    uint32_t n = (uint32_t)(size < 16 ? size : 16);
    buf_add_le32(out, size ? data[0] % (BLOCKS + 1) : 0);
    buf_add_le32(out, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t count = 1 + (data[i] >> 2) % 2, fill = data[i] >> 7;
        buf_add_le64(out, data[i] % PAGES);
        buf_add_le32(out, count);
        buf_add_le32(out, fill);
        need += fill ? 8 : count * DIRTY_PAGE;
    }
    for (uint64_t i = 0; i < need; i++)
        buf_add8(out, i < size ? data[i] : (uint8_t)i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory whole, straight; /* large */
    BUF_AUTO payload = {0}, stream = {0};
    struct mig_writer w = {.io = {.write = write_some, .o = &stream}};
    if (!size)
        return 0;
    if (*data & 1)
        add_section(&payload, data + 1, size - 1);
    else
        buf_add(&payload, data + 1, size - 1);
    mig_write_bytes(&w, MIG_RAM, payload.data, payload.len, NULL);
    memset(&whole, 0, sizeof whole);
    memset(&straight, 0, sizeof straight);
    int r = take(&stream, &whole, 0), also = take(&stream, &straight, 1);
    if (r < 0 ? also != r : !whole.twice && also < 0)
        abort();
    if (also == 0 && !whole.twice && memcmp(whole.block, straight.block, sizeof whole.block) != 0)
        abort();
    return 0;
}
