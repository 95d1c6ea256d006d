/* SPDX-License-Identifier: BSD-2-Clause */
/* serial (also tty): a serial line of the host. */
#include "chardev_io.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

struct serial {
    struct chr_common c;
    struct chr_io io;
    const char *path;
    struct termios before;
    uint32_t is_tty;
};

static const struct {
    uint32_t baud;
    speed_t code;
} speeds[] = {
    {50, B50},           {75, B75},           {110, B110},         {134, B134},
    {150, B150},         {200, B200},         {300, B300},         {600, B600},
    {1200, B1200},       {1800, B1800},       {2400, B2400},       {4800, B4800},
    {9600, B9600},       {19200, B19200},     {38400, B38400},     {57600, B57600},
    {115200, B115200},   {230400, B230400},   {460800, B460800},   {500000, B500000},
    {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
    {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000},
    {3500000, B3500000}, {4000000, B4000000},
};

/* The nearest speed that the host knows: a guest's divisor rarely hits one exactly. */
static speed_t speed_for(uint32_t baud)
{
    unsigned best = 0;
    for (unsigned i = 1; i < ARRAY_SIZE(speeds); i++) {
        uint32_t d = speeds[i].baud > baud ? speeds[i].baud - baud : baud - speeds[i].baud;
        uint32_t least =
            speeds[best].baud > baud ? speeds[best].baud - baud : baud - speeds[best].baud;
        if (d < least)
            best = i;
    }
    return speeds[best].code;
}

static int set_params(struct serial *l, const struct tn_chr_params *p)
{
    static const tcflag_t bits[] = {CS5, CS6, CS7, CS8};
    struct termios t;
    if (tcgetattr(l->io.in, &t) < 0)
        return -errno;
    cfmakeraw(&t);
    t.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
    t.c_cflag |=
        CLOCAL | CREAD | bits[p->data_bits >= 5 && p->data_bits <= 8 ? p->data_bits - 5 : 3];
    t.c_cflag |= p->stop_bits == 2 ? CSTOPB : 0u;
    t.c_cflag |= p->parity == 'E' ? PARENB : p->parity == 'O' ? PARENB | PARODD : 0u;
    cfsetspeed(&t, speed_for(p->baud));
    return tcsetattr(l->io.in, TCSANOW, &t) < 0 ? -errno : 0;
}

static const struct {
    uint32_t ours;
    int theirs;
} lines[] = {{TN_MODEM_DTR, TIOCM_DTR}, {TN_MODEM_RTS, TIOCM_RTS}, {TN_MODEM_CTS, TIOCM_CTS},
             {TN_MODEM_DSR, TIOCM_DSR}, {TN_MODEM_RI, TIOCM_RI},   {TN_MODEM_DCD, TIOCM_CAR}};

static int set_modem(struct serial *l, uint32_t modem)
{
    int now;
    if (ioctl(l->io.in, TIOCMGET, &now) < 0)
        return -ENOTSUP;
    for (unsigned i = 0; i < 2; i++)
        now = modem & lines[i].ours ? now | lines[i].theirs : now & ~lines[i].theirs;
    return ioctl(l->io.in, TIOCMSET, &now) < 0 ? -ENOTSUP : 0;
}

static int get_modem(struct serial *l, uint32_t *modem)
{
    int now;
    if (ioctl(l->io.in, TIOCMGET, &now) < 0)
        return -ENOTSUP;
    *modem = 0;
    for (unsigned i = 2; i < ARRAY_SIZE(lines); i++)
        *modem |= now & lines[i].theirs ? lines[i].ours : 0;
    return 0;
}

static int serial_set(void *s, uint32_t what, void *arg, uint32_t len)
{
    struct serial *l = s;
    (void)len;
    if (!l->is_tty || l->io.in < 0)
        return -ENOTSUP;
    switch (what) {
    case TN_CHR_SET_PARAMS:
        return set_params(l, arg);
    case TN_CHR_SET_BREAK: /* tcsendbreak() would wait for its end */
        return ioctl(l->io.in, *(uint32_t *)arg ? TIOCSBRK : TIOCCBRK) < 0 ? -ENOTSUP : 0;
    case TN_CHR_SET_MODEM:
        return set_modem(l, *(uint32_t *)arg);
    case TN_CHR_GET_MODEM:
        return get_modem(l, arg);
    default:
        return -ENOTSUP;
    }
}

/* A USB adapter was pulled, or whoever stands for the line has gone. */
static void line_lost(struct chr_io *io)
{
    io->broken = 1;
    chr_event(io->c->chr, TN_CHR_CLOSED);
}

static int serial_realize(void *s, struct tn_err *e)
{
    struct serial *l = s;
    const struct tn_chr_params start = {sizeof start, .baud = 115200, .data_bits = 8,
                                        .stop_bits = 1, .parity = 'N'};
    int r = chr_common_realize(&l->c, e);
    if (r < 0)
        return r;
    if (!l->path)
        return err_set(e, EINVAL, "chardev: serial/tty: no device path given");
    int fd = chr_open(&l->c, l->path, O_RDWR, e);
    if (fd < 0)
        return fd;
    r = chr_io_start(&l->io, &l->c, fd, fd, line_lost);
    if (r < 0)
        return err_set(e, -r, "cannot watch '%s': %s", l->path, strerror(-r));
    l->is_tty = tcgetattr(fd, &l->before) == 0;
    if (l->is_tty)
        set_params(l, &start);
    chr_event(l->c.chr, TN_CHR_OPENED);
    return 0;
}

static void serial_end(void *s)
{
    struct serial *l = s;
    if (!l->io.c)
        return;
    chr_io_finish(&l->io);
    if (l->is_tty)
        tcsetattr(l->io.in, TCSANOW, &l->before);
    chr_io_close(&l->io);
}

static int64_t serial_write(void *s, const void *p, uint64_t n)
{
    return chr_io_write(&((struct serial *)s)->io, p, n);
}

static void serial_room(void *s, uint64_t n)
{
    if (n)
        chr_io_room(&((struct serial *)s)->io);
}

static const struct tn_chr_backend serial_ops = {sizeof serial_ops, .write = serial_write,
                                                 .room = serial_room, .set = serial_set};

static const struct tn_prop serial_props[] = {
    CHR_COMMON_PROPS(struct serial),
    TN_PROP_STR(struct serial, path, "path", NULL, "the line's device, such as /dev/ttyS0"),
};

const struct tn_class chr_serial_class =
    CHR_CLASS(struct serial, "serial", "Serial line of the host", serial_props, serial_realize,
              serial_end, serial_ops);
const struct tn_class chr_tty_class =
    CHR_CLASS(struct serial, "tty", "Serial line of the host", serial_props, serial_realize,
              serial_end, serial_ops);
