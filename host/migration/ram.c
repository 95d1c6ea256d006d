/* SPDX-License-Identifier: BSD-2-Clause */
#include "ram.h"

#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- writing ---- */

int ram_repeats(const uint8_t *p, uint64_t *word)
{
    memcpy(word, p, sizeof *word);
    /* most pages that are not the same all over say so soon */
    return memcmp(p, p + sizeof *word, 64) == 0 &&
           memcmp(p, p + sizeof *word, DIRTY_PAGE - sizeof *word) == 0;
}

static void make_room(struct ram_batch *b)
{
    if (!b->data)
        b->data = xcalloc(RAM_BATCH, DIRTY_PAGE);
}

static void add_run(struct ram_batch *b, uint64_t page, uint32_t count, uint32_t kind)
{
    buf_add_le64(&b->runs, page);
    buf_add_le32(&b->runs, count);
    buf_add_le32(&b->runs, kind);
    b->nruns++;
}

/* Do the pages go on where the last run ended? A fill must be the same word. */
static int extends(struct ram_batch *b, uint64_t page, uint32_t count, uint32_t kind, uint64_t word)
{
    uint8_t *last = b->nruns ? b->runs.data + b->runs.len - RAM_RUN_LEN : NULL;
    if (!last || get_le32(last + 12) != kind || get_le64(last) + get_le32(last + 8) != page)
        return 0;
    if (kind == RAM_FILL && memcmp(b->data + b->data_len - sizeof word, &word, sizeof word) != 0)
        return 0;
    put_le32(last + 8, get_le32(last + 8) + count);
    return 1;
}

static void add_data(struct ram_batch *b, const void *p, size_t n)
{
    memcpy(b->data + b->data_len, p, n);
    b->data_len += n;
}

static void add_fill(struct ram_batch *b, uint64_t page, uint32_t count, uint64_t word)
{
    if (!extends(b, page, count, RAM_FILL, word)) {
        add_run(b, page, count, RAM_FILL);
        add_data(b, &word, sizeof word);
    }
    b->npages += count;
}

/* The copy is what is summed up: the page may change meanwhile, and is dirty then. */
uint32_t ram_batch_add(struct ram_batch *b, uint64_t page, const uint8_t *p)
{
    uint64_t word;
    make_room(b);
    b->nread++;
    if (ram_repeats(p, &word)) {
        add_fill(b, page, 1, word);
        return RAM_FILL;
    }
    if (!extends(b, page, 1, RAM_DATA, 0))
        add_run(b, page, 1, RAM_DATA);
    add_data(b, p, DIRTY_PAGE);
    b->npages++;
    return RAM_DATA;
}

void ram_batch_add_zeros(struct ram_batch *b, uint64_t page, uint32_t count)
{
    make_room(b);
    add_fill(b, page, count, 0);
}

int ram_batch_flush(struct ram_batch *b, struct mig_writer *w, struct tn_err *e)
{
    uint8_t head[8];
    if (!b->npages)
        return 0;
    put_le32(head, b->block);
    put_le32(head + 4, b->nruns);
    struct iovec v[] = {{head, sizeof head}, {b->runs.data, b->runs.len}, {b->data, b->data_len}};
    int r = mig_write(w, MIG_RAM, v, ARRAY_SIZE(v), e);
    b->npages = b->nruns = b->nread = 0;
    b->runs.len = b->data_len = 0;
    return r;
}

void ram_batch_fini(struct ram_batch *b)
{
    buf_free(&b->runs);
    free(b->data);
    b->data = NULL;
}

/* ---- reading ---- */

static int take_run(const uint8_t *raw, uint64_t pages, struct ram_run *run)
{
    *run = (struct ram_run){get_le64(raw), get_le32(raw + 8), get_le32(raw + 12), NULL};
    return run->kind <= RAM_FILL && run->count && run->page < pages &&
           run->count <= pages - run->page;
}

static uint64_t data_len(const struct ram_run *run)
{
    return run->kind == RAM_FILL ? sizeof(uint64_t) : (uint64_t)run->count * DIRTY_PAGE;
}

static int bad_pages(const struct mig_section *s, struct tn_err *e)
{
    return err_set(e, EINVAL, "section %u has no pages of RAM that could be", s->number);
}

/* Which block, how many runs; head: the first 8 bytes, if there are so many. */
static int take_head(const struct mig_section *s, uint32_t nblocks, uint32_t *block,
                     uint32_t *nruns)
{
    if (s->len < RAM_HEAD_LEN)
        return 0;
    *block = get_le32(s->data);
    *nruns = get_le32(s->data + 4);
    return *block < nblocks && *nruns <= (s->len - RAM_HEAD_LEN) / RAM_RUN_LEN;
}

/* Could all of them be, and is what is behind them theirs? *nfill: how many repeat a word. */
static int runs_fit(const struct mig_section *s, uint64_t pages, uint32_t nruns, uint32_t *nfill)
{
    const uint8_t *raw = s->data + RAM_HEAD_LEN;
    uint64_t left = s->len - RAM_HEAD_LEN - (uint64_t)nruns * RAM_RUN_LEN;
    struct ram_run run;
    *nfill = 0;
    for (uint32_t i = 0; i < nruns; i++, raw += RAM_RUN_LEN) {
        if (!take_run(raw, pages, &run) || data_len(&run) > left)
            return 0;
        left -= data_len(&run);
        *nfill += run.kind == RAM_FILL;
    }
    return left == 0;
}

