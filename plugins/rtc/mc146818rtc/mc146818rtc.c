/* SPDX-License-Identifier: BSD-2-Clause */
/* mc146818rtc: the clock chip at ports 0x70 and 0x71, set by -rtc. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tenon/cmos.h>
#include <tenon/fdt.h>
#include <tenon/irq.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/plugin.h>
#include <tenon/trace.h>

#include "aml/resource.h"
#include "isa.h"
#include "mc146818.h"

#define PORT      0x70
#define PORTS     2 /* index, data */
#define IRQ       8
#define BASE_YEAR 2000
#define NS_PER_S  1000000000u

enum { TRACE_READ, TRACE_WRITE, TRACE_IRQ, TRACES };
enum { POLICY_DISCARD, POLICY_DELAY, POLICY_SLEW };

struct rtc {
    struct mc146818 chip;
    struct tn_dev *dev;
    const struct tn_irq *irq_table;
    const struct tn_loop *loop;
    const struct tn_machine *machine;
    const struct tn_trace *trace;
    struct tn_region *ports;
    struct tn_line *line;
    struct tn_timer *timer;
    struct tn_bh *alarm;
    uint32_t clock; /* TN_CLK_*, as -rtc clock= says */
    int32_t base_year;
    uint32_t lost_tick_policy;
    uint16_t iobase;
    uint8_t irq;
    struct tn_trace_event events[TRACES];
};

/* ---- what the chip asks for ---- */

static void set_irq(void *opaque, uint32_t level)
{
    struct rtc *s = opaque;
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_IRQ], rtc_irq, level);
    s->irq_table->set(s->line, level);
}

/* Times before 1970 and after 2554 have no ns since 1970: the guest keeps them to itself. */
static void time_set(void *opaque, int64_t seconds, uint32_t ns)
{
    struct rtc *s = opaque;
    if (seconds >= 0 && (uint64_t)seconds < UINT64_MAX / NS_PER_S)
        s->machine->rtc_set(s->dev, (uint64_t)seconds * NS_PER_S + ns);
}

static uint64_t now_ns(void *opaque)
{
    struct rtc *s = opaque;
    return s->loop->now(s->dev, s->clock);
}

static void arm_timer(void *opaque, uint64_t deadline_ns)
{
    struct rtc *s = opaque;
    s->loop->arm(s->timer, deadline_ns);
}

static void disarm_timer(void *opaque)
{
    struct rtc *s = opaque;
    s->loop->disarm(s->timer);
}

static void alarm_came(void *opaque)
{
    struct rtc *s = opaque;
    s->loop->kick(s->alarm);
}

/* The PM block, where there is one, has the alarm as RTC_STS (ACPI 4.8.2.4): it wakes a machine. */
static void tell_alarm(void *self)
{
    struct rtc *s = self;
    struct tn_dev *pm = s->dev->core->find(s->dev, TN_ACPI_FIXED_1);
    const void *ops;
    void *block;
    if (pm && s->dev->core->query(s->dev, pm, TN_ACPI_FIXED_1, &ops, &block) == 0)
        ((const struct tn_acpi_fixed_ops *)ops)->event(block, TN_ACPI_FIXED_RTC);
}

static const struct mc146818_env env = {
    .irq = set_irq,
    .time_set = time_set,
    .now_ns = now_ns,
    .arm_timer = arm_timer,
    .disarm_timer = disarm_timer,
    .alarm = alarm_came,
};

static void timer_expired(void *self)
{
    struct rtc *s = self;
    mc146818_timer(&s->chip);
}

/* ---- ports: 0 is the index, write-only; 1 the data ---- */

static uint64_t read_port(void *self, uint64_t off, uint32_t size)
{
    struct rtc *s = self;
    (void)size;
    if (off == 0)
        return 0xff;
    uint8_t index = s->chip.index, value = mc146818_read(&s->chip);
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_READ], rtc_read, index, value);
    return value;
}

static void write_port(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct rtc *s = self;
    (void)size;
    if (off == 0) {
        mc146818_write_index(&s->chip, (uint8_t)value);
        return;
    }
    tn_trace_point(s->dev, s->trace, &s->events[TRACE_WRITE], rtc_write, s->chip.index, value);
    mc146818_write(&s->chip, (uint8_t)value);
}

