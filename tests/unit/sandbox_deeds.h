/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads do under the sandbox: their daily work, and what none of them should. */
#ifndef TN_SANDBOX_DEEDS_H
#define TN_SANDBOX_DEEDS_H
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KVM_RUN_REQUEST 0xae80

static void must(int ok)
{
    if (!ok)
        _Exit(42);
}

static void *nothing(void *p)
{
    return p;
}

static void do_daily_work(void)
{
    struct timespec ts;
    int fd[2];
    char c = 0;
    void *small = malloc(100), *big = malloc(1 << 24);
    must(small && big);
    memset(big, 1, 1 << 24);
    big = realloc(big, 1 << 25);
    must(big != NULL);
    free(small);
    free(big);
    must(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    must(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0);
    must(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    must(sysconf(_SC_PHYS_PAGES) > 0);
    must(sched_yield() == 0);
    must(pthread_kill(pthread_self(), 0) == 0);
    fd[0] = STDERR_FILENO;
    must(write(fd[0], &c, 0) == 0);
    must(fcntl(fd[0], F_GETFL) >= 0);
}

static void do_loop_work(void)
{
    struct epoll_event ev = {.events = EPOLLIN};
    do_daily_work();
    must(epoll_wait(-1, &ev, 1, 0) < 0 && errno == EBADF);
    must(syscall(SYS_epoll_pwait2, -1, &ev, 1, NULL, NULL, 0) < 0 && errno != EACCES);
    must(lseek(-1, 0, SEEK_SET) < 0 && errno == EBADF);
    must(pread(-1, &ev, 1, 0) < 0 && errno == EBADF);
}

static void do_vcpu_work(void)
{
    do_daily_work();
    must(ioctl(-1, KVM_RUN_REQUEST, 0) < 0 && errno == EBADF);
}

static void do_main_work(void)
{
    pthread_t t;
    do_loop_work();
    do_vcpu_work();
    must(pthread_create(&t, NULL, nothing, NULL) == 0);
    must(pthread_join(t, NULL) == 0);
    int fd = eventfd(0, EFD_CLOEXEC);
    must(fd >= 0);
    void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, memfd_create("m", 0), 0);
    must(p != MAP_FAILED);
    must(accept4(-1, NULL, NULL, 0) < 0 && errno == EBADF);
}

static void do_fork(void)
{
    syscall(SYS_fork);
}
static void do_libc_fork(void)
{
    fork();
}
static void do_ptrace(void)
{
    syscall(SYS_ptrace, 0, 0, 0, 0);
}
static void do_kill(void)
{
    kill(1, 0);
}
static void do_epoll(void)
{
    struct epoll_event ev;
    epoll_wait(-1, &ev, 1, 0);
}
static void do_tty_ioctl(void)
{
    ioctl(-1, TIOCSTI, "x");
}
static void do_kvm_ioctl(void)
{
    ioctl(-1, KVM_RUN_REQUEST, 0);
}
static void do_exec_map(void)
{
    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void do_exec_protect(void)
{
    static char page[8192];
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static void do_shared_map(void)
{
    mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}
static void do_unhook(void)
{
    struct sigaction sa = {.sa_handler = SIG_IGN};
    sigaction(SIGSYS, &sa, NULL);
}
static void do_signal_others(void)
{
    syscall(SYS_tgkill, 1, 1, 0);
}
static void do_eventfd(void)
{
    must(eventfd(0, EFD_CLOEXEC) >= 0);
}
static void do_vfio(void)
{
    must(ioctl(-1, (';' << 8) | 100, 0) < 0 && errno == EBADF);
}
static void do_send(void)
{
    must(send(-1, "x", 1, 0) < 0 && errno == EBADF);
}
static void do_accept(void)
{
    must(accept4(-1, NULL, NULL, 0) < 0 && errno == EBADF);
}
static void do_opens(void)
{
    must(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
    must(syscall(SYS_open, "/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
}
static void do_socket(void)
{
    must(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EACCES);
}
static void do_blocked(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    syscall(SYS_fork);
}
static void do_unknown(void)
{
    syscall(3000);
}

#endif
