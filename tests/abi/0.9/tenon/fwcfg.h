/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * fw_cfg: named blobs for firmware and guest. TN_FWCFG_1 is what any device uses; the device that is the fw_cfg hardware
 * provides TN_FWCFG_DEVICE_1 and is given every item, those from before its own realize included.
 */
#ifndef TENON_FWCFG_H
#define TENON_FWCFG_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_FWCFG_1 "tenon.fwcfg/1"
/** TN_FWCFG_1; absent where the machine has no fw_cfg. Items are managed. */
struct tn_fwcfg {
    uint32_t struct_size, rev;
    /** [main] copies len bytes; the directory is ordered by name. -EEXIST */
    int (*file)(struct tn_dev *d, const char *name, const void *p, uint64_t len, struct tn_err *e);
    /** [main] fill() [vcpu][dev] makes at most max bytes at each select and returns how many; written() (may be NULL) when
     * the guest's DMA write is complete */
    int (*dynamic)(struct tn_dev *d, const char *name, uint64_t max, int64_t (*fill)(void *s, void *p, uint64_t max),
                   void (*written)(void *s, uint64_t off, uint64_t len, const void *p), void *s, struct tn_err *e);
    /** [main] memory that the firmware allocates and reports back */
    int (*blob)(struct tn_dev *d, const char *name, const void *p, uint64_t len, uint64_t align, uint32_t below_4g,
                struct tn_err *e);
    /** [any] where the blob is; TN_ANYWHERE until it is known */
    uint64_t (*gpa)(struct tn_dev *d, const char *name);
};

/** One item: a file by name, or a fixed key with name NULL. */
struct tn_fwcfg_item {
    uint32_t struct_size, key;
    const char *name;
    const void *data; /**< borrowed until del() or the device's unrealize */
    uint64_t len;     /**< bytes, or the most that fill() makes */
    int64_t (*fill)(void *s, void *p, uint64_t max);                     /**< [vcpu][dev] bytes made, or -errno; NULL: data */
    void (*written)(void *s, uint64_t off, uint64_t len, const void *p); /**< [vcpu][dev] NULL: read-only */
    void *s;
};
#define TN_FWCFG_DEVICE_1 "tenon.fwcfg-device/1"
/** TN_FWCFG_DEVICE_1 */
struct tn_fwcfg_ops {
    uint32_t struct_size, flags;
    int (*add)(void *s, const struct tn_fwcfg_item *it, struct tn_err *e); /**< [main][dev] item is copied, data is not */
    int (*del)(void *s, const char *name);                                 /**< [main][dev] */
};

#ifdef __cplusplus
}
#endif
#endif
