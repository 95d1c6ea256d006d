/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything of a machine but its RAM, as sections: in memory, so that a machine stands still for
 * no longer than it takes to ask its devices. Main thread. */
#ifndef TN_HOST_MIG_MACHINE_H
#define TN_HOST_MIG_MACHINE_H
#include "core/vm.h"
#include "format.h"
#include "vm/run.h"

/* One of them: MIG_PCI, MIG_DEVICE, MIG_VCPU or MIG_MACHINE, with what is its payload. */
struct mig_part {
    uint32_t type, len;
    uint8_t *data;
};
struct mig_parts {
    struct mig_part *v;
    uint32_t n, room;
    uint64_t bytes;
};
enum { MIG_MAX_PARTS = 1 << 18 };
/* -EFBIG: a peer sends more than any machine has. */
int mig_parts_add(struct mig_parts *p, uint32_t type, const void *data, size_t len,
                  struct tn_err *e);
void mig_parts_fini(struct mig_parts *p);

/* What stands against saving this machine at all, and when it is there: 0, or -errno with e, which
 * names the device. */
int mig_blocked(struct vm *vm, struct tn_err *e);

/* The machine is paused, its devices are at rest. was: before that, and where it is loaded. */
int mig_machine_save(struct vm *vm, enum run_state was, struct mig_parts *out, struct tn_err *e);
/* Fits all of it this machine, as far as can be said without changing it? Each device and vCPU once
 * and none left out. */
int mig_machine_fits(struct vm *vm, const struct mig_parts *p, struct tn_err *e);
/* Loads it, after RAM. *was: its state when it was saved. The machine is paused, its devices are
 * reset and at rest. After an error it is in no state to run. */
int mig_machine_load(struct vm *vm, const struct mig_parts *p, enum run_state *was,
                     struct tn_err *e);

#endif
