/* SPDX-License-Identifier: BSD-2-Clause */
/* How a TAP is come by: made anew, from descriptors, or from a helper. <linux/if_tun.h> */
#include "tap.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tenon/vhost.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
enum { HDR_LEGACY = 10 }; /* virtio 1.3 5.1.6.1: without num_buffers; the kernel's default */

/* ---- offloads ---- */

static unsigned long kernel_offloads(uint64_t f)
{
    static const struct {
        uint64_t net;
        unsigned long tun;
    } map[] = {{TN_NET_CSUM, TUN_F_CSUM}, {TN_NET_TSO4, TUN_F_TSO4},
               {TN_NET_TSO6, TUN_F_TSO6}, {TN_NET_ECN, TUN_F_TSO_ECN},
               {TN_NET_UFO, TUN_F_UFO},   {TN_NET_USO, TUN_F_USO4 | TUN_F_USO6}};
    unsigned long out = 0;
    for (size_t i = 0; i < ARRAY_SIZE(map); i++)
        out |= f & map[i].net ? map[i].tun : 0;
    return out;
}

/* Every queue is of the same interface: offloads are the interface's, the header's length too. */
int tap_set_offload(struct tap *t, uint32_t hdr_len, uint64_t to_guest)
{
    int len = (int)(hdr_len ? hdr_len : HDR_LEGACY), le = 1;
    unsigned long f = kernel_offloads(hdr_len ? to_guest : 0);
    if (ioctl(t->q[0].fd, TUNSETOFFLOAD, f) < 0)
        return -ENOTSUP;
    for (uint32_t i = 0; i < t->nq; i++)
        if (ioctl(t->q[i].fd, TUNSETVNETHDRSZ, &len) < 0)
            return -ENOTSUP;
    ioctl(t->q[0].fd, TUNSETVNETLE, &le); /* older kernels: the processor's order, which is that */
    t->host_hdr = (uint32_t)len;
    t->peer_hdr = hdr_len;
    return 0;
}

void tap_attach_queue(struct tap *t, uint32_t q, uint32_t on)
{
    struct ifreq r = {.ifr_flags = (short)(on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE)};
    if (t->nq > 1)
        ioctl(t->q[q].fd, TUNSETQUEUE, &r); /* it is attached, or detached, already: no matter */
}

/* ---- a new one ---- */

static int check_name(struct tap *t, struct tn_err *e)
{
    if (t->ifname && (strlen(t->ifname) >= IFNAMSIZ || !*t->ifname || strchr(t->ifname, '/')))
        return tn_fail(t->d, e, EINVAL, "'%s' is no name for an interface", t->ifname);
    return 0;
}

static int refused(struct tap *t, int err, struct tn_err *e)
{
    const char *name = t->name[0] ? t->name : "tap%d";
    if (err == EBUSY)
        return tn_fail(t->d, e, EBUSY,
                       "could not configure /dev/net/tun (%s): in use by another program", name);
    return tn_fail(t->d, e, err, "could not configure /dev/net/tun (%s): %s", name, strerror(err));
}

static int set_iff(struct tap *t, int fd, struct tn_err *e)
{
    unsigned features = 0;
    struct ifreq r = {0};
    ioctl(fd, TUNGETFEATURES, &features);
    t->has_hdr = t->vnet_hdr != TN_OFF && (features & IFF_VNET_HDR);
    if (t->vnet_hdr == TN_ON && !t->has_hdr)
        return tn_fail(t->d, e, ENOTSUP,
                       "vnet_hdr=on requested, but no kernel support for IFF_VNET_HDR");
    if (t->queues > 1 && !(features & IFF_MULTI_QUEUE))
        return tn_fail(t->d, e, ENOTSUP,
                       "multiqueue required, but no kernel support for IFF_MULTI_QUEUE");
    memcpy(r.ifr_name, t->name, sizeof r.ifr_name);
    r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (t->has_hdr ? IFF_VNET_HDR : 0) |
                          (t->queues > 1 ? IFF_MULTI_QUEUE : 0));
    if (ioctl(fd, TUNSETIFF, &r) < 0)
        return refused(t, errno, e);
    memcpy(t->name, r.ifr_name, sizeof t->name);
    return 0;
}

/* A descriptor of the host's is its device's; this one outlives unrealize, for downscript. */
static int open_queue(struct tap *t, struct tn_err *e)
{
    int fd = t->os->open(t->d, "/dev/net/tun", TN_O_READ | TN_O_WRITE, e);
    if (fd < 0)
        return fd;
    int r = set_iff(t, fd, e);
    int own = r < 0 ? r : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    t->os->close(t->d, fd);
    if (own < 0)
        return own;
    t->q[t->nq++].fd = own;
    return 0;
}

/* A script that was asked for must be there; the usual one need not. */
static const char *script_or(const char *given, const char *usual)
{
    if (given)
        return strcmp(given, "no") == 0 || !*given ? NULL : given;
    return access(usual, X_OK) == 0 ? usual : NULL;
}

static int open_new(struct tap *t, struct tn_err *e)
{
    int r = check_name(t, e);
    if (t->ifname && r == 0)
        strcpy(t->name, t->ifname);
    for (uint32_t i = 0; i < (t->queues ? t->queues : 1) && r == 0; i++)
        r = open_queue(t, e);
    const char *up = script_or(t->script, "/etc/qemu-ifup");
    const char *down = script_or(t->downscript, "/etc/qemu-ifdown");
    if (r == 0 && up)
        r = tap_run_script(t, up, e);
    return r == 0 && down ? tap_await_end(t, down, e) : r;
}

/* ---- descriptors that are open ---- */

