/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory as an ELF core file, for crash(8) and gdb: what QMP's dump-guest-memory writes. Main
 * thread; the machine is paused as long as a dump is under way. */
#ifndef TN_HOST_DUMP_H
#define TN_HOST_DUMP_H
#include "core/vm.h"

struct dump_options {
    int fd;                 /* owned by the dump from here on, also on errors */
    uint32_t paging;        /* by the guest's virtual addresses, too */
    uint32_t clipped;       /* only length bytes from begin */
    uint64_t begin, length; /* guest-physical */
};
enum dump_status { DUMP_NONE, DUMP_ACTIVE, DUMP_COMPLETED, DUMP_FAILED };

struct dump;
/* Plans it and writes its head. NULL with e. */
struct dump *dump_begin(struct vm *vm, const struct dump_options *o, struct tn_err *e);
/* Writes some megabytes more: 1 there is more, 0 it is complete, -errno with e. */
int dump_step(struct dump *d, struct tn_err *e);
void dump_free(struct dump *d);
uint64_t dump_total(const struct dump *d); /* bytes of memory */
uint64_t dump_done(const struct dump *d);

#endif
