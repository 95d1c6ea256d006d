/* SPDX-License-Identifier: BSD-2-Clause */
/* A case of the sandbox's test runs in a child of its own: a filter never goes away again. The test
 * plays the registry: it decides which plugins are open and what they ask for. */
#ifndef TN_SANDBOX_CHILD_H
#define TN_SANDBOX_CHILD_H
#include "core/registry.h"
#include "sandbox/sandbox.h"
#include "tap.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct registry {
    const struct tn_plugin *plugin;
};

int registry_each_open(struct registry *r, int (*fn)(void *o, const struct tn_plugin *p), void *o)
{
    return r->plugin ? fn(o, r->plugin) : 0;
}

int registry_each_known(struct registry *r, int (*fn)(void *o, const struct tn_plugin *p), void *o)
{
    return registry_each_open(r, fn, o);
}

static int loads = 1, monitored;

int registry_loads(void)
{
    return loads;
}

struct job {
    struct vm *vm;
    enum sandbox_kind kind;
    const char *profile;
    void (*act)(void);
};
static struct job late; /* a thread that a case starts under the main thread's filter */
struct outcome {
    int status;
    char text[512];
};

static void on_thread_of(const struct job *j)
{
    sandbox_enter(j->vm, j->kind, j->profile);
    j->act();
}

static void *thread(void *p)
{
    prctl(PR_SET_NAME, "CPU 0/KVM", 0, 0, 0);
    on_thread_of(p);
    return NULL;
}

static void child(struct job *j, const struct tn_plugin *plugin)
{
    struct registry r = {plugin};
    struct vm vm = {.registry = &r};
    ERR_AUTO e = {0};
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    j->vm = late.vm = &vm;
    if (monitored)
        sandbox_need_monitor(&vm);
    if (sandbox_prepare(&vm, 1, &e) < 0) {
        err_report(&e);
        _Exit(99);
    }
    if (j->kind == SANDBOX_MAIN) {
        on_thread_of(j);
    } else {
        pthread_t t;
        pthread_create(&t, NULL, thread, j);
        pthread_join(t, NULL);
    }
    _Exit(0);
}

/* act() in a thread of this kind, in a child whose machine has opened plugin. */
static struct outcome run(enum sandbox_kind kind, const char *profile,
                          const struct tn_plugin *plugin, void (*act)(void))
{
    struct job j = {.kind = kind, .profile = profile, .act = act};
    struct outcome out = {0};
    int p[2];
    if (pipe(p) < 0)
        return out;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(p[1], STDERR_FILENO);
        close(p[0]);
        child(&j, plugin);
    }
    close(p[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(p[0], out.text + len, sizeof out.text - 1 - len)) > 0;)
        len += (size_t)n;
    close(p[0]);
    waitpid(pid, &out.status, 0);
    return out;
}

static struct outcome run_plain(enum sandbox_kind kind, void (*act)(void))
{
    return run(kind, NULL, NULL, act);
}

#define CHECK_LIVES(o)           \
    do {                         \
        struct outcome o_ = (o); \
        CHECK_STR(o_.text, "");  \
        CHECK_EQ(o_.status, 0);  \
    } while (0)
#define CHECK_DIES(o, line)                    \
    do {                                       \
        struct outcome o_ = (o);               \
        CHECK_STR(o_.text, line);              \
        CHECK(WIFSIGNALED(o_.status));         \
        CHECK_EQ(WTERMSIG(o_.status), SIGSYS); \
    } while (0)

#endif
