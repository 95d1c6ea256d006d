/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include "config.h"
#include "core/state.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/dirty.h"
#include "vm/irq.h"
#include "vm/machine.h"
#include "vm/run.h"
#include "vm/vcpu.h"
#include "vm/vcpu_image.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- parts ---- */

enum { MAX_BYTES = 1 << 30 };

int mig_parts_add(struct mig_parts *p, uint32_t type, const void *data, size_t len,
                  struct tn_err *e)
{
    if (p->n >= MIG_MAX_PARTS || len > MIG_MAX_SECTION || p->bytes + len > MAX_BYTES)
        return err_set(e, EFBIG, "more device state than a machine can have");
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->v = xrealloc(p->v, p->room * sizeof *p->v);
    }
    uint8_t *copy = xcalloc(1, len + 1);
    memcpy(copy, data, len);
    p->v[p->n++] = (struct mig_part){type, (uint32_t)len, copy};
    p->bytes += len;
    return 0;
}

void mig_parts_fini(struct mig_parts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        free(p->v[i].data);
    free(p->v);
    *p = (struct mig_parts){0};
}

/* ---- what stands against it ---- */

static int refuses(void *o, struct device *d)
{
    return d->pub.cls->flags & TN_C_NO_MIGRATE
               ? err_set(o, EBUSY, "State blocked by non-migratable device '%s'", device_id(d))
               : 0;
}

/* Back ends, too: a disk's snapshot is in this process's memory. */
static int refuses_any(struct vm *vm, struct tn_err *e)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (d->stage == DEV_REALIZED && refuses(e, d) < 0)
        return -EBUSY;
    return 0;
}

int mig_blocked(struct vm *vm, struct tn_err *e)
{
    const char *who = dirty_blocker(vm);
    int r = refuses_any(vm, e);
    return r < 0 ? r
           : who ? err_set(e, EBUSY,
                           "State blocked by device '%s': its back end does not say what it writes "
                           "to guest memory",
                           who)
                 : 0;
}

/* ---- what the machine is beside its devices ---- */

struct globals {
    uint64_t clock, kvm_clock, rtc_offset;
    uint32_t pci_address, state_len;
    char state[32]; /* run_state_name() */
};
static const struct tn_field global_fields[] = {
    TN_FIELD(struct globals, clock, U64),
    TN_FIELD(struct globals, kvm_clock, U64),
    TN_FIELD(struct globals, rtc_offset, U64),
    TN_FIELD(struct globals, pci_address, U32),
    {.name = "run-state",
     .type = TN_S_BYTES,
     .offset = offsetof(struct globals, state),
     .count = offsetof(struct globals, state_len),
     .flags = TN_SF_COUNT_AT,
     .max = 31},
};
static const struct tn_state global_state = {
    .struct_size = sizeof global_state,
    .version = 1,
    .min_version = 1,
    .name = "machine",
    .fields = global_fields,
    .nfields = ARRAY_SIZE(global_fields),
    .field_stride = sizeof global_fields[0],
};

/* ---- saving ---- */

struct saving {
    struct mig_parts *out;
    struct tn_err *e;
};

static int save_pci(struct saving *s, struct device *d)
{
    BUF_AUTO b = {0};
    mig_put_path(&b, d->path);
    int r = pci_state_save(d, &b, s->e);
    return r < 0 ? r : mig_parts_add(s->out, MIG_PCI, b.data, b.len, s->e);
}

static int save_device(void *o, struct device *d)
{
    struct saving *s = o;
    int r = d->pci ? save_pci(s, d) : 0;
    if (r < 0)
        return r;
    BUF_AUTO b = {0};
    mig_put_path(&b, d->path);
    r = state_save(d, &b, s->e);
    return r < 0 ? r : mig_parts_add(s->out, MIG_DEVICE, b.data, b.len, s->e);
}

