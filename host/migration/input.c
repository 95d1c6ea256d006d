/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream on its way into a machine. Only RAM is written here, and of a file not before all of it
 * has been seen to be sound. */
#include "impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one section after the other ---- */

struct visit {
    struct mig_input *in;
    struct ram_sink to;
    uint32_t apply;
};

/* A file that may not be written to has to have it already. */
static int is_there(const struct tn_mem *m, const struct ram_run *run)
{
    for (uint32_t i = 0; i < run->count; i++) {
        const uint8_t *at = m->va + (run->page + i) * DIRTY_PAGE;
        uint64_t word;
        if (run->kind == RAM_DATA
                ? memcmp(at, run->data + (size_t)i * DIRTY_PAGE, DIRTY_PAGE) != 0
                : !ram_repeats(at, &word) || memcmp(run->data, &word, sizeof word) != 0)
            return 0;
    }
    return 1;
}

static uint8_t *place(void *o, uint32_t block)
{
    struct mig_input *in = o;
    const struct tn_mem *m = in->blocks.mem[block];
    if (m->flags & TN_MEMF_READONLY && m->fd >= 0)
        return NULL;
    in->changed = 1;
    return m->va;
}

static int put_run(void *o, uint32_t block, const struct ram_run *run)
{
    struct mig_input *in = o;
    const struct tn_mem *m = in->blocks.mem[block];
    if (!place(o, block))
        return is_there(m, run) ? 0 : -EROFS;
    ram_put_run(in->blocks.mem[block]->va, run, in->seen ? in->seen[block] : NULL);
    __atomic_add_fetch(&in->pages, run->count, __ATOMIC_RELAXED);
    return 0;
}

static int is_part(uint32_t type)
{
    return type == MIG_PCI || type == MIG_DEVICE || type == MIG_VCPU || type == MIG_MACHINE;
}

static int take_end(const struct mig_section *s, struct tn_err *e)
{
    return s->len == 4 && get_le32(s->data) == s->number
               ? 0
               : err_set(e, EINVAL, "section %u ends it too soon", s->number);
}

/* The rest of a section of RAM. */
static int take_ram(const struct visit *v, struct mig_section *s, struct tn_err *e)
{
    int r = v->apply ? ram_read(&v->in->r, s, &v->to, e) : mig_read_rest(&v->in->r, s, e);
    if (r == 0 && !v->apply)
        r = ram_each_run(s, &v->to, e);
    return r == -EROFS ? err_set(e, EROFS, "read-only memory is another one here") : r;
}

static int take(const struct visit *v, const struct mig_section *s, struct tn_err *e)
{
    char name[5];
    if (is_part(s->type)) /* of a file it is known since the first pass */
        return v->in->ch->seeks && v->apply
                   ? 0
                   : mig_parts_add(&v->in->parts, s->type, s->data, s->len, e);
    if (s->type == MIG_MARK && v->in->mark)
        return v->in->mark(v->in, e);
    return err_set(e, EINVAL, "section %u of unknown kind '%s'", s->number,
                   mig_type_name(s->type, name));
}

/* *more: the end is still to come. */
static int take_next(const struct visit *v, int *more, struct tn_err *e)
{
    struct mig_section s;
    int r = mig_read_head(&v->in->r, &s, e);
    if (r < 0 || s.type == MIG_RAM)
        return r < 0 ? r : take_ram(v, &s, e);
    r = mig_read_rest(&v->in->r, &s, e);
    *more = s.type != MIG_END;
    return r < 0 ? r : *more ? take(v, &s, e) : take_end(&s, e);
}

static int take_rest(const struct visit *v, struct tn_err *e)
{
    int r = 0, more = 1;
    while (r == 0 && more) {
        r = take_next(v, &more, e);
        if (v->in->went)
            v->in->went(v->in);
    }
    return r;
}

static int begin(struct mig_input *in, struct mig_section *s, struct tn_err *e)
{
    *s = (struct mig_section){0};
    in->r.number = 0;
    in->passed += in->r.bytes;
    in->r.bytes = 0;
    int r = mig_read_header(&in->r, e);
    if (r == 0)
        r = mig_read(&in->r, s, e);
    return r < 0                   ? r
           : s->type != MIG_CONFIG ? err_set(e, EINVAL, "it does not begin with a configuration")
                                   : 0;
}

/* ---- the two passes ---- */

static int check_file(struct mig_input *in, struct tn_err *e)
{
    struct mig_section s;
    uint64_t *pages = NULL;
    uint32_t n = 0;
    int r = begin(in, &s, e);
    if (r == 0)
        r = in->check(in, &s, e);
    if (r == 0)
        r = mig_config_pages(s.data, s.len, &pages, &n, e);
    struct visit v = {in, {.pages = pages, .nblocks = n}, 0};
    if (r == 0)
        r = take_rest(&v, e);
    free(pages);
    if (r == 0)
        r = in->judge(in, e);
    return r < 0 ? r : mig_channel_rewind(in->ch, e);
}

/* Never written to: anonymous memory, and files without data. */
static int is_blank(const struct tn_mem *m)
{
    if (m->flags & TN_MEMF_READONLY)
        return 0;
    return m->fd < 0 || (lseek(m->fd, (off_t)m->fd_off, SEEK_DATA) < 0 && errno == ENXIO);
}

static void note_zeros(struct mig_input *in)
{
    in->seen = xcalloc(in->blocks.n + 1, sizeof *in->seen);
    for (uint32_t i = 0; i < in->blocks.n; i++)
        if (is_blank(in->blocks.mem[i]))
            in->seen[i] = xcalloc(in->blocks.pages[i] / 64 + 1, sizeof **in->seen);
}

int mig_input_read(struct mig_input *in, struct tn_err *e)
{
    struct mig_section s;
    in->r.io = mig_channel_io(in->ch);
    int r = in->ch->seeks ? check_file(in, e) : 0;
    if (r == 0)
        r = begin(in, &s, e);
    if (r == 0 && !in->ch->seeks)
        r = in->check(in, &s, e);
    if (r < 0)
        return r;
    if (in->fresh)
        note_zeros(in);
    struct visit v = {in, {in->blocks.pages, in->blocks.n, place, put_run, in}, 1};
    return take_rest(&v, e);
}

void mig_input_fini(struct mig_input *in)
{
    for (uint32_t i = 0; in->seen && i < in->blocks.n; i++)
        free(in->seen[i]);
    free(in->seen);
    in->seen = NULL;
    mig_reader_fini(&in->r);
    mig_parts_fini(&in->parts);
    mig_blocks_fini(&in->blocks);
}
