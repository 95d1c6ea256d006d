/* SPDX-License-Identifier: BSD-2-Clause */
#include "qtest_machine.h"

#include "backend/chardev.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/irq.h"
#include "vm/memory.h"
#include "vm/space.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct qmachine *machine; /* see qtest_machine.h */

/* ---- chardev ---- */

static int64_t chr_write(struct tn_chr *c, const void *p, uint64_t n)
{
    (void)c;
    n = n < machine->most ? n : machine->most;
    buf_add(&machine->told, p, n);
    return (int64_t)n;
}

static void chr_accept(struct tn_chr *c)
{
    (void)c;
    machine->accepted++;
}

const struct tn_chardev chardev_table = {
    .struct_size = sizeof(struct tn_chardev), .rev = 1, .write = chr_write, .accept = chr_accept};

int chardev_attach_host(struct tn_chr *c, const struct tn_chr_ops *o, void *s)
{
    (void)c;
    if (machine->ops)
        return -EBUSY;
    machine->ops = o;
    machine->ops_s = s;
    return 0;
}

void chardev_detach_host(struct tn_chr *c, const struct tn_chr_ops *o, void *s)
{
    (void)c;
    (void)o;
    (void)s;
    machine->ops = NULL;
}

/* ---- loop ---- */

struct tn_bh *bh_new(struct tn_ctx *c, struct device *d, uint32_t flags, void (*fn)(void *),
                     void *s)
{
    struct tn_bh *b = XNEW(struct tn_bh);
    (void)flags;
    b->ctx = c;
    b->dev = d;
    b->fn = fn;
    b->s = s;
    machine->bh = b;
    return b;
}

void bh_kick(struct tn_bh *b)
{
    (void)b;
    machine->bh_pending = 1;
}

void bh_del(struct tn_bh *b)
{
    free(b);
    machine->bh = NULL;
}

static uint32_t run_timers(struct qmachine *m, uint32_t first, uint32_t last)
{
    uint32_t ran = 0;
    for (uint32_t i = first; i <= last; i++) {
        struct machine_timer *t = &m->timer[i];
        if (t->at > m->vm.clock.at)
            continue;
        t->fired++;
        t->seen = m->vm.clock.at;
        if (t->period != STUCK)
            t->at = t->period ? t->at + t->period : ~(uint64_t)0;
        if (t->irq)
            qmachine_wire(m, t->irq, t->fired & 1);
        ran++;
    }
    return ran;
}

uint32_t loop_run_timers(struct tn_ctx *c)
{
    return c == &machine->main ? run_timers(machine, 0, TIMERS - 2) : 0;
}

void loop_drain(struct tn_ctx *c)
{
    machine->drained += c == &machine->io;
    run_timers(machine, TIMERS - 1, TIMERS - 1);
}

uint64_t loop_deadline(struct tn_ctx *c, uint32_t clk)
{
    uint64_t first = ~(uint64_t)0;
    (void)clk;
    if (c == &machine->io)
        return machine->timer[TIMERS - 1].at;
    for (uint32_t i = 0; i < TIMERS - 1; i++)
        first = machine->timer[i].at < first ? machine->timer[i].at : first;
    return first;
}

int loop_once(struct tn_ctx *c, uint64_t timeout_ns)
{
    int ran = machine->bh_pending != 0;
    (void)c;
    (void)timeout_ns;
    machine->bh_pending = 0;
    if (ran)
        machine->bh->fn(machine->bh->s);
    return ran;
}

/* ---- memory, ports, registers ---- */

int memory_read(struct vm *vm, uint64_t gpa, void *buf, uint64_t len)
{
    (void)vm;
    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return -EFAULT;
    memcpy(buf, machine->ram + gpa, len);
    return 0;
}

int memory_write(struct vm *vm, uint64_t gpa, const void *buf, uint64_t len)
{
    (void)vm;
    if (gpa > RAM_SIZE || len > RAM_SIZE - gpa)
        return -EFAULT;
    memcpy(machine->ram + gpa, buf, len);
    return 0;
}

