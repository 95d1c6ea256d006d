/* SPDX-License-Identifier: BSD-2-Clause */
/* i8042: the controller at ports 0x60 and 0x64, with keys and movement from the host. */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <string.h>
#include <tenon/input.h>
#include <tenon/irq.h>
#include <tenon/machine.h>
#include <tenon/plugin.h>
#include <tenon/trace.h>

#include "aml/resource.h"
#include "i8042.h"
#include "isa.h"

#define KBD_IRQ   1 /* also what the chip calls its lines */
#define MOUSE_IRQ 12

enum { TRACE_READ, TRACE_WRITE, TRACE_STATUS, TRACE_COMMAND, TRACE_IRQ, TRACES };

struct kbc {
    struct i8042 chip;
    struct tn_dev *dev;
    const struct tn_irq *irq;
    const struct tn_input *input;
    const struct tn_trace *trace;
    struct tn_region *data, *command;
    struct tn_line *kbd_line, *mouse_line;
    uint32_t buttons; /* PS2_MOUSE_* that are down */
    uint8_t kbd_irq, mouse_irq;
    struct tn_trace_event events[TRACES];
};

/* ---- what the chip asks for ---- */

static void set_irq(void *opaque, uint32_t line, uint32_t level)
{
    struct kbc *s = opaque;
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_IRQ], i8042_irq, line, level);
    s->irq->set(line == KBD_IRQ ? s->kbd_line : s->mouse_line, level);
}

/* No processor that this host runs on has the gate. */
static void set_a20(void *opaque, uint32_t level)
{
    (void)opaque;
    (void)level;
}

static void request_reset(void *opaque)
{
    struct kbc *s = opaque;
    TN_GET(s->dev, struct tn_machine, TN_MACHINE_1)
        ->request(s->dev, TN_REQ_RESET, "keyboard controller");
}

static void set_leds(void *opaque, uint32_t mask)
{
    struct kbc *s = opaque;
    if (s->input)
        s->input->leds(s->dev, mask);
}

static const struct i8042_env env = {
    .irq = set_irq, .a20 = set_a20, .reset = request_reset, .leds = set_leds};

/* ---- ports ---- */

static uint64_t read_data(void *self, uint64_t off, uint32_t size)
{
    struct kbc *s = self;
    (void)off;
    (void)size;
    uint8_t value = i8042_read_data(&s->chip);
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_READ], i8042_read, value);
    return value;
}

static void write_data(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct kbc *s = self;
    (void)off;
    (void)size;
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_WRITE], i8042_write, value);
    i8042_write_data(&s->chip, (uint8_t)value);
}

static const struct tn_region_ops data_ops = {
    .struct_size = sizeof data_ops, ISA_BYTE_WIDE, .read = read_data, .write = write_data};

static uint64_t read_status(void *self, uint64_t off, uint32_t size)
{
    struct kbc *s = self;
    (void)off;
    (void)size;
    uint8_t value = i8042_read_status(&s->chip);
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_STATUS], i8042_status, value);
    return value;
}

static void write_command(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct kbc *s = self;
    (void)off;
    (void)size;
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_COMMAND], i8042_command, value);
    i8042_write_command(&s->chip, (uint8_t)value);
}

static const struct tn_region_ops command_ops = {
    .struct_size = sizeof command_ops, ISA_BYTE_WIDE, .read = read_status, .write = write_command};

/* ---- keys and movement ---- */

static const struct tn_input_event *event_at(const struct tn_input_event *v, uint32_t i,
                                             uint32_t stride)
{
    return (const struct tn_input_event *)(const void *)((const char *)v + (uint64_t)i * stride);
}

/* Who types or clicks wants a machine that sleeps to go on. */
static void wake_up(struct kbc *s)
{
    TN_GET(s->dev, struct tn_machine, TN_MACHINE_1)->request(s->dev, TN_REQ_WAKEUP, "PS/2");
}

