/* SPDX-License-Identifier: BSD-2-Clause */
/* isa-serial: a serial port at the places that a PC has for its four. */
#include <errno.h>
#include <stdio.h>
#include <tenon/fdt.h>
#include <tenon/plugin.h>

#include "aml/resource.h"
#include "isa.h"
#include "serial_port.h"

#define PORTS    4          /* COM1 to COM4 */
#define AUTO     UINT32_MAX /* default of index, iobase and irq */
#define BAUD     115200u    /* with divisor 1 */
#define BAUD_MAX (UINT32_MAX / 16)

static const struct {
    uint16_t iobase;
    uint8_t irq;
} places[PORTS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

struct isa_serial {
    struct serial_port port;
    struct tn_dev *dev;
    struct tn_region *ports;
    struct tn_line *line;
    struct tn_chr *chr;
    uint32_t index, iobase, irq, baudbase;
    uint8_t wakeup, out2_gate, pace;
    struct numbers *numbers; /* NULL: index is not taken */
};

/* ---- COM1 to COM4 of one machine ---- */

struct numbers {
    uint32_t taken; /* bit n: index n */
};

static int open_numbers(void *shared, struct tn_dev *owner, const char *key, struct tn_err *e)
{
    (void)shared;
    (void)owner;
    (void)key;
    (void)e;
    return 0;
}

static void close_numbers(void *shared)
{
    (void)shared;
}

static uint32_t first_free(const struct numbers *n)
{
    uint32_t i = 0;
    while (n->taken >> i & 1)
        i++;
    return i;
}

/* The index, and the place that goes with it unless the user named another. */
static int take_number(struct isa_serial *s, struct tn_err *e)
{
    struct numbers *n =
        s->dev->core->shared(s->dev, "numbers", sizeof *n, open_numbers, close_numbers, e);
    if (!n)
        return -ENOMEM;
    if (s->index == AUTO)
        s->index = first_free(n);
    if (s->index >= PORTS)
        return tn_fail(s->dev, e, EINVAL, "Max. supported number of ISA serial ports is %d.",
                       PORTS);
    if (n->taken >> s->index & 1)
        return tn_fail(s->dev, e, EBUSY, "isa-serial: index %u is in use", s->index);
    n->taken |= 1u << s->index;
    s->numbers = n;
    if (s->iobase == AUTO)
        s->iobase = places[s->index].iobase;
    if (s->irq == AUTO)
        s->irq = places[s->index].irq;
    return 0;
}

static void give_number(struct isa_serial *s)
{
    if (s->numbers)
        s->numbers->taken &= ~(1u << s->index);
    s->numbers = NULL;
}

/* ---- how the guest finds it ---- */

static int build_acpi(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                      struct tn_err *e)
{
    struct isa_serial *s = self;
    BUF_AUTO a = {0};
    char name[5] = "COM1";
    name[3] = (char)('1' + s->index);
    struct aml_block dev = aml_device(&a, name);
    aml_name_eisaid(&a, "_HID", "PNP0501");
    aml_name_int(&a, "_UID", s->index + 1);
    aml_name_int(&a, "_STA", 0xf);
    aml_name(&a, "_CRS");
    struct aml_block crs = aml_resources(&a);
    aml_res_io(&a, (uint16_t)s->iobase, (uint16_t)s->iobase, 1, UART_NREGS);
    int r = isa_aml_line(&a, b, o, s->line);
    aml_end(&a, crs);
    aml_end(&a, dev);
    return isa_aml_give(s->dev, &a, r, b, o, e);
}

static int build_node(struct isa_serial *s, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    uint32_t at, clock = 16 * s->baudbase;
    char name[32];
    snprintf(name, sizeof name, "serial@i%x", s->iobase);
    int r = b->begin(o, NULL, name, &at);
    if (r == 0)
        r = b->str(o, at, "compatible", "ns16550a");
    if (r == 0)
        r = b->reg(o, at, &s->ports, 1);
    if (r == 0)
        r = b->irqs(o, at, &s->line, 1);
    if (r == 0)
        r = b->cells(o, at, "clock-frequency", &clock, 1);
    if (r == 0 && s->index == 0)
        r = b->role(o, at, "stdout");
    return r;
}

static int build_fdt(void *self, const struct tn_fdt_build *b, struct tn_fdt_out *o,
                     struct tn_err *e)
{
    struct isa_serial *s = self;
    int r = build_node(s, b, o);
    return r < 0 ? tn_fail(s->dev, e, -r, "isa-serial: no place in the device tree") : 0;
}

static int tell_guest(struct isa_serial *s, struct tn_err *e)
{
    const struct tn_acpi *acpi = TN_GET(s->dev, struct tn_acpi, TN_ACPI_1);
    const struct tn_fdt *fdt = TN_GET(s->dev, struct tn_fdt, TN_FDT_1);
    int r = acpi ? acpi->builder(s->dev, build_acpi, s) : 0;
    if (r == 0 && fdt)
        r = fdt->builder(s->dev, build_fdt, s);
    return r < 0 ? tn_fail(s->dev, e, -r, "isa-serial: the guest cannot be told of it") : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct isa_serial *s = self;
    s->dev = d;
    return 0;
}

/* COM1 and COM3 share a line, as do COM2 and COM4. */
static int make_port(struct isa_serial *s, struct tn_err *e)
{
    const struct tn_irq *irq = TN_GET(s->dev, struct tn_irq, TN_IRQ_1);
    int r = irq->line(s->dev, TN_LINE_ISA, s->irq, TN_LINE_SHARED, &s->line, e);
    if (r < 0)
        return r;
    const struct serial_port_config config = {
        .chr = s->chr,
        .line = s->line,
        .baudbase = s->baudbase,
        .flags = (s->out2_gate ? UART16550_GATE_OUT2 : 0) | (s->pace ? UART16550_PACE : 0),
        .wakeup = s->wakeup,
    };
    return serial_port_realize(&s->port, s->dev, &config, e);
}

static int place_port(struct isa_serial *s, struct tn_err *e)
{
    int r = make_port(s, e);
    if (r == 0)
        r = isa_claim(s->dev, s->iobase, UART_NREGS, "isa-serial", &serial_port_ops, &s->port,
                      &s->ports, e);
    return r < 0 ? r : tell_guest(s, e);
}

static int realize(void *self, struct tn_err *e)
{
    struct isa_serial *s = self;
    int r = take_number(s, e);
    if (r == 0)
        r = place_port(s, e);
    if (r < 0)
        give_number(s);
    return r;
}

static void unrealize(void *self)
{
    give_number(self);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct isa_serial *s = self;
    (void)kind;
    if (phase == TN_RESET_HOLD)
        serial_port_reset(&s->port);
}

static void resume(void *self)
{
    struct isa_serial *s = self;
    serial_port_resume(&s->port);
}

static const struct tn_prop props[] = {
    TN_PROP(struct isa_serial, index, "index", U32, AUTO,
            "0 to 3: COM1 to COM4; the next free one"),
    TN_PROP(struct isa_serial, iobase, "iobase", U32, AUTO, "first port; that of the index"),
    TN_PROP(struct isa_serial, irq, "irq", U32, AUTO, "ISA interrupt; that of the index"),
    TN_PROP_REF(struct isa_serial, chr, "chardev", CHARDEV, 0,
                "ID of a chardev to use as a backend"),
    TN_PROP_RANGE(struct isa_serial, baudbase, "baudbase", U32, BAUD, 1, BAUD_MAX,
                  "baud rate with divisor 1"),
    TN_PROP(struct isa_serial, wakeup, "wakeup", BOOL, 0, "input wakes a suspended machine"),
    TN_PROP(struct isa_serial, out2_gate, "out2-gate", BOOL, 0,
            "no interrupt without MCR.OUT2, as on a PC's board"),
    TN_PROP(struct isa_serial, pace, "pace", BOOL, 0, "sending a character takes its time"),
};

static const struct tn_field fields[] = {
    {"port", TN_S_SUB, offsetof(struct isa_serial, port), 1, 0, &serial_port_state, 0, 0, 0, 0},
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "isa-serial",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
};

static const struct tn_class isa_serial = {
    .struct_size = sizeof isa_serial,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_INPUT,
    .name = "isa-serial",
    .bus = "ISA",
    .instance_size = sizeof(struct isa_serial),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .resume = resume,
    .unrealize = unrealize,
    .traces = serial_trace_events,
    .ntraces = SERIAL_TRACES,
    .trace_stride = sizeof serial_trace_events[0],
};

static const struct tn_class *const classes[] = {&isa_serial, NULL};
static const char *const needs[] = {TN_REGION_1, TN_IRQ_1, TN_LOOP_1, TN_CHARDEV_1, NULL};
static const char *const wants[] = {TN_ACPI_1, TN_FDT_1, TN_MACHINE_1, TN_TRACE_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "isa-serial",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "a PC's serial port",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
