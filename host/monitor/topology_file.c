/* SPDX-License-Identifier: BSD-2-Clause */
/* The picture in a file: by itself as .dot, laid out by Graphviz as anything else. */
#include "topology.h"

#include "sandbox/spawner.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* "svg" of "a/b.svg"; NULL: it has none that could be a format. */
static const char *format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (!dot || strchr(dot, '/') || !dot[1])
        return NULL;
    for (const char *p = dot + 1; *p; p++)
        if (!isalnum((unsigned char)*p))
            return NULL;
    return dot + 1;
}

static int write_all(int fd, const struct buf *b)
{
    for (size_t at = 0; at < b->len;) {
        ssize_t n = write(fd, b->data + at, b->len - at);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int lay_out(struct vm *vm, const char *path, const char *format, const struct buf *graph,
                   int out, struct tn_err *e)
{
    AUTO_CLOSE int in = memfd_create("topology", MFD_CLOEXEC);
    AUTO_FREE char *type = xasprintf("-T%s", format);
    char name[] = "dot", *args[] = {name, type, NULL};
    ERR_AUTO why = {0};
    int status, err = in < 0 ? -errno : write_all(in, graph);
    if (err < 0 || lseek(in, 0, SEEK_SET) < 0)
        return err_set(e, EIO, "-dump-topology %s: %s", path, strerror(err ? -err : errno));
    AUTO_CLOSE int dot = spawner_run(
        vm->spawner, &(struct spawn){.args = args, .fd = {in, out}, .as = {0, 1}, .nfds = 2}, &why);
    if (dot == -ENOENT)
        return err_set(e, ENOENT,
                       "-dump-topology %s: Graphviz' 'dot' is not installed; write a .dot file, "
                       "which needs no layout",
                       path);
    if (dot < 0)
        return err_set(e, -dot, "-dump-topology %s: %s", path, err_text(&why));
    err = spawner_wait(dot, -1, &status);
    if (err < 0)
        return err_set(e, -err, "-dump-topology %s: dot: %s", path, strerror(-err));
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return err_set(e, EIO, "-dump-topology %s: dot could not make a '%s'", path, format);
    return 0;
}

int topology_write(struct vm *vm, const char *path, struct tn_err *e)
{
    BUF_AUTO graph = {0};
    const char *format = format_of(path);
    if (!format)
        return err_set(e, EINVAL,
                       "-dump-topology %s: the file's name must end in .dot, .svg, "
                       "or another format of Graphviz",
                       path);
    KV_AUTO *t = topology(vm);
    topology_dot(t, &graph);
    AUTO_FREE char *part = xasprintf("%s.part", path);
    AUTO_CLOSE int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(e, errno, "-dump-topology %s: %s", path, strerror(errno));
    int err = strcmp(format, "dot") == 0 ? write_all(fd, &graph)
                                         : lay_out(vm, path, format, &graph, fd, e);
    if (err < 0)
        err_set(e, -err, "-dump-topology %s: %s", path, strerror(-err));
    if (err == 0 && rename(part, path) < 0)
        err = err_set(e, errno, "-dump-topology %s: %s", path, strerror(errno));
    if (err < 0)
        unlink(part);
    return err;
}