static int save_vcpus(struct vm *vm, struct saving *s)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < vcpus_max(vm); i++) {
        BUF_AUTO b = {0};
        if (!vcpus_present(vm, i))
            continue;
        buf_add_le32(&b, i);
        r = vcpu_image_save(vm, i, &b, s->e);
        if (r == 0)
            r = mig_parts_add(s->out, MIG_VCPU, b.data, b.len, s->e);
    }
    return r;
}

static int save_globals(struct vm *vm, enum run_state was, struct saving *s)
{
    BUF_AUTO b = {0};
    struct globals g = {.clock = clock_now(&vm->clock, TN_CLK_VM),
                        .kvm_clock = vcpu_clock_save(vm),
                        .rtc_offset = (uint64_t)vm->machine->rtc_offset_ns,
                        .pci_address = pci_state_address(vm),
                        .state_len = (uint32_t)strlen(run_state_name(was))};
    memcpy(g.state, run_state_name(was), g.state_len);
    int r = state_write(&global_state, &g, &b, s->e);
    return r < 0 ? r : mig_parts_add(s->out, MIG_MACHINE, b.data, b.len, s->e);
}

/* Functions first, all of them: what a device says of its interrupts may move pending bits. */
int mig_machine_save(struct vm *vm, enum run_state was, struct mig_parts *out, struct tn_err *e)
{
    struct saving s = {out, e};
    int r = mig_each_device(vm, save_device, &s);
    if (r == 0)
        r = save_vcpus(vm, &s);
    return r < 0 ? r : save_globals(vm, was, &s);
}

/* ---- finding what a part is about ---- */

struct target {
    struct device *d;
    const uint8_t *state;
    size_t len;
};
struct search {
    const char *path;
    struct device *found;
};

static int is_at(void *o, struct device *d)
{
    struct search *s = o;
    s->found = strcmp(d->path, s->path) == 0 ? d : NULL;
    return s->found != NULL;
}

static int find_device(struct vm *vm, const struct mig_part *p, struct target *t, struct tn_err *e)
{
    struct search s = {0};
    struct mig_section as = {.type = p->type, .len = p->len, .data = p->data};
    int r = mig_get_path(&as, &s.path, &t->state, &t->len, e);
    if (r < 0)
        return r;
    mig_each_device(vm, is_at, &s);
    t->d = s.found;
    if (!t->d || (p->type == MIG_PCI && !t->d->pci))
        return err_set(e, ENODEV, "device '%s' is not here", s.path);
    return 0;
}

static int find_vcpu(struct vm *vm, const struct mig_part *p, uint32_t *i, struct tn_err *e)
{
    *i = p->len >= 4 ? get_le32(p->data) : ~0u;
    return vcpus_present(vm, *i) ? 0 : err_set(e, ENODEV, "vCPU %u is not here", *i);
}

/* What a machine is found in goes on where it is loaded, but for what only a running one can be. */
static int known_state(const struct globals *g, enum run_state *was)
{
    for (int s = RUN_PRELAUNCH; s <= RUN_RESTORE_VM; s++)
        if (strcmp(run_state_name((enum run_state)s), g->state) == 0) {
            *was = (enum run_state)s;
            return s != RUN_INMIGRATE;
        }
    return 0;
}

static int read_globals(const struct mig_part *p, struct globals *g, enum run_state *was,
                        struct tn_err *e)
{
    *g = (struct globals){0};
    int r = state_read(&global_state, g, p->data, p->len, e);
    return r < 0                 ? r
           : known_state(g, was) ? 0
                                 : err_set(e, EINVAL, "the machine was in an unknown state");
}

/* ---- does it fit ---- */

/* Fits it, or with load: loads it. What the machine itself is has been loaded before its devices.
 */
