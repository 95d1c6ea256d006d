/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio block device: numbers and layouts (Virtual I/O Device 1.3, section 5.2). */
#ifndef TN_BLK_REGS_H
#define TN_BLK_REGS_H
#include <stdint.h>

enum { BLK_SECTOR_SHIFT = 9, BLK_SECTOR = 1 << BLK_SECTOR_SHIFT }; /* the unit of the protocol */
enum { BLK_DEVICE_ID = 2, BLK_LEGACY_PCI_ID = 0x1001, BLK_CLASS_REV = 0x010000 << 8 };

/* 5.2.3 Feature bits */
enum {
    BLK_F_BARRIER = 0, /* legacy, not offered */
    BLK_F_SIZE_MAX = 1,
    BLK_F_SEG_MAX = 2,
    BLK_F_GEOMETRY = 4,
    BLK_F_RO = 5,
    BLK_F_BLK_SIZE = 6,
    BLK_F_SCSI = 7, /* legacy, not offered */
    BLK_F_FLUSH = 9,
    BLK_F_TOPOLOGY = 10,
    BLK_F_CONFIG_WCE = 11,
    BLK_F_MQ = 12,
    BLK_F_DISCARD = 13,
    BLK_F_WRITE_ZEROES = 14,
    BLK_F_LIFETIME = 15,
    BLK_F_SECURE_ERASE = 16,
    BLK_F_ZONED = 17
};

/* 5.2.4 Device configuration layout: offsets */
enum {
    BLK_CFG_CAPACITY = 0,
    BLK_CFG_SIZE_MAX = 8,
    BLK_CFG_SEG_MAX = 12,
    BLK_CFG_CYLINDERS = 16,
    BLK_CFG_HEADS = 18,
    BLK_CFG_SECTORS = 19,
    BLK_CFG_BLK_SIZE = 20,
    BLK_CFG_PHYSICAL_BLOCK_EXP = 24,
    BLK_CFG_ALIGNMENT_OFFSET = 25,
    BLK_CFG_MIN_IO_SIZE = 26,
    BLK_CFG_OPT_IO_SIZE = 28,
    BLK_CFG_WRITEBACK = 32,
    BLK_CFG_NUM_QUEUES = 34,
    BLK_CFG_MAX_DISCARD_SECTORS = 36,
    BLK_CFG_MAX_DISCARD_SEG = 40,
    BLK_CFG_DISCARD_SECTOR_ALIGNMENT = 44,
    BLK_CFG_MAX_WRITE_ZEROES_SECTORS = 48,
    BLK_CFG_MAX_WRITE_ZEROES_SEG = 52,
    BLK_CFG_WRITE_ZEROES_MAY_UNMAP = 56,
    BLK_CFG_MAX_SECURE_ERASE_SECTORS = 60,
    BLK_CFG_MAX_SECURE_ERASE_SEG = 64,
    BLK_CFG_SECURE_ERASE_SECTOR_ALIGNMENT = 68,
    BLK_CFG_ZONED = 72 /* not offered: the layout ends here */
};

/* 5.2.6 Device Operation: request types */
enum {
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_SCSI_CMD = 2,     /* legacy, with BLK_F_SCSI */
    BLK_T_SCSI_CMD_OUT = 3, /* the same */
    BLK_T_FLUSH = 4,
    BLK_T_FLUSH_OUT = 5, /* legacy */
    BLK_T_GET_ID = 8,
    BLK_T_GET_LIFETIME = 10,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
    BLK_T_SECURE_ERASE = 14
};
#define BLK_T_BARRIER 0x80000000u /* legacy, with BLK_F_BARRIER: beside the type */

/* Status */
enum { BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };

/* struct virtio_blk_req: le32 type, le32 reserved, le64 sector, data, u8 status */
enum { BLK_HDR_TYPE = 0, BLK_HDR_SECTOR = 8, BLK_HDR_LEN = 16 };
enum { BLK_ID_LEN = 20 };

/* struct virtio_blk_discard_write_zeroes */
enum { BLK_SEG_SECTOR = 0, BLK_SEG_NUM_SECTORS = 8, BLK_SEG_FLAGS = 12, BLK_SEG_LEN = 16 };
#define BLK_SEG_UNMAP 1u

#endif
