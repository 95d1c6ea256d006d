/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio 1.2: the registers and the split queue that the virtio guest drives. */
#ifndef TN_GUEST_VIRTIO_H
#define TN_GUEST_VIRTIO_H
#include <stdint.h>

#define VIRTIO_VENDOR        0x1af4
#define VIRTIO_RNG_PCI       0x1044 /* 0x1040 + device type 4 */
#define VIRTIO_RNG_PCI_TRANS 0x1005 /* transitional */
#define VIRTIO_RNG_TYPE      4

/* 2.1: device status */
#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER      2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8
#define FEATURE_VERSION_1  1 /* bit 32: of the second word */

/* 4.1.4: vendor-specific capabilities */
#define VCAP_TYPE        3
#define VCAP_BAR         4
#define VCAP_OFFSET      8
#define VCAP_NOTIFY_MULT 16
#define VCAP_COMMON      1
#define VCAP_NOTIFY      2
/* 4.1.4.3: common configuration */
#define COMMON_DRV_FEAT_SEL  0x08
#define COMMON_DRV_FEAT      0x0c
#define COMMON_STATUS        0x14
#define COMMON_Q_SELECT      0x16
#define COMMON_Q_SIZE        0x18
#define COMMON_Q_MSIX_VECTOR 0x1a
#define COMMON_Q_ENABLE      0x1c
#define COMMON_Q_NOTIFY_OFF  0x1e
#define COMMON_Q_DESC        0x20
#define COMMON_Q_DRIVER      0x28
#define COMMON_Q_DEVICE      0x30

/* 4.2.2: MMIO transport */
#define MMIO_MAGIC        0x000
#define MMIO_MAGIC_VALUE  0x74726976
#define MMIO_VERSION      0x004
#define MMIO_DEVICE_ID    0x008
#define MMIO_DRV_FEAT     0x020
#define MMIO_DRV_FEAT_SEL 0x024
#define MMIO_Q_SEL        0x030
#define MMIO_Q_NUM        0x038
#define MMIO_Q_READY      0x044
#define MMIO_Q_NOTIFY     0x050
#define MMIO_INT_STATUS   0x060
#define MMIO_INT_ACK      0x064
#define MMIO_STATUS       0x070
#define MMIO_Q_DESC       0x080
#define MMIO_Q_DRIVER     0x090
#define MMIO_Q_DEVICE     0x0a0

/* 2.7: split queue */
#define QUEUE_SIZE 8
#define DESC_WRITE 2

struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
struct virtq_avail {
    uint16_t flags, idx, ring[QUEUE_SIZE], used_event;
};
struct virtq_used {
    uint16_t flags, idx;
    struct {
        uint32_t id, len;
    } ring[QUEUE_SIZE];
};

#endif
