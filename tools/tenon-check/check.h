/* SPDX-License-Identifier: BSD-2-Clause */
/* What a test of the conformance suite is, and what it runs in. A group is a file group_NAME.c with
 * a table of tests and, last, its struct check_group; groups.c lists the groups. README.md has the
 * rest.
 *
 * Each test runs in a process of its own, with a time limit: a crash, a hang and a plugin that ends
 * the process are results. check_fail() and check_skip() do not return: the first finding is the
 * verdict. */
#ifndef TENON_CHECK_H
#define TENON_CHECK_H
#include "rng.h"
#include <tenon/plugin.h>

struct host;
struct dev;
struct peers;

/* One `--set [CLASS.]KEY=VALUE`; key as given: "KEY", of every class that has such a property, or
 * "CLASS.KEY". */
struct setting {
    const char *key, *value;
};

/* A class that a tn_compose makes: a transport, and a device on the bus that it makes. Tests see
 * the transport as c->cls, and both come and go together. */
struct pair {
    const struct tn_compose *how;
    const struct tn_class *child;
    char name[128]; /* "virtio-blk-pci" */
};

enum { WITH_MAX = 4 };

/* What the command line says, the same for every test. */
struct options {
    const char *path;        /* of the plugin's file */
    const char *const *with; /* --with: files of other plugins; NULL-terminated, at most WITH_MAX */
    const char *only_class;  /* --class, or NULL */
    const char *filter;      /* --filter, or NULL */
    const char *json;        /* --json, or NULL */
    const char *keep, *replay; /* --keep DIRECTORY of reproducers, --replay FILE; or NULL */
    const char *const
        *libs; /* --lib: libraries that the file may need beside libc; NULL-terminated */
    const char *const *sticky; /* --sticky: state fields that survive a reset; NULL-terminated */
    const struct setting *sets;
    uint32_t nsets;
    uint32_t timeout_s;            /* of one test */
    uint32_t fuzz_s;               /* --fuzz-seconds: of all fuzzing of one class */
    uint32_t list, verbose, first; /* first: end with the first failure */
    uint64_t seed;
};

/* A running test. */
struct check {
    const struct options *o;
    const struct tn_plugin *plugin;             /* NULL in tests of the file alone */
    const struct tn_class *cls;                 /* NULL in tests of the whole plugin */
    const struct tn_plugin *with[WITH_MAX + 1]; /* of --with; NULL-terminated */
    const struct pair *pair;                    /* c->cls is its transport; NULL: a class alone */
    const struct check_test *test;
    const struct peers *peers; /* what values of --set name in braces; peer.h */
    struct rng rng;            /* seeded by --seed: the same in every run */
    int out;                   /* where the verdict goes */
};

/* On what a test is run, and when. */
enum {
    CT_FILE = 1,   /* the file, not loaded: c->plugin is NULL */
    CT_PLUGIN = 2, /* the loaded plugin: once */
    CT_CLASS = 4,  /* each class */
    CT_GATE = 8,   /* what fails here makes all later tests senseless: they are skipped */
    CT_LONG = 16   /* may take ten times the time limit */
};

struct check_test {
    const char *name; /* words joined by '-' */
    const char *rule; /* the sentence that the test proves */
    const char
        *from; /* where it stands: "class.h: realize", "docs/abi.md: Errors", "PCI 3.0 6.2.1" */
    uint32_t flags; /* CT_* */
    /* NULL if the test has something to say of c, else why it has not; may itself be NULL: always.
     * Runs outside the test's process: it looks at constant data only */
    const char *(*applies)(const struct check *c);
    void (*run)(struct check *c);
};

struct check_group {
    const char *name;
    const struct check_test *tests; /* ends with a test without name */
};
extern const struct check_group
    *const check_groups[]; /* NULL-terminated, in the order of running */

/* The verdict "fail", with the reason in one line: what was done, what was expected, what was seen.
 */
void check_fail(struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* The verdict "skip": the test cannot say anything, because of what is not known before it runs. */
void check_skip(struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* A remark that is shown with --verbose, or if the test fails. */
void check_note(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Where a test that goes through many cases is: told with its failure, crash or hang. */
void check_at(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The running test of this process: for the host's parts, which find faults on their own. */
struct check *check_current(void);

#define CHECK(c, cond, ...)             \
    do {                                \
        if (!(cond))                    \
            check_fail(c, __VA_ARGS__); \
    } while (0)

/* What stands behind the test's name: the pair, the class, or the file where there is none. */
const char *check_subject(const struct check *c);
/* The n-th class of the plugin and of those of --with; NULL: there are fewer. */
const struct tn_class *check_class(const struct check *c, uint32_t n);

/* The property of cls that s is for, if it is for that class: without "CLASS." in front. */
const char *setting_key(const struct setting *s, const struct tn_class *cls);

/* ---- what most tests of a class begin with; see start.c ---- */

/* A host with an instance of c->cls that is initialised and has its properties: the defaults,
 * stand-ins for required back ends, then --set. Owned by *h. */
struct dev *check_make(struct check *c, struct host **h);
/* Likewise in h; NULL if an init says that there is no memory. */
struct dev *check_make_in(struct check *c, struct host *h);
/* Realizes, resets and resumes what check_make() made. Skips the test where realize refuses for
 * want of a property that nobody set. */
struct dev *check_run(struct check *c, struct dev *d);
/* Likewise, realized, reset and resumed. Skips the test where realize refuses for want of a
 * property that nobody set. */
struct dev *check_start(struct check *c, struct host **h);
/* Quiesces, unrealizes and frees d and its host; fails the test if something is left. */
void check_end(struct check *c, struct host *h, struct dev *d);

#endif
