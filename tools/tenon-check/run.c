/* SPDX-License-Identifier: BSD-2-Clause */
/* One test, in a child process. The child tells through a pipe: 'N' a note, 'F' the failure, 'S' a
 * skip, 'P' passed; each a line. Whoever ends without one of F, S and P crashed, hung or called
 * exit. */
#include "run.h"
#include "host.h"
#include "left.h"
#include "peer.h"
#include "util/alloc.h"
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONG_FACTOR = 10, KEEP_STDERR = 4096 };

/* Of this process: signal handlers and the host's rules speak for it. */
static struct check *current;
static char at[200]; /* what check_at() said last */

struct check *check_current(void)
{
    return current;
}

const char *check_subject(const struct check *c)
{
    const char *slash = strrchr(c->o->path, '/');
    return c->pair ? c->pair->name : c->cls ? c->cls->name : slash ? slash + 1 : c->o->path;
}

static void say(struct check *c, char kind, const char *fmt, va_list ap)
{
    BUF_AUTO b = {0};
    buf_add8(&b, (uint8_t)kind);
    buf_vprintf(&b, fmt, ap);
    if (kind == 'F' && at[0])
        buf_printf(&b, " (%s)", at);
    for (size_t i = 1; i < b.len; i++)
        if (b.data[i] == '\n')
            b.data[i] = ' ';
    buf_add8(&b, '\n');
    if (write(c->out, b.data, b.len) < 0)
        _exit(3);
}

void check_fail(struct check *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, 'F', fmt, ap);
    va_end(ap);
    _exit(1);
}

void check_skip(struct check *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, 'S', fmt, ap);
    va_end(ap);
    _exit(0);
}

void check_note(struct check *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, 'N', fmt, ap);
    va_end(ap);
}

void check_at(struct check *c, const char *fmt, ...)
{
    va_list ap;
    (void)c;
    va_start(ap, fmt);
    vsnprintf(at, sizeof at, fmt, ap);
    va_end(ap);
}

/* ---- the child ---- */

// NOLINTBEGIN(bugprone-signal-handler): the process has failed already; at worst it says less
static void where(int fd)
{
    void *pc[24];
    int n = backtrace(pc, 24);
    if (call_top())
        dprintf(fd, "in %s of %s\n", call_top()->what, dev_name(call_top()->d));
    if (at[0])
        dprintf(fd, "at %s\n", at);
    backtrace_symbols_fd(pc, n, fd);
}

static void on_crash(int sig, siginfo_t *i, void *ctx)
{
    (void)ctx;
    dprintf(2, "%s at address %p ", strsignal(sig), i->si_addr);
    where(2);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void on_time(int sig)
{
    (void)sig;
    dprintf(2, "still running ");
    where(2);
    _exit(4);
}
// NOLINTEND(bugprone-signal-handler)

static void handlers(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction sa = {.sa_sigaction = on_crash,
                           .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK};
    static uint8_t stack[65536]; /* an overflown one has no room for the handler */
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&ss, NULL);
    void *warm[1];
    backtrace(warm, 1); /* loads what it needs now, not in the handler */
    for (size_t i = 0; !left_sanitized() && i < ARRAY_SIZE(fatal); i++)
        sigaction(fatal[i], &sa, NULL);
    signal(SIGUSR1, on_time);
    signal(SIGPIPE, SIG_IGN); /* as in the host */
}

/* Of a build with LeakSanitizer; looks for memory that nothing points to. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void leak_check(struct check *c)
{
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        check_fail(c, "LeakSanitizer found memory that nobody frees");
}

static void child(struct check *c, const struct check_test *t)
{
    current = c;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* what it starts goes with it */
    handlers();
    c->peers = peers_start(c);
    t->run(c);
    leak_check(c);
    if (write(c->out, "P\n", 2) < 0)
        _exit(3);
    _exit(0);
}

