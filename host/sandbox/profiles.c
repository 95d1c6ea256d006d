/* SPDX-License-Identifier: BSD-2-Clause */
#include "profiles.h"

#include "sandbox.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* clang-format off */
#define CALL(name)       {.nr = SYS_##name}
#define REFUSE(name, e)  {.nr = SYS_##name, .refuse = (e)}
#define MASKED(n, m, v)  {.arg = (n), .op = OP_MASKED, .mask = (m), .value = (v)}
#define IS(n, v)         MASKED(n, 0xffffffff, v)
#define CALL_IF(name, t) {.nr = SYS_##name, .test = {t}}

#define PRCTL(what)  CALL_IF(prctl, IS(0, what))
#define FCNTL(what)  CALL_IF(fcntl, IS(1, what))
#define IOCTL(what)  CALL_IF(ioctl, IS(1, what))
#define SOCKET(what) CALL_IF(socket, IS(0, what))
/* Every request of one driver: bits 8 to 15 of the number are the driver's letter. */
#define IOCTL_OF(letter) CALL_IF(ioctl, MASKED(1, 0xff00, (letter) << 8))

#define NOT_EXEC MASKED(2, PROT_EXEC, 0) /* third argument of mmap and mprotect */
#define PRIVATE  MASKED(3, MAP_TYPE, MAP_PRIVATE)

/* ---- the host's own ---- */

/* What libc and the host's lowest layer do in any thread. */
static const struct sandbox_rule base[] = {
    CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(close), CALL(futex),
    /* memory: malloc, stacks */
    CALL(brk), {.nr = SYS_mmap, .test = {NOT_EXEC, PRIVATE}}, CALL(munmap), CALL(madvise),
    CALL(mremap), CALL_IF(mprotect, NOT_EXEC), CALL(sysinfo), CALL(sched_getaffinity),
    CALL(getrandom),
    /* time */
    CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep),
    CALL(gettimeofday), CALL(time),
    /* threads: what a new one does, and how they wait for each other */
    CALL(rseq), CALL(set_robust_list), CALL(gettid), CALL(getpid), CALL(getcpu),
    CALL(sched_yield), CALL(membarrier), CALL(restart_syscall),
    {.nr = SYS_tgkill, .test = {{.arg = 0, .op = OP_SELF}}}, PRCTL(PR_SET_NAME),
    PRCTL(PR_GET_NAME), PRCTL(PR_SET_NO_NEW_PRIVS), PRCTL(PR_SET_VMA),
    /* signals, but for the handler that ends the process */
    CALL(rt_sigreturn), CALL(rt_sigprocmask), CALL(sigaltstack),
    {.nr = SYS_rt_sigaction, .test = {{.arg = 0, .op = OP_NOT, .value = SIGSYS}}},
    CALL(exit), CALL(exit_group),
    /* waiting for descriptors; a watch is changed from any thread */
    CALL(epoll_ctl), CALL(poll), CALL(ppoll), FCNTL(F_GETFD), FCNTL(F_SETFD), FCNTL(F_GETFL),
    FCNTL(F_SETFL), FCNTL(F_DUPFD_CLOEXEC),
    /* Calls that libc or a monitor's command may try: they hear no, and life goes on. */
    REFUSE(open, EACCES), REFUSE(openat, EACCES), REFUSE(openat2, EACCES), REFUSE(access, EACCES),
    REFUSE(faccessat, EACCES), REFUSE(faccessat2, EACCES), REFUSE(readlink, EACCES),
    REFUSE(readlinkat, EACCES),
    REFUSE(clone3, ENOSYS), /* its flags cannot be seen from here: libc goes back to clone */
};

static const struct sandbox_rule loop[] = {
    CALL(epoll_pwait2), CALL(epoll_pwait), CALL(epoll_wait),
    CALL(dup),          CALL(fstat),       CALL(newfstatat),
    CALL(lseek),        CALL(pread64),     CALL_IF(mmap, NOT_EXEC),
};

/* Device callbacks run here too: bells, routes and overlays are the KVM file's business. */
static const struct sandbox_rule vcpu[] = {
    IOCTL_OF(0xae), CALL_IF(mmap, NOT_EXEC),
};

static const struct sandbox_rule iothread[] = {
    IOCTL_OF(0xae),
};

