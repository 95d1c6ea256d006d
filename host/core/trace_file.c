/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_file.h"

#include "err.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0xf2b177cb0aa429b4u
enum { VERSION = 4, KIND_NAME = 0, KIND_EVENT = 1, HEADER = 24, WAITING_MAX = 64 << 10 };

struct trace_file {
    char *path;
    int fd; /* -1: it could not be written */
    uint32_t pid;
    struct buf waiting;
};

static void add_name(struct trace_file *f, uint64_t id, const char *name)
{
    uint32_t len = (uint32_t)strlen(name);
    buf_add_le64(&f->waiting, KIND_NAME);
    buf_add_le64(&f->waiting, id);
    buf_add_le32(&f->waiting, len);
    buf_add(&f->waiting, name, len);
}

struct trace_file *trace_file_open(const char *path, struct tn_err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        err_set(e, errno, "trace file '%s': %s", path, strerror(errno));
        return NULL;
    }
    struct trace_file *f = XNEW(struct trace_file);
    *f = (struct trace_file){.path = xstrdup(path), .fd = fd, .pid = (uint32_t)getpid()};
    buf_add_le64(&f->waiting, ~(uint64_t)0);
    buf_add_le64(&f->waiting, MAGIC);
    buf_add_le64(&f->waiting, VERSION);
    add_name(f, TRACE_FORMAT_ID, "tenon_format");
    return f;
}

static void give_up(struct trace_file *f, int err)
{
    log_line(LOG_ERROR, "trace file '%s': %s; no more events go there", f->path, strerror(err));
    close_fd(&f->fd);
    f->fd = -1;
}

void trace_file_flush(struct trace_file *f)
{
    for (size_t at = 0; f->fd >= 0 && at < f->waiting.len;) {
        ssize_t n = write(f->fd, f->waiting.data + at, f->waiting.len - at);
        if (n < 0 && errno != EINTR)
            give_up(f, errno);
        at += n > 0 ? (size_t)n : 0;
    }
    f->waiting.len = 0;
}

void trace_file_close(struct trace_file *f)
{
    if (!f)
        return;
    trace_file_flush(f);
    close_fd(&f->fd);
    buf_free(&f->waiting);
    free(f->path);
    free(f);
}

/* size: of the arguments that the caller adds. */
static void begin_event(struct trace_file *f, uint64_t id, uint32_t size)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    buf_add_le64(&f->waiting, KIND_EVENT);
    buf_add_le64(&f->waiting, id);
    buf_add_le64(&f->waiting, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    buf_add_le32(&f->waiting, HEADER + size);
    buf_add_le32(&f->waiting, f->pid);
}

static void end_record(struct trace_file *f)
{
    if (f->waiting.len >= WAITING_MAX)
        trace_file_flush(f);
}

static void add_text(struct trace_file *f, const char *text, uint32_t len)
{
    buf_add_le32(&f->waiting, len);
    buf_add(&f->waiting, text, len);
}

void trace_file_name(struct trace_file *f, uint64_t id, const char *name, const char *fmt)
{
    uint32_t len = (uint32_t)strlen(fmt);
    if (f->fd < 0)
        return;
    add_name(f, id, name);
    begin_event(f, TRACE_FORMAT_ID, 8 + 4 + len);
    buf_add_le64(&f->waiting, id);
    add_text(f, fmt, len);
    end_record(f);
}

void trace_file_event(struct trace_file *f, uint64_t id, const uint64_t *arg, uint32_t n,
                      const char *text)
{
    uint32_t len = text ? (uint32_t)strlen(text) : 0;
    if (f->fd < 0)
        return;
    begin_event(f, id, 8 * n + (text ? 4 + len : 0));
    for (uint32_t i = 0; i < n; i++)
        buf_add_le64(&f->waiting, arg[i]);
    if (text)
        add_text(f, text, len);
    end_record(f);
}

const char *trace_file_path(const struct trace_file *f)
{
    return f->path;
}