/* ---- the parent ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Takes what the child said apart. 1: there was a verdict. */
static int hear(struct result *r, char *text)
{
    int heard = 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (*line == 'N') {
            buf_printf(&r->notes, "%s\n", line + 1);
            continue;
        }
        r->verdict = *line == 'P' ? V_PASS : *line == 'S' ? V_SKIP : V_FAIL;
        buf_str(&r->why, line + 1);
        heard = 1;
        if (*line == 'F')
            break;
    }
    return heard;
}

/* Reads the pipe until its end, or until the time is up: -ETIMEDOUT. */
static int listen_to(int fd, struct buf *text, double until)
{
    char piece[4096];
    for (;;) {
        double left = until - seconds();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0)
            return -ETIMEDOUT;
        if (poll(&p, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        ssize_t n = read(fd, piece, sizeof piece);
        if (n <= 0)
            return 0;
        buf_add(text, piece, (size_t)n);
    }
}

/* A process that doesn't end: asked where it is, given a second to say so, then ended with its
 * children. */
static int stop_child(pid_t pid)
{
    int status = 0;
    kill(pid, SIGUSR1);
    for (int i = 0; i < 100; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        usleep(10000);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return status;
}

static void judge(struct result *r, int status, int late, uint32_t limit)
{
    if (late) {
        r->verdict = V_HANG;
        buf_free(&r->why);
        buf_printf(&r->why, "did not end within %u s", limit);
    } else if (WIFSIGNALED(status)) {
        r->verdict = V_CRASH;
        buf_printf(&r->why, "%s", strsignal(WTERMSIG(status)));
    } else {
        r->verdict = V_EXIT;
        buf_printf(&r->why, "the process was ended from within, with status %d",
                   WEXITSTATUS(status));
    }
}

/* The last of what the child wrote on its standard error. */
static void take_stderr(struct result *r, int fd)
{
    char text[KEEP_STDERR + 1];
    off_t end = lseek(fd, 0, SEEK_END), from = end > KEEP_STDERR ? end - KEEP_STDERR : 0;
    ssize_t n = pread(fd, text, KEEP_STDERR, from);
    if (n > 0) {
        text[n] = 0;
        buf_printf(&r->notes, "%s%s", text, text[n - 1] == '\n' ? "" : "\n");
    }
}

static pid_t spawn(struct check *c, const struct check_test *t, int pipe_fd[2], int err_fd)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid)
        return pid;
    close(pipe_fd[0]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(err_fd, 1);
    dup2(err_fd, 2);
    c->out = pipe_fd[1];
    child(c, t);
    _exit(3);
}

void run_test(struct check *c, const struct check_test *t, struct result *res)
{
    uint32_t limit = c->o->timeout_s * (t->flags & CT_LONG ? LONG_FACTOR : 1);
    double begin = seconds();
    AUTO_CLOSE int err_fd = memfd_create("stderr", MFD_CLOEXEC);
    int fds[2];
    res->test = c->test = t;
    c->rng.state = c->o->seed;
    if (err_fd < 0 || pipe2(fds, O_CLOEXEC) < 0) {
        perror("tenon-check");
        exit(2);
    }
    pid_t pid = spawn(c, t, fds, err_fd);
    close(fds[1]);
    BUF_AUTO text = {0};
    int late = listen_to(fds[0], &text, begin + limit) < 0, status = 0;
    close(fds[0]);
    if (late)
        status = stop_child(pid);
    else
        waitpid(pid, &status, 0);
    kill(-pid, SIGKILL); /* whatever it left running */
    if (!hear(res, (char *)text.data ? (char *)text.data : (char[]){0}) || late)
        judge(res, status, late, limit);
    else if (res->verdict == V_PASS && (!WIFEXITED(status) || WEXITSTATUS(status)))
        judge(res, status, 0,
              limit); /* passed, and then fell over: a sanitizer's verdict at the end */
    if (res->verdict != V_PASS && res->verdict != V_SKIP)
        take_stderr(res, err_fd);
    res->seconds = seconds() - begin;
}