static int use_part(struct vm *vm, const struct mig_part *p, int load, struct tn_err *e)
{
    struct target t;
    struct globals g;
    enum run_state was;
    uint32_t i;
    int r;
    switch (p->type) {
    case MIG_PCI:
        r = find_device(vm, p, &t, e);
        return r < 0 ? r : (load ? pci_state_load : pci_state_fits)(t.d, t.state, t.len, e);
    case MIG_DEVICE:
        r = find_device(vm, p, &t, e);
        return r < 0 ? r : (load ? state_load : state_fits)(t.d, t.state, t.len, e);
    case MIG_VCPU:
        r = find_vcpu(vm, p, &i, e);
        return r < 0
                   ? r
                   : (load ? vcpu_image_load : vcpu_image_fits)(vm, i, p->data + 4, p->len - 4, e);
    default:
        return load ? 0 : read_globals(p, &g, &was, e);
    }
}

static int by_content(const void *a, const void *b)
{
    const struct mig_part *x = *(struct mig_part *const *)a, *y = *(struct mig_part *const *)b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    /* up to the end of the path or the index, which no two of a kind share */
    return x->type == MIG_VCPU      ? memcmp(x->data, y->data, 4)
           : x->type == MIG_MACHINE ? 0
                                    : strcmp((char *)x->data + 2, (char *)y->data + 2);
}

static int no_twins(const struct mig_parts *p, struct tn_err *e)
{
    AUTO_FREE struct mig_part **order = xcalloc(p->n + 1, sizeof *order);
    for (uint32_t i = 0; i < p->n; i++)
        order[i] = &p->v[i];
    qsort(order, p->n, sizeof *order, by_content);
    for (uint32_t i = 1; i < p->n; i++)
        if (by_content(&order[i - 1], &order[i]) == 0)
            return err_set(e, EINVAL, "the state of a device or vCPU comes twice");
    return 0;
}

static int count_parts(void *o, struct device *d)
{
    *(uint32_t *)o += d->pci ? 2 : 1;
    return 0;
}

int mig_machine_fits(struct vm *vm, const struct mig_parts *p, struct tn_err *e)
{
    uint32_t want = 1;
    mig_each_device(vm, count_parts, &want);
    for (uint32_t i = 0; i < vcpus_max(vm); i++)
        want += vcpus_present(vm, i) != 0;
    for (uint32_t i = 0; i < p->n; i++) {
        int r = use_part(vm, &p->v[i], 0, e);
        if (r < 0)
            return r;
    }
    int r = no_twins(p, e);
    return r < 0 ? r
           : p->n != want
               ? err_set(e, EINVAL, "the state of %u devices and vCPUs where %u are", p->n, want)
               : 0;
}

/* ---- loading ---- */

static int load_all(struct vm *vm, const struct mig_parts *p, uint32_t vcpus, struct tn_err *e)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < p->n; i++)
        if ((p->v[i].type == MIG_VCPU) == vcpus)
            r = use_part(vm, &p->v[i], 1, e);
    return r;
}

static int find_globals(const struct mig_parts *p, struct globals *g, enum run_state *was,
                        struct tn_err *e)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->v[i].type == MIG_MACHINE)
            return read_globals(&p->v[i], g, was, e);
    return err_set(e, EINVAL, "the state of the machine itself is missing");
}

/* Guest time first: timers are armed by it. vCPUs last: interrupts that devices raise while they
 * are loaded are not news to them. */
int mig_machine_load(struct vm *vm, const struct mig_parts *p, enum run_state *was,
                     struct tn_err *e)
{
    struct globals g = {0};
    int r = find_globals(p, &g, was, e);
    if (r < 0)
        return r;
    clock_load(&vm->clock, g.clock);
    vm->machine->rtc_offset_ns = (int64_t)g.rtc_offset;
    r = load_all(vm, p, 0, e);
    if (r == 0) {
        pci_state_loaded(vm, g.pci_address);
        irq_repeat(vm);
        r = load_all(vm, p, 1, e);
    }
    if (r == 0)
        r = vcpu_clock_load(vm, g.kvm_clock, e);
    if (r == 0)
        vcpu_clock_tell(vm);
    return r;
}
