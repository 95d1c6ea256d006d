/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * CMOS RAM, as the real-time clock offers it to the machine and to other devices.
 */
#ifndef TENON_CMOS_H
#define TENON_CMOS_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_CMOS_1 "tenon.cmos/1"
/** TN_CMOS_1 */
struct tn_cmos {
    uint32_t struct_size, flags;
    void (*set)(void *s, uint32_t reg, uint32_t v);  /**< [main][dev] firmware bytes; clock registers are refused */
    uint32_t (*get)(void *s, uint32_t reg);          /**< [main][dev] */
};

#ifdef __cplusplus
}
#endif
#endif
