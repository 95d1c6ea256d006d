/* SPDX-License-Identifier: BSD-2-Clause */
/* RAM as a stream: which pages are to be sent, and sending them. */
#include "impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t words(const struct mig_output *out, uint32_t i)
{
    return (out->blocks.pages[i] + 63) / 64;
}

static int is_skipped(const struct mig_output *out, uint32_t i)
{
    return out->skip_shared && out->blocks.mem[i]->flags & TN_MEMF_SHARED;
}

/* Memory of a device itself is in the guest's address space by its own mapping, or not at all: no
 * log sees who writes there. */
static int is_late(const struct mig_output *out, uint32_t i)
{
    return !out->blocks.mem[i]->mapped;
}

static void want(struct mig_output *out, uint32_t i)
{
    uint64_t pages = out->blocks.pages[i], *todo = out->todo[i];
    memset(todo, 0xff, words(out, i) * sizeof *todo);
    if (pages % 64)
        todo[pages / 64] = ~(~(uint64_t)0 << pages % 64);
    __atomic_add_fetch(&out->remaining, pages, __ATOMIC_RELAXED);
}

int mig_output_init(struct mig_output *out, struct vm *vm, struct tn_err *e)
{
    out->vm = vm;
    blank_init(&out->blank);
    int r = mig_blocks_find(vm, &out->blocks, e);
    out->todo = xcalloc(out->blocks.n + 1, sizeof *out->todo);
    for (uint32_t i = 0; r == 0 && i < out->blocks.n; i++) {
        out->todo[i] = xcalloc(words(out, i) + 1, sizeof **out->todo);
        if (!is_late(out, i) && !is_skipped(out, i))
            want(out, i);
    }
    return r;
}

void mig_output_fini(struct mig_output *out)
{
    for (uint32_t i = 0; i < out->blocks.n; i++)
        free(out->todo[i]);
    free(out->todo);
    ram_batch_fini(&out->batch);
    blank_fini(&out->blank);
    mig_blocks_fini(&out->blocks);
}

int mig_output_begin(struct mig_output *out, uint32_t flags, const struct buf *config,
                     struct tn_err *e)
{
    int r = mig_write_header(&out->w, flags, e);
    return r < 0 ? r : mig_write_bytes(&out->w, MIG_CONFIG, config->data, config->len, e);
}

void mig_output_late(struct mig_output *out)
{
    for (uint32_t i = 0; i < out->blocks.n; i++)
        if (is_late(out, i) && !is_skipped(out, i))
            want(out, i);
}

uint64_t mig_output_sync(struct mig_output *out)
{
    uint64_t found = 0;
    dirty_collect(out->vm);
    for (uint32_t i = 0; i < out->blocks.n; i++)
        if (!is_skipped(out, i) && !is_late(out, i))
            found += dirty_take(out->blocks.mem[i], out->todo[i]);
    __atomic_add_fetch(&out->remaining, found, __ATOMIC_RELAXED);
    return found;
}

/* ---- sending ---- */

static int flush(struct mig_output *out, struct tn_err *e)
{
    if (!out->batch.npages)
        return 0;
    __atomic_sub_fetch(&out->remaining, out->batch.npages, __ATOMIC_RELAXED);
    int r = ram_batch_flush(&out->batch, &out->w, e);
    __atomic_store_n(&out->bytes, out->w.bytes, __ATOMIC_RELAXED);
    return r < 0 || !out->pace ? r : out->pace(out, e);
}

static void count(uint64_t *pages, uint32_t n)
{
    __atomic_add_fetch(pages, n, __ATOMIC_RELAXED);
}

static void add_page(struct mig_output *out, uint64_t page, const uint8_t *p)
{
    uint32_t kind = ram_batch_add(&out->batch, page, p);
    count(kind == RAM_DATA ? &out->normal : &out->duplicate, 1);
}

static void add_zeros(struct mig_output *out, uint64_t page, uint32_t n)
{
    ram_batch_add_zeros(&out->batch, page, n);
    count(&out->duplicate, n);
}

/* A batch ends when it has what a processor keeps near. Pages that repeat a word weigh nothing, but
 * the other side wants something to do while they are read. */
static int is_full(const struct mig_output *out)
{
    enum { MOST_READ = 1024, MOST_PAGES = 16384 };
    return out->batch.data_len + DIRTY_PAGE > RAM_BATCH * (size_t)DIRTY_PAGE ||
           out->batch.nread >= MOST_READ || out->batch.npages >= MOST_PAGES;
}

/* The 64 pages of word w, as far as they are to be sent. The bits go before the pages are read: who
 * writes meanwhile sets them again. */
static int send_word(struct mig_output *out, uint32_t i, uint64_t w, struct tn_err *e)
{
    uint64_t todo = out->todo[i][w], blank = blank_word(&out->blank, w) & todo;
    int r = 0;
    out->todo[i][w] = 0;
    if (blank == ~(uint64_t)0) {
        add_zeros(out, w * 64, 64);
        todo = 0;
    }
    for (; r == 0 && todo; todo &= todo - 1) {
        uint64_t bit = todo & -todo, page = w * 64 + (uint64_t)__builtin_ctzll(todo);
        if (blank & bit)
            add_zeros(out, page, 1);
        else
            add_page(out, page, out->blocks.mem[i]->va + (page << DIRTY_SHIFT));
        if (is_full(out))
            r = flush(out, e);
    }
    return r == 0 && is_full(out) ? flush(out, e) : r;
}

static int send_block(struct mig_output *out, uint32_t i, struct tn_err *e)
{
    int r = 0;
    out->batch.block = i;
    blank_begin(&out->blank, out->blocks.mem[i]);
    for (uint64_t w = 0; r == 0 && w < words(out, i); w++)
        if (out->todo[i][w])
            r = send_word(out, i, w, e);
    return r < 0 ? r : flush(out, e);
}

int mig_output_ram(struct mig_output *out, struct tn_err *e)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < out->blocks.n; i++)
        r = send_block(out, i, e);
    return r;
}

int mig_output_end(struct mig_output *out, const struct mig_parts *parts, struct tn_err *e)
{
    uint8_t n[4];
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < parts->n; i++)
        r = mig_write_bytes(&out->w, parts->v[i].type, parts->v[i].data, parts->v[i].len, e);
    put_le32(n, out->w.number);
    if (r == 0)
        r = mig_write_bytes(&out->w, MIG_END, n, sizeof n, e);
    __atomic_store_n(&out->bytes, out->w.bytes, __ATOMIC_RELAXED);
    return r;
}