/* Data is in va, if that is not NULL, or else behind the runs, where words are. */
static int each_run(const struct mig_section *s, const struct ram_sink *to, uint32_t block,
                    uint32_t nruns, uint8_t *va)
{
    const uint8_t *raw = s->data + RAM_HEAD_LEN, *data = raw + (size_t)nruns * RAM_RUN_LEN;
    int r = 0;
    for (uint32_t i = 0; r == 0 && to->put && i < nruns; i++, raw += RAM_RUN_LEN) {
        struct ram_run run;
        take_run(raw, to->pages[block], &run);
        int there = va && run.kind == RAM_DATA;
        run.data = there ? va + run.page * DIRTY_PAGE : data;
        data += there ? 0 : data_len(&run);
        r = to->put(to->o, block, &run);
    }
    return r;
}

int ram_each_run(const struct mig_section *s, const struct ram_sink *to, struct tn_err *e)
{
    uint32_t block, nruns, nfill;
    return take_head(s, to->nblocks, &block, &nruns) && runs_fit(s, to->pages[block], nruns, &nfill)
               ? each_run(s, to, block, nruns, NULL)
               : bad_pages(s, e);
}

/* ---- reading without a copy ---- */

/* What comes next goes to these pieces. */
struct pieces {
    struct iovec v[MIG_MAX_PIECES];
    int n;
};

static int add_piece(struct mig_reader *r, struct mig_section *s, struct pieces *p, void *at,
                     uint64_t n, struct tn_err *e)
{
    p->v[p->n++] = (struct iovec){at, n};
    if (p->n < MIG_MAX_PIECES)
        return 0;
    int err = mig_read_to(r, s, p->v, p->n, e);
    p->n = 0;
    return err;
}

/* Pages that are not there yet: all at once, rather than by an exception each. Whatever hinders
 * that shows when they are written to. */
static void populate(uint8_t *at, const struct ram_run *run)
{
    enum { WORTH_IT = 8 };
    if (run->count >= WORTH_IT)
        madvise(at, (size_t)run->count * DIRTY_PAGE, MADV_POPULATE_WRITE);
}

static int read_data(struct mig_reader *r, struct mig_section *s, uint64_t pages, uint32_t nruns,
                     uint8_t *words, uint8_t *va, struct tn_err *e)
{
    const uint8_t *raw = s->data + RAM_HEAD_LEN;
    struct pieces p = {.n = 0};
    struct ram_run run;
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < nruns; i++, raw += RAM_RUN_LEN) {
        take_run(raw, pages, &run);
        uint8_t *at = run.kind == RAM_DATA ? va + run.page * DIRTY_PAGE : words;
        if (run.kind == RAM_DATA)
            populate(at, &run);
        else
            words += data_len(&run);
        err = add_piece(r, s, &p, at, data_len(&run), e);
    }
    return err < 0 || !p.n ? err : mig_read_to(r, s, p.v, p.n, e);
}

int ram_read(struct mig_reader *r, struct mig_section *s, const struct ram_sink *to,
             struct tn_err *e)
{
    uint32_t block, nruns, nfill;
    int err = mig_read_more(r, s, s->len < RAM_HEAD_LEN ? s->len : RAM_HEAD_LEN, e);
    if (err < 0)
        return err;
    if (!take_head(s, to->nblocks, &block, &nruns))
        return bad_pages(s, e);
    uint8_t *va = to->place(to->o, block);
    err = mig_read_more(r, s, va ? nruns * RAM_RUN_LEN : s->left, e);
    if (err < 0)
        return err;
    if (!runs_fit(s, to->pages[block], nruns, &nfill))
        return bad_pages(s, e);
    uint8_t *words = va ? mig_read_room(r, s, nfill * sizeof(uint64_t)) : NULL;
    if (va)
        err = read_data(r, s, to->pages[block], nruns, words, va, e);
    if (err == 0)
        err = mig_read_end(r, s, e);
    return err < 0 ? err : each_run(s, to, block, nruns, va);
}

/* ---- to its place ---- */

static int is_seen(uint64_t *seen, uint64_t page)
{
    uint64_t bit = (uint64_t)1 << page % 64;
    int was = !seen || (seen[page / 64] & bit);
    if (seen)
        seen[page / 64] |= bit;
    return was;
}

static void fill(uint8_t *at, uint64_t word)
{
    for (uint32_t i = 0; i < DIRTY_PAGE; i += sizeof word)
        memcpy(at + i, &word, sizeof word);
}

static void put_page(uint8_t *at, const struct ram_run *run, uint32_t i, int touched)
{
    uint64_t word, there;
    if (run->kind == RAM_DATA) {
        const uint8_t *data = run->data + (size_t)i * DIRTY_PAGE;
        if (data != at)
            memcpy(at, data, DIRTY_PAGE);
        return;
    }
    memcpy(&word, run->data, sizeof word);
    if ((word || touched) && !(ram_repeats(at, &there) && there == word))
        fill(at, word);
}

void ram_put_run(uint8_t *block, const struct ram_run *run, uint64_t *seen)
{
    for (uint32_t i = 0; i < run->count; i++)
        put_page(block + (run->page + i) * DIRTY_PAGE, run, i, is_seen(seen, run->page + i));
}