static const struct sandbox_rule main_thread[] = {
    IOCTL_OF(0xae),
    /* threads of late iothreads and vCPUs; never a process */
    CALL_IF(clone, MASKED(0, CLONE_THREAD, CLONE_THREAD)), CALL(set_tid_address),
    CALL_IF(seccomp, IS(0, SECCOMP_SET_MODE_FILTER)),
    /* what realize of a device added later makes, without a name in a file system */
    CALL(eventfd2), CALL(epoll_create1), CALL(memfd_create), CALL(ftruncate), CALL(fallocate),
    CALL(pipe2), CALL_IF(socketpair, IS(0, AF_UNIX)), FCNTL(F_ADD_SEALS), FCNTL(F_GET_SEALS),
    CALL(flock), CALL(fstatfs), CALL(mlock), CALL(mlock2), CALL(munlock), CALL(msync),
    /* monitors: sockets that exist */
    CALL(accept4), CALL(accept), CALL(sendmsg), CALL(recvmsg), CALL(sendto), CALL(recvfrom),
    CALL(shutdown), CALL(getsockname), CALL(getpeername), CALL(getsockopt), CALL(setsockopt),
    /* the terminal is put back at the end */
    IOCTL(TCGETS), IOCTL(TCSETS), IOCTL(TCSETSW), IOCTL(TCSETSF), IOCTL(TIOCGWINSZ),
    IOCTL(FIONREAD), IOCTL(FIONBIO), CALL(fsync), CALL(fdatasync), CALL(pwrite64), CALL(uname),
    CALL(getuid), CALL(geteuid), CALL(getrusage), CALL(rt_sigtimedwait),
    CALL(waitid), /* of what was started before */
    /* what a monitor's command may ask for */
    REFUSE(socket, EACCES), REFUSE(connect, EACCES), REFUSE(bind, EACCES), REFUSE(listen, EACCES),
    REFUSE(stat, EACCES), REFUSE(lstat, EACCES), REFUSE(unlink, EPERM), REFUSE(unlinkat, EPERM),
    REFUSE(mkdir, EPERM), REFUSE(rename, EPERM), REFUSE(getcwd, EACCES), REFUSE(prlimit64, EPERM),
    REFUSE(sched_setaffinity, EPERM), REFUSE(inotify_init1, EACCES),
};

/* ---- with a monitor ---- */

/* What its commands ask for by name: files, sockets, memory that is bound to nodes. Processes are
 * asked for too, and hear no. */
static const struct sandbox_rule monitor[] = {
    CALL(open), CALL(openat), CALL(openat2), CALL(access), CALL(faccessat), CALL(faccessat2),
    CALL(readlink), CALL(readlinkat), CALL(stat), CALL(lstat), CALL(statx), CALL(statfs),
    CALL(getcwd), CALL(getdents64), CALL(unlink), CALL(unlinkat), CALL(symlink), CALL(symlinkat),
    CALL(mkdir), CALL(rename), CALL(fchmod), CALL(fadvise64), CALL(dup3),
    CALL(socket), CALL(socketpair), CALL(connect), CALL(bind), CALL(listen), CALL(sendmmsg),
    CALL(recvmmsg), CALL(mbind), CALL(set_mempolicy), CALL(get_mempolicy),
    CALL(inotify_init1), CALL(inotify_add_watch), CALL(inotify_rm_watch), CALL(pidfd_open),
    /* names of interfaces, TAP, pseudo-terminals, ranges of files */
    IOCTL_OF(0x89), IOCTL(0x400454ca) /* TUNSETIFF */, IOCTL(TIOCGPTN), IOCTL(TIOCSPTLCK),
    IOCTL(TIOCGPTPEER), IOCTL_OF('f'),
    {.nr = SYS_clone, .refuse = EPERM, .test = {MASKED(0, CLONE_THREAD, 0)}},
    REFUSE(fork, EPERM), REFUSE(vfork, EPERM), REFUSE(execve, EPERM), REFUSE(execveat, EPERM),
};

/* Plugins that a command names: mapped executable, never writable. */
static const struct sandbox_rule loads[] = {
    {.nr = SYS_mmap, .test = {MASKED(2, PROT_WRITE | PROT_EXEC, PROT_EXEC), PRIVATE}},
};

/* ---- what a plugin may name ---- */

