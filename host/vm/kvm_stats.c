/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvm_stats.h"

#include "core/err.h"
#include "util/alloc.h"
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A file is some 10 KiB long; what says that it is much longer is not believed. */
enum { DESCS_MAX = 4096, NAME_MAX_ = 256, VALUES_MAX = 1 << 16 };

static int read_at(int fd, void *to, size_t n, uint32_t at, struct tn_err *e)
{
    ssize_t got = pread(fd, to, n, at);
    return got == (ssize_t)n ? 0
                             : err_set(e, got < 0 ? errno : EIO, "KVM's statistics: %s",
                                       strerror(got < 0 ? errno : EIO));
}

/* Descriptor i of those at p; each is followed by its name. */
static const struct kvm_stats_desc *desc_at(const char *p, const struct kvm_stats_header *h,
                                            uint32_t i)
{
    return (const void *)(p + (size_t)i * (sizeof(struct kvm_stats_desc) + h->name_size));
}

static size_t values_end(const char *p, const struct kvm_stats_header *h)
{
    size_t end = 0;
    for (uint32_t i = 0; i < h->num_desc; i++) {
        const struct kvm_stats_desc *d = desc_at(p, h, i);
        size_t here = d->offset + d->size * sizeof(uint64_t);
        end = here > end ? here : end;
    }
    return end;
}

static int give(const char *descs, const struct kvm_stats_header *h, const char *values,
                int (*fn)(void *o, const struct kvm_stat *s), void *o)
{
    int x = 0;
    for (uint32_t i = h->num_desc; i-- > 0 && !x;) {
        const struct kvm_stats_desc *d = desc_at(descs, h, i);
        struct kvm_stat s = {.name = d->name,
                             .flags = d->flags,
                             .exponent = d->exponent,
                             .n = d->size,
                             .bucket = d->bucket_size,
                             .value = (const void *)(values + d->offset)};
        x = fn(o, &s);
    }
    return x;
}

int kvm_stats_each(int fd, int (*fn)(void *o, const struct kvm_stat *s), void *o, struct tn_err *e)
{
    struct kvm_stats_header h;
    AUTO_CLOSE int stats = ioctl(fd, KVM_GET_STATS_FD, NULL);
    if (stats < 0)
        return err_set(e, errno == ENOTTY || errno == EINVAL ? ENOTSUP : errno,
                       "KVM's statistics: %s", strerror(errno));
    if (read_at(stats, &h, sizeof h, 0, e) < 0)
        return -EIO;
    if (h.num_desc > DESCS_MAX || h.name_size > NAME_MAX_)
        return err_set(e, EIO, "KVM's statistics: %u of them are too many", h.num_desc);
    size_t size = h.num_desc * (sizeof(struct kvm_stats_desc) + h.name_size);
    AUTO_FREE char *descs = xcalloc(1, size + 1);
    if (read_at(stats, descs, size, h.desc_offset, e) < 0)
        return -EIO;
    size_t end = values_end(descs, &h);
    if (end > VALUES_MAX)
        return err_set(e, EIO, "KVM's statistics: %zu bytes are too many", end);
    AUTO_FREE char *values = xcalloc(1, end + 1);
    return read_at(stats, values, end, h.data_offset, e) < 0 ? -EIO
                                                             : give(descs, &h, values, fn, o);
}