static const struct tn_region_ops ops = {
    .struct_size = sizeof ops, ISA_BYTE_WIDE, .read = read_port, .write = write_port};

/* ---- CMOS RAM for the machine ---- */

static void cmos_set(void *self, uint32_t reg, uint32_t v)
{
    struct rtc *s = self;
    mc146818_ram_set(&s->chip, reg, (uint8_t)v);
}

static uint32_t cmos_get(void *self, uint32_t reg)
{
    struct rtc *s = self;
    return (uint8_t)mc146818_ram_get(&s->chip, reg);
}

static const struct tn_cmos cmos = {.struct_size = sizeof cmos, .set = cmos_set, .get = cmos_get};

static const void *get_iface(void *self, const char *id)
{
    (void)self;
    return strcmp(id, TN_CMOS_1) == 0 ? &cmos : NULL;
}

/* ---- how the guest finds it ---- */

static int build_acpi(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                      struct tn_err *e)
{
    struct rtc *s = self;
    BUF_AUTO a = {0};
    struct aml_block dev = aml_device(&a, "RTC");
    aml_name_eisaid(&a, "_HID", "PNP0B00");
    aml_name(&a, "_CRS");
    struct aml_block crs = aml_resources(&a);
    aml_res_io(&a, s->iobase, s->iobase, 1, PORTS);
    int r = isa_aml_line(&a, b, o, s->line);
    aml_end(&a, crs);
    aml_end(&a, dev);
    return isa_aml_give(s->dev, &a, r, b, o, e);
}

static int build_node(struct rtc *s, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    uint32_t at;
    char name[32];
    snprintf(name, sizeof name, "rtc@i%x", s->iobase);
    int r = b->begin(o, NULL, name, &at);
    if (r == 0)
        r = b->str(o, at, "compatible", "motorola,mc146818");
    if (r == 0)
        r = b->reg(o, at, &s->ports, 1);
    if (r == 0)
        r = b->irqs(o, at, &s->line, 1);
    return r;
}

static int build_fdt(void *self, const struct tn_fdt_build *b, struct tn_fdt_out *o,
                     struct tn_err *e)
{
    struct rtc *s = self;
    int r = build_node(s, b, o);
    return r < 0 ? tn_fail(s->dev, e, -r, "mc146818rtc: no place in the device tree") : 0;
}

static int tell_guest(struct rtc *s, struct tn_err *e)
{
    const struct tn_acpi *acpi = TN_GET(s->dev, struct tn_acpi, TN_ACPI_1);
    const struct tn_fdt *fdt = TN_GET(s->dev, struct tn_fdt, TN_FDT_1);
    int r = acpi ? acpi->builder(s->dev, build_acpi, s) : 0;
    if (r == 0 && fdt)
        r = fdt->builder(s->dev, build_fdt, s);
    return r < 0 ? tn_fail(s->dev, e, -r, "mc146818rtc: the guest cannot be told of it") : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct rtc *s = self;
    s->dev = d;
    return 0;
}

