/* SPDX-License-Identifier: BSD-2-Clause */
/* stdio: standard input and output. Their open file descriptions belong to whoever started us too
 * (a shell, a pipeline), so they are not made non-blocking: each is opened again for ourselves
 * where that is possible. */
#include "chardev_io.h"
#include "chardev_term.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct stdio {
    struct chr_common c;
    struct chr_io io;
    uint8_t signal;
    uint32_t claimed;
    int winch; /* SIGWINCH, or -1 */
    struct tn_watch *w_winch;
    int shared_flags[2]; /* of descriptors 0 and 1: to put back; -1: as they were */
};

static void stdio_eof(struct chr_io *io)
{
    chr_event(io->c->chr, TN_CHR_CLOSED);
}

static int again(int fd, int how)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, how | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A descriptor of our own for fd, -1 if that is closed. Files keep their common position, and
 * sockets cannot be opened again and need not. */
static int own(struct stdio *s, int fd, int how)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -1;
    int mine = S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode) ? -1 : again(fd, how);
    if (mine >= 0)
        return mine;
    int flags = fcntl(fd, F_GETFL);
    if (!S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode) && !(flags & O_NONBLOCK)) {
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        s->shared_flags[fd] = flags;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* ---- the terminal's size ---- */

static void tell_size(struct stdio *s)
{
    struct winsize w = {0};
    if (ioctl(s->io.in, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row)
        chr_resized(s->c.chr, (struct tn_chr_size){w.ws_col, w.ws_row});
}

static void resized(void *self, uint32_t events)
{
    struct stdio *s = self;
    struct signalfd_siginfo info;
    (void)events;
    if (read(s->winch, &info, sizeof info) > 0)
        tell_size(s);
}

/* The signal is blocked in every thread (start.c). Without it the first size is the only one. */
static void watch_size(struct stdio *s)
{
    sigset_t set;
    if (!isatty(STDIN_FILENO))
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    s->winch = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->winch >= 0)
        s->w_winch = chr_watch(&s->c, s->winch, TN_FD_IN, resized, s);
    tell_size(s);
}

/* ---- life ---- */

static int stdio_realize(void *self, struct tn_err *e)
{
    struct stdio *s = self;
    s->winch = -1;
    int r = chr_common_realize(&s->c, e);
    if (r < 0)
        return r;
    if (term_claim() < 0)
        return err_set(e, EBUSY, "cannot use stdio by multiple character devices");
    s->claimed = 1;
    s->shared_flags[0] = s->shared_flags[1] = -1;
    int in = own(s, STDIN_FILENO, O_RDONLY), out = own(s, STDOUT_FILENO, O_WRONLY);
    r = chr_io_start(&s->io, &s->c, in, out, stdio_eof);
    if (r < 0)
        return err_set(e, -r, "cannot watch standard input: %s", strerror(-r));
    term_raw(STDIN_FILENO, s->signal);
    chr_event(s->c.chr, TN_CHR_OPENED);
    watch_size(s);
    return 0;
}

static void stdio_end(void *self)
{
    struct stdio *s = self;
    if (!s->claimed)
        return;
    if (s->w_winch)
        watch_del(s->w_winch);
    close_fd(&s->winch);
    if (s->io.c)
        chr_io_finish(&s->io);
    chr_io_close(&s->io);
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
        if (s->shared_flags[fd] >= 0)
            fcntl(fd, F_SETFL, s->shared_flags[fd]);
    term_release();
    s->claimed = 0;
}

static int64_t stdio_write(void *s, const void *p, uint64_t n)
{
    return chr_io_write(&((struct stdio *)s)->io, p, n);
}

static void stdio_room(void *s, uint64_t n)
{
    if (n)
        chr_io_room(&((struct stdio *)s)->io);
}

static const struct tn_chr_backend stdio_ops = {sizeof stdio_ops, .write = stdio_write,
                                                .room = stdio_room};

static const struct tn_prop stdio_props[] = {
    CHR_COMMON_PROPS(struct stdio),
    TN_PROP(struct stdio, signal, "signal", BOOL, 1,
            "Ctrl-C and the like raise signals instead of going to the guest"),
};

const struct tn_class chr_stdio_class =
    CHR_CLASS(struct stdio, "stdio", "Standard input and output", stdio_props, stdio_realize,
              stdio_end, stdio_ops);
