/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection: bytes to lines, lines to the test, the log. */
#include "qtest_impl.h"

#include "backend/chardev.h"
#include "core/loop.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 64 << 10 };

/* ---- the log ---- */

static void log_text(struct qtest *q, char what, const char *text, size_t len)
{
    if (q->log_fd < 0)
        return;
    uint64_t us = (clock_now(&q->vm->clock, TN_CLK_REAL) - q->opened_ns) / 1000;
    BUF_AUTO line = {0};
    buf_printf(&line, "[%c +%" PRIu64 ".%06" PRIu64 "] ", what, us / 1000000, us % 1000000);
    buf_add(&line, text, len);
    buf_add8(&line, '\n');
    ssize_t r = write(q->log_fd, line.data, line.len);
    (void)r; /* a full disk is no reason to end a test */
}

/* ---- to the test ---- */

static void take_out(struct qtest *q)
{
    pthread_mutex_lock(&q->lock);
    if (q->out.len)
        buf_add(&q->sending, q->out.data, q->out.len);
    q->out.len = 0;
    pthread_mutex_unlock(&q->lock);
}

static void flush(struct qtest *q)
{
    take_out(q);
    while (q->sent < q->sending.len) {
        int64_t n =
            chardev_table.write(q->chr, q->sending.data + q->sent, q->sending.len - q->sent);
        if (n <= 0)
            return; /* writable() will come */
        q->sent += (size_t)n;
    }
    buf_free(&q->sending);
    q->sent = 0;
}

void qtest_reply_text(struct qtest *q, const char *text, size_t len)
{
    log_text(q, 'S', text, len);
    pthread_mutex_lock(&q->lock);
    buf_add(&q->out, text, len);
    buf_add8(&q->out, '\n');
    pthread_mutex_unlock(&q->lock);
}

void qtest_reply(struct qtest *q, const char *fmt, ...)
{
    BUF_AUTO b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    qtest_reply_text(q, buf_cstr(&b), b.len);
}

/* The test does not read what it is told: then it is not listened to either. */
static int backlogged(const struct qtest *q)
{
    return q->sending.len - q->sent > QTEST_LINE_MAX;
}

/* ---- from the test ---- */

static void execute(struct qtest *q, char *line, size_t len)
{
    if (q->skipping) {
        q->skipping = 0;
        qtest_reply(q, "FAIL a line has at most %d bytes", (int)QTEST_LINE_MAX);
        return;
    }
    if (len && line[len - 1] == '\r')
        len--;
    line[len] = 0;
    log_text(q, 'R', line, len);
    qtest_command(q, line);
}

/* The next line in work, its end replaced by NUL; NULL if there is none yet. */
static char *next_line(struct qtest *q, size_t *len)
{
    char *end =
        q->work.len ? memchr(q->work.data + q->scanned, '\n', q->work.len - q->scanned) : NULL;
    char *line = (char *)q->work.data + q->work_at;
    if (!end) {
        q->scanned = q->work.len;
        return NULL;
    }
    *len = (size_t)(end - line);
    q->work_at = q->scanned = (size_t)(end + 1 - (char *)q->work.data);
    return line;
}

static void drop_executed(struct qtest *q)
{
    size_t rest = q->work.len - q->work_at;
    if (rest > QTEST_LINE_MAX) {
        q->skipping = 1;
        rest = 0;
    }
    if (rest && q->work_at)
        memmove(q->work.data, q->work.data + q->work_at, rest);
    q->work.len = rest;
    q->scanned = rest;
    q->work_at = 0;
}

static void execute_arrived(struct qtest *q)
{
    size_t len;
    if (q->arrived.len)
        buf_add(&q->work, q->arrived.data, q->arrived.len);
    q->arrived.len = 0;
    for (char *line; !backlogged(q) && (line = next_line(q, &len));) {
        execute(q, line, len);
        flush(q);
    }
    if (!backlogged(q))
        drop_executed(q);
}

static int has_room(const struct qtest *q)
{
    return !backlogged(q) && q->arrived.len <= QTEST_LINE_MAX;
}

/* A bottom half and not the arrival itself: a command may run the loop, which must not be in the
 * middle of its list of ready descriptors then. */
static void work(void *p)
{
    struct qtest *q = p;
    if (!q->busy) {
        q->busy = 1;
        do
            execute_arrived(q);
        while (q->arrived.len && !backlogged(q));
        q->busy = 0;
    }
    flush(q);
    if (q->starved && has_room(q)) {
        q->starved = 0;
        chardev_table.accept(q->chr);
    }
}

static uint32_t on_room(void *p)
{
    struct qtest *q = p;
    q->starved = !has_room(q);
    return q->starved ? 0 : ROOM;
}

static void on_input(void *p, const uint8_t *data, uint32_t n)
{
    struct qtest *q = p;
    buf_add(&q->arrived, data, n);
    bh_kick(q->bh);
}

static void on_writable(void *p)
{
    struct qtest *q = p;
    flush(q);
    bh_kick(q->bh);
}

static void forget_connection(struct qtest *q)
{
    buf_free(&q->arrived);
    q->work.len = q->scanned = q->work_at; /* the command that is being executed stays */
    q->skipping = 0;
    pthread_mutex_lock(&q->lock);
    buf_free(&q->out);
    pthread_mutex_unlock(&q->lock);
    buf_free(&q->sending);
    q->sent = 0;
}

static void on_event(void *p, uint32_t ev)
{
    struct qtest *q = p;
    if (ev == TN_CHR_OPENED) {
        q->opened_ns = clock_now(&q->vm->clock, TN_CLK_REAL);
        log_text(q, 'I', "OPENED", 6);
    } else if (ev == TN_CHR_CLOSED) {
        log_text(q, 'I', "CLOSED", 6);
        forget_connection(q);
    }
}

static const struct tn_chr_ops chr_ops = {.struct_size = sizeof chr_ops,
                                          .room = on_room,
                                          .input = on_input,
                                          .event = on_event,
                                          .writable = on_writable};

/* ---- life ---- */

static int open_log(struct qtest *q, const char *file, struct tn_err *e)
{
    q->log_fd = -1;
    if (!file || strcmp(file, "none") == 0)
        return 0;
    q->log_fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    return q->log_fd < 0
               ? err_set(e, errno, "-qtest-log: Could not open '%s': %s", file, strerror(errno))
               : 0;
}

struct qtest *qtest_new(struct vm *vm, struct tn_chr *c, const char *log_file, struct tn_err *e)
{
    struct qtest *q = XNEW(struct qtest);
    q->vm = vm;
    q->opened_ns = clock_now(&vm->clock, TN_CLK_REAL);
    pthread_mutex_init(&q->lock, NULL);
    q->bh = bh_new(vm->main, NULL, 0, work, q);
    int err = open_log(q, log_file, e);
    if (err == 0 && (err = chardev_attach_host(c, &chr_ops, q)) < 0)
        err_set(e, -err, "-qtest: the chardev cannot be used: %s", strerror(-err));
    if (err == 0) {
        q->chr = c;
        return q;
    }
    qtest_free(q);
    return NULL;
}

void qtest_free(struct qtest *q)
{
    if (!q)
        return;
    if (q->intercepting)
        irq_intercept(q->vm, NULL, NULL);
    if (q->chr)
        chardev_detach_host(q->chr, &chr_ops, q);
    qtest_release_inputs(q);
    forget_connection(q);
    buf_free(&q->work);
    bh_del(q->bh);
    close_fd(&q->log_fd);
    pthread_mutex_destroy(&q->lock);
    free(q);
}
