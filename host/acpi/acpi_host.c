/* SPDX-License-Identifier: BSD-2-Clause */
#include "host_impl.h"

#include "aml/aml.h"
#include "core/fwcfg_host.h"
#include "util/alloc.h"
#include "vm/memory.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EVENTS = 64 };

struct builder {
    struct managed m;
    TAILQ_ENTRY(builder) link;
    struct acpi *acpi;
    int (*build)(void *s, const struct tn_acpi_build *b, struct tn_acpi_out *o, struct tn_err *e);
    void *s;
};
struct tn_acpi_event {
    struct managed m;
    struct acpi *acpi;
    uint32_t bit;
    char *name;
    struct buf aml; /* body of its method, until it is handed to the event hardware */
};
/* The event hardware goes before what raises events may have gone. */
struct pm_hold {
    struct managed m;
    struct acpi *acpi;
};
struct acpi {
    struct vm *vm;
    TAILQ_HEAD(, builder) builders;
    struct tn_acpi_event *event[MAX_EVENTS]; /* by bit */
    pthread_mutex_t lock;                    /* leaf: pm against raise() */
    struct acpi_pm_ref pm;
    uint32_t built; /* the methods are handed over: no more events */
};

struct acpi *acpi_host_new(struct vm *vm)
{
    struct acpi *a = XNEW(struct acpi);
    a->vm = vm;
    TAILQ_INIT(&a->builders);
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

void acpi_host_free(struct acpi *a)
{
    if (!a)
        return;
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- TN_ACPI_1 ---- */

static void release_builder(struct managed *m)
{
    struct builder *b = (struct builder *)m;
    managed_del(m);
    TAILQ_REMOVE(&b->acpi->builders, b, link);
    free(b);
}

static int t_builder(struct tn_dev *pub,
                     int (*build)(void *s, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                                  struct tn_err *e),
                     void *s)
{
    struct device *d = device_of(pub);
    if (!d->vm->acpi)
        return -ENOTSUP;
    struct builder *b = XNEW(struct builder);
    *b =
        (struct builder){.m.release = release_builder, .acpi = d->vm->acpi, .build = build, .s = s};
    TAILQ_INSERT_TAIL(&b->acpi->builders, b, link);
    managed_add(d, &b->m);
    return 0;
}

static void release_event(struct managed *m)
{
    struct tn_acpi_event *ev = (struct tn_acpi_event *)m;
    managed_del(m);
    ev->acpi->event[ev->bit] = NULL;
    buf_free(&ev->aml);
    free(ev->name);
    free(ev);
}

/* The first bit that is free: the same devices get the same bits. -1: none. How many the hardware
 * has may not be known yet; hand_over() looks again. */
static int free_bit(const struct acpi *a)
{
    uint32_t n = a->pm.dev && a->pm.ops->events < MAX_EVENTS ? a->pm.ops->events : MAX_EVENTS;
    for (uint32_t i = 0; i < n; i++)
        if (!a->event[i])
            return (int)i;
    return -1;
}

static int t_event(struct tn_dev *pub, const char *name, const void *aml, uint32_t len,
                   struct tn_acpi_event **out, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct acpi *a = d->vm->acpi;
    if (!a)
        return err_set(e, ENOTSUP, "this machine has no ACPI");
    if (a->built)
        return err_set(e, EBUSY, "ACPI event '%s': the guest's tables are made", name);
    if (aml_check(aml, len, NULL) < 0)
        return err_set(e, EINVAL, "ACPI event '%s': malformed AML", name);
    int bit = free_bit(a);
    if (bit < 0)
        return err_set(e, ENOSPC, "ACPI event '%s': there is no event bit left", name);
    struct tn_acpi_event *ev = XNEW(struct tn_acpi_event);
    *ev = (struct tn_acpi_event){
        .m.release = release_event, .acpi = a, .bit = (uint32_t)bit, .name = xstrdup(name)};
    buf_add(&ev->aml, aml, len);
    a->event[bit] = ev;
    managed_add(d, &ev->m);
    *out = ev;
    return 0;
}

static void t_raise(struct tn_acpi_event *ev)
{
    struct acpi *a = ev->acpi;
    pthread_mutex_lock(&a->lock);
    if (a->pm.dev)
        a->pm.ops->raise(a->pm.self, ev->bit);
    pthread_mutex_unlock(&a->lock);
}

const struct tn_acpi acpi_host_table = {.struct_size = sizeof acpi_host_table,
                                        .builder = t_builder,
                                        .event = t_event,
                                        .raise = t_raise};

/* ---- the event hardware ---- */

static void lose_pm(struct managed *m)
{
    struct acpi *a = ((struct pm_hold *)m)->acpi;
    pthread_mutex_lock(&a->lock);
    a->pm = (struct acpi_pm_ref){0};
    pthread_mutex_unlock(&a->lock);
}

static void release_hold(struct managed *m)
{
    managed_del(m);
    free(m);
}

static void find_pm(struct acpi *a)
{
    struct acpi_pm_ref pm = {.dev = device_providing(a->vm, TN_ACPI_PM_1)};
    pm.ops = pm.dev ? device_iface(pm.dev, TN_ACPI_PM_1, &pm.self) : NULL;
    if (!pm.ops || a->pm.dev)
        return;
    struct pm_hold *h = XNEW(struct pm_hold);
    *h = (struct pm_hold){.m = {.stop = lose_pm, .release = release_hold}, .acpi = a};
    managed_add(pm.dev, &h->m);
    pthread_mutex_lock(&a->lock);
    a->pm = pm;
    pthread_mutex_unlock(&a->lock);
}

static int hand_over_event(struct acpi *a, struct tn_acpi_event *ev, struct tn_err *e)
{
    if (!a->pm.dev)
        return err_set(e, ENODEV, "ACPI event '%s': no device has event hardware", ev->name);
    if (ev->bit >= a->pm.ops->events)
        return err_set(e, ENOSPC, "ACPI event '%s': %s has %u event bits only", ev->name,
                       device_id(a->pm.dev), a->pm.ops->events);
    int entered = domain_enter(a->pm.dev->domain);
    int r = a->pm.ops->method(a->pm.self, ev->bit, ev->aml.data, (uint32_t)ev->aml.len);
    domain_leave(a->pm.dev->domain, entered);
    return r < 0 ? err_set(e, -r, "ACPI event '%s' is refused: %s", ev->name, strerror(-r)) : 0;
}

static int hand_over(struct acpi *a, struct tn_err *e)
{
    int r = 0;
    find_pm(a);
    for (uint32_t i = 0; !a->built && r == 0 && i < MAX_EVENTS; i++)
        if (a->event[i])
            r = hand_over_event(a, a->event[i], e);
    a->built |= r == 0;
    return r;
}

static int fill_fadt(struct acpi *a, struct acpi_tables *t, struct tn_err *e)
{
    size_t len;
    uint8_t *fadt = acpi_fadt(t, &len);
    if (!a->pm.dev)
        return 0;
    int entered = domain_enter(a->pm.dev->domain);
    int r = a->pm.ops->fadt(a->pm.self, fadt, (uint32_t)len);
    domain_leave(a->pm.dev->domain, entered);
    return r < 0 ? err_set(e, -r, "%s: no FADT: %s", device_id(a->pm.dev), strerror(-r)) : 0;
}

/* ---- building ---- */

static int run_builder(struct builder *b, struct tn_acpi_out *o, struct tn_err *e)
{
    struct device *d = b->m.dev;
    ERR_AUTO why = {0};
    o->dev = d;
    int entered = domain_enter(d->domain);
    int r = b->build(b->s, &acpi_build_table, o, &why);
    domain_leave(d->domain, entered);
    return r < 0 ? err_set(e, -r, "%s: ACPI tables: %s", device_id(d),
                           why.err ? why.text : strerror(-r))
                 : 0;
}

/* In order of the devices' creation, which need not be that of their builders. */
static int run_builders(struct acpi *a, struct tn_acpi_out *o, struct tn_err *e)
{
    struct device *d;
    struct builder *b;
    int r = 0;
    TAILQ_FOREACH(d, &a->vm->devices, all)
    TAILQ_FOREACH(b, &a->builders, link)
    if (b->m.dev == d && (r = run_builder(b, o, e)) < 0)
        return r;
    return 0;
}

static int add_all(struct acpi *a, struct acpi_tables *t, struct tn_err *e)
{
    struct acpi_description d;
    struct tn_acpi_out o = {.vm = a->vm, .tables = t};
    int r = hand_over(a, e);
    if (r < 0)
        return r;
    acpi_describe_vm(a->vm, &a->pm, &d);
    o.isa_bridge = d.m.isa_bridge;
    r = acpi_describe(t, &d.m);
    acpi_description_free(&d);
    if (r < 0)
        return err_set(e, -r, "ACPI tables: the machine's address map contradicts itself");
    r = run_builders(a, &o, e);
    free(o.named);
    return r < 0 ? r : fill_fadt(a, t, e);
}

struct acpi_tables *acpi_host_tables(struct vm *vm, struct tn_err *e)
{
    struct acpi_tables *t = acpi_new();
    if (add_all(vm->acpi, t, e) == 0)
        return t;
    acpi_free(t);
    return NULL;
}

/* ---- without firmware: all of it goes to guest memory ---- */

struct placing {
    struct vm *vm;
    struct acpi_tables *tables;
    uint64_t at, end;
    struct tn_err *e;
};

/* The area lies below 4 GiB, so every blob's wish is met. */
static int place_blob(void *o, const struct fwcfg_blob *b)
{
    struct placing *p = o;
    uint64_t gpa = (p->at + b->align - 1) & ~(b->align - 1);
    if (gpa > p->end || b->len > p->end - gpa)
        return err_set(p->e, ENOSPC, "no room for '%s' beside the ACPI tables", b->name);
    if (memory_write(p->vm, gpa, b->data, b->len) < 0)
        return err_set(p->e, EFAULT, "no memory for '%s' at 0x%llx", b->name,
                       (unsigned long long)gpa);
    fwcfg_host_placed(p->vm, b->name, gpa);
    acpi_blob(p->tables, b->name, gpa);
    p->at = gpa + b->len;
    return 0;
}

static int write_tables(struct placing *p, uint64_t gpa, struct tn_err *e)
{
    BUF_AUTO bytes = {0};
    int r = acpi_place(p->tables, gpa, &bytes);
    if (r < 0)
        return err_set(e, -r, "ACPI tables cannot be placed at 0x%llx", (unsigned long long)gpa);
    if (bytes.len > p->end - p->at)
        return err_set(e, ENOSPC, "ACPI tables of %zu bytes do not fit", bytes.len);
    if (memory_write(p->vm, gpa, bytes.data, bytes.len) < 0)
        return err_set(e, EFAULT, "no memory for ACPI tables at 0x%llx", (unsigned long long)gpa);
    return 0;
}

int acpi_host_build(struct vm *vm, uint64_t gpa, uint64_t limit, uint64_t *rsdp, struct tn_err *e)
{
    struct acpi_tables *t = acpi_host_tables(vm, e);
    *rsdp = 0;
    if (!t)
        return e && e->err ? -e->err : -EINVAL;
    /* Blobs are at the end of the area: how long the tables are is known only when their addresses
     * are. */
    struct placing p = {.vm = vm, .tables = t, .at = gpa + limit / 2, .end = gpa + limit, .e = e};
    int r = fwcfg_host_blobs(vm, place_blob, &p);
    p.at = gpa;
    p.end = gpa + limit / 2;
    if (r == 0)
        r = write_tables(&p, gpa, e);
    acpi_free(t);
    if (r == 0)
        *rsdp = gpa;
    return r;
}