static void key_events(void *self, const struct tn_input_event *v, uint32_t n, uint32_t stride)
{
    struct kbc *s = self;
    for (uint32_t i = 0; i < n; i++) {
        const struct tn_input_event *ev = event_at(v, i, stride);
        if (ev->type == EV_KEY)
            i8042_key(&s->chip, ev->code, ev->value != 0);
    }
    wake_up(s);
}

/* Keys that are down when the keyboard loses its events are let go by who takes them. */
static void keyboard_active(void *self, uint32_t on)
{
    (void)self;
    (void)on;
}

static const struct tn_input_ops keyboard = {
    .struct_size = sizeof keyboard, .event = key_events, .active = keyboard_active};

_Static_assert(1 << (BTN_RIGHT - BTN_LEFT) == PS2_MOUSE_RIGHT &&
                   1 << (BTN_MIDDLE - BTN_LEFT) == PS2_MOUSE_MIDDLE &&
                   1 << (BTN_SIDE - BTN_LEFT) == PS2_MOUSE_SIDE &&
                   1 << (BTN_EXTRA - BTN_LEFT) == PS2_MOUSE_EXTRA,
               "buttons in the order of Linux");

static void button(struct kbc *s, const struct tn_input_event *ev)
{
    if (ev->code < BTN_LEFT || ev->code > BTN_EXTRA)
        return;
    uint32_t bit = 1u << (ev->code - BTN_LEFT);
    s->buttons = ev->value ? s->buttons | bit : s->buttons & ~bit;
}

/* Far more than one packet can say; the sums of hostile sources stay defined. */
static int32_t bounded(int64_t v)
{
    return v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : (int32_t)v;
}

static void mouse_events(void *self, const struct tn_input_event *v, uint32_t n, uint32_t stride)
{
    struct kbc *s = self;
    int64_t moved[REL_WHEEL + 1] = {0};
    for (uint32_t i = 0; i < n; i++) {
        const struct tn_input_event *ev = event_at(v, i, stride);
        if (ev->type == EV_KEY)
            button(s, ev);
        else if (ev->type == EV_REL && ev->code <= REL_WHEEL)
            moved[ev->code] += ev->value;
    }
    i8042_mouse(&s->chip, bounded(moved[REL_X]), bounded(moved[REL_Y]), bounded(moved[REL_WHEEL]),
                s->buttons);
    if (s->buttons)
        wake_up(s);
}

/* Buttons do not stay down when the mouse loses its events. */
static void mouse_active(void *self, uint32_t on)
{
    struct kbc *s = self;
    if (on || !s->buttons)
        return;
    s->buttons = 0;
    i8042_mouse(&s->chip, 0, 0, 0, 0);
}

static const struct tn_input_ops mouse = {
    .struct_size = sizeof mouse, .event = mouse_events, .active = mouse_active};

static int take_input(struct kbc *s, struct tn_err *e)
{
    s->input = TN_GET(s->dev, struct tn_input, TN_INPUT_1);
    if (!s->input)
        return 0;
    int r = s->input->handler(s->dev, "PS/2 keyboard", TN_IN_KEY, &keyboard, s, e);
    return r < 0 ? r : s->input->handler(s->dev, "PS/2 mouse", TN_IN_BTN | TN_IN_REL, &mouse, s, e);
}

/* ---- how the guest finds it ---- */

static int add_keyboard(struct kbc *s, struct buf *a, const struct tn_acpi_build *b,
                        struct tn_acpi_out *o)
{
    struct aml_block dev = aml_device(a, "KBD");
    aml_name_eisaid(a, "_HID", "PNP0303");
    aml_name_int(a, "_STA", 0xf);
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    aml_res_io(a, I8042_DATA, I8042_DATA, 1, 1);
    aml_res_io(a, I8042_COMMAND, I8042_COMMAND, 1, 1);
    int r = isa_aml_line(a, b, o, s->kbd_line);
    aml_end(a, crs);
    aml_end(a, dev);
    return r;
}

