/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines and messages. A wire is the OR of its sharers; it ends at a pin of an interrupt
 * controller, which is a plugin. Messages go to the local APICs, which are the kernel's; under
 * qtest they are the memory writes that they are. */
#ifndef TN_HOST_IRQ_H
#define TN_HOST_IRQ_H
#include "core/device.h"
#include <tenon/intc.h>
#include <tenon/irq.h>

enum { IRQ_IOAPIC_PINS = 24, IRQ_GSIS = 24 };

struct irqs *irqs_new(struct vm *vm);
void irqs_free(struct irqs *q);

/* The machine's own sharer of gsi (PCI INTx), not managed. NULL without memory. */
struct tn_line *irq_line_new(struct vm *vm, struct device *d, uint32_t gsi, uint32_t flags,
                             struct tn_err *e);
void irq_line_free(struct tn_line *l);
void irq_set(struct tn_line *l, uint32_t level); /* [any] leaf */
/* As tn_irq.irqfd. */
int irq_line_fd(struct tn_line *l, int fd, int resample_fd);
uint32_t irq_gsi(struct tn_line *l);
uint32_t irq_flags(const struct tn_line *l);
/* Has anybody a line: then the machine needs its interrupt controller. */
int irq_any_line(const struct vm *vm);
/* ISA interrupt n as GSI: 0 is 2 behind an IOAPIC. */
uint32_t irq_isa_gsi(uint32_t n);

/* How often wire gsi went up. [any] */
uint64_t irq_raised(const struct vm *vm, uint32_t gsi);

/* One message-signalled interrupt. [any] leaf. 1 delivered, 0 blocked, -errno. */
int irq_msi(struct vm *vm, uint64_t addr, uint32_t data);
/* KVM_EXIT_IOAPIC_EOI. vCPU thread. */
void irq_eoi(struct vm *vm, uint32_t vector);
/* Repeats every wire's level to its controller: after a reset or a load. Main thread. */
void irq_repeat(struct vm *vm);

/* One sharer of a wire, for pictures and maps. */
struct irq_use {
    uint32_t gsi, flags, level; /* flags: TN_LINE_*; level: this sharer's */
    struct device *user;        /* NULL: the machine */
    struct device *intc;        /* whose pin the wire ends at; NULL: nobody's */
    uint32_t pin;               /* of intc */
};
/* Each sharer in order of wires, until fn is not 0. Main thread. */
int irq_each(struct vm *vm, int (*fn)(void *o, const struct irq_use *u), void *o);

/* qtest: fn(o, gsi, level) at every change of a wire; NULL ends it. */
void irq_intercept(struct vm *vm, void (*fn)(void *o, uint32_t gsi, uint32_t level), void *o);

extern const struct tn_irq irq_table;   /* TN_IRQ_1 */
extern const struct tn_intc intc_table; /* TN_INTC_1 */

#endif
