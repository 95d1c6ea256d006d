/* SPDX-License-Identifier: BSD-2-Clause */
/* Which system calls a profile means: one constant table. A filter is made of the host's own rows
 * and of those that the loaded plugins name, and of nothing else. */
#ifndef TN_HOST_SANDBOX_PROFILES_H
#define TN_HOST_SANDBOX_PROFILES_H
#include "sandbox.h"
#include <stddef.h>
#include <stdint.h>

/* Bits of struct sandbox_row.kinds. A thread that is made after the main thread has closed its own
 * filter inherits that one: so every row is for the main thread too. */
enum {
    ON_MAIN = 1u << SANDBOX_MAIN,
    ON_VCPU = 1u << SANDBOX_VCPU,
    ON_IOTHREAD = 1u << SANDBOX_IOTHREAD,
    ON_PLUGIN = 1u << SANDBOX_PLUGIN,
    ON_LOOPS = ON_MAIN | ON_IOTHREAD | ON_PLUGIN,
    ON_ALL = ON_LOOPS | ON_VCPU
};

/* struct sandbox_row.host */
enum {
    OF_PLUGINS, /* who names it has it */
    OF_HOST,    /* always there, and not a plugin's to name */
    OF_MONITOR  /* with a monitor: sandbox_need_monitor() */
};

enum sandbox_op {
    OP_NONE,   /* no condition */
    OP_MASKED, /* (argument & mask) == value */
    OP_NOT,    /* argument != value */
    OP_SELF    /* argument is the id of this process */
};

/* Of the low half of an argument: all of these are ints, flags and request numbers. */
struct sandbox_test {
    uint32_t arg;
    enum sandbox_op op;
    uint32_t mask, value;
};

struct sandbox_rule {
    int nr; /* <sys/syscall.h> */
    uint32_t
        refuse; /* 0: allowed; else the call fails with this errno, unless another row allows it */
    struct sandbox_test test[2];
};

struct sandbox_row {
    const char *profile; /* several rows may bear one name: for different kinds of thread */
    uint32_t kinds;
    uint32_t host; /* OF_*: whose it is */
    const char *what;
    const struct sandbox_rule *rules;
    size_t nrules;
};

extern const struct sandbox_row sandbox_rows[];
extern const size_t sandbox_nrows;

/* Has the filter for threads of kind that row, profiles being what it was composed of? */
int sandbox_row_counts(const struct sandbox_row *row, enum sandbox_kind kind,
                       const char *const *profiles, size_t n);

/* 1 if a plugin may name this profile. */
int sandbox_profile_known(const char *name);

#endif
