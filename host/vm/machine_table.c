/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_MACHINE_1: what devices may know and ask of the machine. */
#include "core/device.h"
#include "core/loop.h"
#include "machine_impl.h"
#include "monitor/cmd_machine.h"
#include "run.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

struct hook {
    struct managed m;
    struct machine *machine;
    struct hook *next; /* in order of registration */
    uint32_t event;
    int (*fn)(void *s, uint64_t arg, struct tn_err *e);
    void *s;
};

static void unlink_hook(struct hook *h)
{
    struct hook **at = &h->machine->hooks;
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
}

static void release_hook(struct managed *m)
{
    struct hook *h = (struct hook *)m;
    managed_del(m);
    unlink_hook(h);
    free(h);
}

void machine_hooks_free(struct machine *m)
{
    for (struct hook *h; (h = m->hooks);) {
        m->hooks = h->next;
        managed_del(&h->m);
        free(h);
    }
}

int machine_event(struct vm *vm, uint32_t event, uint64_t arg, struct tn_err *e)
{
    struct hook *next;
    for (struct hook *h = vm->machine->hooks; h; h = next) {
        next = h->next;
        if (h->event != event)
            continue;
        int entered = domain_enter(h->m.dev->domain);
        int err = h->fn(h->s, arg, e);
        domain_leave(h->m.dev->domain, entered);
        if (err < 0)
            return err;
    }
    return 0;
}

int machine_listens(const struct vm *vm, uint32_t event)
{
    for (const struct hook *h = vm->machine->hooks; h; h = h->next)
        if (h->event == event)
            return 1;
    return 0;
}

static struct machine *of(struct tn_dev *d)
{
    return device_of(d)->vm->machine;
}

static void t_info(struct tn_dev *d, struct tn_machine_info *info)
{
    const struct machine *m = of(d);
    uint32_t size = info->struct_size;
    struct tn_machine_info i = {.struct_size = size < sizeof i ? size : sizeof i,
                                .flags = m->flags,
                                .arch = TN_ARCH_X86,
                                .slots = m->slots,
                                .cpus = m->cpus,
                                .max_cpus = m->max_cpus,
                                .ram = m->ram,
                                .ram_below_4g = m->map.ram_low,
                                .maxmem = m->maxmem,
                                .type = m->type->name};
    memcpy(info, &i, i.struct_size);
}

static void t_request(struct tn_dev *d, uint32_t what, const char *text)
{
    run_request(device_of(d)->vm, what, text);
}

static int t_on(struct tn_dev *d, uint32_t event,
                int (*fn)(void *s, uint64_t arg, struct tn_err *e), void *s)
{
    struct hook *h = XNEW(struct hook), **at = &of(d)->hooks;
    *h = (struct hook){
        .m.release = release_hook, .machine = of(d), .event = event, .fn = fn, .s = s};
    while (*at)
        at = &(*at)->next;
    *at = h;
    managed_add(device_of(d), &h->m);
    return 0;
}

static void t_rtc(struct tn_dev *d, uint64_t *now_ns, uint32_t *clk, uint32_t *slew)
{
    const struct machine *m = of(d);
    int64_t now = (int64_t)clock_now(&m->vm->clock, m->rtc_clock) +
                  __atomic_load_n(&m->rtc_offset_ns, __ATOMIC_RELAXED);
    *now_ns = now > 0 ? (uint64_t)now : 0;
    *clk = m->rtc_clock;
    *slew = m->rtc_slew;
}

static void t_rtc_set(struct tn_dev *d, uint64_t now_ns)
{
    struct machine *m = of(d);
    int64_t offset = (int64_t)(now_ns - clock_now(&m->vm->clock, m->rtc_clock));
    __atomic_store_n(&m->rtc_offset_ns, offset, __ATOMIC_RELAXED);
    event_rtc_change(m->vm, (offset - m->rtc_base_ns) / 1000000000, device_of(d)->path);
}

static void t_boot(struct tn_dev *d, int32_t index, const char *suffix)
{
    (void)d; /* firmware's boot order: kept for none yet, as no device of this host is bootable */
    (void)index;
    (void)suffix;
}

static const char *t_option(struct tn_dev *d, const char *key)
{
    return machine_option(of(d), key);
}

static void t_request_exit(struct tn_dev *d, uint32_t status)
{
    run_request_exit(device_of(d)->vm, status & 0xff);
}

const struct tn_machine machine_table = {
    .struct_size = sizeof(struct tn_machine),
    .rev = 1,
    .info = t_info,
    .request = t_request,
    .on = t_on,
    .rtc = t_rtc,
    .rtc_set = t_rtc_set,
    .boot = t_boot,
    .option = t_option,
    .request_exit = t_request_exit,
};
