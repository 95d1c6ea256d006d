/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_io.h"

#include "fdset.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- common to all ---- */

static void release_common(struct managed *m)
{
    struct chr_common *c = (struct chr_common *)m;
    const struct chr_end *e = c->dev->pub.cls->data;
    managed_del(m);
    if (c->begun)
        e->end(c);
}

int chr_common_init(void *s, struct tn_dev *d)
{
    struct chr_common *c = s;
    c->dev = device_of(d);
    c->chr = chardev_create(c->dev);
    c->m.release = release_common;
    managed_add(c->dev, &c->m); /* after the handle, so it is released before that */
    return c->chr ? 0 : -ENOMEM;
}

struct tn_watch *chr_watch(struct chr_common *c, int fd, uint32_t events,
                           void (*fn)(void *, uint32_t), void *s)
{
    struct tn_watch *w = watch_new(c->dev->home, c->dev, 0, fd, events, fn, s);
    if (w)
        managed_del(&w->m);
    return w;
}

/* A reader that goes away must not take the process along; who handles the signal himself keeps his
 * handler. */
static void ignore_sigpipe(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

int chr_common_realize(struct chr_common *c, struct tn_err *e)
{
    ignore_sigpipe();
    c->begun = 1;
    c->chr->mux = c->mux;
    if (!c->logfile)
        return 0;
    int fd = chr_open(c, c->logfile, O_WRONLY | O_CREAT | (c->logappend ? O_APPEND : O_TRUNC), e);
    if (fd < 0)
        return fd;
    c->chr->log_fd = fd;
    return 0;
}

int chr_open(struct chr_common *c, const char *path, int flags, struct tn_err *e)
{
    if (c->dev->vm->sealed && !file_is_fdset(path))
        return err_set(e, EPERM, "'%s' cannot be opened any more: the machine runs", path);
    int fd = path_open(c->dev->vm, path, flags | O_NONBLOCK | O_NOCTTY, 0666);
    return fd >= 0 ? fd : err_set(e, -fd, "Could not open '%s': %s", path, strerror(-fd));
}

/* ---- input ---- */

static void drop_watch(struct tn_watch **w)
{
    if (*w)
        watch_del(*w);
    *w = NULL;
}

static int gone(ssize_t r)
{
    return r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR);
}

static ssize_t read_some(struct chr_io *io, uint8_t *p, uint32_t n)
{
    return io->in_sock ? chr_recv(io->c->chr, io->in, p, n) : read(io->in, p, n);
}

static void end_input(struct chr_io *io)
{
    drop_watch(&io->w_in);
    io->hung = 0;
    io->eof(io);
}

/* The peer has left and its last bytes are taken as far as there is space, so that its end is seen:
 * the front end may take none for long, while the next peer is waiting. */
static void read_rest(struct chr_io *io)
{
    struct tn_chr *c = io->c->chr;
    uint8_t *p;
    do {
        for (uint32_t n; (n = chr_space(c, &p));) {
            ssize_t r = read_some(io, p, n);
            if (r <= 0) {
                end_input(io);
                return;
            }
            chr_commit(c, (uint32_t)r);
        }
    } while (chr_room(c, NULL)); /* 0: room() will come, and bring us here again */
    if (!chr_attached(c))
        end_input(io); /* nobody will ever read it */
}

/* No room. A hang-up is reported for ever, whatever is masked: the watch has to go. */
static void hold_input(struct chr_io *io, uint32_t ev)
{
    if (!(ev & TN_FD_ERR)) {
        watch_mask(io->w_in, 0);
        return;
    }
    drop_watch(&io->w_in);
    io->hung = 1;
    read_rest(io);
}

static void readable(void *s, uint32_t ev)
{
    struct chr_io *io = s;
    uint8_t *p;
    uint32_t n = chr_room(io->c->chr, &p);
    if (!n) {
        hold_input(io, ev);
        return;
    }
    ssize_t r = read_some(io, p, n);
    if (r > 0)
        chr_commit(io->c->chr, (uint32_t)r);
    else if (gone(r))
        end_input(io);
}

void chr_io_room(struct chr_io *io)
{
    if (io->hung)
        read_rest(io);
    else if (io->w_in)
        watch_mask(io->w_in, TN_FD_IN);
}

/* ---- output ---- */

static void drainable(void *s, uint32_t ev)
{
    struct chr_io *io = s;
    if (ev & TN_FD_ERR)
        io->broken = 1;
    drop_watch(&io->w_out);
    chr_writable(io->c->chr);
}

static int64_t wait_for_space(struct chr_io *io, int64_t taken)
{
    if (!io->w_out)
        io->w_out = chr_watch(io->c, io->out, TN_FD_OUT, drainable, io);
    if (!io->w_out)
        io->broken = 1; /* no descriptors left for another watch */
    return io->w_out ? taken : -ENOSPC;
}

static void complain(struct chr_io *io, int err)
{
    if (!io->broken && err != EPIPE && err != ECONNRESET && err != EIO)
        log_line(LOG_WARN, "chardev '%s': output is lost: %s", device_id(io->c->dev),
                 strerror(err));
    io->broken = 1;
}

int64_t chr_io_write(struct chr_io *io, const void *p, uint64_t n)
{
    if (io->out < 0 || io->broken)
        return (int64_t)n;
    ssize_t r =
        io->out_sock ? send(io->out, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) : write(io->out, p, n);
    if (r == (ssize_t)n)
        return r;
    if (r >= 0 || errno == EAGAIN || errno == EINTR)
        return wait_for_space(io, r < 0 ? 0 : r);
    complain(io, errno);
    return (int64_t)n;
}

void chr_io_finish(struct chr_io *io)
{
    struct tn_chr *c = io->c->chr;
    for (int i = 0; i < 20; i++) {
        c->out_blocked = 0;
        back_run(c);
        if (!ring_used(&c->out) || io->out < 0 || io->broken)
            return;
        struct pollfd p = {.fd = io->out, .events = POLLOUT};
        poll(&p, 1, 50);
    }
}

/* ---- life ---- */

static uint32_t is_socket(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

int chr_io_start(struct chr_io *io, struct chr_common *c, int in, int out,
                 void (*eof)(struct chr_io *))
{
    *io = (struct chr_io){.c = c,
                          .in = in,
                          .out = out,
                          .in_sock = is_socket(in),
                          .out_sock = is_socket(out),
                          .eof = eof};
    if (in >= 0 && !(io->w_in = chr_watch(c, in, TN_FD_IN, readable, io)))
        return -ENOSPC;
    return 0;
}

void chr_io_stop(struct chr_io *io)
{
    int waiting = io->w_out != NULL;
    drop_watch(&io->w_in);
    drop_watch(&io->w_out);
    io->hung = 0;
    io->broken = 1;
    if (waiting)
        chr_writable(io->c->chr);
}

void chr_io_close(struct chr_io *io)
{
    if (!io->c)
        return; /* never started */
    chr_io_stop(io);
    if (io->out != io->in)
        close_fd(&io->out);
    close_fd(&io->in);
    io->in = io->out = -1;
}
