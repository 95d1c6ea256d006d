/* SPDX-License-Identifier: BSD-2-Clause */
/* tenon-check: does a plugin keep to the ABI? docs/tenon-check.md has the user's side. */
#include "run.h"
#include "util/alloc.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: tenon-check [OPTION]... PLUGIN.so\n"
    "Runs the conformance tests on a plugin, each in a process of its own; TAP on standard "
    "output.\n"
    "\n"
    "  --class NAME           only this class of it\n"
    "  --set [CLASS.]KEY=VAL  set a property of every instance made, of all classes or one; "
    "repeatable;\n"
    "                         {nbd}, {echo}, {tcp}, {udp}, {file}, {disk} in it: made for the "
    "test\n"
    "  --filter PATTERN       only tests whose name (GROUP/TEST: CLASS) contains or, as a shell "
    "pattern, matches it\n"
    "  --with FILE            another plugin, whose classes are there, too: on buses of this one, "
    "as "
    "makers of buses, and for what both compose; repeatable\n"
    "  --lib SONAME           the file may need this library beside libc; repeatable\n"
    "  --sticky FIELD         a state field that is meant to survive a reset, or STATE/FIELD; "
    "repeatable\n"
    "  --json FILE            write the results there, too\n"
    "  --first                end with the first failure\n"
    "  --list                 say which tests there are, and what each proves\n"
    "  --timeout SECONDS      of one test; 10 by default\n"
    "  --fuzz-seconds N       how long to fuzz each class; 2 by default\n"
    "  --seed N               of everything that looks random; 1 by default\n"
    "  --keep DIRECTORY       where reproducers of failed fuzzing go\n"
    "  --replay FILE          run a reproducer\n"
    "  --verbose              remarks of tests that pass, too\n"
    "  --help                 this text\n"
    "\n"
    "Exit status: 0 every test passed or was skipped, 1 one did not, 2 wrong usage.\n";

static int usage(FILE *f)
{
    fputs(usage_text, f);
    return f == stdout ? 0 : 2;
}

enum opt {
    O_CLASS = 256,
    O_SET,
    O_WITH,
    O_FILTER,
    O_LIB,
    O_STICKY,
    O_JSON,
    O_FIRST,
    O_LIST,
    O_TIMEOUT,
    O_FUZZ,
    O_SEED,
    O_KEEP,
    O_REPLAY,
    O_VERBOSE,
    O_HELP
};
static const struct option options[] = {
    {"class", required_argument, NULL, O_CLASS},
    {"set", required_argument, NULL, O_SET},
    {"filter", required_argument, NULL, O_FILTER},
    {"with", required_argument, NULL, O_WITH},
    {"lib", required_argument, NULL, O_LIB},
    {"sticky", required_argument, NULL, O_STICKY},
    {"json", required_argument, NULL, O_JSON},
    {"first", no_argument, NULL, O_FIRST},
    {"list", no_argument, NULL, O_LIST},
    {"timeout", required_argument, NULL, O_TIMEOUT},
    {"fuzz-seconds", required_argument, NULL, O_FUZZ},
    {"seed", required_argument, NULL, O_SEED},
    {"keep", required_argument, NULL, O_KEEP},
    {"replay", required_argument, NULL, O_REPLAY},
    {"verbose", no_argument, NULL, O_VERBOSE},
    {"help", no_argument, NULL, O_HELP},
    {0},
};

struct words {
    const char **v;
    uint32_t n;
};

static void add_word(struct words *w, const char *s)
{
    w->v = xrealloc(w->v, (w->n + 2) * sizeof *w->v);
    w->v[w->n++] = s;
    w->v[w->n] = NULL;
}

struct line {
    struct options o;
    struct words with, libs, sticky;
    struct setting *sets;
};

/* "key=value" or "class.key=value"; property names may have dots of their own, so a class is what
 * such a plugin has: decided when it is used. Here both readings are kept. */
static int add_set(struct line *l, char *s)
{
    char *eq = strchr(s, '=');
    if (!eq || eq == s)
        return -EINVAL;
    *eq = 0;
    l->sets = xrealloc(l->sets, (l->o.nsets + 1) * sizeof *l->sets);
    l->sets[l->o.nsets++] = (struct setting){.key = s, .value = eq + 1};
    return 0;
}

static int number(const char *s, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(s, &end, 0);
    return errno || end == s || *end || *s == '-' || *out > max ? -EINVAL : 0;
}

static int number32(const char *s, uint32_t max, uint32_t *out)
{
    uint64_t v;
    int r = number(s, max, &v);
    *out = (uint32_t)v;
    return r;
}

/* One option. 0, or -EINVAL: its argument makes no sense. */
static int take(struct line *l, int opt, char *arg)
{
    struct options *o = &l->o;
    switch (opt) {
    case O_CLASS:
        return o->only_class = arg, 0;
    case O_SET:
        return add_set(l, arg);
    case O_FILTER:
        return o->filter = arg, 0;
    case O_WITH:
        return l->with.n < WITH_MAX ? add_word(&l->with, arg), 0 : -EINVAL;
    case O_LIB:
        return add_word(&l->libs, arg), 0;
    case O_STICKY:
        return add_word(&l->sticky, arg), 0;
    case O_JSON:
        return o->json = arg, 0;
    case O_FIRST:
        return o->first = 1, 0;
    case O_LIST:
        return o->list = 1, 0;
    case O_TIMEOUT:
        return number32(arg, 86400, &o->timeout_s) < 0 || !o->timeout_s ? -EINVAL : 0;
    case O_FUZZ:
        return number32(arg, 86400, &o->fuzz_s);
    case O_SEED:
        return number(arg, UINT64_MAX, &o->seed);
    case O_KEEP:
        return o->keep = arg, 0;
    case O_REPLAY:
        return o->replay = arg, 0;
    default:
        return o->verbose = 1, 0;
    }
}

/* 0: run; -1: said what there is to say, *status is set. */
static int scan(struct line *l, int argc, char **argv, int *status)
{
    for (int opt, at = 0; (opt = getopt_long(argc, argv, "", options, &at)) != -1;) {
        if (opt == O_HELP)
            return *status = usage(stdout), -1;
        if (opt == '?')
            return *status = usage(stderr), -1;
        if (take(l, opt, optarg) < 0) {
            fprintf(stderr, "tenon-check: --%s: '%s' makes no sense\n", options[at].name, optarg);
            return *status = 2, -1;
        }
    }
    if (optind + 1 != argc)
        return *status = usage(stderr), -1;
    static const char *const none[] = {NULL};
    l->o.path = argv[optind];
    l->o.sets = l->sets;
    l->o.with = l->with.v ? l->with.v : none;
    l->o.libs = l->libs.v ? l->libs.v : none;
    l->o.sticky = l->sticky.v ? l->sticky.v : none;
    return 0;
}

static int check(const struct options *o)
{
    int status = 0;
    struct report rep = run_all(o, &status);
    report_summary(&rep);
    int r = o->json ? report_json(&rep, o->json) : 0;
    if (r < 0)
        fprintf(stderr, "tenon-check: %s: %s\n", o->json, strerror(-r));
    report_free(&rep);
    return r < 0 ? 2 : status;
}

int main(int argc, char **argv)
{
    struct line l = {.o = {.timeout_s = 10, .fuzz_s = 2, .seed = 1}};
    int status = 0;
    if (scan(&l, argc, argv, &status) == 0) {
        if (l.o.list)
            run_list(&l.o);
        else
            status = check(&l.o);
    }
    free(l.with.v);
    free(l.libs.v);
    free(l.sticky.v);
    free(l.sets);
    return status;
}
