/* SPDX-License-Identifier: BSD-2-Clause */
/* The small services: TN_TRACE_1, TN_MACHINE_1, TN_INPUT_1, TN_MEMORY_1, TN_HOTPLUG_1. */
#include "host_misc.h"
#include "parts.h"
#include "services.h"
#include "stand_bus.h"
#include <sys/mman.h>
#include <unistd.h>

static void nothing(struct res *r)
{
    (void)r;
}

/* ---- trace: every event is on, so that its place runs ---- */

static void trace_add(struct tn_dev *pub, struct tn_trace_event *ev, uint32_t n, uint32_t stride)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "trace->add");
    if (n && (!ev || stride < sizeof *ev))
        violation("trace.h: add", "trace->add of %u events, %u bytes apart", n, stride);
    for (uint32_t i = 0; i < n; i++) {
        struct tn_trace_event *x = (void *)((char *)ev + (size_t)i * stride);
        const char *at = (const char *)x, *self = d->pub.self;
        if (at < self || at + sizeof *x > self + d->pub.cls->instance_size)
            violation("trace.h: add: events that live in the instance", "event %u is elsewhere", i);
        if (!x->name || !x->fmt)
            violation("trace.h: struct tn_trace_event", "event %u has no name or no format", i);
        x->enabled = 1;
    }
}

static uint32_t conversions(const char *fmt)
{
    uint32_t n = 0;
    for (; *fmt; fmt++)
        if (*fmt == '%' && *++fmt != '%')
            n++;
    return n;
}

static void trace_emit(struct tn_dev *pub, const struct tn_trace_event *ev, const uint64_t *arg,
                       uint32_t n)
{
    enter(dev_of(pub), R_ANY, "trace->emit");
    if (!ev || (n && !arg))
        violation("trace.h: emit", "trace->emit of nothing");
    if (conversions(ev->fmt) != n)
        violation("trace.h: fmt", "event '%s' has %u arguments and the format \"%s\"", ev->name, n,
                  ev->fmt);
}

const struct tn_trace trace_table = {
    .struct_size = sizeof(struct tn_trace), .add = trace_add, .emit = trace_emit};

/* ---- the machine ---- */

static void machine_info(struct tn_dev *pub, struct tn_machine_info *out)
{
    enter(dev_of(pub), R_ANY, "machine->info");
    struct tn_machine_info i = {.struct_size = out->struct_size,
                                .flags =
                                    TN_MF_ACPI | TN_MF_FWCFG | TN_MF_PCIE | TN_MF_SPLIT_IRQCHIP,
                                .arch = TN_ARCH_X86,
                                .slots = 4,
                                .cpus = 1,
                                .max_cpus = 2,
                                .ram = RAM_LOW + RAM_HIGH,
                                .ram_below_4g = RAM_LOW,
                                .maxmem = 0x10000000,
                                .type = "check"};
    memcpy(out, &i, out->struct_size < sizeof i ? out->struct_size : sizeof i);
}

static void machine_request(struct tn_dev *pub, uint32_t what, const char *text)
{
    struct dev *d = dev_of(pub);
    (void)text;
    enter(d, R_ANY | R_LEAF, "machine->request");
    if (what < TN_REQ_RESET || what > TN_REQ_SUSPEND_DISK)
        violation("machine.h: TN_REQ_*", "machine->request(%u)", what);
    __atomic_add_fetch(&d->h->log.requests, 1, __ATOMIC_RELAXED);
}

static void machine_exit(struct tn_dev *pub, uint32_t status)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY | R_LEAF, "machine->request_exit");
    if (status > 255)
        violation("machine.h: request_exit: 0..255", "machine->request_exit(%u)", status);
    __atomic_add_fetch(&d->h->log.requests, 1, __ATOMIC_RELAXED);
}

static int machine_on(struct tn_dev *pub, uint32_t event,
                      int (*fn)(void *, uint64_t, struct tn_err *), void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "machine->on");
    if (event < TN_ON_OPTIONS || event > TN_ON_MEMORY_PLUG || !fn)
        violation("machine.h: on", "machine->on(%u)", event);
    if (inject(d, "machine->on"))
        return -ENOMEM;
    struct hook *k = res_new(d, "hook of the machine", sizeof *k, nothing);
    k->event = event;
    k->fn = fn;
    k->s = s;
    return 0;
}

int host_event(struct host *h, uint32_t event, uint64_t arg, struct tn_err *e)
{
    struct dev *d;
    struct res *r, *next;
    int result = 0;
    TAILQ_FOREACH(d, &h->devs, link)
    TAILQ_FOREACH_SAFE(r, &d->res, link, next)
    {
        struct hook *k = (void *)r;
        if (strcmp(r->kind, "hook of the machine") == 0 && k->event == event && result == 0)
            CALL(d, R_MAIN | R_DEV, "tn_machine.on", result = k->fn(k->s, arg, e));
    }
    return result;
}

