/* SPDX-License-Identifier: BSD-2-Clause */
#include "err.h"
#include "services.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The log belongs to the process, as stderr does. */
static int log_fd = STDERR_FILENO;

int err_vset(struct tn_err *e, int err, const char *fmt, va_list ap)
{
    if (!e) {
        log_vline(LOG_ERROR, fmt, ap);
    } else if (!e->text) {
        e->err = err;
        if (vasprintf(&e->text, fmt, ap) < 0)
            e->text = xstrdup(strerror(err));
    }
    return -err;
}

int err_set(struct tn_err *e, int err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_vset(e, err, fmt, ap);
    va_end(ap);
    return -err;
}

void err_prefix(struct tn_err *e, const char *fmt, ...)
{
    if (!e || !e->text)
        return;
    char *head = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&head, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    char *all = xasprintf("%s%s", head, e->text);
    free(head);
    free(e->text);
    e->text = all;
}

void err_vhint(struct tn_err *e, const char *fmt, va_list ap)
{
    if (e && !e->hint && vasprintf(&e->hint, fmt, ap) < 0)
        e->hint = NULL;
}

void err_hint(struct tn_err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_vhint(e, fmt, ap);
    va_end(ap);
}

int err_class(struct tn_err *e, const char *cls)
{
    if (!e)
        return -EINVAL;
    e->cls = cls;
    return -e->err;
}

void err_clear(struct tn_err *e)
{
    free(e->text);
    free(e->hint);
    *e = (struct tn_err){0};
}

int err_move(struct tn_err *to, struct tn_err *from)
{
    int err = from->err ? from->err : EINVAL;
    if (to && !to->text) {
        *to = *from;
        *from = (struct tn_err){0};
    } else if (!to) {
        err_report(from);
    }
    return -err;
}

const char *err_text(const struct tn_err *e)
{
    return e->text ? e->text : "unknown error";
}

void err_report(const struct tn_err *e)
{
    log_line(LOG_ERROR, "%s", err_text(e));
    if (e->hint)
        log_line(LOG_INFO, "%s", e->hint);
}

void log_vline(enum log_level level, const char *fmt, va_list ap)
{
    static const char *const head[] = {"", "warning: ", "", ""};
    char line[1024];
    int n = level == LOG_TRACE ? 0 : snprintf(line, sizeof line, "tenon: %s", head[level]);
    int m = vsnprintf(line + n, sizeof line - 1 - (size_t)n, fmt, ap);
    size_t len = (size_t)n + (m > 0 ? (size_t)m : 0);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = 0; i < len; i++) /* a guest's or a peer's text must not drive the terminal */
        if ((unsigned char)line[i] < ' ' && line[i] != '\t')
            line[i] = '?';
    line[len++] = '\n';
    ssize_t r = write(__atomic_load_n(&log_fd, __ATOMIC_ACQUIRE), line, len);
    (void)r;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_vline(level, fmt, ap);
    va_end(ap);
}

int log_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    if (log_fd == STDERR_FILENO) {
        __atomic_store_n(&log_fd, fd, __ATOMIC_RELEASE);
        return 0;
    }
    int r = dup3(fd, log_fd, O_CLOEXEC) < 0 ? -errno : 0; /* whoever writes now has one of the two */
    close(fd);
    return r;
}

static int guest_errors;

int log_guest_errors(void)
{
    return guest_errors;
}

void log_set_guest_errors(int on)
{
    guest_errors = on;
}
