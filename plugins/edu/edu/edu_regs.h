/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of QEMU's educational PCI device, from QEMU's docs/specs/edu; the headings of that page
 * stand for sections. Accesses below EDU_DMA_SRC have 4 bytes, from there on 4 or 8 (MMIO area
 * spec). */
#ifndef EDU_REGS_H
#define EDU_REGS_H

/* PCI specs */
#define EDU_VENDOR_ID 0x1234
#define EDU_DEVICE_ID 0x11e8
#define EDU_REVISION  0x10
#define EDU_CLASS     0x00ff /* unclassified */
#define EDU_BAR0_SIZE 0x100000u

/* MMIO area spec */
#define EDU_ID         0x00 /* read-only: 0xRRrr00ed, major and minor version */
#define EDU_LIVENESS   0x04 /* reads as the inverse of what was written */
#define EDU_FACTORIAL  0x08
#define EDU_STATUS     0x20
#define EDU_INT_STATUS 0x24 /* read-only */
#define EDU_INT_RAISE  0x60 /* write-only */
#define EDU_INT_ACK    0x64 /* write-only */
#define EDU_DMA_SRC    0x80
#define EDU_DMA_DST    0x88
#define EDU_DMA_COUNT  0x90
#define EDU_DMA_CMD    0x98

#define EDU_ID_VALUE          0x010000edu /* version 1.0 */
#define EDU_STATUS_COMPUTING  0x01u       /* read-only */
#define EDU_STATUS_IRQ        0x80u       /* interrupt when the factorial is there */
#define EDU_INT_FACTORIAL     0x001u
#define EDU_INT_DMA           0x100u
#define EDU_DMA_CMD_START     0x1u /* 1 until the transfer is over */
#define EDU_DMA_CMD_TO_MEMORY 0x2u /* 0: memory to buffer, 1: buffer to memory */
#define EDU_DMA_CMD_IRQ       0x4u
#define EDU_DMA_CMD_BITS      (EDU_DMA_CMD_START | EDU_DMA_CMD_TO_MEMORY | EDU_DMA_CMD_IRQ)

/* DMA controller: where the buffer is for it; the processor cannot see it. */
#define EDU_BUFFER      0x40000u
#define EDU_BUFFER_SIZE 4096u

#define EDU_DMA_MASK_DEFAULT 0x0fffffffu /* 28 bits */
#define EDU_DMA_NS           100000000u  /* how long a transfer takes */

#endif
