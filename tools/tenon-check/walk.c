/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk.h"
#include "host.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS_MAX = 1000000, FIRST_LIMIT_S = 5 };

void walk_all(struct walk *w, uint64_t seed, uint32_t n)
{
    *w = (struct walk){seed, xcalloc(n, sizeof *w->step), n};
    for (uint32_t i = 0; i < n; i++)
        w->step[i] = i;
}

void walk_free(struct walk *w)
{
    free(w->step);
    w->step = NULL;
}

/* ---- running ---- */

static void take_step(struct host *h, uint64_t seed, uint32_t number)
{
    struct rng r = {seed ^ (number + 1) * 0xd1342543de82ef95u};
    rng_next(&r);
    guest_step(h, &r);
}

static void run_here(struct check *c, const struct walk *w, volatile uint32_t *reached)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < w->n; i++) {
        *reached = i + 1;
        take_step(h, w->seed, w->step[i]);
    }
    check_end(c, h, d);
}

static void child(struct check *c, const struct walk *w, uint32_t limit_s,
                  volatile uint32_t *reached)
{
    signal(SIGALRM, SIG_DFL);
    alarm(limit_s);
    run_here(c, w, reached);
    if (write(c->out, "P\n", 2) < 0)
        _exit(3);
    _exit(0);
}

/* The last verdict among the lines; notes are left out. */
static void hear(struct walk_end *e, int fd)
{
    char piece[1024];
    BUF_AUTO text = {0};
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        buf_add(&text, piece, (size_t)n);
    char *save = NULL, *all = (char *)(uintptr_t)buf_cstr(&text);
    for (char *l = strtok_r(all, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        if (*l != 'N' && e->kind != 'F') {
            e->kind = *l;
            buf_str(&e->why, l + 1);
        }
}

static void judge(struct walk_end *e, int status, uint32_t limit_s)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        e->kind = 'H';
        buf_printf(&e->why, "did not end within %u s", limit_s);
    } else if (WIFSIGNALED(status)) {
        e->kind = 'C';
        buf_str(&e->why, strsignal(WTERMSIG(status)));
    } else if (!e->kind || (e->kind == 'P' && WEXITSTATUS(status))) {
        e->kind = 'E';
        buf_printf(&e->why, "the process was ended from within, with status %d",
                   WEXITSTATUS(status));
    }
}

struct walk_end walk_run(struct check *c, const struct walk *w, uint32_t limit_s)
{
    struct walk_end e = {0};
    int fds[2], status = 0, out = c->out;
    uint32_t *reached = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reached == MAP_FAILED || pipe(fds) < 0)
        check_skip(c, "no memory or no pipe for a walk");
    c->out = fds[1];
    pid_t pid = fork();
    if (pid == 0)
        child(c, w, limit_s, reached);
    c->out = out;
    close(fds[1]);
    hear(&e, fds[0]);
    close(fds[0]);
    waitpid(pid, &status, 0);
    judge(&e, status, limit_s);
    e.reached = *reached;
    munmap(reached, 4096);
    return e;
}

/* ---- making it small ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int still(struct check *c, const struct walk *w, char kind)
{
    struct walk_end e = walk_run(c, w, FIRST_LIMIT_S);
    buf_free(&e.why);
    return e.kind == kind;
}

/* Without n steps from at on, if it still ends so: 1. */
static int without(struct check *c, struct walk *w, uint32_t at, uint32_t n, char kind)
{
    struct walk less = {w->seed, xcalloc(w->n, sizeof *w->step), w->n - n}, whole = *w;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): *w is never the freed one */
    memcpy(less.step, whole.step, at * sizeof *whole.step);
    memcpy(less.step + at, whole.step + at + n, (whole.n - at - n) * sizeof *whole.step);
    int same = still(c, &less, kind);
    *w = same ? less : whole;
    walk_free(same ? &whole : &less);
    return same;
}

void walk_minimise(struct check *c, struct walk *w, char kind, uint32_t limit_s)
{
    double until = seconds() + limit_s;
    for (uint32_t n = w->n / 2; n; n /= 2)
        for (uint32_t at = 0; at + n <= w->n && seconds() < until;)
            if (!without(c, w, at, n, kind))
                at += n;
}

/* ---- files ---- */

int walk_save(const struct check *c, const struct walk *w, const char *why, const char *path)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    fprintf(f, "tenon-check walk 1\n# %s\nplugin %s\nclass %s\nseed %" PRIu64 "\n", why,
            c->plugin->id, check_subject(c), w->seed);
    for (uint32_t i = 0; i < c->o->nsets; i++)
        fprintf(f, "# --set %s=%s\n", c->o->sets[i].key, c->o->sets[i].value);
    for (uint32_t i = 0; i < w->n; i++)
        fprintf(f, "step %u\n", w->step[i]);
    return fclose(f) ? -errno : 0;
}

static void add_step(struct walk *w, uint32_t number)
{
    w->step = xrealloc(w->step, (w->n + 1) * sizeof *w->step);
    w->step[w->n++] = number;
}

int walk_load(const struct check *c, struct walk *w, const char *path)
{
    char line[256], word[16], arg[128];
    FILE *f = fopen(path, "re");
    int known = f && fgets(line, sizeof line, f) && strcmp(line, "tenon-check walk 1\n") == 0,
        other = 0;
    *w = (struct walk){0};
    while (known && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%15s %127s", word, arg) != 2 || *word == '#')
            continue;
        if (strcmp(word, "class") == 0)
            other = strcmp(arg, check_subject(c)) != 0;
        else if (strcmp(word, "seed") == 0)
            w->seed = strtoull(arg, NULL, 0);
        else if (strcmp(word, "step") == 0 && w->n < STEPS_MAX)
            add_step(w, (uint32_t)strtoul(arg, NULL, 0));
    }
    if (f)
        fclose(f);
    return !known ? -EINVAL : other ? -ENOENT : 0;
}
