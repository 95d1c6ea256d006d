/* SPDX-License-Identifier: BSD-2-Clause */
/* Versions of machine types: pc-q35-7.2 is q35 with the defaults that QEMU 7.2 gave it, as far as
 * the devices are there that they are about. */
#ifndef TN_HOST_MACHINE_VERSION_H
#define TN_HOST_MACHINE_VERSION_H
#include "machine.h"

/* 7.2 is 70200, 4.0.1 is 40001. */
#define MACHINE_VERSION(major, minor, micro) ((major)*10000u + (minor)*100u + (micro))

/* The newest there is: of the version of QEMU that is asked for. cli NULL: nothing was asked. */
uint32_t machine_version_newest(const struct cli_options *cli);
/* "pc-q35-7.2" or "q35": the type and *version, newest for a type that has none. NULL if there is
 * no such, or none yet. */
const struct machine_type *machine_version_find(const char *name, uint32_t newest,
                                                uint32_t *version);
/* The versions of t, from newest on; 0 behind the last, or at once if t has none. */
uint32_t machine_version_at(const struct machine_type *t, uint32_t newest, uint32_t i);
/* The whole name; the caller frees it. */
char *machine_version_name(const struct machine_type *t, uint32_t version);
/* The QEMU whose newest one that is wants to be rid of it. */
int machine_version_deprecated(uint32_t version, uint32_t newest);
uint32_t machine_version_max_cpus(const struct machine_type *t, uint32_t version);

/* A property's default on machines up to a version. */
struct machine_compat {
    uint32_t up_to;
    const char *family; /* "pc-q35"; NULL: both */
    const char *cls, *prop, *value;
};
/* Of the table, the i-th that applies to m; NULL behind the last. What comes later wins. */
const struct machine_compat *machine_compat_at(const struct machine *m, uint32_t i);

#endif
