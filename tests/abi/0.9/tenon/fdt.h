/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Device tree (Devicetree Specification 0.4): devices add nodes; the host owns libfdt.
 */
#ifndef TENON_FDT_H
#define TENON_FDT_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_region;
struct tn_fdt_out; /**< one build in progress */

#define TN_FDT_BUILD_1 "tenon.fdt-build/1"
/** TN_FDT_BUILD_1; valid inside a builder only. All [main][dev], 0 or -errno. */
struct tn_fdt_build {
    uint32_t struct_size, rev;
    /** a node below parent (a path; NULL = the machine's bus node): "serial@3f8"; *at: handle for the calls below */
    int (*begin)(struct tn_fdt_out *o, const char *parent, const char *name, uint32_t *at);
    int (*bytes)(struct tn_fdt_out *o, uint32_t at, const char *name, const void *p, uint32_t len);
    int (*str)(struct tn_fdt_out *o, uint32_t at, const char *name, const char *v);
    /** n cells in host order */
    int (*cells)(struct tn_fdt_out *o, uint32_t at, const char *name, const uint32_t *v, uint32_t n);
    /** reg from regions, with the parent's #address-cells */
    int (*reg)(struct tn_fdt_out *o, uint32_t at, struct tn_region *const *r, uint32_t n);
    /** interrupts from lines, with the controller's cell format */
    int (*irqs)(struct tn_fdt_out *o, uint32_t at, struct tn_line *const *l, uint32_t n);
    /** phandle of a role ("intc", "msi") or of another device (role NULL); 0 = none */
    uint32_t (*phandle)(struct tn_fdt_out *o, const char *role, struct tn_dev *of);
    /** this node plays a role; "stdout" sets /chosen/stdout-path */
    int (*role)(struct tn_fdt_out *o, uint32_t at, const char *role);
};

#define TN_FDT_1 "tenon.fdt/1"
/** TN_FDT_1; absent where the machine has no tree. */
struct tn_fdt {
    uint32_t struct_size, rev;
    /** [main] build() runs [main][dev] at boot and at each reset, in order of the devices' creation. Managed */
    int (*builder)(struct tn_dev *d,
                   int (*build)(void *s, const struct tn_fdt_build *b, struct tn_fdt_out *o, struct tn_err *e), void *s);
};

#ifdef __cplusplus
}
#endif
#endif
