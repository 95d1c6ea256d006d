/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Host memory with an identity: memory back ends (memdev=) and RAM of a device itself.
 */
#ifndef TENON_MEMORY_H
#define TENON_MEMORY_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

enum { TN_MEMF_SHARED = 1, TN_MEMF_READONLY = 2, TN_MEMF_PMEM = 4 };
#define TN_MEMORY_1 "tenon.memory/1"
/** TN_MEMORY_1 */
struct tn_memory {
    uint32_t struct_size, rev;
    /** [any] address, bytes, fd (borrowed, -1 = none) and its offset, TN_MEMF_*; any out pointer may be NULL. 0 */
    int (*get)(struct tn_mem *m, void **va, uint64_t *len, int *fd, uint64_t *off, uint32_t *flags);
    /** [main] exclusive use until unrealize. 0, or -EBUSY with e, which names the user */
    int (*claim)(struct tn_mem *m, struct tn_dev *d, struct tn_err *e);
    /** [main] len bytes of RAM of the device itself, rounded up to pages, zeroed, saved, restored and
     * dirty-tracked under name (copied). 0 and *out, or -ENOMEM with e. Managed: freed after unrealize */
    int (*alloc)(struct tn_dev *d, const char *name, uint64_t len, struct tn_mem **out, struct tn_err *e);
    /** [any] len bytes from off on were written through va */
    void (*dirty)(struct tn_mem *m, uint64_t off, uint64_t len);
    /** [any] to stable storage. 0: done(arg, err) follows in the main context, never inside, err 0 or -errno; -EINVAL: not
     * inside m */
    int (*sync)(struct tn_mem *m, uint64_t off, uint64_t len, void (*done)(void *, int), void *arg);
};

#ifdef __cplusplus
}
#endif
#endif
