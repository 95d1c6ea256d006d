/* SPDX-License-Identifier: BSD-2-Clause */
/* tenon-inspect [--json] FILE: what is in the state of a machine, as migration or savevm wrote it.
 */
#include "migration/inspect.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_fd(void *o, void *p, size_t n, struct tn_err *e)
{
    for (char *at = p; n;) {
        ssize_t got = read(*(int *)o, at, n);
        if (got == 0)
            return err_set(e, ENODATA, "the state ends too soon");
        if (got < 0 && errno != EINTR)
            return err_set(e, errno, "%s", strerror(errno));
        at += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int inspect(const char *path, int json)
{
    ERR_AUTO e = {0};
    BUF_AUTO out = {0};
    int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    struct mig_io io = {.read = read_fd, .o = &fd};
    int r = fd < 0 ? err_set(&e, errno, "%s", strerror(errno)) : mig_inspect(io, json, &out, &e);
    if (r == 0 || !json) /* half an object is none */
        fputs(buf_cstr(&out), stdout);
    if (r < 0)
        fprintf(stderr, "tenon-inspect: %s: %s\n", path, err_text(&e));
    if (fd > 0)
        close(fd);
    return r < 0;
}

int main(int argc, char **argv)
{
    int json = argc > 1 && strcmp(argv[1], "--json") == 0;
    if (argc != 2 + json || strcmp(argv[1], "--help") == 0) {
        fputs("usage: tenon-inspect [--json] FILE\n"
              "what is in the state of a machine, as migration to file: or savevm wrote it\n",
              stderr);
        return argc != 2;
    }
    return inspect(argv[1 + json], json);
}