static const struct sandbox_rule eventfd_[] = {CALL(eventfd2)};
static const struct sandbox_rule timerfd[] = {CALL(timerfd_create), CALL(timerfd_settime),
                                              CALL(timerfd_gettime)};
static const struct sandbox_rule memfd[] = {CALL(memfd_create), CALL(ftruncate), CALL(fallocate),
                                            FCNTL(F_ADD_SEALS), FCNTL(F_GET_SEALS)};
static const struct sandbox_rule mmap_shared[] = {CALL_IF(mmap, NOT_EXEC), CALL(msync)};
static const struct sandbox_rule event_loop[] = {CALL(epoll_create1), CALL(epoll_pwait2),
                                                 CALL(epoll_pwait), CALL(epoll_wait)};
static const struct sandbox_rule inotify[] = {CALL(inotify_init1), CALL(inotify_add_watch),
                                              CALL(inotify_rm_watch)};

static const struct sandbox_rule block_io[] = {
    CALL(pread64),    CALL(pwrite64),  CALL(preadv),          CALL(pwritev),
    CALL(preadv2),    CALL(pwritev2),  CALL(fdatasync),       CALL(fsync),
    CALL(fallocate),  CALL(ftruncate), CALL(lseek),           CALL(fstat),
    CALL(newfstatat), CALL(fstatfs),   CALL(sync_file_range), CALL(copy_file_range),
};
static const struct sandbox_rule image_lock[] = {
    FCNTL(F_GETLK), FCNTL(F_SETLK), FCNTL(F_OFD_GETLK), FCNTL(F_OFD_SETLK), CALL(flock),
};
static const struct sandbox_rule linux_aio[] = {CALL(io_setup),      CALL(io_destroy),
                                                CALL(io_submit),     CALL(io_getevents),
                                                CALL(io_pgetevents), CALL(io_cancel)};
static const struct sandbox_rule io_uring_use[] = {CALL(io_uring_enter)};
static const struct sandbox_rule io_uring_make[] = {CALL(io_uring_setup), CALL(io_uring_register),
                                                    CALL_IF(mmap, NOT_EXEC)};

static const struct sandbox_rule socket_io[] = {
    CALL(sendto),   CALL(recvfrom), CALL(sendmsg),    CALL(recvmsg),     CALL(sendmmsg),
    CALL(recvmmsg), CALL(shutdown), CALL(getsockopt), CALL(getsockname), CALL(getpeername),
};
static const struct sandbox_rule socket_setup[] = {CALL(accept4), CALL(accept), CALL(setsockopt),
                                                   CALL(listen)};
static const struct sandbox_rule connect_unix[] = {SOCKET(AF_UNIX), CALL(connect), CALL(bind),
                                                   CALL(unlink)};
static const struct sandbox_rule connect_inet[] = {SOCKET(AF_INET), SOCKET(AF_INET6), CALL(connect),
                                                   CALL(bind)};
static const struct sandbox_rule connect_vsock[] = {SOCKET(AF_VSOCK), CALL(connect), CALL(bind)};

static const struct sandbox_rule open_beneath[] = {CALL(openat2)};
static const struct sandbox_rule directory[] = {CALL(getdents64), CALL(newfstatat), CALL(statx),
                                                CALL(fstat)};
static const struct sandbox_rule read_files[] = {
    CALL_IF(openat, MASKED(2, O_ACCMODE | O_CREAT | O_TRUNC | O_PATH, O_RDONLY)), CALL(newfstatat),
    CALL(stat), CALL(fstat), CALL(lseek),
};
static const struct sandbox_rule unlink_[] = {CALL(unlink), CALL(unlinkat)};

