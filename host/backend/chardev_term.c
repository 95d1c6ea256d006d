/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_term.h"

#include "chardev.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct {
    int claimed;
    int at_exit;              /* the exit handler is registered */
    volatile sig_atomic_t on; /* the terminal is ours to put back */
    int fd;
    pid_t group;
    struct termios before, raw;
} term = {.fd = -1};

/* A process in the background that touches the terminal would be stopped. */
static int in_foreground(void)
{
    return tcgetpgrp(term.fd) == term.group;
}

void chardev_restore_terminal(void)
{
    int err = errno;
    if (term.on && in_foreground())
        tcsetattr(term.fd, TCSANOW, &term.before);
    errno = err;
}

/* ---- signals ---- */

/* Ends or stops the process as the signal does by itself, but with the terminal as it was.
 * Everything here is async-signal-safe. */
static void default_action(int sig)
{
    sigset_t set;
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    chardev_restore_terminal();
    sigaction(sig, &dfl, NULL);
    sigemptyset(&set);
    sigaddset(&set, sig);
    raise(sig);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* it strikes here */
}

static void on_stop(int sig)
{
    int err = errno;
    struct sigaction again = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    default_action(sig);
    sigaction(sig, &again, NULL); /* continued */
    errno = err;
}

static void on_continue(int sig)
{
    int err = errno;
    (void)sig;
    if (term.on && in_foreground())
        tcsetattr(term.fd, TCSANOW, &term.raw);
    errno = err;
}

/* Signals that somebody else handles stay his; he calls chardev_restore_terminal(). */
static void hook(int sig, void (*fn)(int))
{
    struct sigaction now, ours = {.sa_handler = fn, .sa_flags = SA_RESTART};
    if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        sigaction(sig, &ours, NULL);
}

static void unhook(int sig, void (*fn)(int))
{
    struct sigaction now, dfl = {.sa_handler = SIG_DFL};
    if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == fn)
        sigaction(sig, &dfl, NULL);
}

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV,
                             SIGBUS, SIGABRT, SIGILL, SIGFPE};

static void hook_all(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(deadly); i++)
        hook(deadly[i], default_action);
    hook(SIGTSTP, on_stop);
    hook(SIGCONT, on_continue);
}

static void unhook_all(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(deadly); i++)
        unhook(deadly[i], default_action);
    unhook(SIGTSTP, on_stop);
    unhook(SIGCONT, on_continue);
}

/* ---- use ---- */

int term_claim(void)
{
    if (term.claimed)
        return -EBUSY;
    term.claimed = 1;
    return 0;
}

void term_release(void)
{
    chardev_restore_terminal();
    if (term.on)
        unhook_all();
    term.on = 0;
    term.claimed = 0;
    close_fd(&term.fd);
}

void term_raw(int fd, int signals)
{
    if (tcgetattr(fd, &term.before) < 0 || (term.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
        return;
    term.group = getpgrp();
    term.raw = term.before;
    cfmakeraw(&term.raw);
    term.raw.c_oflag |= OPOST; /* the log's lines still end where they should */
    if (signals)
        term.raw.c_lflag |= ISIG;
    term.raw.c_cc[VMIN] = 1;
    term.raw.c_cc[VTIME] = 0;
    term.on = 1;
    if (in_foreground())
        tcsetattr(term.fd, TCSANOW, &term.raw);
    hook_all();
    if (!term.at_exit)
        term.at_exit = atexit(chardev_restore_terminal) == 0;
}