enum { ACCESS_LOG = 4096 }; /* bytes; what comes later is not remembered */

static const char *kind(const struct space *s)
{
    return s == machine->vm.pio ? "port " : "";
}

/* Reads are the address's own bytes, or all ones in the first GiB above RAM: nothing is there. */
uint64_t space_read(struct space *s, uint64_t addr, uint32_t size)
{
    if (machine->accesses.len < ACCESS_LOG)
        buf_printf(&machine->accesses, "%sr%u %" PRIx64 "\n", kind(s), size, addr);
    return (s == machine->vm.mmio && addr < 0x40000000 ? ~(uint64_t)0
                                                       : addr * 0x0101010101010101u) &
           ones(size);
}

void space_write(struct space *s, uint64_t addr, uint64_t v, uint32_t size)
{
    if (machine->accesses.len < ACCESS_LOG)
        buf_printf(&machine->accesses, "%sw%u %" PRIx64 "=%" PRIx64 "\n", kind(s), size, addr, v);
}

/* ---- interrupts ---- */

uint32_t irq_isa_gsi(uint32_t n)
{
    return n == 0 ? 2 : n;
}

void irq_intercept(struct vm *vm, void (*fn)(void *o, uint32_t gsi, uint32_t level), void *o)
{
    (void)vm;
    machine->spy = fn;
    machine->spy_o = o;
}

struct tn_line {
    uint32_t gsi;
};

struct tn_line *irq_line_new(struct vm *vm, struct device *d, uint32_t gsi, uint32_t flags,
                             struct tn_err *e)
{
    (void)vm;
    (void)d;
    (void)flags;
    if (gsi == 8) {
        err_set(e, EBUSY, "interrupt 8 is taken by rtc");
        return NULL;
    }
    struct tn_line *l = XNEW(struct tn_line);
    l->gsi = gsi;
    return l;
}

void irq_line_free(struct tn_line *l)
{
    free(l);
}

void irq_set(struct tn_line *l, uint32_t level)
{
    qmachine_wire(machine, l->gsi, level);
}

void qmachine_wire(struct qmachine *m, uint32_t gsi, uint32_t level)
{
    if (m->spy)
        m->spy(m->spy_o, gsi, level);
}

/* ---- the machine ---- */

struct qmachine *qmachine_new(const char *log_file)
{
    struct qmachine *m = machine = XNEW(struct qmachine);
    m->most = ~(uint64_t)0;
    m->vm.main = &m->main;
    clock_init(&m->vm.clock, 1);
    m->vm.pio = (struct space *)&m->ram[0]; /* never looked into */
    m->vm.mmio = (struct space *)&m->ram[1];
    TAILQ_INIT(&m->vm.devices);
    m->iothread_user.home = &m->io;
    TAILQ_INSERT_TAIL(&m->vm.devices, &m->iothread_user, all);
    for (uint32_t i = 0; i < TIMERS; i++)
        m->timer[i].at = ~(uint64_t)0;
    m->q = qtest_new(&m->vm, NULL, log_file, NULL);
    return m;
}

void qmachine_free(struct qmachine *m)
{
    qtest_free(m->q);
    buf_free(&m->accesses);
    buf_free(&m->told);
    free(m);
    machine = NULL;
}

void qmachine_run(struct qmachine *m)
{
    while (loop_once(&m->main, 0))
        ;
}

void qmachine_send(struct qmachine *m, const void *p, size_t n)
{
    const uint8_t *at = p;
    for (uint32_t room; n && (room = m->ops->room(m->ops_s)) != 0; qmachine_run(m)) {
        uint32_t now = n < room ? (uint32_t)n : room;
        m->ops->input(m->ops_s, at, now);
        at += now;
        n -= now;
    }
}

const char *qmachine_say(struct qmachine *m, const char *text)
{
    m->told.len = 0;
    m->accesses.len = 0;
    qmachine_send(m, text, strlen(text));
    if (!m->told.len)
        return "";
    m->told.data[m->told.len] = 0;
    return buf_cstr(&m->told);
}
