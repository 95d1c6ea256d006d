/* SPDX-License-Identifier: BSD-2-Clause */
/* file: output to a file, input from another. pipe: a pair of FIFOs, or one. */
#include "chardev_io.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>

struct file {
    struct chr_common c;
    struct chr_io io;
    const char *path, *input_path;
    uint8_t append;
};

static void file_eof(struct chr_io *io)
{
    chr_event(io->c->chr, TN_CHR_CLOSED);
}

/* io owns in and out from here on. */
static int go(struct file *f, int in, int out, struct tn_err *e)
{
    int r = chr_io_start(&f->io, &f->c, in, out, file_eof);
    if (r < 0)
        return err_set(e, -r, "chardev '%s' cannot watch its file: %s", device_id(f->c.dev),
                       strerror(-r));
    chr_event(f->c.chr, TN_CHR_OPENED);
    return 0;
}

static int file_realize(void *s, struct tn_err *e)
{
    struct file *f = s;
    int r = chr_common_realize(&f->c, e), in = -1;
    if (r < 0)
        return r;
    if (!f->path)
        return err_set(e, EINVAL, "chardev: file: no filename given");
    if (f->input_path && (in = chr_open(&f->c, f->input_path, O_RDONLY, e)) < 0)
        return in;
    int out = chr_open(&f->c, f->path, O_WRONLY | O_CREAT | (f->append ? O_APPEND : O_TRUNC), e);
    if (out < 0) {
        close_fd(&in);
        return out;
    }
    return go(f, in, out, e);
}

/* PATH.in and PATH.out as the guest sees them, or PATH for both. Opened for both ways, a FIFO needs
 * no partner yet. */
static int pipe_realize(void *s, struct tn_err *e)
{
    struct file *f = s;
    int r = chr_common_realize(&f->c, e);
    if (r < 0)
        return r;
    if (!f->path)
        return err_set(e, EINVAL, "chardev: pipe: no device path given");
    ERR_AUTO ignored = {0};
    AUTO_FREE char *in_path = xasprintf("%s.in", f->path), *out_path = xasprintf("%s.out", f->path);
    int in = chr_open(&f->c, in_path, O_RDWR, &ignored);
    int out = in < 0 ? -1 : chr_open(&f->c, out_path, O_RDWR, &ignored);
    if (out >= 0)
        return go(f, in, out, e);
    close_fd(&in);
    in = chr_open(&f->c, f->path, O_RDWR, e);
    return in < 0 ? in : go(f, in, in, e);
}

static void file_end(void *s)
{
    struct file *f = s;
    if (f->io.c)
        chr_io_finish(&f->io);
    chr_io_close(&f->io);
}

static int64_t file_write(void *s, const void *p, uint64_t n)
{
    return chr_io_write(&((struct file *)s)->io, p, n);
}

static void file_room(void *s, uint64_t n)
{
    if (n)
        chr_io_room(&((struct file *)s)->io);
}

static const struct tn_chr_backend file_ops = {sizeof file_ops, .write = file_write,
                                               .room = file_room};

static const struct tn_prop file_props[] = {
    CHR_COMMON_PROPS(struct file),
    TN_PROP_STR(struct file, path, "path", NULL, "file that output goes to"),
    TN_PROP_STR(struct file, input_path, "input-path", NULL, "file that input comes from"),
    TN_PROP(struct file, append, "append", BOOL, 0, "add to the file instead of starting it anew"),
};
static const struct tn_prop pipe_props[] = {
    CHR_COMMON_PROPS(struct file),
    TN_PROP_STR(struct file, path, "path", NULL,
                "FIFO; with .in and .out behind the name if there are two"),
};

const struct tn_class chr_file_class =
    CHR_CLASS(struct file, "file", "File", file_props, file_realize, file_end, file_ops);
const struct tn_class chr_pipe_class =
    CHR_CLASS(struct file, "pipe", "Named pipes", pipe_props, pipe_realize, file_end, file_ops);
