/* SPDX-License-Identifier: BSD-2-Clause */
#include "sigsys.h"

#include "sandbox.h"
#include "util/alloc.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *const names[] = {
#include "syscall_names.h"
};

const char *sigsys_name(long nr)
{
    return nr >= 0 && (size_t)nr < ARRAY_SIZE(names) ? names[nr] : NULL;
}

/* ---- formatting that a signal handler may do ---- */

struct line {
    char text[160];
    size_t len;
};

static void put(struct line *l, const char *s)
{
    for (; *s && l->len < sizeof l->text; s++)
        l->text[l->len++] = (unsigned char)*s < ' ' ? '?' : *s;
}

static void put_number(struct line *l, unsigned long n)
{
    char digits[24], *p = digits + sizeof digits - 1;
    *p = 0;
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    put(l, p);
}

static void put_thread(struct line *l)
{
    char name[16] = "?";
    prctl(PR_GET_NAME, name, 0, 0, 0);
    put(l, "thread '");
    put(l, name);
    put(l, "'");
}

enum { NO_SUCH_CALL = 0x3fffffff };

static void (*at_death)(void);

void sandbox_at_death(void (*fn)(void))
{
    at_death = fn;
}

/* By now the disposition is the default one, or the signal is blocked (sanitizers' libraries see to
 * that): either way the next call that no filter allows ends the process. Nothing before it needs a
 * call that a filter could refuse. */
static void last_words(int sig, siginfo_t *si, void *context)
{
    struct line l = {.len = 0};
    const char *name = sigsys_name(si->si_syscall);
    (void)sig;
    (void)context;
    put(&l, "tenon: sandbox: ");
    put_thread(&l);
    put(&l, " called ");
    put(&l, name ? name : "an unknown system call");
    put(&l, " (");
    put_number(&l, (unsigned long)(unsigned)si->si_syscall);
    put(&l, "): killed");
    l.text[l.len < sizeof l.text ? l.len++ : sizeof l.text - 1] = '\n';
    ssize_t r = write(STDERR_FILENO, l.text, l.len);
    (void)r;
    if (at_death)
        at_death(); /* last: this thread's filter may refuse what it does */
    syscall(NO_SUCH_CALL);
    __builtin_trap();
}

int sigsys_install(void)
{
    struct sigaction sa = {.sa_sigaction = last_words,
                           .sa_flags = SA_SIGINFO | (int)SA_RESETHAND | SA_NODEFER};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    return sigaction(SIGSYS, &sa, NULL) < 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) < 0 ? -errno
                                                                                        : 0;
}
