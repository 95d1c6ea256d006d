/* SPDX-License-Identifier: BSD-2-Clause */
/* The fw_cfg file etc/vmcoreinfo (QEMU, docs/specs/vmcoreinfo): all little-endian. */
#ifndef TN_VMCOREINFO_REGS_H
#define TN_VMCOREINFO_REGS_H

#define VMCOREINFO_FILE         "etc/vmcoreinfo"
#define VMCOREINFO_HOST_FORMAT  0 /* 16 bits: what the host can read */
#define VMCOREINFO_GUEST_FORMAT 2 /* 16 bits: what the guest has written */
#define VMCOREINFO_SIZE         4 /* 32 bits: bytes of the note */
#define VMCOREINFO_PADDR        8 /* 64 bits: where it is */
#define VMCOREINFO_LEN          16

#define VMCOREINFO_FORMAT_NONE 0
#define VMCOREINFO_FORMAT_ELF  1 /* an ELF note */

#endif