static int add_mouse(struct kbc *s, struct buf *a, const struct tn_acpi_build *b,
                     struct tn_acpi_out *o)
{
    struct aml_block dev = aml_device(a, "MOU");
    aml_name_eisaid(a, "_HID", "PNP0F13");
    aml_name_int(a, "_STA", 0xf);
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    int r = isa_aml_line(a, b, o, s->mouse_line);
    aml_end(a, crs);
    aml_end(a, dev);
    return r;
}

static int build_acpi(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                      struct tn_err *e)
{
    struct kbc *s = self;
    BUF_AUTO a = {0};
    int r = add_keyboard(s, &a, b, o);
    if (r == 0)
        r = add_mouse(s, &a, b, o);
    return isa_aml_give(s->dev, &a, r, b, o, e);
}

static int tell_guest(struct kbc *s, struct tn_err *e)
{
    const struct tn_acpi *acpi = TN_GET(s->dev, struct tn_acpi, TN_ACPI_1);
    int r = acpi ? acpi->builder(s->dev, build_acpi, s) : 0;
    return r < 0 ? tn_fail(s->dev, e, -r, "i8042: the guest cannot be told of it") : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct kbc *s = self;
    s->dev = d;
    return 0;
}

static const struct tn_trace_event trace_events[TRACES] = {
    [TRACE_READ] = {"i8042_read", "data is 0x%lx", 0, 0},
    [TRACE_WRITE] = {"i8042_write", "data 0x%lx", 0, 0},
    [TRACE_STATUS] = {"i8042_status", "status is 0x%lx", 0, 0},
    [TRACE_COMMAND] = {"i8042_command", "command 0x%lx", 0, 0},
    [TRACE_IRQ] = {"i8042_irq", "line %lu goes to %lu", 0, 0},
};

static void add_traces(struct kbc *s)
{
    memcpy(s->events, trace_events, sizeof trace_events);
    s->trace = TN_GET(s->dev, struct tn_trace, TN_TRACE_1);
    if (s->trace)
        s->trace->add(s->dev, s->events, TRACES, sizeof s->events[0]);
}

static int take_lines(struct kbc *s, struct tn_err *e)
{
    s->irq = TN_GET(s->dev, struct tn_irq, TN_IRQ_1);
    int r = s->irq->line(s->dev, TN_LINE_ISA, s->kbd_irq, 0, &s->kbd_line, e);
    return r < 0 ? r : s->irq->line(s->dev, TN_LINE_ISA, s->mouse_irq, 0, &s->mouse_line, e);
}

static int take_ports(struct kbc *s, struct tn_err *e)
{
    int r = isa_claim(s->dev, I8042_DATA, 1, "i8042-data", &data_ops, s, &s->data, e);
    return r < 0
               ? r
               : isa_claim(s->dev, I8042_COMMAND, 1, "i8042-cmd", &command_ops, s, &s->command, e);
}

static int realize(void *self, struct tn_err *e)
{
    struct kbc *s = self;
    i8042_init(&s->chip, &env, s);
    add_traces(s);
    int r = take_lines(s, e);
    if (r == 0)
        r = take_ports(s, e);
    if (r == 0)
        r = take_input(s, e);
    return r < 0 ? r : tell_guest(s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct kbc *s = self;
    (void)kind;
    if (phase == TN_RESET_HOLD)
        i8042_reset(&s->chip);
}

static const struct tn_prop props[] = {
    TN_PROP(struct kbc, kbd_irq, "kbd-irq", U8, KBD_IRQ, "ISA interrupt of the keyboard"),
    TN_PROP(struct kbc, mouse_irq, "mouse-irq", U8, MOUSE_IRQ, "ISA interrupt of the mouse"),
};

/* ---- state ---- */

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct kbc *s = self;
    (void)version;
    (void)e;
    s->buttons = s->chip.mouse.buttons;
    i8042_post_load(&s->chip);
    return 0;
}

