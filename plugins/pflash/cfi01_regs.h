/* SPDX-License-Identifier: BSD-2-Clause */
/* What a flash memory with Intel's command set says and understands. Names and sections are those
 * of the 3 Volt Intel StrataFlash Memory (28F128J3A, 28F640J3A, 28F320J3A) datasheet, 290667. */
#ifndef CFI01_REGS_H
#define CFI01_REGS_H

/* Commands (4.0, table 4); those of two cycles say so */
#define CFI01_PROGRAM_ALT   0x10u /* then the word */
#define CFI01_ERASE         0x20u /* then CONFIRM */
#define CFI01_PROGRAM       0x40u /* then the word */
#define CFI01_CLEAR_STATUS  0x50u
#define CFI01_LOCK_SETUP    0x60u /* then LOCK_SET, CONFIRM or CONFIGURATION */
#define CFI01_READ_STATUS   0x70u
#define CFI01_READ_ID       0x90u
#define CFI01_READ_QUERY    0x98u
#define CFI01_SUSPEND       0xb0u
#define CFI01_CONFIRM       0xd0u /* alone: resume */
#define CFI01_WRITE_BUFFER  0xe8u /* then the number of words less one, the words, CONFIRM */
#define CFI01_READ_ARRAY    0xffu
#define CFI01_LOCK_SET      0x01u
#define CFI01_CONFIGURATION 0x03u

/* Status register (4.4, table 16) */
#define CFI01_SR_READY    0x80u
#define CFI01_SR_ERASE    0x20u /* an erasure, or the clearing of lock bits, has failed */
#define CFI01_SR_PROGRAM  0x10u /* programming, or the setting of a lock bit, has failed */
#define CFI01_SR_LOCKED   0x02u /* because the block is protected */
#define CFI01_SR_SEQUENCE (CFI01_SR_ERASE | CFI01_SR_PROGRAM) /* these were not the cycles */

/* Identifier codes (4.3, table 15), in words of the chip; LOCK counts from the block's start */
#define CFI01_ID_MANUFACTURER 0u
#define CFI01_ID_DEVICE       1u
#define CFI01_ID_LOCK         2u /* bit 0 */

/* Query structure (JESD68.01; 4.2, tables 7 to 14), in words of the chip */
#define CFI01_Q_QRY          0x10u
#define CFI01_Q_COMMAND_SET  0x13u /* 16 bits: 1, Intel's */
#define CFI01_Q_TABLE        0x15u /* 16 bits: where the table of that set is */
#define CFI01_Q_VCC_MIN      0x1bu /* volts in 7:4, tenths in 3:0 */
#define CFI01_Q_VCC_MAX      0x1cu
#define CFI01_Q_WORD_TIME    0x1fu /* typical, 2^n us */
#define CFI01_Q_BUFFER_TIME  0x20u
#define CFI01_Q_ERASE_TIME   0x21u /* 2^n ms */
#define CFI01_Q_WORD_MAX     0x23u /* 2^n times the typical */
#define CFI01_Q_BUFFER_MAX   0x24u
#define CFI01_Q_ERASE_MAX    0x25u
#define CFI01_Q_SIZE         0x27u /* 2^n bytes */
#define CFI01_Q_INTERFACE    0x28u /* 16 bits: 2, x8 and x16 */
#define CFI01_Q_BUFFER_SIZE  0x2au /* 16 bits: 2^n bytes */
#define CFI01_Q_REGIONS      0x2cu
#define CFI01_Q_BLOCKS       0x2du /* 16 bits: less one */
#define CFI01_Q_BLOCK_SIZE   0x2fu /* 16 bits: in units of 256 bytes */
#define CFI01_Q_PRI          0x31u
#define CFI01_Q_FEATURES     0x36u /* 32 bits */
#define CFI01_Q_FEATURE_LOCK 0x08u /* blocks can be locked, all are unlocked at once */
#define CFI01_Q_PROTECTIONS  0x3fu /* fields about protection registers */
#define CFI01_Q_LEN          0x44u

#endif
