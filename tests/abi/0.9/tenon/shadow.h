/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Shadowing: a memory controller that shows RAM, shows it read-only or does not show it, as its registers say (PAM, SMRAM
 * and TSEG of PC host bridges).
 */
#ifndef TENON_SHADOW_H
#define TENON_SHADOW_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** What a guest finds in a range that has RAM. */
enum {
    TN_SHADOW_NONE = 0, /**< not the RAM: firmware's ROM where the machine has it there, else nothing */
    TN_SHADOW_READ = 1, /**< RAM, writes are dropped */
    TN_SHADOW_RAM = 3   /**< RAM, as everywhere that nobody has set */
};

#define TN_SHADOW_1 "tenon.shadow/1"
/** TN_SHADOW_1 */
struct tn_shadow {
    uint32_t struct_size, rev;
    /** [main][vcpu][dev] base and len in bytes, multiples of 4096, within RAM below 4 GiB. It returns at once; no vCPU runs in
     * the guest before it is done. The RAM keeps what is in it. Ranges may not overlap, but for one that is set again; at
     * most 64. 0 or -EINVAL */
    int (*set)(struct tn_dev *d, uint64_t base, uint64_t len, uint32_t mode);
};

#ifdef __cplusplus
}
#endif
#endif
