/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The first process: waits for a byte, or for the end of who would write it. */
static void wait_for_child(int fd)
{
    char byte;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

/* No session leader, so that no terminal becomes its own. */
static int detach(void)
{
    if (setsid() < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0)
        _exit(0);
    umask(027);
    return 0;
}

int daemon_begin(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0) {
        close(ends[1]);
        wait_for_child(ends[0]);
    }
    close(ends[0]);
    int err = detach();
    return err < 0 ? err : ends[1];
}

int daemon_ready(int *fd)
{
    if (*fd < 0)
        return 0;
    AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || chdir("/") < 0)
        return -errno;
    for (int i = 0; i <= 2; i++)
        if (dup2(null, i) < 0)
            return -errno;
    int err = write(*fd, "", 1) == 1 ? 0 : -errno;
    close_fd(fd);
    *fd = -1;
    return err;
}
