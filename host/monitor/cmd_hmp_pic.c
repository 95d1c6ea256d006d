/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: info pic, the I/O APIC as its registers show it (82093AA 3.0), and info qdm. */
#include "hmp_impl.h"

#include "util/alloc.h"
#include "vm/irq.h"
#include "vm/machine.h"
#include "vm/run.h"
#include "vm/space.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { IOREGSEL = 0, IOWIN = 0x10, REG_ID = 0, REG_VER = 1, REG_TABLE = 0x10 };
enum { /* of an entry: 3.2.4 */
       BIT_LOGICAL = 1 << 11,
       BIT_LOW = 1 << 13,
       BIT_REMOTE_IRR = 1 << 14,
       BIT_LEVEL = 1 << 15,
       BIT_MASKED = 1 << 16,
};

struct ioapic {
    uint32_t select, id, version;
    uint64_t entry[IRQ_IOAPIC_PINS];
    uint32_t raised; /* a bit for each input */
};

static uint32_t read_reg(struct vm *vm, uint32_t reg)
{
    uint64_t base = vm->machine->map.ioapic_base;
    space_write(vm->mmio, base + IOREGSEL, reg, 4);
    return (uint32_t)space_read(vm->mmio, base + IOWIN, 4);
}

static int note_level(void *o, const struct irq_use *u)
{
    struct ioapic *a = o;
    if (u->level && u->gsi < IRQ_IOAPIC_PINS)
        a->raised |= 1u << u->gsi;
    return 0;
}

/* The guest's choice of a register is put back: none of its processors runs meanwhile. */
static void look(struct vm *vm, struct ioapic *a)
{
    uint64_t base = vm->machine->map.ioapic_base;
    run_hold(vm);
    a->select = (uint32_t)space_read(vm->mmio, base + IOREGSEL, 4);
    a->id = read_reg(vm, REG_ID) >> 24 & 0xf;
    a->version = read_reg(vm, REG_VER) & 0xff;
    for (uint32_t i = 0; i < IRQ_IOAPIC_PINS; i++)
        a->entry[i] =
            read_reg(vm, REG_TABLE + 2 * i) | (uint64_t)read_reg(vm, REG_TABLE + 2 * i + 1) << 32;
    space_write(vm->mmio, base + IOREGSEL, a->select, 4);
    run_unhold(vm);
    irq_each(vm, note_level, a);
}

static void print_pin(struct buf *out, uint32_t i, uint64_t v)
{
    static const char *const deliveries[] = {"fixed", "lowest", "SMI", "...",
                                             "NMI",   "INIT",   "...", "extINT"};
    buf_printf(
        out, "  pin %-2u 0x%016" PRIx64 " dest=%" PRIx64 " vec=%-3u active-%s %-5s %-6s %-6s %s\n",
        i, v, v >> 56, (uint32_t)v & 0xff, v & BIT_LOW ? "lo" : "hi",
        v & BIT_LEVEL ? "level" : "edge", v & BIT_MASKED ? "masked" : "", deliveries[v >> 8 & 7],
        v & BIT_LOGICAL ? "logical" : "physical");
}

static void print_bits(struct buf *out, const char *name, uint32_t bits)
{
    buf_printf(out, "  %s", name);
    for (uint32_t i = 0; i < IRQ_IOAPIC_PINS; i++)
        if (bits >> i & 1)
            buf_printf(out, "%u ", i);
    buf_printf(out, "%s\n", bits ? "" : "(none)");
}

static uint32_t remote_irrs(const struct ioapic *a)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < IRQ_IOAPIC_PINS; i++)
        bits |= (a->entry[i] & BIT_REMOTE_IRR ? 1u : 0u) << i;
    return bits;
}

static int info_pic(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct ioapic now = {0};
    if (hmp_end(&a) < 0)
        return -EINVAL;
    if (!c->vm->mmio || !c->vm->machine->map.ioapic_base || !irq_any_line(c->vm)) {
        buf_str(out, "there is no I/O APIC\n");
        return 0;
    }
    look(c->vm, &now);
    buf_printf(out, "ioapic0: ver=0x%x id=0x%02x sel=0x%02x\n", now.version, now.id, now.select);
    for (uint32_t i = 0; i < IRQ_IOAPIC_PINS; i++)
        print_pin(out, i, now.entry[i]);
    print_bits(out, "IRR      ", now.raised);
    print_bits(out, "Remote IRR ", remote_irrs(&now));
    return 0;
}

static int info_irq(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    if (hmp_end(&a) < 0)
        return -EINVAL;
    if (!c->vm->irqs || !irq_any_line(c->vm))
        return 0;
    buf_str(out, "IRQ statistics for ioapic:\n");
    for (uint32_t gsi = 0; gsi < IRQ_GSIS; gsi++)
        if (irq_raised(c->vm, gsi))
            buf_printf(out, "%2u: %" PRIu64 "\n", gsi, irq_raised(c->vm, gsi));
    return 0;
}

/* What device_add can make. */
static int info_qdm(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    const struct hmp_command *add = hmp_find("device_add", strlen("device_add"), 0);
    return hmp_end(&a) < 0 || !add ? -EINVAL : add->run(c, "help", out, e);
}

static const struct hmp_command commands[] = {
    {"irq", "", "show the interrupts statistics (if available)", 1, info_irq, NULL},
    {"pic", "", "show PIC state", 1, info_pic, NULL},
    {"qdm", "", "show qdev device model list", 1, info_qdm, NULL},
    {0},
};

const struct qmp_module qmp_hmp_pic = {.hmp = commands};
