/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and formats of QEMU's firmware configuration device, from QEMU's docs/specs/fw_cfg; the
 * headings of that page stand for sections. */
#ifndef FWCFG_REGS_H
#define FWCFG_REGS_H

/* I/O ports, offsets from 0x510 (Register Locations, x86). */
#define FWCFG_PORT_BASE     0x510
#define FWCFG_PORT_SELECTOR 0x0 /* 16 bits, little-endian, write-only */
#define FWCFG_PORT_DATA     0x1 /* 8 bits */
#define FWCFG_PORT_DMA      0x4 /* 64 bits, big-endian */
#define FWCFG_PORT_LEN      0xc

/* Memory, offsets from the base (Register Locations, Arm). */
#define FWCFG_MMIO_DATA     0x00 /* up to 64 bits */
#define FWCFG_MMIO_SELECTOR 0x08 /* 16 bits, big-endian, write-only */
#define FWCFG_MMIO_DMA      0x10 /* 64 bits, big-endian */
#define FWCFG_MMIO_LEN      0x18

/* Selector keys (Firmware Configuration Items). */
#define FWCFG_KEY_SIGNATURE  0x0000
#define FWCFG_KEY_ID         0x0001
#define FWCFG_KEY_UUID       0x0002 /* 16 bytes */
#define FWCFG_KEY_RAM_SIZE   0x0003 /* 8 bytes; this and the next ones little-endian */
#define FWCFG_KEY_NOGRAPHIC  0x0004 /* 2 bytes */
#define FWCFG_KEY_NB_CPUS    0x0005 /* 2 bytes */
#define FWCFG_KEY_BOOT_MENU  0x000e /* 2 bytes */
#define FWCFG_KEY_MAX_CPUS   0x000f /* 2 bytes */
#define FWCFG_KEY_FILE_DIR   0x0019
#define FWCFG_KEY_FILE_FIRST 0x0020
#define FWCFG_KEY_WRITE      0x4000 /* once: the item is to be written; ignored */
#define FWCFG_KEY_ARCH       0x8000 /* keys of the architecture */
#define FWCFG_KEY_NONE       0xffff /* nothing is selected */

#define FWCFG_ID_TRADITIONAL (1u << 0)
#define FWCFG_ID_DMA         (1u << 1)

/* File Directory: a 32-bit count, then entries; numbers are big-endian. */
#define FWCFG_DIR_HEADER 4
#define FWCFG_DIR_SIZE   0 /* 32 bits */
#define FWCFG_DIR_SELECT 4 /* 16 bits */
#define FWCFG_DIR_NAME   8
#define FWCFG_DIR_ENTRY  64
#define FWCFG_NAME_MAX   (FWCFG_DIR_ENTRY - FWCFG_DIR_NAME) /* with the final NUL */

/* Guest-side DMA Interface: the structure in memory, big-endian, and its control bits. */
#define FWCFG_DMA_CONTROL      0
#define FWCFG_DMA_LENGTH       4
#define FWCFG_DMA_ADDRESS      8
#define FWCFG_DMA_STRUCT       16
#define FWCFG_DMA_ERROR        (1u << 0)
#define FWCFG_DMA_READ         (1u << 1)
#define FWCFG_DMA_SKIP         (1u << 2)
#define FWCFG_DMA_SELECT       (1u << 3)
#define FWCFG_DMA_WRITE        (1u << 4)
#define FWCFG_DMA_SELECT_SHIFT 16
#define FWCFG_DMA_SIGNATURE    "QEMU CFG" /* what the address register reads as */

#endif
