/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/fdt_host_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

struct builder {
    struct managed m;
    TAILQ_ENTRY(builder) link;
    struct fdt *fdt;
    int (*build)(void *s, const struct tn_fdt_build *b, struct tn_fdt_out *o, struct tn_err *e);
    void *s;
};
struct fdt {
    struct vm *vm;
    TAILQ_HEAD(, builder) builders;
    uint64_t initrd_gpa, initrd_len;
};

struct fdt *fdt_host_new(struct vm *vm)
{
    struct fdt *f = XNEW(struct fdt);
    f->vm = vm;
    TAILQ_INIT(&f->builders);
    return f;
}

void fdt_host_free(struct fdt *f)
{
    free(f);
}

void fdt_host_initrd(struct vm *vm, uint64_t gpa, uint64_t len)
{
    vm->fdt->initrd_gpa = gpa;
    vm->fdt->initrd_len = len;
}

/* ---- TN_FDT_1 ---- */

static void release(struct managed *m)
{
    struct builder *b = (struct builder *)m;
    managed_del(m);
    TAILQ_REMOVE(&b->fdt->builders, b, link);
    free(b);
}

static int t_builder(struct tn_dev *pub,
                     int (*build)(void *s, const struct tn_fdt_build *b, struct tn_fdt_out *o,
                                  struct tn_err *e),
                     void *s)
{
    struct device *d = device_of(pub);
    if (!d->vm->fdt)
        return -ENOTSUP;
    struct builder *b = XNEW(struct builder);
    *b = (struct builder){.m.release = release, .fdt = d->vm->fdt, .build = build, .s = s};
    TAILQ_INSERT_TAIL(&b->fdt->builders, b, link);
    managed_add(d, &b->m);
    return 0;
}

const struct tn_fdt fdt_table = {.struct_size = sizeof fdt_table, .builder = t_builder};

/* ---- building ---- */

static int run_builder(struct builder *b, struct tn_fdt_out *o, struct tn_err *e)
{
    struct device *d = b->m.dev;
    ERR_AUTO why = {0};
    o->dev = d;
    int entered = domain_enter(d->domain);
    int r = b->build(b->s, &fdt_build_table, o, &why);
    domain_leave(d->domain, entered);
    return r < 0 ? err_set(e, -r, "%s: device tree: %s", device_id(d),
                           why.err ? why.text : strerror(-r))
                 : 0;
}

/* In order of the devices' creation, which need not be that of their builders. */
static int run_builders(struct fdt *f, struct tn_fdt_out *o, struct tn_err *e)
{
    struct device *d;
    struct builder *b;
    int r;
    TAILQ_FOREACH(d, &f->vm->devices, all)
    TAILQ_FOREACH(b, &f->builders, link)
    if (b->m.dev == d && (r = run_builder(b, o, e)) < 0)
        return r;
    return 0;
}

static int open_out(struct fdt *f, struct tn_fdt_out *o, struct tn_err *e)
{
    BUF_AUTO base = {0};
    int r = fdt_host_base(f->vm, f->initrd_gpa, f->initrd_len, &base, e);
    if (r < 0)
        return r;
    o->size = (int)base.len + 4096;
    o->blob = xcalloc(1, (size_t)o->size);
    if (fdt_open_into(base.data, o->blob, o->size) < 0)
        return err_set(e, EINVAL, "device tree: malformed");
    fdt_host_find_intc(o);
    return 0;
}

static void free_out(struct tn_fdt_out *o)
{
    for (uint32_t i = 0; i < o->n_made; i++)
        free(o->made[i].path);
    for (uint32_t i = 0; i < o->n_roles; i++) {
        free(o->roles[i].name);
        free(o->roles[i].path);
    }
    free(o->made);
    free(o->roles);
    free(o->blob);
}

int fdt_host_build(struct vm *vm, struct buf *dtb, struct tn_err *e)
{
    struct tn_fdt_out o = {.vm = vm};
    int r = open_out(vm->fdt, &o, e);
    if (r == 0)
        r = run_builders(vm->fdt, &o, e);
    if (r == 0) {
        fdt_pack(o.blob);
        buf_add(dtb, o.blob, fdt_totalsize(o.blob));
    }
    free_out(&o);
    return r;
}
