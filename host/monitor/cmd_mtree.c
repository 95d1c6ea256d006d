/* SPDX-License-Identifier: BSD-2-Clause */
/* info mtree: what is registered in the address spaces, or with -f what answers. */
#include "hmp.h"
#include "vm/address_map.h"
#include <errno.h>
#include <inttypes.h>

/* Options of the command, as bits of hmp_flags(). */
enum { FLAT = 1, DISPATCH = 2, OWNER = 4, DISABLED = 8 };

struct printer {
    struct buf *out;
    uint32_t options, n; /* n: ranges so far */
    const char *indent;
};

static void print_owner(struct buf *out, const struct device *d)
{
    if (!d)
        buf_str(out, " owner:{obj path=/machine}");
    else if (d->id)
        buf_printf(out, " owner:{%s id=%s}", d->entry->kind == TN_K_DEVICE ? "dev" : "obj", d->id);
    else
        buf_printf(out, " owner:{%s path=%s}", d->entry->kind == TN_K_DEVICE ? "dev" : "obj",
                   d->path);
}

static int print_range(void *o, const struct map_range *r)
{
    struct printer *p = o;
    if (r->off && !(p->options & DISABLED))
        return 0;
    buf_printf(p->out, "%s%016" PRIx64 "-%016" PRIx64 " (prio 0, %s): %s", p->indent, r->first,
               r->last, map_kind_name(r->kind), r->name ? r->name : "");
    if (r->offset)
        buf_printf(p->out, " @%016" PRIx64, r->offset);
    if (p->options & OWNER)
        print_owner(p->out, r->owner);
    buf_str(p->out, r->off ? " [disabled]\n" : "\n");
    p->n++;
    return 0;
}

static int print_dispatch(void *o, const struct tn_region *r, uint64_t first, uint64_t last)
{
    struct printer *p = o;
    buf_printf(p->out, "    #%u %016" PRIx64 "..%016" PRIx64 " %s\n", p->n++, first, last,
               r->name ? r->name : "(noname)");
    return 0;
}

/* The sorted view in which an access is looked up. */
static void print_view(struct buf *out, struct space *s)
{
    struct printer p = {.out = out};
    buf_str(out, "  Dispatch\n");
    space_each(s, print_dispatch, &p);
}

static void print_flat(struct vm *vm, struct space *s, uint32_t number, const char *name,
                       const char *root, struct printer *p)
{
    p->n = 0;
    p->indent = "  ";
    buf_printf(p->out, "FlatView #%u\n AS \"%s\", root: %s\n Root memory region: %s\n", number,
               name, root, root);
    map_flat(vm, s, print_range, p);
    if (!p->n)
        buf_str(p->out, "  No rendered FlatView\n");
    if (p->options & DISPATCH)
        print_view(p->out, s);
    buf_str(p->out, "\n");
}

static void print_tree(struct vm *vm, struct space *s, const char *name, const char *root,
                       uint64_t last, struct printer *p)
{
    p->indent = "    ";
    buf_printf(p->out, "address-space: %s\n  %016x-%016" PRIx64 " (prio 0, i/o): %s", name, 0, last,
               root);
    if (p->options & OWNER)
        print_owner(p->out, NULL);
    buf_str(p->out, "\n");
    map_registered(vm, s, print_range, p);
    buf_str(p->out, "\n");
}

static int info_mtree(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct printer p = {.out = out};
    struct vm *vm = c->vm;
    if (hmp_flags(&a, "fdoD", &p.options) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    if (!vm->mmio || !vm->pio)
        return 0;
    if (p.options & FLAT) {
        print_flat(vm, vm->mmio, 0, "memory", "system", &p);
        print_flat(vm, vm->pio, 1, "I/O", "io", &p);
    } else {
        print_tree(vm, vm->mmio, "memory", "system", ~(uint64_t)0, &p);
        print_tree(vm, vm->pio, "I/O", "io", 0xffff, &p);
    }
    return 0;
}

static const struct hmp_command hmp[] = {
    {"mtree", "[-f][-d][-o][-D]",
     "show what is where in memory and ports (-f: what answers; -d: how it is looked up, with -f; "
     "-o: whose it is; -D: also what is switched off)",
     1, info_mtree, NULL},
    {0},
};

const struct qmp_module qmp_mtree = {.hmp = hmp};
