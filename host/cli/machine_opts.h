/* SPDX-License-Identifier: BSD-2-Clause */
/* What -m, -smp and -boot mean: values, defaults and the rules between them. Every function is
 * [any]. */
#ifndef TN_CLI_MACHINE_OPTS_H
#define TN_CLI_MACHINE_OPTS_H
#include "kvtree.h"
#include <stdint.h>

struct cli_memory {
    bool given;      /* a size was given; else the machine chooses */
    uint64_t size;   /* bytes; 0 if not given */
    uint64_t maxmem; /* bytes; 0 if not given, else >= size */
    uint64_t slots;  /* of memory hotplug, 0..256 */
};

/* Reads {size, maxmem, slots}, values as of -m, where a plain number counts MiB. in may be NULL. */
int cli_memory_read(struct cli_memory *out, const struct kv_node *in, char **err);

/* A CPU topology. As input 0 is "not given"; as output every member is at least 1, and
 * maxcpus = sockets * dies * clusters * modules * cores * threads >= cpus. */
struct cli_smp {
    uint32_t cpus, maxcpus, sockets, dies, clusters, modules, cores, threads;
};

/* What a machine can take. */
struct cli_smp_limits {
    const char *machine; /* its name, for messages */
    uint32_t max_cpus;
    bool dies, modules, clusters;
};

/* Reads {cpus, maxcpus, sockets, ...}; a number that is given must be 1 or more. in may be NULL. */
int cli_smp_read(struct cli_smp *given, const struct kv_node *in, char **err);
/* Fills in what is missing as QEMU does since its 6.2 machines: cores before sockets before
 * threads. */
int cli_smp_complete(struct cli_smp *out, const struct cli_smp *given, char **err);
/* Checks a complete topology against a machine. */
int cli_smp_check(const struct cli_smp *smp, const struct cli_smp_limits *limits, char **err);

struct cli_boot {
    char order[17], once[17]; /* letters a..p, none twice; "" if not given */
    bool have_order;          /* also an empty one */
    bool menu, strict;
    int32_t splash_time, reboot_timeout; /* milliseconds; -1 if not given */
};

/* Reads {order, once, menu, strict, splash, splash-time, reboot-timeout}. in may be NULL. */
/* The letters of order or once; out is "" before. 0 or -EINVAL with *err, the caller's. */
int cli_boot_letters(char out[17], const char *text, char **err);
int cli_boot_read(struct cli_boot *out, const struct kv_node *in, char **err);

#endif
