/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of RAM in sections:
 *
 *     section = block:u32 nruns:u32 run... data...
 *     run     = page:u64 count:u32 kind:u32           count pages from page on; no two overlap
 *     data    = of RAM_DATA count * 4096 bytes; of RAM_FILL the 8 bytes that all of them repeat
 *
 * block is the place in the configuration's list. A page may come again: the last one counts. */
#ifndef TN_HOST_MIG_RAM_H
#define TN_HOST_MIG_RAM_H
#include "format.h"
#include "vm/dirty.h"

enum { RAM_DATA = 0, RAM_FILL = 1 };
enum { RAM_BATCH = 64, RAM_HEAD_LEN = 8, RAM_RUN_LEN = 16 }; /* pages of one section of ours */

/* What is written: a batch of pages of one block. */
struct ram_batch {
    uint32_t block, npages, nruns;
    uint32_t nread; /* pages that were looked at */
    struct buf runs;
    uint8_t *data; /* RAM_BATCH pages */
    size_t data_len;
};
/* Adds a page at p, which others may be writing to. RAM_DATA or RAM_FILL: what it was. */
uint32_t ram_batch_add(struct ram_batch *b, uint64_t page, const uint8_t *p);
/* Adds count pages from page on that are known to be zero. */
void ram_batch_add_zeros(struct ram_batch *b, uint64_t page, uint32_t count);
/* Writes what is there, if anything, and is empty. */
int ram_batch_flush(struct ram_batch *b, struct mig_writer *w, struct tn_err *e);
void ram_batch_fini(struct ram_batch *b);
/* 1: it repeats one word of 8 bytes, which is in *word. */
int ram_repeats(const uint8_t *p, uint64_t *word);

/* What is read: data is count pages, or for RAM_FILL the 8 bytes. */
struct ram_run {
    uint64_t page;
    uint32_t count, kind;
    const uint8_t *data;
};
struct ram_sink {
    const uint64_t *pages; /* of each block */
    uint32_t nblocks;
    /* Where the pages of a block are, if they may be overwritten before they are known to be sound;
     * or NULL. Of ram_read() only. */
    uint8_t *(*place)(void *o, uint32_t block);
    /* Each run of a section that is as a whole as it should be, until it is not 0; data may be
     * where it belongs already. NULL: nobody wants them. */
    int (*put)(void *o, uint32_t block, const struct ram_run *run);
    void *o;
};
/* Takes a section apart that has been read. 0, -EINVAL with e, or what put returned if not 0. */
int ram_each_run(const struct mig_section *s, const struct ram_sink *to, struct tn_err *e);
/* Reads a section behind its head, pages straight to their place, and takes it apart. As above, or
 * an error of the reader. */
int ram_read(struct mig_reader *r, struct mig_section *s, const struct ram_sink *to,
             struct tn_err *e);
/* Puts a run to where the block is. seen (may be NULL): a bit for each page that has been put
 * before; the others are known to be zero. */
void ram_put_run(uint8_t *block, const struct ram_run *run, uint64_t *seen);

#endif
