/* SPDX-License-Identifier: BSD-2-Clause */
/* A helper of a bridge that needs none: sends a new TAP through the descriptor --fd=N, as
 * qemu-bridge-helper does, and puts it on no bridge. <linux/if_tun.h>, unix(7) */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int new_tap(void)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    return fd >= 0 && ioctl(fd, TUNSETIFF, &r) == 0 ? fd : -1;
}

static int give(int sock, int fd)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } c = {{0}};
    char byte = 0;
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(h), &fd, sizeof fd);
    return sendmsg(sock, &m, 0) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
    int sock = -1, tap = new_tap();
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--fd=", 5) == 0)
            sock = (int)strtol(argv[i] + 5, NULL, 10);
    return tap < 0 || give(sock, tap) < 0;
}