static int duplicate(struct tap *t, const char *key, const char *word, struct tn_err *e)
{
    char *end;
    long n = strtol(word, &end, 10);
    if (!*word || *end || n < 0 || n > INT32_MAX)
        return tn_fail(t->d, e, EINVAL, "%s: '%s' is no file descriptor", key, word);
    int own = fcntl((int)n, F_DUPFD_CLOEXEC, 0);
    return own < 0
               ? tn_fail(t->d, e, errno, "Can't use file descriptor %ld: %s", n, strerror(errno))
               : own;
}

int tap_numbers(struct tap *t, const char *key, const char *text, int *fd, uint32_t max,
                struct tn_err *e)
{
    char *copy = strdup(text);
    uint32_t n = 0;
    int r = 0;
    if (!copy)
        return tn_fail(t->d, e, ENOMEM, "no memory for %s", key);
    for (char *save, *w = strtok_r(copy, ":", &save); w && r >= 0; w = strtok_r(NULL, ":", &save)) {
        if (n == max)
            r = tn_fail(t->d, e, EINVAL, "%s: at most %u descriptors", key, max);
        else if ((r = duplicate(t, key, w, e)) >= 0)
            fd[n++] = r;
    }
    free(copy);
    for (uint32_t i = 0; r < 0 && i < n; i++)
        close_fd(&fd[i]);
    return r < 0 ? r : (int)n;
}

static int adopt(struct tap *t, struct tn_err *e)
{
    struct ifreq r = {0};
    for (uint32_t i = 0; i < t->nq; i++) {
        if (ioctl(t->q[i].fd, TUNGETIFF, &r) < 0)
            return tn_fail(t->d, e, errno,
                           "Unable to query TUNGETIFF: the descriptor is no TAP: %s",
                           strerror(errno));
        uint32_t hdr = (r.ifr_flags & IFF_VNET_HDR) != 0;
        if (i && hdr != t->has_hdr)
            return tn_fail(t->d, e, EINVAL, "vnet_hdr not consistent across given tap fds");
        t->has_hdr = hdr;
    }
    memcpy(t->name, r.ifr_name, sizeof t->name);
    if (t->vnet_hdr != TN_AUTO && (t->vnet_hdr == TN_ON) != t->has_hdr)
        return tn_fail(t->d, e, EINVAL, "vnet_hdr=%s does not fit the given TAP",
                       t->vnet_hdr == TN_ON ? "on" : "off");
    return 0;
}

static int open_given(struct tap *t, struct tn_err *e)
{
    int fd[TAP_QUEUES_MAX];
    int n = tap_numbers(t, t->fd ? "fd" : "fds", t->fd ? t->fd : t->fds, fd,
                        t->fd ? 1 : TAP_QUEUES_MAX, e);
    for (int i = 0; i < n; i++)
        t->q[t->nq++].fd = fd[i];
    if (n == 0)
        return tn_fail(t->d, e, EINVAL, "%s= names no descriptor", t->fd ? "fd" : "fds");
    return n < 0 ? n : adopt(t, e);
}

static int open_by_helper(struct tap *t, struct tn_err *e)
{
    int fd = tap_ask_helper(t, t->helper, t->br ? t->br : "br0", e);
    if (fd < 0)
        return fd;
    t->q[t->nq++].fd = fd;
    return adopt(t, e);
}

/* ---- what goes together ---- */

static int check(struct tap *t, struct tn_err *e)
{
    int made = t->ifname || t->script || t->downscript || t->queues;
    int is_bridge = strcmp(t->d->cls->name, "bridge") == 0;
    if (t->fd && (made || t->vnet_hdr || t->helper || t->fds || t->vhostfds))
        return tn_fail(t->d, e, EINVAL,
                       "ifname=, script=, downscript=, vnet_hdr=, helper=, queues=, fds=, and "
                       "vhostfds= are invalid with fd=");
    if (t->fds && (made || t->vnet_hdr || t->helper || t->vhostfd))
        return tn_fail(t->d, e, EINVAL,
                       "ifname=, script=, downscript=, vnet_hdr=, helper=, queues=, and vhostfd= "
                       "are invalid with fds=");
    if (t->helper && !is_bridge && (made || t->vnet_hdr || t->vhostfds))
        return tn_fail(t->d, e, EINVAL,
                       "ifname=, script=, downscript=, vnet_hdr=, queues=, and vhostfds= are "
                       "invalid with helper=");
    if (t->br && !t->helper)
        return tn_fail(t->d, e, EINVAL, "br= is for helper=");
    return 0;
}

static int settle(struct tap *t, struct tn_err *e)
{
    int buf = t->sndbuf ? (int)t->sndbuf : INT32_MAX;
    for (uint32_t i = 0; i < t->nq; i++) {
        int fd = t->q[i].fd;
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
            return tn_fail(t->d, e, errno, "TAP: %s", strerror(errno));
        if (ioctl(fd, TUNSETSNDBUF, &buf) < 0 && t->sndbuf)
            return tn_fail(t->d, e, errno, "TUNSETSNDBUF ioctl failed: %s", strerror(errno));
    }
    if (t->has_hdr && tap_set_offload(t, 0, 0) < 0)
        return tn_fail(t->d, e, ENOTSUP, "the kernel's TAP refuses headers of %d bytes",
                       HDR_LEGACY);
    return 0;
}

int tap_open(struct tap *t, struct tn_err *e)
{
    int r = check(t, e);
    if (r < 0)
        return r;
    if (t->fd || t->fds)
        r = open_given(t, e);
    else
        r = t->helper ? open_by_helper(t, e) : open_new(t, e);
    return r < 0 ? r : settle(t, e);
}
