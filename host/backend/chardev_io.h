/* SPDX-License-Identifier: BSD-2-Clause */
/* What most of the host's back ends are made of: the members and properties that every one has, and
 * a pair of descriptors that input is read from and output written to. All [ctx][dev] of the back
 * end unless they say otherwise. */
#ifndef TN_HOST_CHARDEV_IO_H
#define TN_HOST_CHARDEV_IO_H
#include "chardev_impl.h"
#include "core/loop.h"

/* First member of every instance. */
struct chr_common {
    struct managed m; /* of dev: ends what realize began, however it came out */
    struct device *dev;
    struct tn_chr *chr;
    const char *logfile;
    uint8_t mux, logappend;
    uint32_t begun;
};
/* tn_class.data: gives back what an instance took by itself, of a realize that succeeded, failed or
 * is still pending. The handle is still there, nothing else that is managed may be. */
struct chr_end {
    void (*end)(void *s);
};
#define CHR_COMMON_PROPS(T)                                                                \
    TN_PROP(T, c.mux, "mux", BOOL, 0, "several front ends, switched by Ctrl-A c"),         \
        TN_PROP_STR(T, c.logfile, "logfile", NULL, "file that gets a copy of the output"), \
        TN_PROP(T, c.logappend, "logappend", BOOL, 0,                                      \
                "add to logfile instead of starting it anew")

int chr_common_init(void *s, struct tn_dev *d); /* tn_class.init of every class here */
/* What the common properties ask for, and no SIGPIPE from here on. First thing in realize. */
int chr_common_realize(struct chr_common *c, struct tn_err *e);
/* Opens a file by name: -errno with e "Could not open '...': ...", also when the machine runs
 * already. Non-blocking, close-on-exec, never the controlling terminal. */
int chr_open(struct chr_common *c, const char *path, int flags, struct tn_err *e);

/* A watch that the caller deletes, before or in chr_end.end. NULL if there are no descriptors left.
 */
struct tn_watch *chr_watch(struct chr_common *c, int fd, uint32_t events,
                           void (*fn)(void *, uint32_t), void *s);

struct chr_io {
    struct chr_common *c;
    int in, out; /* -1: none; may be the same descriptor */
    struct tn_watch *w_in, *w_out;
    uint32_t in_sock,
        out_sock;    /* sockets: no SIGPIPE, never blocking, whatever the descriptor's own flags */
    uint32_t hung;   /* the peer has left; what it sent last is still to be read, without a watch */
    uint32_t broken; /* nothing can be written any more: it is swallowed */
    void (*eof)(struct chr_io *io); /* input has ended or failed; the watch is off already */
};

/* Begins to watch. The descriptors stay the caller's until chr_io_close(). 0 or -errno. */
int chr_io_start(struct chr_io *io, struct chr_common *c, int in, int out,
                 void (*eof)(struct chr_io *));
void chr_io_stop(struct chr_io *io);  /* no watch any more; output is swallowed */
void chr_io_close(struct chr_io *io); /* that, and closes both */
int64_t chr_io_write(struct chr_io *io, const void *p, uint64_t n); /* as tn_chr_backend.write */
void chr_io_room(struct chr_io *io); /* tn_chr_backend.room said that there is some */
/* The last words of the front end: waits at most a second for a slow reader. In unrealize, before
 * close. */
void chr_io_finish(struct chr_io *io);

extern const struct tn_class chr_null_class, chr_vc_class, chr_stdio_class, chr_file_class,
    chr_pipe_class, chr_pty_class, chr_serial_class, chr_tty_class, chr_socket_class,
    chr_ringbuf_class, chr_memory_class;

#define CHR_CLASS(T, nm, text, prop_table, realize_, end_, ops)                              \
    {                                                                                        \
        .struct_size = sizeof(struct tn_class), .flags = TN_C_HOTPLUG, .kind = TN_K_CHARDEV, \
        .name = nm, .desc = text, .data = &(const struct chr_end){end_},                     \
        .instance_size = sizeof(T), .props = prop_table,                                     \
        .nprops = sizeof(prop_table) / sizeof((prop_table)[0]),                              \
        .prop_stride = sizeof(struct tn_prop), .init = chr_common_init, .realize = realize_, \
        .bus_ops = &(ops)                                                                    \
    }

#endif
