/* SPDX-License-Identifier: BSD-2-Clause */
/* Random walks of hostile guests, for --fuzz-seconds; what fails is made small, and can be run
 * again. */
#include "drive.h"
#include "walk.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STEPS = 500, LEAST = 64, LIMIT_S = 5, MINIMISE_S = 20 };

static const char *walk_names(char kind)
{
    return kind == 'C'   ? "crash"
           : kind == 'H' ? "hang"
           : kind == 'E' ? "end of the process"
                         : "failure";
}

static const char *keep(struct check *c, const struct walk *w, const char *why, char *path,
                        size_t n)
{
    if (!c->o->keep)
        return "--keep DIRECTORY would save it";
    snprintf(path, n, "%s/%s-%llu.walk", c->o->keep, check_subject(c), (unsigned long long)w->seed);
    return walk_save(c, w, why, path) < 0 ? "it could not be saved" : path;
}

static void __attribute__((noreturn)) found(struct check *c, struct walk *w, struct walk_end *e)
{
    char path[512];
    w->n = e->reached ? e->reached : w->n;
    walk_minimise(c, w, e->kind, MINIMISE_S);
    check_fail(c, "a %s after %u steps (made %u): %s [seed %llu; %s]", walk_names(e->kind),
               e->reached, w->n, buf_cstr(&e->why), (unsigned long long)w->seed,
               keep(c, w, buf_cstr(&e->why), path, sizeof path));
}

static void one(struct check *c, uint64_t seed)
{
    struct walk w;
    walk_all(&w, seed, STEPS);
    struct walk_end e = walk_run(c, &w, LIMIT_S);
    if (e.kind == 'S')
        check_skip(c, "%s", buf_cstr(&e.why));
    if (e.kind != 'P')
        found(c, &w, &e);
    buf_free(&e.why);
    walk_free(&w);
}

static void replay(struct check *c)
{
    struct walk w;
    int r = walk_load(c, &w, c->o->replay);
    if (r == -ENOENT)
        check_skip(c, "%s is of another class", c->o->replay);
    if (r < 0)
        check_fail(c, "%s is no file that --keep wrote", c->o->replay);
    struct walk_end e = walk_run(c, &w, LIMIT_S);
    CHECK(c, e.kind == 'P', "a %s at step %u of %u: %s", walk_names(e.kind), e.reached, w.n,
          buf_cstr(&e.why));
}

static void walks(struct check *c)
{
    struct timespec begin, now;
    uint32_t n = 0;
    if (c->o->replay) {
        replay(c);
        return;
    }
    if (!c->o->fuzz_s)
        check_skip(c, "--fuzz-seconds 0");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        one(c, c->o->seed * 1000003 + n++);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (n < LEAST || now.tv_sec - begin.tv_sec < (time_t)c->o->fuzz_s);
    check_note(c, "%u walks of %u steps", n, STEPS);
}

static const struct check_test tests[] = {
    {"walks", "no walk of a hostile guest crashes, hangs or breaks a rule",
     "docs/abi.md: A guest never causes an error", CT_CLASS | CT_LONG, needs_device, walks},
    {0},
};

const struct check_group group_fuzz = {"fuzz", tests};
