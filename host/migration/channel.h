/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a machine's state goes to or comes from: "tcp:HOST:PORT", "unix:PATH", "fd:NAME",
 * "exec:COMMAND", "file:PATH[,offset=N]", or QMP's channels. */
#ifndef TN_HOST_MIG_CHANNEL_H
#define TN_HOST_MIG_CHANNEL_H
#include "backend/chardev_addr.h"
#include "core/vm.h"
#include "format.h"
#include <sys/types.h>

struct kv_node;
enum mig_kind { MIG_TCP, MIG_UNIX, MIG_FD, MIG_EXEC, MIG_FILE };
struct mig_addr {
    enum mig_kind kind;
    char *text; /* as in messages */
    char *host; /* of TCP */
    char *port;
    char *path;      /* of UNIX, FILE; name of FD */
    char **args;     /* of EXEC; NULL-terminated */
    uint64_t offset; /* of FILE */
};
/* Parses a URI, or one member of QMP's channels. 0 or -errno with e, in QEMU's words. */
int mig_addr_uri(struct mig_addr *a, const char *uri, struct tn_err *e);
int mig_addr_channels(struct mig_addr *a, const struct kv_node *channels, struct tn_err *e);
void mig_addr_fini(struct mig_addr *a);

struct mig_channel {
    int in, out;           /* -1: that way is closed; may be one and the same */
    int wake;              /* an eventfd: cancelled */
    int listener;          /* of an incoming one that waits; -1 */
    char *unlink;          /* path of the listener */
    struct chr_addr local; /* of the listener, also when it is gone */
    int program;           /* of EXEC: sandbox/spawner.h; -1 */
    uint32_t talks;        /* both ways: an answer can come */
    uint32_t seeks;        /* a regular file */
    uint32_t pending;      /* connect() is under way: mig_channel_connected() */
    uint64_t start;        /* of FILE */
};
/* Opens it for writing (it may only begin to connect), or for reading (it may only listen). 0, or
 * -errno with e. Main thread. */
int mig_channel_open(struct mig_channel *c, struct vm *vm, const struct mig_addr *a, int incoming,
                     struct tn_err *e);
/* Waits until it is connected. Migration's thread. */
int mig_channel_connected(struct mig_channel *c, struct tn_err *e);
/* Takes one connection of the listener, and listens no more. 0, -EAGAIN, or -errno with e. */
int mig_channel_accept(struct mig_channel *c, struct tn_err *e);
/* Ends whatever waits in it, with -ECANCELED. Any thread. */
void mig_channel_cancel(struct mig_channel *c);
/* Everything is written: of EXEC, waits for the command. 0 or -errno with e. */
int mig_channel_finish(struct mig_channel *c, struct tn_err *e);
/* Goes back to where a file began. */
int mig_channel_rewind(struct mig_channel *c, struct tn_err *e);
void mig_channel_close(struct mig_channel *c);
struct mig_io mig_channel_io(struct mig_channel *c);

#endif
