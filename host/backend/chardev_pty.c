/* SPDX-License-Identifier: BSD-2-Clause */
/* pty: a pseudo-terminal. While nobody has its other end open, output is swallowed, and a hang-up
 * is all that the descriptor would report: nothing is watched then but the opening of the other
 * end's node. */
#include "chardev_io.h"

#include "core/services.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

enum { LOOK_AGAIN_MS = 1000 };

struct pty {
    struct chr_common c;
    struct chr_io io;
    const char *path;
    int fd;
    uint32_t open, linked;
    char name[64];          /* "/dev/pts/3" */
    struct tn_timer *timer; /* instead of inotify, where that has run out */
};

static int somebody_there(struct pty *t)
{
    struct pollfd p = {.fd = t->fd};
    return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

static void look(void *s);

static void look_later(struct pty *t)
{
    if (t->timer)
        timer_arm(t->timer,
                  clock_now(&t->c.dev->vm->clock, TN_CLK_REAL) + LOOK_AGAIN_MS * (uint64_t)1000000);
}

/* The last one has closed the other end; another may have opened it in this moment. */
static void hung_up(struct chr_io *io)
{
    struct pty *t = (struct pty *)io->c;
    chr_io_stop(io);
    t->open = 0;
    chr_event(t->c.chr, TN_CHR_CLOSED);
    look(t);
}

static void look(void *s)
{
    struct pty *t = s;
    if (t->open)
        return;
    if (!somebody_there(t) || chr_io_start(&t->io, &t->c, t->fd, t->fd, hung_up) < 0) {
        look_later(t);
        return;
    }
    t->open = 1;
    chr_event(t->c.chr, TN_CHR_OPENED);
    chr_writable(t->c.chr);
}

static void opened(void *s, const char *name)
{
    (void)name;
    look(s);
}

/* Opening and closing the other end once sets it up, and leaves the hang-up that means "nobody
 * there". */
static int make_raw(const char *name)
{
    struct termios raw;
    AUTO_CLOSE int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || tcgetattr(fd, &raw) < 0)
        return -1;
    cfmakeraw(&raw);
    return tcsetattr(fd, TCSANOW, &raw);
}

static int open_pty(struct pty *t, struct tn_err *e)
{
    t->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0 || grantpt(t->fd) < 0 || unlockpt(t->fd) < 0 ||
        ptsname_r(t->fd, t->name, sizeof t->name) != 0 || make_raw(t->name) < 0)
        return err_set(e, errno, "chardev '%s': no pseudo-terminal: %s", device_id(t->c.dev),
                       strerror(errno));
    return 0;
}

static int make_link(struct pty *t, struct tn_err *e)
{
    if (!t->path)
        return 0;
    if (symlink(t->name, t->path) < 0)
        return err_set(e, errno, "Could not link '%s' to %s: %s", t->path, t->name,
                       strerror(errno));
    t->linked = 1;
    return 0;
}

static int pty_realize(void *s, struct tn_err *e)
{
    struct pty *t = s;
    t->fd = -1;
    int r = chr_common_realize(&t->c, e);
    if (r == 0 && t->c.dev->vm->sealed)
        r = err_set(e, EPERM, "a pseudo-terminal cannot be opened any more: the machine runs");
    if (r == 0)
        r = open_pty(t, e);
    if (r == 0)
        r = make_link(t, e);
    if (r < 0)
        return r;
    if (os_table.watch(&t->c.dev->pub, t->name, IN_OPEN, opened, t) < 0)
        t->timer = timer_new(t->c.dev->home, t->c.dev, 0, TN_CLK_REAL, look, t);
    chr_set_filename(t->c.chr, "pty:%s", t->name);
    printf("char device redirected to %s (label %s)\n", t->name, device_id(t->c.dev));
    fflush(stdout);
    look_later(t);
    return 0;
}

static void pty_end(void *s)
{
    struct pty *t = s;
    if (t->open)
        chr_io_finish(&t->io);
    if (t->open)
        chr_io_stop(&t->io);
    if (t->linked)
        unlink(t->path);
    close_fd(&t->fd);
}

static int64_t pty_write(void *s, const void *p, uint64_t n)
{
    struct pty *t = s;
    return t->open ? chr_io_write(&t->io, p, n) : (int64_t)n;
}

static void pty_room(void *s, uint64_t n)
{
    struct pty *t = s;
    if (n && t->open)
        chr_io_room(&t->io);
}

static const struct tn_chr_backend pty_ops = {sizeof pty_ops, .write = pty_write, .room = pty_room};

static const struct tn_prop pty_props[] = {
    CHR_COMMON_PROPS(struct pty),
    TN_PROP_STR(struct pty, path, "path", NULL, "name of a symbolic link to make to the terminal"),
};

const struct tn_class chr_pty_class =
    CHR_CLASS(struct pty, "pty", "Pseudo-terminal", pty_props, pty_realize, pty_end, pty_ops);
