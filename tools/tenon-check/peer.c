/* SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"
#include "util/alloc.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DISK = 1 << 20, BACKLOG = 4096, HANGS_UP = 100000, PIECE = 8192, TRIES = 8 };

struct peer {
    int fd;        /* what is served, or kept open */
    int err;       /* -errno: there is none */
    char text[64]; /* what it is called by the plugin */
};

/* ---- where it is ---- */

/* A descriptor as a path of this process: nothing of it is left in a folder. */
static void call_by_descriptor(struct peer *p, int fd)
{
    snprintf(p->text, sizeof p->text, "/proc/self/fd/%d", fd);
}

static int bind_in(const char *dir, int fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/socket", dir);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    int path = open(a.sun_path, O_PATH | O_CLOEXEC);
    unlink(a.sun_path);
    return path < 0 ? -errno : path;
}

static int open_unix(struct peer *p)
{
    char dir[] = "/tmp/tenon-check.XXXXXX";
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || !mkdtemp(dir))
        return -errno;
    int path = bind_in(dir, p->fd);
    rmdir(dir);
    call_by_descriptor(p, path);
    return path < 0 ? path : 0;
}

static int open_inet(struct peer *p, int type)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    p->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        (type == SOCK_STREAM && listen(p->fd, BACKLOG) < 0) ||
        getsockname(p->fd, (struct sockaddr *)&a, &len) < 0)
        return -errno;
    snprintf(p->text, sizeof p->text, "%u", ntohs(a.sin_port));
    return 0;
}

static int open_tcp(struct peer *p)
{
    return open_inet(p, SOCK_STREAM);
}

static int open_udp(struct peer *p)
{
    return open_inet(p, SOCK_DGRAM);
}

/* On a disk where the working directory is on one; in memory if that takes no file. */
static int open_file(struct peer *p)
{
    p->fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (p->fd < 0)
        p->fd = memfd_create("disk", MFD_CLOEXEC);
    call_by_descriptor(p, p->fd);
    return p->fd < 0 || ftruncate(p->fd, DISK) < 0 ? -errno : 0;
}

static int attach_loop(struct peer *p, int control, int file)
{
    struct loop_config config = {.fd = (uint32_t)file, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
    int n = ioctl(control, LOOP_CTL_GET_FREE);
    if (n < 0)
        return -errno;
    snprintf(p->text, sizeof p->text, "/dev/loop%d", n);
    p->fd = open(p->text, O_RDWR | O_CLOEXEC);
    if (p->fd < 0)
        return -errno;
    if (ioctl(p->fd, LOOP_CONFIGURE, &config) == 0)
        return 0;
    int err = errno;
    close(p->fd);
    return -err;
}

/* -EBUSY: somebody else was faster. The last who closes it gives it back. */
static int open_disk(struct peer *p)
{
    struct peer file = {.fd = -1};
    AUTO_CLOSE int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int r = control < 0 ? -errno : open_file(&file);
    if (r < 0)
        return r;
    for (int i = 0; i < TRIES && (r = attach_loop(p, control, file.fd)) == -EBUSY; i++)
        ;
    close(file.fd);
    return r;
}

/* ---- who is there ---- */

static void each_connection(int listener, void (*talk)(int fd, void *o), void *o)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd))
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(listener);
            talk(fd, o);
            _exit(0);
        }
}

static int put(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done <= 0)
            return -EPIPE;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* In two pieces, so that what is longer than a byte does not come at once. After a while it hangs
 * up. */
static void echo(int fd, void *o)
{
    uint8_t b[PIECE];
    uint64_t sum = 0;
    (void)o;
    for (ssize_t n; sum < HANGS_UP && (n = read(fd, b, sizeof b)) > 0; sum += (uint64_t)n)
        if (put(fd, b, 1) < 0 || put(fd, b + 1, (size_t)n - 1) < 0)
            return;
}

static void serve_echo(int fd)
{
    each_connection(fd, echo, NULL);
}

static void serve_datagrams(int fd)
{
    uint8_t b[1 << 16];
    struct sockaddr_storage from;
    for (;;) {
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, b, sizeof b, 0, (struct sockaddr *)&from, &len);
        if (n < 0 && errno != ECONNREFUSED) /* of one that is gone */
            return;
        if (n >= 0)
            sendto(fd, b, (size_t)n, 0, (struct sockaddr *)&from, len);
    }
}

static void talk_nbd(int fd, void *disk)
{
    nbd_serve(fd, disk, DISK);
}

static void serve_nbd(int fd)
{
    void *disk = mmap(NULL, DISK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (disk != MAP_FAILED)
        each_connection(fd, talk_nbd, disk);
}

/* ---- all of them ---- */

static const struct kind {
    const char *name, *what;
    int (*open)(struct peer *p);
    void (*serve)(int fd); /* NULL: it needs nobody */
} kinds[] = {
    {"nbd", "an NBD server", open_unix, serve_nbd},
    {"echo", "a UNIX socket that answers", open_unix, serve_echo},
    {"tcp", "a port that answers", open_tcp, serve_echo},
    {"udp", "a port that answers", open_udp, serve_datagrams},
    {"file", "a file", open_file, NULL},
    {"disk", "a loop device", open_disk, NULL},
};

struct peers {
    struct peer p[ARRAY_SIZE(kinds)];
};

/* The kind that is named at s, which begins with '{'; ARRAY_SIZE(kinds): none. */
static size_t kind_at(const char *s)
{
    size_t i = 0;
    for (; i < ARRAY_SIZE(kinds); i++) {
        size_t n = strlen(kinds[i].name);
        if (*s == '{' && strncmp(s + 1, kinds[i].name, n) == 0 && s[n + 1] == '}')
            break;
    }
    return i;
}

/* In a process of its own, without any descriptor of the test's: who waits for the end of those
 * would wait for this one, too. */
static void serve(const struct kind *k, int fd)
{
    enum { ONLY = 3 };
    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    if (fd != ONLY)
        dup2(fd, ONLY);
    close_range(ONLY + 1, ~0u, 0);
    k->serve(ONLY);
    _exit(0);
}

static void start(struct peer *p, const struct kind *k)
{
    if (p->fd || p->err)
        return; /* named twice */
    p->err = k->open(p);
    if (p->err == 0 && k->serve)
        serve(k, p->fd);
}

struct peers *peers_start(const struct check *c)
{
    struct peers *p = XNEW(struct peers);
    for (uint32_t i = 0; i < c->o->nsets; i++)
        for (const char *s = c->o->sets[i].value; (s = strchr(s, '{')); s++)
            if (kind_at(s) < ARRAY_SIZE(kinds))
                start(&p->p[kind_at(s)], &kinds[kind_at(s)]);
    return p;
}

int peers_expand(const struct peers *p, const char *value, struct buf *out)
{
    while (*value) {
        size_t i = kind_at(value);
        if (i == ARRAY_SIZE(kinds)) {
            buf_add8(out, (uint8_t)*value++);
            continue;
        }
        if (p->p[i].err < 0) {
            buf_free(out);
            buf_printf(out, "%s cannot be had here: %s", kinds[i].what, strerror(-p->p[i].err));
            return p->p[i].err;
        }
        buf_str(out, p->p[i].text);
        value += strlen(kinds[i].name) + 2;
    }
    return 0;
}
