/* SPDX-License-Identifier: BSD-2-Clause */
/* Running tests, each in a process of its own, and saying what came of it. */
#ifndef TENON_CHECK_RUN_H
#define TENON_CHECK_RUN_H
#include "check.h"
#include "util/buf.h"

enum verdict { V_PASS, V_FAIL, V_SKIP, V_CRASH, V_HANG, V_EXIT };

struct result {
    enum verdict verdict;
    char name[160];   /* "life/realize: isa-serial" */
    struct buf why;   /* one line */
    struct buf notes; /* lines */
    double seconds;
    const struct check_test *test;
};

struct report {
    const struct options *o;
    struct result *r;
    uint32_t n;
};

/* Runs every test that the options select and prints each line as it comes. *exit_status: 0 or 1.
 */
struct report run_all(const struct options *o, int *exit_status);
/* Only says which there are. */
void run_list(const struct options *o);
/* In a child process: runs t on c and fills res. */
void run_test(struct check *c, const struct check_test *t, struct result *res);

/* One line of TAP, with what explains a failure below it. */
void report_line(const struct result *r, uint32_t number, int verbose);
/* What a human wants to know at the end. */
void report_summary(const struct report *p);
/* 0, or -errno. */
int report_json(const struct report *p, const char *file);
void report_free(struct report *p);
const char *verdict_name(enum verdict v);

#endif
