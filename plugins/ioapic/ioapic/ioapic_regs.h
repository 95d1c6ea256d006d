/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the I/O APIC. Sections are those of the Intel 82093AA datasheet (290566-001); the
 * EOI register is that of the ICH9 datasheet, 13.5.6; messages are SDM volume 3, 11.11 (MSI). */
#ifndef IOAPIC_REGS_H
#define IOAPIC_REGS_H

/* Memory-mapped registers, offsets from the base (3.1, ICH9 13.5.1). */
#define IOAPIC_REGSEL 0x00 /* IOREGSEL: index, 8 bits */
#define IOAPIC_WIN    0x10 /* IOWIN: data of the indexed register, 32 bits only */
#define IOAPIC_EOIR   0x40 /* EOIR: write a vector to end it, version 0x20 */

/* Indexed registers (3.2). */
#define IOAPIC_ID    0x00 /* IOAPICID */
#define IOAPIC_VER   0x01 /* IOAPICVER */
#define IOAPIC_ARB   0x02 /* IOAPICARB */
#define IOAPIC_REDIR 0x10 /* IOREDTBL0: low dword at even indices, high dword at odd ones */

#define IOAPIC_PINS         24
#define IOAPIC_ID_SHIFT     24 /* IOAPICID and IOAPICARB [27:24] (3.2.1, 3.2.3) */
#define IOAPIC_ID_MASK      0x0f
#define IOAPIC_VER_ENTRIES  16   /* IOAPICVER [23:16]: highest redirection entry (3.2.2) */
#define IOAPIC_VERSION_EOIR 0x20 /* first version with EOIR */

/* Redirection table entry (3.2.4). */
#define IOAPIC_RTE_VECTOR         0xffu
#define IOAPIC_RTE_DELMOD         (7u << 8)
#define IOAPIC_RTE_DELMOD_SHIFT   8
#define IOAPIC_RTE_DESTMOD        (1u << 11) /* 1 logical, 0 physical */
#define IOAPIC_RTE_DELIVS         (1u << 12) /* delivery status, read-only */
#define IOAPIC_RTE_INTPOL         (1u << 13) /* 1 active low */
#define IOAPIC_RTE_REMOTE_IRR     (1u << 14) /* read-only, level only */
#define IOAPIC_RTE_TRIGGER        (1u << 15) /* 1 level */
#define IOAPIC_RTE_MASK           (1u << 16)
#define IOAPIC_RTE_EXT_DEST_SHIFT 49 /* [55:49]: destination bits 14:8 with the KVM extension */
#define IOAPIC_RTE_EXT_DEST       (0x7full << IOAPIC_RTE_EXT_DEST_SHIFT)
#define IOAPIC_RTE_DEST_SHIFT     56
#define IOAPIC_RTE_DEST           (0xffull << IOAPIC_RTE_DEST_SHIFT)
#define IOAPIC_RTE_READ_ONLY      ((uint64_t)(IOAPIC_RTE_DELIVS | IOAPIC_RTE_REMOTE_IRR))
#define IOAPIC_RTE_WRITABLE                                                                      \
    ((uint64_t)(IOAPIC_RTE_VECTOR | IOAPIC_RTE_DELMOD | IOAPIC_RTE_DESTMOD | IOAPIC_RTE_INTPOL | \
                IOAPIC_RTE_TRIGGER | IOAPIC_RTE_MASK) |                                          \
     IOAPIC_RTE_DEST)

/* Delivery modes (3.2.4 DELMOD); 3 and 6 are reserved. */
#define IOAPIC_DM_FIXED  0u
#define IOAPIC_DM_LOWEST 1u
#define IOAPIC_DM_SMI    2u
#define IOAPIC_DM_NMI    4u
#define IOAPIC_DM_INIT   5u
#define IOAPIC_DM_EXTINT 7u

/* The message that an entry becomes (SDM 3, 11.11.1 and 11.11.2). */
#define IOAPIC_MSI_ADDR           0xfee00000u
#define IOAPIC_MSI_DESTMOD        (1u << 2)
#define IOAPIC_MSI_EXT_DEST_SHIFT 5 /* [11:5]: destination bits 14:8 with the KVM extension */
#define IOAPIC_MSI_DEST_SHIFT     12
#define IOAPIC_MSI_ASSERT         (1u << 14)
#define IOAPIC_MSI_LEVEL          (1u << 15)

#endif
