/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Threads and files: through the host only, so that the sandbox sees every one of them. All managed.
 */
#ifndef TENON_OS_H
#define TENON_OS_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_thread; /**< a thread of a device */

enum {
    TN_O_READ = 1,
    TN_O_WRITE = 2,
    TN_O_CREATE = 4, /**< mode 0600 */
    TN_O_TRUNC = 8,
    TN_O_DIR = 16,
    TN_O_EXCL_LOCK = 32, /**< -EBUSY if another process holds it */
    TN_O_NONBLOCK = 64   /**< neither opening nor reading waits: a FIFO, a terminal */
};

#define TN_OS_1 "tenon.os/1"
/** TN_OS_1. Descriptors are close-on-exec and belong to the device: closed after unrealize, or by close(). */
struct tn_os {
    uint32_t struct_size, rev;
    /** [main] in realize: a descriptor or -errno with e */
    int (*open)(struct tn_dev *d, const char *path, uint32_t flags, struct tn_err *e);
    /** [main] beneath dir, no way out of it */
    int (*open_at)(struct tn_dev *d, int dir, const char *name, uint32_t flags, struct tn_err *e);
    /** [main] a socket of a named kind: "can", "vcan0"; "uevent", NULL. -ENOTSUP: unknown kind */
    int (*socket)(struct tn_dev *d, const char *kind, const char *addr, struct tn_err *e);
    /** [main] fn(s, name) [main][dev] on inotify events below path */
    int (*watch)(struct tn_dev *d, const char *path, uint32_t events, void (*fn)(void *, const char *), void *s);
    /** [main] bytes without NUL, or -errno */
    int (*readlink)(struct tn_dev *d, const char *path, char *buf, uint64_t len);
    int (*eventfd)(struct tn_dev *d);                                  /**< [main] non-blocking */
    int (*memfd)(struct tn_dev *d, const char *name, uint64_t size);   /**< [main] bytes, sealed against shrinking */
    int (*socketpair)(struct tn_dev *d, int fd[2]);                    /**< [main] stream, non-blocking */
    void (*close)(struct tn_dev *d, int fd);                           /**< [any] one of the above */
    /** [main] from the first resume on: fn(s) in a thread of its own under sandbox profile; NULL with e on error */
    struct tn_thread *(*thread)(struct tn_dev *d, const char *name, const char *profile, void (*fn)(void *), void *s,
                                struct tn_err *e);
    void (*join)(struct tn_thread *t); /**< [main] in quiesce or unrealize */
    /** [main] in realize: this instance needs a sandbox profile (a constant) that tn_plugin.sandbox does not name, because of
     * its options: a back end that connects again. 0, -EINVAL: there is none of that name, -EPERM: the machine runs */
    int (*need)(struct tn_dev *d, const char *profile);
};

#ifdef __cplusplus
}
#endif
#endif
