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

enum {
    TN_PROGRAM_FDS = 3,     /**< the most that a program is given */
    TN_PROGRAM_AS_MAX = 15, /**< tn_program_fd.as */
    TN_PROGRAM_SESSION = 1  /**< in a session of its own: what the terminal sends does not reach it */
};
/** Frozen. */
struct tn_program_fd {
    int fd;      /**< stays the caller's */
    uint32_t as; /**< its number there */
};
/** A program that run() starts. It has the host's environment and standard streams, and no other descriptor but fds. */
struct tn_program {
    uint32_t struct_size, flags;     /**< TN_PROGRAM_SESSION */
    const char *const *args;         /**< the first is looked for in PATH unless there is a slash in it; NULL-terminated */
    const struct tn_program_fd *fds; /**< nfds of them */
    uint32_t nfds, reserved;
};

#define TN_OS_1 "tenon.os/1"
/** TN_OS_1. Descriptors are close-on-exec and belong to the device: closed after unrealize, or by close(). */
struct tn_os {
    uint32_t struct_size, rev;
    /** [main] in realize, flags TN_O_*: a descriptor or -errno with e; -EPERM: the machine runs. "/dev/fdset/N" is a
     * descriptor that a monitor passed in */
    int (*open)(struct tn_dev *d, const char *path, uint32_t flags, struct tn_err *e);
    /** [main] name beneath dir (a descriptor of TN_O_DIR), no way out of it: a descriptor or -errno with e. Also while it
     * runs */
    int (*open_at)(struct tn_dev *d, int dir, const char *name, uint32_t flags, struct tn_err *e);
    /** [main] in realize: a non-blocking socket of a named kind: "can", "vcan0"; "uevent", NULL. -errno with e, -ENOTSUP:
     * unknown kind */
    int (*socket)(struct tn_dev *d, const char *kind, const char *addr, struct tn_err *e);
    /** [main] fn(s, name) [main][dev] on each of events (inotify(7): IN_*) of path; name: in that folder, borrowed, "" is
     * path itself. 0 or -errno */
    int (*watch)(struct tn_dev *d, const char *path, uint32_t events, void (*fn)(void *, const char *), void *s);
    /** [main] bytes put into buf, at most len, without a NUL; or -errno */
    int (*readlink)(struct tn_dev *d, const char *path, char *buf, uint64_t len);
    int (*eventfd)(struct tn_dev *d);                                  /**< [main] non-blocking; or -errno */
    int (*memfd)(struct tn_dev *d, const char *name, uint64_t size);   /**< [main] bytes, no shrinking; or -errno */
    int (*socketpair)(struct tn_dev *d, int fd[2]);                    /**< [main] stream, non-blocking; 0 or -errno */
    void (*close)(struct tn_dev *d, int fd);                           /**< [any] one of the above; others are left alone */
    /** [main] from the first resume on: fn(s) [worker] in a thread of its own under sandbox profile (a constant that
     * tn_plugin.sandbox names; NULL: the least), its name of at most 15 bytes copied; NULL with e on error */
    struct tn_thread *(*thread)(struct tn_dev *d, const char *name, const char *profile, void (*fn)(void *), void *s,
                                struct tn_err *e);
    /** [main] in quiesce or unrealize: returns when fn has. What is not joined is waited for after unrealize: fn has been
     * told to end by then. t is used no more */
    void (*join)(struct tn_thread *t);
    /** [main] in realize: this instance needs a sandbox profile (a constant) that tn_plugin.sandbox does not name, because of
     * its options: a back end that connects again. 0, -EINVAL: there is none of that name, -EPERM: the machine runs */
    int (*need)(struct tn_dev *d, const char *profile);
    /** [main] starts a program, also while the machine runs: what starts it then is no thread of the machine. A descriptor that
     * becomes readable when the program has ended; close() leaves the program alone. -EPERM with e: the machine runs, and its
     * user has allowed it no programs (the command line says what may need one); -errno with e: it could not be started */
    int (*run)(struct tn_dev *d, const struct tn_program *p, struct tn_err *e);
    /** [main] waits for the end of a program of run() for at most ms, UINT32_MAX: for ever. 0 once, with *status as waitpid()
     * has it; -EAGAIN: it has not ended yet; -errno */
    int (*ended)(struct tn_dev *d, int program, uint32_t ms, int *status);
};

#ifdef __cplusplus
}
#endif
#endif
