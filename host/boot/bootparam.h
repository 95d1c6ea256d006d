/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux x86 boot protocol: offsets and values, once. Field names and numbers are those of
 * Documentation/arch/x86/boot.rst ("The Real-Mode Kernel Header") and zero-page.rst.
 * The setup header has the same offsets in the file and in boot_params. All little-endian. */
#ifndef TN_BOOT_BOOTPARAM_H
#define TN_BOOT_BOOTPARAM_H

/* struct boot_params outside the setup header */
#define BP_ACPI_RSDP_ADDR    0x070 /* 8 */
#define BP_EXT_RAMDISK_IMAGE 0x0c0 /* 4: bits 63:32 */
#define BP_EXT_RAMDISK_SIZE  0x0c4
#define BP_EXT_CMD_LINE_PTR  0x0c8
#define BP_E820_ENTRIES      0x1e8 /* 1 */
#define BP_E820_TABLE        0x2d0 /* 128 entries: u64 addr, u64 size, u32 type */
#define BP_E820_ENTRY_LEN    20
#define BP_E820_MAX          128
#define BP_LEN               0x1000

/* Setup header */
#define HDR_SETUP_SECTS      0x1f1 /* 1; 0 means 4 */
#define HDR_START            HDR_SETUP_SECTS
#define HDR_SYSSIZE          0x1f4 /* 4: protected-mode code in 16-byte units */
#define HDR_BOOT_FLAG        0x1fe /* 2 */
#define HDR_JUMP_LEN         0x201 /* 1: the header ends this many bytes behind 0x202 */
#define HDR_HEADER           0x202 /* 4 */
#define HDR_VERSION          0x206 /* 2 */
#define HDR_TYPE_OF_LOADER   0x210 /* 1 */
#define HDR_LOADFLAGS        0x211 /* 1 */
#define HDR_RAMDISK_IMAGE    0x218 /* 4 */
#define HDR_RAMDISK_SIZE     0x21c /* 4 */
#define HDR_CMD_LINE_PTR     0x228 /* 4 */
#define HDR_INITRD_ADDR_MAX  0x22c /* 4: the highest byte that an initrd may take */
#define HDR_KERNEL_ALIGNMENT 0x230 /* 4 */
#define HDR_RELOCATABLE      0x234 /* 1 */
#define HDR_XLOADFLAGS       0x236 /* 2 */
#define HDR_CMDLINE_SIZE     0x238 /* 4: without the NUL */
#define HDR_SETUP_DATA       0x250 /* 8: first struct setup_data */
#define HDR_PREF_ADDRESS     0x258 /* 8 */
#define HDR_INIT_SIZE        0x260 /* 4 */
#define HDR_END_2_12         0x268 /* a 2.12 header reaches this far at least */
#define HDR_END_MAX          0x290 /* boot_params has other fields from here on */

#define BOOT_FLAG        0xaa55
#define HEADER_MAGIC     "HdrS"
#define VERSION_2_12     0x020c
#define LOADER_UNDEFINED 0xff
#define LOADED_HIGH      0x01  /* loadflags */
#define XLF_KERNEL_64    0x01  /* xloadflags */
#define XLF_ABOVE_4G     0x02  /* XLF_CAN_BE_LOADED_ABOVE_4G */
#define ENTRY_64         0x200 /* of the loaded kernel */

/* struct setup_data: u64 next, u32 type, u32 len, data */
#define SETUP_DATA_NEXT 0x00
#define SETUP_DATA_TYPE 0x08
#define SETUP_DATA_LEN  0x0c
#define SETUP_DATA_HDR  0x10
#define SETUP_DTB       2
#define SETUP_RNG_SEED  9

#endif