static const struct sandbox_rule ioctl_vfio[] = {IOCTL_OF(';')}; /* iommufd has the same letter */
static const struct sandbox_rule ioctl_vhost[] = {IOCTL_OF(0xaf)};
static const struct sandbox_rule ioctl_usbfs[] = {IOCTL_OF('U')};
static const struct sandbox_rule ioctl_hidraw[] = {IOCTL_OF('H')};
static const struct sandbox_rule ioctl_evdev[] = {IOCTL_OF('E')};
static const struct sandbox_rule ioctl_block[] = {IOCTL_OF(0x12)};
static const struct sandbox_rule ioctl_scsi[] = {IOCTL(0x2285)}; /* SG_IO */
static const struct sandbox_rule ioctl_userfault[] = {IOCTL_OF(0xaa)};
/* The letter is the terminals', and TIOCSTI types for the user: so one by one. <linux/if_tun.h> */
static const struct sandbox_rule ioctl_tun[] = {
    IOCTL(0x800454cf) /* TUNGETFEATURES */,  IOCTL(0x400454d0) /* TUNSETOFFLOAD */,
    IOCTL(0x800454d2) /* TUNGETIFF */,       IOCTL(0x400454d4) /* TUNSETSNDBUF */,
    IOCTL(0x800454d7) /* TUNGETVNETHDRSZ */, IOCTL(0x400454d8) /* TUNSETVNETHDRSZ */,
    IOCTL(0x400454d9) /* TUNSETQUEUE */,     IOCTL(0x400454dc) /* TUNSETVNETLE */,
};
static const struct sandbox_rule ioctl_tty[] = {
    IOCTL(TCGETS),   IOCTL(TCSETS),   IOCTL(TCSETSW),    IOCTL(TCSETSF),
    IOCTL(TCSBRK),   IOCTL(TCFLSH),   IOCTL(TIOCMGET),   IOCTL(TIOCMSET),
    IOCTL(TIOCSBRK), IOCTL(TIOCCBRK), IOCTL(TIOCGWINSZ), IOCTL(FIONREAD),
    IOCTL(TIOCGPGRP),
};

/* ---- builds for tests ---- */