static void machine_rtc(struct tn_dev *pub, uint64_t *now_ns, uint32_t *clk, uint32_t *slew)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "machine->rtc");
    *now_ns = loop_table.now(pub, TN_CLK_HOST);
    *clk = TN_CLK_HOST;
    *slew = 0;
}

static void machine_rtc_set(struct tn_dev *pub, uint64_t now_ns)
{
    (void)now_ns;
    enter(dev_of(pub), R_MAIN | R_VCPU, "machine->rtc_set");
}

static void machine_boot(struct tn_dev *pub, int32_t index, const char *suffix)
{
    (void)index, (void)suffix;
    enter(dev_of(pub), R_MAIN, "machine->boot");
}

static const char *machine_option(struct tn_dev *pub, const char *key)
{
    (void)key;
    enter(dev_of(pub), R_MAIN, "machine->option");
    return NULL;
}

const struct tn_machine machine_table = {
    .struct_size = sizeof(struct tn_machine),
    .info = machine_info,
    .request = machine_request,
    .on = machine_on,
    .rtc = machine_rtc,
    .rtc_set = machine_rtc_set,
    .boot = machine_boot,
    .option = machine_option,
    .request_exit = machine_exit,
};

/* ---- input ---- */

static int input_handler(struct tn_dev *pub, const char *name, uint32_t mask,
                         const struct tn_input_ops *o, void *s, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "input->handler");
    if (!name || !mask || !o || !o->event)
        violation("input.h: handler", "input->handler without a name, a mask or event()");
    int r = inject_err(d, e, ENOMEM, "input->handler");
    if (r < 0)
        return r;
    struct input *i = res_new(d, "input handler", sizeof *i, nothing);
    i->ops = *o;
    i->s = s;
    i->mask = mask;
    return 0;
}

void host_input(struct host *h, const struct tn_input_event *v, uint32_t n)
{
    struct dev *d;
    struct res *r;
    TAILQ_FOREACH(d, &h->devs, link)
    TAILQ_FOREACH(r, &d->res, link)
    if (strcmp(r->kind, "input handler") == 0) {
        struct input *i = (void *)r;
        CALL(d, d->home->role | R_DEV, "tn_input_ops.event", i->ops.event(i->s, v, n, sizeof *v));
    }
}

static void input_activate(struct tn_dev *d, uint32_t on)
{
    (void)on;
    enter(dev_of(d), R_ANY, "input->activate");
}

static void input_leds(struct tn_dev *d, uint32_t bits)
{
    enter(dev_of(d), R_ANY, "input->leds");
    if (bits > 7)
        violation("input.h: leds: bits 0 to 2", "input->leds(0x%x)", bits);
}

static void input_inject(struct tn_dev *d, const char *console, const struct tn_input_event *v,
                         uint32_t n, uint32_t stride)
{
    (void)console;
    enter(dev_of(d), R_ANY, "input->inject");
    if (n && (!v || stride < sizeof *v))
        violation("input.h: inject", "input->inject of %u events, %u bytes apart", n, stride);
}

const struct tn_input input_table = {
    .struct_size = sizeof(struct tn_input),
    .handler = input_handler,
    .activate = input_activate,
    .leds = input_leds,
    .inject = input_inject,
};

/* ---- memory ---- */

static void mem_release(struct res *r)
{
    struct tn_mem *m = (void *)r;
    munmap(m->va, m->len);
    close(m->fd);
}

static int mem_map(struct tn_mem *m, uint64_t len)
{
    m->len = len;
    m->fd = memfd_create("device RAM", MFD_CLOEXEC);
    if (m->fd < 0 || ftruncate(m->fd, (off_t)len) < 0)
        return -ENOMEM;
    m->va = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    return m->va == MAP_FAILED ? -ENOMEM : 0;
}

void *stand_in_mem(struct host *h)
{
    struct tn_mem *m = XNEW(struct tn_mem);
    (void)h;
    return mem_map(m, 0x100000) < 0 ? NULL : m;
}

void stand_in_mem_free(struct tn_mem *m)
{
    mem_release(&m->r);
}

static int memory_get(struct tn_mem *m, void **va, uint64_t *len, int *fd, uint64_t *off,
                      uint32_t *flags)
{
    enter(NULL, R_ANY, "memory->get");
    if (!m || m->r.dead)
        violation("memory.h: get", "memory->get of no memory, or of one that was released");
    if (va)
        *va = m->va;
    if (len)
        *len = m->len;
    if (fd)
        *fd = m->fd;
    if (off)
        *off = 0;
    if (flags)
        *flags = TN_MEMF_SHARED;
    return 0;
}

static int memory_claim(struct tn_mem *m, struct tn_dev *pub, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "memory->claim");
    return m->claimed && m->claimed != d
               ? err_set(e, EBUSY, "it is used by '%s'", m->claimed->id)
               : (m->claimed = d, inject_err(d, e, EBUSY, "memory->claim"));
}