static void find_services(struct rtc *s)
{
    s->irq_table = TN_GET(s->dev, struct tn_irq, TN_IRQ_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->machine = TN_GET(s->dev, struct tn_machine, TN_MACHINE_1);
    s->trace = TN_GET(s->dev, struct tn_trace, TN_TRACE_1);
}

static const struct tn_trace_event trace_events[TRACES] = {
    [TRACE_READ] = {"rtc_read", "register 0x%lx is 0x%lx", 0, 0},
    [TRACE_WRITE] = {"rtc_write", "register 0x%lx is set to 0x%lx", 0, 0},
    [TRACE_IRQ] = {"rtc_irq", "interrupt line goes to %lu", 0, 0},
};

static void add_traces(struct rtc *s)
{
    memcpy(s->events, trace_events, sizeof trace_events);
    if (s->trace)
        s->trace->add(s->dev, s->events, TRACES, sizeof s->events[0]);
}

static int check_props(struct rtc *s, struct tn_err *e)
{
    if (s->lost_tick_policy == POLICY_DELAY)
        return tn_fail(s->dev, e, EINVAL, "Invalid lost tick policy.");
    if (s->base_year % 100)
        return tn_fail(s->dev, e, EINVAL, "mc146818rtc: base_year=%d begins no century",
                       s->base_year);
    return 0;
}

/* -rtc says the time, the clock that it goes by, and (driftfix) what becomes of lost ticks. */
static int start_clock(struct rtc *s, struct tn_err *e)
{
    uint64_t time_ns;
    uint32_t slew;
    s->machine->rtc(s->dev, &time_ns, &s->clock, &slew);
    s->timer = s->loop->timer(s->dev, NULL, 0, s->clock, timer_expired, s);
    s->alarm = s->loop->bh(s->dev, NULL, 0, tell_alarm, s);
    if (!s->timer || !s->alarm)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a timer");
    slew |= s->lost_tick_policy == POLICY_SLEW;
    mc146818_init(&s->chip, &env, s, slew ? MC146818_SLEW : 0);
    mc146818_set_time(&s->chip, (int64_t)(time_ns / NS_PER_S), (uint32_t)(time_ns % NS_PER_S));
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct rtc *s = self;
    find_services(s);
    add_traces(s);
    int r = check_props(s, e);
    if (r == 0)
        r = s->irq_table->line(s->dev, TN_LINE_ISA, s->irq, 0, &s->line, e);
    if (r == 0)
        r = start_clock(s, e);
    if (r == 0)
        r = isa_claim(s->dev, s->iobase, PORTS, "mc146818rtc", &ops, s, &s->ports, e);
    return r < 0 ? r : tell_guest(s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct rtc *s = self;
    (void)kind;
    if (phase == TN_RESET_HOLD)
        mc146818_reset(&s->chip);
}

static const char *const policies[] = {"discard", "delay", "slew", NULL};

static const struct tn_prop props[] = {
    TN_PROP(struct rtc, base_year, "base_year", I32, BASE_YEAR, "a century"),
    TN_PROP(struct rtc, iobase, "iobase", U16, PORT, "first port"),
    TN_PROP(struct rtc, irq, "irq", U8, IRQ, "ISA interrupt"),
    TN_PROP_ENUM(struct rtc, lost_tick_policy, "lost_tick_policy", policies, POLICY_DISCARD,
                 "Policy for handling lost ticks (discard/delay/slew)"),
};

/* ---- state ---- */

static int pre_save(void *self, struct tn_err *e)
{
    struct rtc *s = self;
    (void)e;
    mc146818_refresh(&s->chip);
    return 0;
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct rtc *s = self;
    (void)version;
    (void)e;
    mc146818_post_load(&s->chip);
    return 0;
}

#define FIELD(f, type) TN_FIELD_ROW(struct rtc, chip.f, #f, type, 1)

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct rtc, chip.cmos, "cmos", U8, RTC_SIZE),
    FIELD(index, U8),
    FIELD(nmi_masked, U8),
    FIELD(time_written, U8),
    FIELD(update_ns, U64),
    FIELD(periodic_ns, U64),
    FIELD(periodic_ticks, U64),
    FIELD(made_up_ns, U64),
    FIELD(lost, U32),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "mc146818rtc",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .pre_save = pre_save,
    .post_load = post_load,
};

static const char *const provides[] = {TN_CMOS_1, NULL};

static const struct tn_class rtc = {
    .struct_size = sizeof rtc,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "mc146818rtc",
    .bus = "ISA",
    .provides = provides,
    .instance_size = sizeof(struct rtc),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .get_iface = get_iface,
    .traces = trace_events,
    .ntraces = TRACES,
    .trace_stride = sizeof trace_events[0],
};

static const struct tn_class *const classes[] = {&rtc, NULL};
static const char *const needs[] = {TN_REGION_1, TN_IRQ_1, TN_LOOP_1, TN_MACHINE_1, NULL};
static const char *const wants[] = {TN_ACPI_1, TN_FDT_1, TN_TRACE_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "mc146818rtc",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "real-time clock and CMOS RAM",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
