/* SPDX-License-Identifier: BSD-2-Clause */
/* The bare-metal guest library. A guest is one file with an int guest_main(void) that makes checks
 * with ok(); what it prints is TAP, and its exit status tells whether every check passed.
 *
 * Command line, all optional: console=0x402|0xe9|serial (0x402), exit=PORT (0x501), x2apic=1, and
 * what the guest itself reads with arg(). Only one CPU prints. Nothing loops waiting: waits halt.
 */
#ifndef TN_GUEST_GUEST_H
#define TN_GUEST_GUEST_H
#include "io.h"
#include <stdarg.h>

/* The guest itself. Returns 0; failed checks are counted by ok(). */
int guest_main(void);

/* lib.c: text. %s %c %d %u %x with 0, width and l; whole lines leave in one string instruction. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One TAP line; returns pass. */
bool ok(bool pass, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for two values, which it prints if they differ. */
bool ok_eq(uint64_t got, uint64_t want, const char *what);
void skip(const char *what, const char *why);
/* A reset guest goes on counting where the boot before left off. */
void tap_start_at(uint32_t n);
/* Prints the plan and leaves: isa-debug-exit status 1 if all checks passed, 3 if not. */
void guest_exit(void) __attribute__((noreturn));
/* Ends the guest at once with a line and status 3. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* lib.c: the PVH start info, copied before anything else runs. */
struct memory_range {
    uint64_t addr, size;
    uint32_t type, reserved;
};
extern struct memory_range memory_map[64];
extern uint32_t memory_map_len;
extern uint64_t start_info_rsdp;
/* Value of key=... on the command line, up to a blank, in a static buffer that the next call
 * overwrites; "" for a bare key; NULL if it is not there. */
const char *arg(const char *key);
uint64_t arg_num(const char *key, uint64_t otherwise); /* decimal or 0x... */
bool streq(const char *a, const char *b);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* irq.c: vectors and waiting. */
#define VECTOR_TIMER    0xf0
#define VECTOR_SPURIOUS 0xff
typedef void irq_handler(void);
void irq_init(void);                              /* of this CPU */
void irq_handle(uint8_t vector, irq_handler *fn); /* ends with an EOI; fn NULL: unexpected again */
extern volatile uint32_t irq_last;                /* the vector that was handled last, of any CPU */
/* Halts until *count >= want or ms milliseconds have passed. Returns whether the count was reached.
 */
bool wait_count(volatile uint32_t *count, uint32_t want, uint32_t ms);
void wait_ms(uint32_t ms);

/* irq.c: local APIC. */
void lapic_init(void); /* of this CPU */
uint32_t lapic_id(void);
uint32_t lapic_version(void);
void lapic_ipi(uint32_t apic_id, uint32_t icr_low);
#define ICR_FIXED(vector) (0x4000u | (vector))
#define ICR_INIT          0x4500u
#define ICR_SIPI(page)    (0x4600u | (page))
/* A clock that runs while interrupts are closed: nanoseconds since clock_start, up to 68 s. */
void clock_start(void);
uint64_t clock_ns(void);

/* irq.c: IOAPIC at 0xfec00000. */
#define RTE_LEVEL  0x8000u
#define RTE_LOW    0x2000u
#define RTE_MASKED 0x10000u
uint32_t ioapic_pins(void);
uint32_t ioapic_id(void);
void ioapic_route(uint32_t pin, uint8_t vector, uint32_t flags); /* to this CPU */
uint32_t ioapic_rte_low(uint32_t pin);

/* acpi.c */
struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision, creator_id, creator_revision;
} __attribute__((packed));
struct acpi_gas {
    uint8_t space, bits, offset, access;
    uint64_t addr;
} __attribute__((packed));
const uint8_t *acpi_rsdp(void); /* NULL if there is none */
uint32_t acpi_table_count(void);
const struct acpi_header *acpi_table(uint32_t i); /* of RSDT or XSDT */
const struct acpi_header *acpi_find(const char *signature);
bool acpi_sum_ok(const void *table, uint32_t len);
bool acpi_reset(void);                   /* false: the FADT declares none, or it did not work */
int acpi_s5_type(void);                  /* SLP_TYP of \_S5, -1 if not declared */
bool acpi_power_off(void);               /* as acpi_reset */
const uint8_t *acpi_fadt(void);          /* NULL if there is none */
uint64_t acpi_dsdt(const uint8_t *fadt); /* physical address */

/* pci.c: bus 0 upwards, by ECAM if ACPI's MCFG or ecam= tells where, else by 0xcf8; pci=cf8 forces
 * that. */
struct pci_fn {
    uint16_t bdf;
};
uint32_t pci_read(struct pci_fn f, uint32_t offset, uint32_t size);
void pci_write(struct pci_fn f, uint32_t offset, uint32_t size, uint32_t v);
uint64_t pci_ecam(void); /* 0: there is none */
bool pci_find(uint16_t vendor, uint16_t device, struct pci_fn *f);
/* Address of a BAR, which it assigns below 4 GiB if no firmware did; 0 if it is not implemented. */
uint64_t pci_bar(struct pci_fn f, uint32_t bar);
void pci_enable(struct pci_fn f);              /* memory, I/O, bus master */
uint32_t pci_cap(struct pci_fn f, uint8_t id); /* offset, 0 if absent */
bool pci_msi(struct pci_fn f, uint8_t vector); /* one message to this CPU */
bool pci_msix(struct pci_fn f, uint32_t entry, uint8_t vector);
void pci_msix_mask(struct pci_fn f, uint32_t entry, bool masked); /* one vector */
bool pci_msix_pending(struct pci_fn f, uint32_t entry);

/* cpu.c: one further CPU. */
/* Starts the CPU with this APIC id; it runs fn and then halts with interrupts open, for its
 * handlers. Returns whether it arrived within a second. */
bool smp_start(uint32_t apic_id, void (*fn)(void));

#endif
