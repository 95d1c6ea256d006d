/* SPDX-License-Identifier: BSD-2-Clause */
/* What is offered through fw_cfg: registered by devices and the machine, given to the device that
 * is the hardware. */
#ifndef TN_HOST_FWCFG_H
#define TN_HOST_FWCFG_H
#include "vm.h"
#include <tenon/fwcfg.h>

struct fwcfg *fwcfg_host_new(struct vm *vm);
void fwcfg_host_free(struct fwcfg *f); /* NULL is fine */
/* The machine's own items: copied. name NULL: a numbered key. -EEXIST */
int fwcfg_host_add(struct vm *vm, uint32_t key, const char *name, const void *p, uint64_t len,
                   struct tn_err *e);
/* The same for a file that is made anew at each boot: takes the place of the machine's earlier one
 * of that name. */
int fwcfg_host_replace(struct vm *vm, const char *name, const void *p, uint64_t len,
                       struct tn_err *e);
/* Hands every item to the fw_cfg device, when one is realized; nothing without one. From then on
 * items come and go as they are registered. Main thread, after cold plug. */
int fwcfg_host_connect(struct vm *vm, struct tn_err *e);
/* What came and went since is exchanged now instead of from the main loop: for files that the guest
 * shall find after the reset that follows. Nothing before fwcfg_host_connect(). Main thread, no
 * device lock held. */
int fwcfg_host_sync(struct vm *vm, struct tn_err *e);

/* Memory that devices asked for with blob(): firmware allocates it, or the host where there is
 * none. */
struct fwcfg_blob {
    const char *name, *report; /* report: the file to which firmware writes the address, 8 bytes */
    const void *data;          /* all borrowed */
    uint64_t len, align;
    uint32_t below_4g;
};
/* Every blob in order of registration, until fn is not 0; that value. Main thread. */
int fwcfg_host_blobs(struct vm *vm, int (*fn)(void *o, const struct fwcfg_blob *b), void *o);
/* The host has placed a blob; TN_ANYWHERE: not known any more. Main thread. */
void fwcfg_host_placed(struct vm *vm, const char *name, uint64_t gpa);
/* A device's file as a guest would read it now: at most max bytes go to p. How many, or -ENOENT.
 * Main thread, no device lock held. */
int64_t fwcfg_host_read(struct vm *vm, const char *name, void *p, uint64_t max);
extern const struct tn_fwcfg fwcfg_table; /* TN_FWCFG_1 */

#endif
