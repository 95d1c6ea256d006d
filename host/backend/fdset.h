/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that came from outside: those with a name (getfd), which belong to a session, and
 * sets of them that stand for a file, /dev/fdset/N (add-fd, -add-fd). Main thread. */
#ifndef TN_HOST_FDSET_H
#define TN_HOST_FDSET_H
#include "core/vm.h"
#include <sys/types.h>

struct fdset_entry {
    LIST_ENTRY(fdset_entry) link;
    int fd;
    char *opaque; /* NULL if none was given */
};
struct fdset {
    TAILQ_ENTRY(fdset) link; /* by id */
    int64_t id;
    LIST_HEAD(, fdset_entry) fds;
};
struct fd_named {
    LIST_ENTRY(fd_named) link;
    const void *owner; /* the session */
    char *name;
    int fd;
};
/* vm->fds */
struct fds {
    TAILQ_HEAD(, fdset) sets;
    LIST_HEAD(, fd_named) named;
    const void *asker; /* whose names are meant: the session whose command runs; NULL: none does */
};
struct fds *fds_of(struct vm *vm); /* made at the first call */
void fds_free(struct vm *vm);

/* Adds fd, owned from here on, to set id, which is made if need be; id -1: to a new set. The set's
 * id. */
int64_t fdset_add(struct vm *vm, int64_t id, int fd, const char *opaque);
/* Takes fd (-1: all of them) out of set id and closes it. 0, or -ENOENT with e. */
int fdset_remove(struct vm *vm, int64_t id, int fd, struct tn_err *e);
/* -add-fd fd=N,set=M[,opaque=TEXT]: a duplicate of fd. 0 or -errno with e. */
struct kv_node;
int fdset_option(struct vm *vm, const struct kv_node *kv, struct tn_err *e);

/* Where every name of a file is opened: as open(), and of /dev/fdset/N a duplicate of the set's
 * descriptor with that access mode. The descriptor, or -errno. */
int path_open(struct vm *vm, const char *path, int flags, mode_t mode);
int file_is_fdset(const char *path); /* no name: also to be had when the machine runs */

/* Names are those of asker from here on; returns whose they were. */
const void *fds_ask(struct vm *vm, const void *asker);
/* Keeps fd, owned from here on, under name; the one that had it is closed. */
void fd_keep(struct vm *vm, const char *name, int fd);
/* The descriptor of that name, which stays there; -1. */
int fd_named(struct vm *vm, const char *name);
/* The name is forgotten, and whoever calls has the descriptor; -1. */
int fd_take(struct vm *vm, const char *name);

#endif
