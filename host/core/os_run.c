/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.os/1": programs. Until the sandbox closes this process starts them, with all of its
 * rights: a helper may have more than the user. Then the spawner does (sandbox/spawner.h). */
#include "sandbox/sandbox.h"
#include "sandbox/spawner.h"
#include "services.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert((int)TN_PROGRAM_FDS == (int)SPAWN_FDS, "what the one takes, the other has room for");
_Static_assert((int)TN_PROGRAM_AS_MAX == (int)SPAWN_AS_MAX, "likewise");

extern char **environ;

/* ---- from here ---- */

/* Signals as a program expects them: this process has some blocked, and ignores SIGPIPE. */
static void default_signals(posix_spawnattr_t *attr, uint32_t flags)
{
    sigset_t none, pipe;
    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &pipe);
    posix_spawnattr_setflags(attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                           (flags & TN_PROGRAM_SESSION ? POSIX_SPAWN_SETSID : 0)));
}

/* Copies out of the way of the numbers that others are to have. 0 or -errno. */
static int place(posix_spawn_file_actions_t *files, const struct tn_program *p,
                 int high[TN_PROGRAM_FDS])
{
    for (uint32_t i = 0; i < p->nfds; i++) {
        high[i] = fcntl(p->fds[i].fd, F_DUPFD_CLOEXEC, TN_PROGRAM_AS_MAX + 1);
        if (high[i] < 0)
            return -errno;
        posix_spawn_file_actions_adddup2(files, high[i], (int)p->fds[i].as);
    }
    return 0;
}

static int start(const struct tn_program *p, pid_t *pid)
{
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    int high[TN_PROGRAM_FDS] = {-1, -1, -1};
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_init(&files);
    default_signals(&attr, p->flags);
    int r = place(&files, p, high);
    if (r == 0)
        r = -posix_spawnp(pid, p->args[0], &files, &attr, (char **)(uintptr_t)p->args, environ);
    for (uint32_t i = 0; i < TN_PROGRAM_FDS; i++)
        close_fd(&high[i]);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return r;
}

static int run_here(const struct tn_program *p, struct tn_err *e)
{
    pid_t pid = -1;
    int r = start(p, &pid);
    int fd = r < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (r == 0 && fd < 0)
        r = -errno;
    return r < 0 ? err_set(e, -r, "'%s' cannot be started: %s", p->args[0], strerror(-r)) : fd;
}

/* ---- from there ---- */

static int run_there(const struct vm *vm, const struct tn_program *p, struct tn_err *e)
{
    struct spawn s = {
        .args = (char *const *)(uintptr_t)p->args, .nfds = p->nfds, .flags = SPAWN_STAYS};
    for (uint32_t i = 0; i < p->nfds; i++) {
        s.fd[i] = p->fds[i].fd;
        s.as[i] = p->fds[i].as;
    }
    return spawner_run(vm->spawner, &s, e);
}

/* ---- both ---- */

static int is_sane(const struct tn_program *p)
{
    if (!p->args || !p->args[0] || p->nfds > TN_PROGRAM_FDS)
        return 0;
    for (uint32_t i = 0; i < p->nfds; i++)
        if (p->fds[i].as > TN_PROGRAM_AS_MAX)
            return 0;
    return 1;
}

int os_run(const struct vm *vm, const struct tn_program *p, struct tn_err *e)
{
    if (!is_sane(p))
        return err_set(e, EINVAL, "tenon.os: no such program can be run");
    /* Without a sandbox either could; who may never be waited for leaves nothing there. */
    int there = sandbox_closed(vm) || (!vm->cold && (vm->spawner || vm->no_programs));
    return there ? run_there(vm, p, e) : run_here(p, e);
}

static int reap(int pidfd, int *status)
{
    siginfo_t i = {0};
    if (waitid(P_PIDFD, (id_t)pidfd, &i, WEXITED) < 0)
        return -errno;
    *status = i.si_code == CLD_EXITED ? W_EXITCODE(i.si_status, 0) : W_EXITCODE(0, i.si_status);
    return 0;
}

int os_ended(int program, uint32_t ms, int *status)
{
    struct pollfd p = {program, POLLIN, 0};
    int n;
    while ((n = poll(&p, 1, ms > INT32_MAX ? -1 : (int)ms)) < 0)
        if (errno != EINTR)
            return -errno;
    if (n == 0)
        return -EAGAIN;
    int r = spawner_wait(program, -1, status);
    return r == -ENOTSOCK ? reap(program, status) : r;
}
