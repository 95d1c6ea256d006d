/* SPDX-License-Identifier: BSD-2-Clause */
/* libnbd's handle, and what the server says of the export. */
#include "nbd.h"
#include <errno.h>
#include <stdio.h>

enum { SECTOR = 512, MAX_PAYLOAD = 32 << 20 /* what every server takes, by the protocol */ };

int open_handle(struct nbd *s, const struct address *a, struct nbd_handle **h)
{
    *h = nbd_create();
    if (!*h)
        return -ENOMEM;
    nbd_set_pread_initialize(*h, false); /* every byte is written, or the read has failed */
    if (s->export)
        nbd_set_export_name(*h, s->export);
    nbd_aio_connect(*h, (const struct sockaddr *)&a->a, a->len);
    return 0; /* how that went, its state says */
}

static uint32_t block_size(struct nbd_handle *h, int which, uint32_t otherwise)
{
    int64_t n = nbd_get_block_size(h, which);
    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : otherwise;
}

static uint32_t flag(int says, uint32_t bit)
{
    return says > 0 ? bit : 0;
}

static uint32_t flags_of(const struct nbd *s, struct nbd_handle *h)
{
    uint32_t flags = TN_BLKF_INSERTED | flag(nbd_can_flush(h), TN_BLKF_WRITE_CACHE);
    if (s->open.read_only || nbd_is_read_only(h) > 0)
        return flags | TN_BLKF_READONLY;
    return flags | flag(nbd_can_fua(h), TN_BLKF_FUA) | flag(nbd_can_trim(h), TN_BLKF_DISCARD) |
           flag(nbd_can_zero(h), TN_BLKF_WRITE_ZEROES);
}

static int usable(const struct nbd *s, struct nbd_handle *h, int64_t size, const struct export *x,
                  char *why, size_t n)
{
    if (size < 0)
        snprintf(why, n, "%s", nbd_get_error());
    else if (!s->open.read_only && !s->open.auto_read_only && nbd_is_read_only(h) > 0)
        snprintf(why, n, "request on write denied without write permission");
    else if (x->minimum & (x->minimum - 1) || x->minimum > x->maximum)
        snprintf(why, n, "server's block sizes, %u to %u, make no sense", x->minimum, x->maximum);
    else
        return 0;
    return size < 0 ? -EIO : -EINVAL;
}

int open_export(const struct nbd *s, struct nbd_handle *h, struct export *x, char *why, size_t n)
{
    int64_t size = nbd_get_size(h);
    *x = (struct export){.size = size < 0 ? 0 : (uint64_t)size,
                         .flags = flags_of(s, h),
                         .minimum = block_size(h, LIBNBD_SIZE_MINIMUM, 1),
                         .preferred = block_size(h, LIBNBD_SIZE_PREFERRED, 4096),
                         .maximum = block_size(h, LIBNBD_SIZE_MAXIMUM, MAX_PAYLOAD),
                         .can_flush = nbd_can_flush(h) > 0,
                         .multi = nbd_can_multi_conn(h) > 0};
    if (x->minimum < SECTOR && x->minimum)
        x->minimum = x->minimum & (x->minimum - 1) ? x->minimum : SECTOR;
    if (x->maximum > MAX_PAYLOAD)
        x->maximum = MAX_PAYLOAD;
    return usable(s, h, size, x, why, n);
}
