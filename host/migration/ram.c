/* SPDX-License-Identifier: BSD-2-Clause */
#include "ram.h"

#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

int ram_repeats(const uint8_t *p, uint64_t *word)
{
    memcpy(word, p, sizeof *word);
    /* most pages that are not the same all over say so soon */
    return memcmp(p, p + sizeof *word, 64) == 0 &&
           memcmp(p, p + sizeof *word, DIRTY_PAGE - sizeof *word) == 0;
}

static void add_run(struct ram_batch *b, uint64_t page, uint32_t kind)
{
    buf_add_le64(&b->runs, page);
    buf_add_le32(&b->runs, 1);
    buf_add_le32(&b->runs, kind);
    b->nruns++;
}

/* Goes the page on where the last run ended? A fill must be the same word. */
static int extends(struct ram_batch *b, uint64_t page, uint32_t kind, uint64_t word)
{
    uint8_t *last = b->nruns ? b->runs.data + b->runs.len - RAM_RUN_LEN : NULL;
    if (!last || get_le32(last + 12) != kind || get_le64(last) + get_le32(last + 8) != page)
        return 0;
    if (kind == RAM_FILL && memcmp(b->data + b->data_len - sizeof word, &word, sizeof word) != 0)
        return 0;
    put_le32(last + 8, get_le32(last + 8) + 1);
    return 1;
}

/* The copy is what is looked at and summed up: the page may change meanwhile, and is dirty then. */
uint32_t ram_batch_add(struct ram_batch *b, uint64_t page, const uint8_t *p)
{
    uint64_t word;
    if (!b->data)
        b->data = xcalloc(RAM_BATCH, DIRTY_PAGE);
    uint32_t kind = ram_repeats(p, &word) ? RAM_FILL : RAM_DATA;
    int longer = extends(b, page, kind, word);
    if (!longer)
        add_run(b, page, kind);
    if (kind == RAM_DATA) {
        memcpy(b->data + b->data_len, p, DIRTY_PAGE);
        b->data_len += DIRTY_PAGE;
    } else if (!longer) {
        memcpy(b->data + b->data_len, &word, sizeof word);
        b->data_len += sizeof word;
    }
    b->npages++;
    return kind;
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
    b->npages = b->nruns = 0;
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

static int take_run(const uint8_t *raw, uint64_t pages, const uint8_t **data, const uint8_t *end,
                    struct ram_run *run)
{
    *run = (struct ram_run){get_le64(raw), get_le32(raw + 8), get_le32(raw + 12), *data};
    if (run->kind > RAM_FILL || !run->count || run->page >= pages || run->count > pages - run->page)
        return -EINVAL;
    uint64_t n = run->kind == RAM_FILL ? 8 : (uint64_t)run->count * DIRTY_PAGE;
    if (n > (uint64_t)(end - *data))
        return -EINVAL;
    *data += n;
    return 0;
}

static int walk(const struct mig_section *s, uint64_t pages, uint32_t block, uint32_t nruns,
                int (*fn)(void *o, uint32_t block, const struct ram_run *run), void *o)
{
    const uint8_t *raw = s->data + 8, *data = raw + (size_t)nruns * RAM_RUN_LEN,
                  *end = s->data + s->len;
    for (uint32_t i = 0; i < nruns; i++, raw += RAM_RUN_LEN) {
        struct ram_run run;
        if (take_run(raw, pages, &data, end, &run) < 0)
            return -EINVAL;
        int r = fn ? fn(o, block, &run) : 0;
        if (r)
            return r;
    }
    return data == end ? 0 : -EINVAL;
}

int ram_each_run(const struct mig_section *s, const uint64_t *pages, uint32_t nblocks,
                 int (*fn)(void *o, uint32_t block, const struct ram_run *run), void *o,
                 struct tn_err *e)
{
    uint32_t block = s->len >= 8 ? get_le32(s->data) : ~0u,
             nruns = s->len >= 8 ? get_le32(s->data + 4) : 0;
    if (block >= nblocks || nruns > (s->len - 8) / RAM_RUN_LEN ||
        walk(s, pages[block], block, nruns, NULL, NULL) < 0)
        return err_set(e, EINVAL, "section %u has no pages of RAM that could be", s->number);
    return walk(s, pages[block], block, nruns, fn, o);
}

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

void ram_put_run(uint8_t *block, const struct ram_run *run, uint64_t *seen)
{
    uint64_t word = 0, there;
    if (run->kind == RAM_FILL)
        memcpy(&word, run->data, sizeof word);
    for (uint32_t i = 0; i < run->count; i++) {
        uint64_t page = run->page + i;
        uint8_t *at = block + page * DIRTY_PAGE;
        int touched = is_seen(seen, page);
        if (run->kind == RAM_DATA)
            memcpy(at, run->data + (size_t)i * DIRTY_PAGE, DIRTY_PAGE);
        else if ((word || touched) && !(ram_repeats(at, &there) && there == word))
            fill(at, word);
    }
}
