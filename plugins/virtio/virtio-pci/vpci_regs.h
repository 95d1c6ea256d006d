/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of virtio over PCI (Virtual I/O Device 1.3, 4.1), and where this device has them:
 * the same places as QEMU's. */
#ifndef TN_VPCI_REGS_H
#define TN_VPCI_REGS_H

/* 4.1.2.1: ids */
enum {
    VPCI_VENDOR = 0x1af4,
    VPCI_MODERN_DEVICE = 0x1040, /* + the device's id */
    VPCI_MODERN_REVISION = 1,
    VPCI_SUBSYSTEM = 0x1100, /* of a modern device: the host's default */
};

/* BARs */
enum { VPCI_LEGACY_BAR = 0, VPCI_MSIX_BAR = 1, VPCI_PIO_BAR = 2, VPCI_SHM_BAR = 2, VPCI_BAR = 4 };

/* Layout of the modern BAR */
enum {
    VPCI_COMMON_AT = 0x0000,
    VPCI_ISR_AT = 0x1000,
    VPCI_DEVICE_AT = 0x2000,
    VPCI_NOTIFY_AT = 0x3000,
    VPCI_PART_SIZE = 0x1000,
    VPCI_NOTIFY_STEP = 4,
    VPCI_NOTIFY_PAGE = 0x1000 /* page-per-vq */
};

/* 4.1.4: struct virtio_pci_cap */
enum {
    VPCI_CAP_LEN = 2,
    VPCI_CAP_TYPE = 3,
    VPCI_CAP_BAR = 4,
    VPCI_CAP_ID = 5,
    VPCI_CAP_OFFSET = 8,
    VPCI_CAP_LENGTH = 12,
    VPCI_CAP_SIZE = 16,
    VPCI_CAP_MULTIPLIER = 16, /* notify */
    VPCI_CAP_DATA = 16,       /* configuration access */
    VPCI_CAP_OFFSET_HI = 16,  /* shared memory: struct virtio_pci_cap64 */
    VPCI_CAP_LENGTH_HI = 20,
};
/* cfg_type */
enum {
    VPCI_TYPE_COMMON = 1,
    VPCI_TYPE_NOTIFY = 2,
    VPCI_TYPE_ISR = 3,
    VPCI_TYPE_DEVICE = 4,
    VPCI_TYPE_PCI = 5,
    VPCI_TYPE_SHM = 8
};

/* 4.1.4.3: struct virtio_pci_common_cfg */
enum {
    VPCI_DEVICE_FEATURE_SELECT = 0x00,
    VPCI_DEVICE_FEATURE = 0x04,
    VPCI_DRIVER_FEATURE_SELECT = 0x08,
    VPCI_DRIVER_FEATURE = 0x0c,
    VPCI_CONFIG_VECTOR = 0x10,
    VPCI_NUM_QUEUES = 0x12,
    VPCI_STATUS = 0x14,
    VPCI_GENERATION = 0x15,
    VPCI_QUEUE_SELECT = 0x16,
    VPCI_QUEUE_SIZE = 0x18,
    VPCI_QUEUE_VECTOR = 0x1a,
    VPCI_QUEUE_ENABLE = 0x1c,
    VPCI_QUEUE_NOTIFY_OFF = 0x1e,
    VPCI_QUEUE_DESC = 0x20,
    VPCI_QUEUE_DRIVER = 0x28,
    VPCI_QUEUE_DEVICE = 0x30,
    VPCI_QUEUE_NOTIF_DATA = 0x38,
    VPCI_QUEUE_RESET = 0x3a,
    VPCI_ADMIN_INDEX = 0x3c,
    VPCI_ADMIN_NUM = 0x3e,
    VPCI_COMMON_SIZE = 0x40
};

/* 4.1.4.5: ISR status */
enum { VPCI_ISR_QUEUE = 1, VPCI_ISR_CONFIG = 2 };

/* 4.1.4.10: the legacy interface, in I/O space */
enum {
    VPCI_L_DEVICE_FEATURES = 0,
    VPCI_L_DRIVER_FEATURES = 4,
    VPCI_L_QUEUE_PFN = 8,
    VPCI_L_QUEUE_SIZE = 12,
    VPCI_L_QUEUE_SELECT = 14,
    VPCI_L_QUEUE_NOTIFY = 16,
    VPCI_L_STATUS = 18,
    VPCI_L_ISR = 19,
    VPCI_L_CONFIG = 20,        /* while MSI-X is off */
    VPCI_L_CONFIG_VECTOR = 20, /* while it is on, these two are in between */
    VPCI_L_QUEUE_VECTOR = 22,
    VPCI_L_CONFIG_MSIX = 24,
    VPCI_L_PFN_SHIFT = 12
};

#endif
