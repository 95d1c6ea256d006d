/* SPDX-License-Identifier: BSD-2-Clause */
/* The edu teaching device, 1234:11e8: registers in BAR 0 (QEMU docs/specs/edu). */
#ifndef TN_GUEST_EDU_H
#define TN_GUEST_EDU_H

#define EDU_VENDOR     0x1234
#define EDU_DEVICE     0x11e8
#define EDU_ID         0x00 /* 0xRRrr00ed */
#define EDU_LIVENESS   0x04 /* reads the complement of what was written */
#define EDU_FACTORIAL  0x08
#define EDU_STATUS     0x20
#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_RAISE  0x60
#define EDU_IRQ_ACK    0x64
#define EDU_DMA_SRC    0x80
#define EDU_DMA_DST    0x88
#define EDU_DMA_COUNT  0x90
#define EDU_DMA_CMD    0x98
#define EDU_BUFFER     0x40000 /* 4096 bytes, in DMA addresses of the device's side */

#define STATUS_COMPUTING 0x01
#define STATUS_WANT_IRQ  0x80
#define IRQ_FACTORIAL    0x001
#define IRQ_DMA          0x100
#define DMA_START        0x1
#define DMA_FROM_DEVICE  0x2
#define DMA_WANT_IRQ     0x4

#endif