#define TABLE(nm, rows, load)                                                                    \
    {                                                                                            \
        .struct_size = sizeof(struct tn_state), .version = 1, .min_version = 1, .name = nm,      \
        .fields = rows, .nfields = sizeof rows / sizeof rows[0], .field_stride = sizeof rows[0], \
        .post_load = load                                                                        \
    }
#define QUEUE(f) TN_FIELD(struct ps2_queue, f, U8)
#define KBD(f)   TN_FIELD(struct ps2_kbd, f, U8)
#define MOUSE(f) TN_FIELD(struct ps2_mouse, f, U8)
#define CHIP(f)  TN_FIELD_ROW(struct kbc, chip.f, #f, U8, 1)
#define SUB(T, f, nm, table)                                            \
    {                                                                   \
        nm, TN_S_SUB, (uint32_t)offsetof(T, f), 1, 0, table, 0, 0, 0, 0 \
    }

static const struct tn_field queue_fields[] = {
    QUEUE(head),
    QUEUE(count),
    QUEUE(limit),
    QUEUE(reply_head),
    QUEUE(reply_count),
    QUEUE(last),
    TN_FIELD_ARRAY(struct ps2_queue, data, U8),
    TN_FIELD_ARRAY(struct ps2_queue, reply, U8),
};
static const struct tn_state queue_state = TABLE("ps2-queue", queue_fields, NULL);

static const struct tn_field kbd_fields[] = {
    SUB(struct ps2_kbd, q, "queue", &queue_state),
    KBD(scan_set),
    KBD(enabled),
    KBD(leds),
    KBD(typematic),
    KBD(command),
    KBD(modifiers),
    KBD(print_form),
    KBD(overrun),
    TN_FIELD_ARRAY(struct ps2_kbd, make_only, U8),
};
static const struct tn_state kbd_state = TABLE("ps2-kbd", kbd_fields, NULL);

static const struct tn_field mouse_fields[] = {
    SUB(struct ps2_mouse, q, "queue", &queue_state),
    MOUSE(enabled),
    MOUSE(remote),
    MOUSE(wrap),
    MOUSE(scale2),
    MOUSE(resolution),
    MOUSE(rate),
    MOUSE(id),
    MOUSE(command),
    MOUSE(buttons),
    MOUSE(reported),
    TN_FIELD_ARRAY(struct ps2_mouse, rates, U8),
    TN_FIELD(struct ps2_mouse, dx, U16),
    TN_FIELD(struct ps2_mouse, dy, U16),
    TN_FIELD(struct ps2_mouse, dz, U16),
};
static const struct tn_state mouse_state = TABLE("ps2-mouse", mouse_fields, NULL);

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct kbc, chip.ram, "ram", U8, I8042_RAM_SIZE),
    CHIP(last_was_command),
    CHIP(command),
    CHIP(out),
    CHIP(out_full),
    CHIP(out_aux),
    CHIP(answer),
    CHIP(answer_full),
    CHIP(answer_aux),
    CHIP(release),
    CHIP(output_port),
    SUB(struct kbc, chip.kbd, "kbd", &kbd_state),
    SUB(struct kbc, chip.mouse, "mouse", &mouse_state),
};
static const struct tn_state state = TABLE("i8042", fields, post_load);

static const struct tn_class i8042 = {
    .struct_size = sizeof i8042,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_INPUT,
    .name = "i8042",
    .bus = "ISA",
    .instance_size = sizeof(struct kbc),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .traces = trace_events,
    .ntraces = TRACES,
    .trace_stride = sizeof trace_events[0],
};

static const struct tn_class *const classes[] = {&i8042, NULL};
static const char *const needs[] = {TN_REGION_1, TN_IRQ_1, TN_MACHINE_1, NULL};
static const char *const wants[] = {TN_ACPI_1, TN_INPUT_1, TN_TRACE_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "i8042",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "keyboard controller, keyboard and mouse",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
