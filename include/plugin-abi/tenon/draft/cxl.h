/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. CXL memory decode (Compute Express Link 2.0, 8.2.5.12). Components publish the decoders that the guest committed;
 * the owner of the windows flattens the tree on main and declares stripes (draft/window.h). So no locks nest, and no plugin
 * runs on a guest's load. All components of a machine share one lock domain (tn_core.join).
 */
#ifndef TENON_DRAFT_CXL_H
#define TENON_DRAFT_CXL_H
#include <tenon/draft/window.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_CXL_BUS "CXL" /**< is_a "PCIE", "PCI" */

/** One committed HDM decoder. Frozen. */
struct tn_cxl_decoder {
    uint64_t base, size;          /**< host-physical addresses, bytes */
    uint64_t dpa;                 /**< endpoint: first device-physical address, skips applied */
    uint32_t granularity, ways;   /**< bytes; 1 to 16 */
    uint32_t targets, reserved;   /**< used elements of target; 0 for an endpoint */
    uint8_t target[16];           /**< port numbers, in interleave order */
};

#define TN_CXL_COMPONENT_1 "tenon.cxl-component/1"
/** FWD: TN_CXL_COMPONENT_1, of host bridge, root port, switch ports and endpoint. */
struct tn_cxl_component {
    uint32_t struct_size, flags;
    /** [main][dev] copies at most max committed decoders; returns how many there are */
    int (*decoders)(void *s, struct tn_cxl_decoder *v, uint32_t max);
    /** [main][dev] host bridge and upstream port: the port below with that number; other ports: the function below, whatever
     * the number. NULL = empty. Borrowed */
    struct tn_dev *(*below)(void *s, uint32_t port);
    /** [main][dev] port number of a root or downstream port (PCIe 7.5.3.6), -1 elsewhere */
    int32_t (*port)(void *s);
    /** [main][dev] endpoint: memory at dpa, its offset in *mem, bytes that follow. -ENXIO: none, poisoned or disabled */
    int (*memory)(void *s, uint64_t dpa, struct tn_mem **mem, uint64_t *off, uint64_t *len);
};

#define TN_CXL_ROOT_1 "tenon.cxl-root/1"
/** FWD: TN_CXL_ROOT_1, of the machine option block (TN_K_MACHINE) that owns the fixed windows. */
struct tn_cxl_root {
    uint32_t struct_size, flags;
    /** [main][dev] host bridge hb introduces itself by its uid; out: where its 64 KiB of component registers go. -EBUSY */
    int (*host_bridge)(void *s, struct tn_dev *hb, uint32_t uid, struct tn_window **w, uint64_t *off, struct tn_err *e);
    /** [vcpu][dev] decoders or media state of a component changed: flattened again, soon, once */
    void (*changed)(void *s, struct tn_dev *component);
};

#ifdef __cplusplus
}
#endif
#endif
