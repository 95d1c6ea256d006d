/* SPDX-License-Identifier: BSD-2-Clause */
#include "format.h"

#include "crc32c.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static int put(struct mig_writer *w, const struct iovec *v, int nv, struct tn_err *e)
{
    int r = w->io.write(w->io.o, v, nv, e);
    for (int i = 0; r == 0 && i < nv; i++)
        w->bytes += v[i].iov_len;
    return r;
}

int mig_write_header(struct mig_writer *w, uint32_t flags, struct tn_err *e)
{
    uint8_t raw[MIG_HEADER_LEN];
    memcpy(raw, MIG_MAGIC, 8);
    put_le32(raw + 8, MIG_FORMAT);
    put_le32(raw + 12, flags);
    struct iovec v = {raw, sizeof raw};
    return put(w, &v, 1, e);
}

int mig_write(struct mig_writer *w, uint32_t type, const struct iovec *v, int nv, struct tn_err *e)
{
    uint8_t head[MIG_SECTION_LEN];
    struct iovec all[MIG_MAX_PIECES] = {{head, sizeof head}};
    size_t len = 0;
    for (int i = 0; i < nv; i++)
        len += v[i].iov_len;
    if (nv >= MIG_MAX_PIECES || len > MIG_MAX_SECTION)
        return err_set(e, EFBIG, "a section of %zu bytes is too large", len);
    put_le32(head, type);
    put_le32(head + 4, w->number);
    put_le32(head + 8, (uint32_t)len);
    uint32_t crc = crc32c(0, head, 12);
    for (int i = 0; i < nv; i++) {
        crc = crc32c(crc, v[i].iov_base, v[i].iov_len);
        all[i + 1] = v[i];
    }
    put_le32(head + 12, crc);
    w->number++;
    return put(w, all, nv + 1, e);
}

int mig_write_bytes(struct mig_writer *w, uint32_t type, const void *p, size_t n, struct tn_err *e)
{
    struct iovec v = {(void *)(uintptr_t)p, n};
    return mig_write(w, type, &v, 1, e);
}

/* ---- reading ---- */

static int get_all(struct mig_reader *r, const struct iovec *v, int nv, struct tn_err *e)
{
    int err = r->io.read(r->io.o, v, nv, e);
    for (int i = 0; err == 0 && i < nv; i++)
        r->bytes += v[i].iov_len;
    return err;
}

static int get(struct mig_reader *r, void *p, size_t n, struct tn_err *e)
{
    struct iovec v = {p, n};
    return n ? get_all(r, &v, 1, e) : 0;
}

int mig_read_header(struct mig_reader *r, struct tn_err *e)
{
    uint8_t raw[MIG_HEADER_LEN];
    int err = get(r, raw, sizeof raw, e);
    if (err < 0)
        return err;
    if (memcmp(raw, MIG_MAGIC, 8) != 0)
        return err_set(e, EINVAL, "this is not the state of a machine");
    if (get_le32(raw + 8) != MIG_FORMAT)
        return err_set(e, EINVAL, "state of a machine in format %u, known is %u", get_le32(raw + 8),
                       MIG_FORMAT);
    r->flags = get_le32(raw + 12);
    return r->flags & ~(uint32_t)MIG_F_ANSWER
               ? err_set(e, EINVAL, "state of a machine with unknown flags 0x%x", r->flags)
               : 0;
}

const char *mig_type_name(uint32_t type, char *out)
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(type >> 8 * i);
        out[i] = c > 0x20 && c < 0x7f ? c : 0;
    }
    out[4] = 0;
    return out;
}

int mig_read_head(struct mig_reader *r, struct mig_section *s, struct tn_err *e)
{
    uint8_t head[MIG_SECTION_LEN];
    int err = get(r, head, sizeof head, e);
    if (err < 0)
        return err;
    *s = (struct mig_section){.type = get_le32(head),
                              .number = get_le32(head + 4),
                              .len = get_le32(head + 8),
                              .left = get_le32(head + 8),
                              .sum = crc32c(0, head, 12),
                              .crc = get_le32(head + 12)};
    return s->len > MIG_MAX_SECTION
               ? err_set(e, EINVAL, "section %u is damaged: %u bytes", r->number, s->len)
               : 0;
}

int mig_read_to(struct mig_reader *r, struct mig_section *s, const struct iovec *v, int nv,
                struct tn_err *e)
{
    int err = get_all(r, v, nv, e);
    for (int i = 0; err == 0 && i < nv; i++) {
        s->sum = crc32c(s->sum, v[i].iov_base, v[i].iov_len);
        s->left -= (uint32_t)v[i].iov_len;
    }
    return err;
}

static void make_room(struct mig_reader *r, size_t n)
{
    if (r->room >= n)
        return;
    r->room = n > 2 * r->room ? n : 2 * r->room;
    r->payload = xrealloc(r->payload, r->room);
}

int mig_read_more(struct mig_reader *r, struct mig_section *s, uint32_t n, struct tn_err *e)
{
    enum { STEP = 1 << 20 };
    int err = 0;
    /* room grows with what has come: a length alone makes nobody allocate */
    for (uint32_t some; err == 0 && n; n -= some) {
        some = n < STEP ? n : STEP;
        make_room(r, (size_t)s->have + some);
        struct iovec v = {r->payload + s->have, some};
        err = mig_read_to(r, s, &v, 1, e);
        s->have += some;
    }
    s->data = r->payload;
    return err;
}

uint8_t *mig_read_room(struct mig_reader *r, struct mig_section *s, uint32_t n)
{
    make_room(r, (size_t)s->have + n);
    s->data = r->payload;
    s->have += n;
    return r->payload + s->have - n;
}

int mig_read_end(struct mig_reader *r, struct mig_section *s, struct tn_err *e)
{
    if (s->sum != s->crc)
        return err_set(e, EINVAL, "section %u is damaged: wrong checksum", r->number);
    if (s->number != r->number)
        return err_set(e, EINVAL, "section %u where %u is to come", s->number, r->number);
    r->number++;
    return 0;
}

int mig_read_rest(struct mig_reader *r, struct mig_section *s, struct tn_err *e)
{
    int err = mig_read_more(r, s, s->left, e);
    return err < 0 ? err : mig_read_end(r, s, e);
}

int mig_read(struct mig_reader *r, struct mig_section *s, struct tn_err *e)
{
    int err = mig_read_head(r, s, e);
    return err < 0 ? err : mig_read_rest(r, s, e);
}

void mig_reader_fini(struct mig_reader *r)
{
    free(r->payload);
    r->payload = NULL;
    r->room = 0;
}

/* ---- paths ---- */

void mig_put_path(struct buf *out, const char *path)
{
    buf_add_le16(out, (uint16_t)strlen(path));
    buf_add(out, path, strlen(path) + 1);
}

int mig_get_path(const struct mig_section *s, const char **path, const uint8_t **rest,
                 size_t *rest_len, struct tn_err *e)
{
    uint32_t n = s->len >= 2 ? get_le16(s->data) : 0;
    const char *p = (const char *)s->data + 2;
    if (!n || n > MIG_MAX_PATH || n + 3 > s->len || p[n] || memchr(p, 0, n))
        return err_set(e, EINVAL, "section %u names no device", s->number);
    for (uint32_t i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e)
            return err_set(e, EINVAL, "section %u names no device", s->number);
    *path = p;
    *rest = s->data + 3 + n;
    *rest_len = s->len - 3 - n;
    return 0;
}