static const struct sandbox_rule sanitizer[] = {
    CALL(open),         CALL(openat),     CALL(readlink),   CALL(mmap),
    CALL(mprotect),     CALL(clone),      CALL(prctl),      CALL(ptrace),
    CALL(wait4),        CALL(pipe2),      CALL(dup2),       CALL(execve),
    CALL(getppid),      CALL(getrlimit),  CALL(setrlimit),  CALL(prlimit64),
    CALL(personality),  CALL(getdents64), CALL(getcwd),     CALL(stat),
    CALL(lstat),        CALL(fstat),      CALL(newfstatat), CALL(lseek),
    CALL(access),       CALL(uname),      CALL(getuid),     CALL(geteuid),
    CALL(msync),        CALL(mincore),    CALL(mlock),      CALL(process_vm_readv),
    CALL(rt_sigaction), CALL(pread64),    CALL(arch_prctl), CALL(clone3),
};
static const struct sandbox_rule coverage[] = {
    CALL(open),     CALL(openat),  CALL(mkdir),      CALL(lseek),  CALL(ftruncate),
    CALL(fcntl),    CALL(fstat),   CALL(newfstatat), CALL(getcwd), CALL(umask),
    CALL(readlink), CALL(pread64), CALL(access),
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAVE_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define HAVE_SANITIZER 1
#endif
#endif
#ifndef HAVE_SANITIZER
#define HAVE_SANITIZER 0
#endif
#ifndef TN_COVERAGE
#define TN_COVERAGE 0
#endif

#define ROW(name, kinds_, host_, what_, rules_)                                                    \
    {                                                                                              \
        .profile = (name), .kinds = (kinds_), .host = (host_), .what = (what_), .rules = (rules_), \
        .nrules = ARRAY_SIZE(rules_)                                                               \
    }
#define HOST(name, kinds, what, rules)   ROW(name, kinds, OF_HOST, what, rules)
#define PLUGIN(name, kinds, what, rules) ROW(name, kinds, OF_PLUGINS, what, rules)

const struct sandbox_row sandbox_rows[] = {
    HOST("base", ON_ALL, "what libc does in any thread", base),
    HOST("loop", ON_MAIN | ON_IOTHREAD, "event contexts", loop),
    HOST("vcpu", ON_MAIN | ON_VCPU, "KVM_RUN, and what device callbacks ask of KVM", vcpu),
    HOST("iothread", ON_MAIN | ON_IOTHREAD, "KVM's bells and messages", iothread),
    HOST("main", ON_MAIN, "monitors, hotplug, reset, the end", main_thread),
    ROW("monitor", ON_MAIN, OF_MONITOR, "with a monitor: what its commands name", monitor),
    ROW("loading", ON_MAIN, OF_MONITOR, "with a monitor, where plugins are files", loads),

    PLUGIN("eventfd", ON_ALL, "makes event descriptors outside realize", eventfd_),
    PLUGIN("timerfd", ON_ALL, "timers that a poll waits for", timerfd),
    PLUGIN("memfd", ON_ALL, "memory without a name", memfd),
    PLUGIN("mmap-shared", ON_ALL, "maps files and device memory, never executable", mmap_shared),
    PLUGIN("event-loop", ON_LOOPS, "an epoll loop of its own", event_loop),
    PLUGIN("inotify", ON_LOOPS, "watches files", inotify),
    PLUGIN("block-io", ON_ALL, "reads and writes open files at offsets", block_io),
    PLUGIN("image-lock", ON_LOOPS, "locks ranges of open files", image_lock),
    PLUGIN("linux-aio", ON_LOOPS | ON_VCPU, "the kernel's older asynchronous I/O", linux_aio),
    PLUGIN("io-uring", ON_ALL, "submits to a ring", io_uring_use),
    PLUGIN("io-uring", ON_LOOPS, "makes a ring", io_uring_make),
    PLUGIN("socket", ON_ALL, "sends and receives on open sockets", socket_io),
    PLUGIN("socket", ON_LOOPS, "takes connections", socket_setup),
    PLUGIN("connect-unix", ON_LOOPS, "makes UNIX sockets: a reconnect", connect_unix),
    PLUGIN("connect-inet", ON_LOOPS, "makes internet sockets", connect_inet),
    PLUGIN("connect-vsock", ON_LOOPS, "makes vsock sockets", connect_vsock),
    PLUGIN("open-beneath", ON_LOOPS, "opens files below an open directory", open_beneath),
    PLUGIN("read-files", ON_LOOPS, "opens files by name, for reading", read_files),
    PLUGIN("directory", ON_LOOPS, "lists open directories", directory),
    PLUGIN("unlink", ON_LOOPS, "removes files", unlink_),
    PLUGIN("terminal", ON_LOOPS | ON_VCPU, "serial lines and terminals", ioctl_tty),
    PLUGIN("ioctl-vfio", ON_ALL, "VFIO and iommufd", ioctl_vfio),
    PLUGIN("ioctl-vhost", ON_ALL, "vhost in the kernel", ioctl_vhost),
    PLUGIN("ioctl-tun", ON_ALL, "TAP interfaces that are open", ioctl_tun),
    PLUGIN("ioctl-usbfs", ON_ALL, "USB devices of the host", ioctl_usbfs),
    PLUGIN("ioctl-hidraw", ON_ALL, "HID devices of the host", ioctl_hidraw),
    PLUGIN("ioctl-evdev", ON_ALL, "input devices of the host", ioctl_evdev),
    PLUGIN("ioctl-block", ON_ALL, "block devices: discard, zones, size", ioctl_block),
    PLUGIN("block-device-io", ON_LOOPS, "a thread for a block device: all of block-io", block_io),
    PLUGIN("block-device-io", ON_LOOPS, "and of ioctl-block", ioctl_block),
    PLUGIN("ioctl-scsi", ON_ALL, "SCSI commands to the host's devices", ioctl_scsi),
    PLUGIN("ioctl-userfaultfd", ON_LOOPS, "memory that arrives later", ioctl_userfault),

    HOST("sanitizer", HAVE_SANITIZER ? ON_ALL : 0, "sanitizers' run-time libraries", sanitizer),
    HOST("coverage", TN_COVERAGE ? ON_ALL : 0, "counters that are written at the end", coverage),
};
const size_t sandbox_nrows = ARRAY_SIZE(sandbox_rows);

int sandbox_fits_build(void)
{
    return !HAVE_SANITIZER;
}

int sandbox_profile_known(const char *name)
{
    for (size_t i = 0; i < sandbox_nrows; i++)
        if (sandbox_rows[i].host == OF_PLUGINS && strcmp(sandbox_rows[i].profile, name) == 0)
            return 1;
    return 0;
}

int sandbox_row_counts(const struct sandbox_row *row, enum sandbox_kind kind,
                       const char *const *profiles, size_t n)
{
    if (!(row->kinds >> kind & 1))
        return 0;
    for (size_t i = 0; i < n && row->host != OF_HOST; i++)
        if (strcmp(row->profile, profiles[i]) == 0)
            return 1;
    return row->host == OF_HOST;
}
