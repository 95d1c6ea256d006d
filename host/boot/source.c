/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/source.h"
#include "util/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int boot_fail(char **error, int err, const char *fmt, ...)
{
    BUF_AUTO line = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    *error = buf_take(&line);
    return -err;
}

void source_close(struct source *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

int source_open(struct source *s, const char *path, int fd, char **error)
{
    struct stat st;

    *s = (struct source){.name = path, .fd = -1};
    /* O_NONBLOCK: a FIFO given by mistake is refused below, not waited for. */
    s->fd = fd > 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0 || fstat(s->fd, &st) < 0)
        return boot_fail(error, errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return boot_fail(error, EINVAL, "%s: not a regular file", path);
    s->size = (uint64_t)st.st_size;
    return 0;
}

int source_read(const struct source *s, uint64_t offset, void *dst, uint64_t len, char **error)
{
    uint64_t done = 0;

    while (done < len) {
        /* The kernel reads 2 GiB at most in one call. */
        ssize_t n = pread(s->fd, (uint8_t *)dst + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return boot_fail(error, errno, "%s: read at %" PRIu64 ": %s", s->name, offset + done,
                             strerror(errno));
        if (n == 0)
            return boot_fail(error, EIO, "%s: ended at %" PRIu64 " while being read", s->name,
                             offset + done);
        done += (uint64_t)n;
    }
    return 0;
}