static int memory_alloc(struct tn_dev *pub, const char *name, uint64_t len, struct tn_mem **out,
                        struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "memory->alloc");
    if (!name || !*name || !len)
        violation("memory.h: alloc", "memory->alloc of %llu bytes without a name",
                  (unsigned long long)len);
    int r = inject_err(d, e, ENOMEM, "memory->alloc");
    if (r < 0)
        return r;
    struct tn_mem *m = res_new(d, "device RAM", sizeof *m, mem_release);
    if (mem_map(m, len) < 0)
        return err_set(e, ENOMEM, "there is no memory for '%s'", name);
    *out = m;
    return 0;
}

static void memory_dirty(struct tn_mem *m, uint64_t off, uint64_t len)
{
    enter(NULL, R_ANY, "memory->dirty");
    if (off > m->len || len > m->len - off)
        violation("memory.h: dirty", "memory->dirty beyond the end");
}

static int memory_sync(struct tn_mem *m, uint64_t off, uint64_t len, void (*done)(void *, int),
                       void *arg)
{
    (void)m, (void)off, (void)len, (void)done, (void)arg;
    enter(NULL, R_ANY, "memory->sync");
    return -ENOTSUP;
}

const struct tn_memory memory_table = {
    .struct_size = sizeof(struct tn_memory),
    .get = memory_get,
    .claim = memory_claim,
    .alloc = memory_alloc,
    .dirty = memory_dirty,
    .sync = memory_sync,
};

/* ---- shadowing: this machine's RAM is always there ---- */

static int shadow_set(struct tn_dev *pub, uint64_t base, uint64_t len, uint32_t mode)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN | R_VCPU, "shadow->set");
    if (base % 4096 || len % 4096 || !len ||
        (mode != TN_SHADOW_NONE && mode != TN_SHADOW_READ && mode != TN_SHADOW_RAM))
        violation("shadow.h: set", "shadow->set of 0x%llx+0x%llx, mode %u",
                  (unsigned long long)base, (unsigned long long)len, mode);
    return inject(d, "shadow->set") ? -EINVAL : 0;
}

const struct tn_shadow shadow_table = {.struct_size = sizeof(struct tn_shadow), .set = shadow_set};

/* ---- hotplug ---- */

static int hotplug_handler(struct tn_dev *pub, struct tn_bus *b, const struct tn_plug_ops *o,
                           void *s, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "hotplug->handler");
    if (!o || !o->unplug_request)
        violation("hotplug.h: handler", "hotplug->handler without unplug_request");
    int r = inject_err(d, e, ENOMEM, "hotplug->handler");
    if (r < 0)
        return r;
    struct plug_handler *p = res_new(d, "hotplug handler", sizeof *p, nothing);
    p->b = b;
    p->o = o;
    p->s = s;
    return 0;
}

struct plug_handler *plug_handler_of(struct dev *d)
{
    struct res *r;
    TAILQ_FOREACH(r, &d->res, link)
    if (strcmp(r->kind, "hotplug handler") == 0)
        return (void *)r;
    return NULL;
}

static int hotplug_eject(struct tn_dev *pub, struct tn_bus *b, uint32_t slot)
{
    (void)b;
    enter(dev_of(pub), R_VCPU | R_MAIN | R_CTX, "hotplug->eject");
    if (slot > 31)
        violation("hotplug.h: eject", "hotplug->eject of slot %u", slot);
    return -ENOENT;
}

static uint32_t hotplug_slots(struct tn_dev *pub, struct tn_bus *b)
{
    (void)b;
    enter(dev_of(pub), R_MAIN, "hotplug->slots");
    return 0;
}

/* The machine has a root. */
static void root_bus(struct host *h)
{
    struct tn_bus_entry *b;
    TAILQ_FOREACH(b, &h->parts->buses, link)
    if (bus_is(b->bus->type, TN_PCI_BUS))
        return;
    stand_bus(h, TN_PCI_BUS);
}

static int hotplug_each_bus(struct tn_dev *pub, int (*fn)(void *, struct tn_bus *, uint32_t),
                            void *o)
{
    struct dev *d = dev_of(pub);
    struct tn_bus_entry *b;
    uint32_t bsel = 0;
    int r = 0;
    enter(d, R_MAIN, "hotplug->each_bus");
    root_bus(d->h);
    TAILQ_FOREACH(b, &d->h->parts->buses, link)
    if (bus_is(b->bus->type, TN_PCI_BUS) && r == 0)
        r = fn(o, b->bus, bsel++);
    return r;
}

static void hotplug_refused(struct tn_dev *pub, struct tn_bus *b, uint32_t slot, const char *why)
{
    (void)b, (void)slot, (void)why;
    enter(dev_of(pub), R_ANY, "hotplug->refused");
}

const struct tn_hotplug hotplug_table = {
    .struct_size = sizeof(struct tn_hotplug),
    .handler = hotplug_handler,
    .eject = hotplug_eject,
    .slots = hotplug_slots,
    .each_bus = hotplug_each_bus,
    .refused = hotplug_refused,
};
