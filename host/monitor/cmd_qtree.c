/* SPDX-License-Identifier: BSD-2-Clause */
/* info qtree: devices by the buses that they sit on, with what they were given. */
#include "cli/json.h"
#include "core/bus.h"
#include "core/device_impl.h"
#include "hmp.h"
#include "pci/pci_host.h"
#include "pci_words.h"
#include "qom.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 2 };

/* ---- values ---- */

/* "4 KiB": at most four digits and a unit, as QEMU writes sizes. */
static void print_size(struct buf *out, uint64_t v)
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    double d = (double)v;
    uint32_t u = 0;
    for (; d >= 1000 && u + 1 < ARRAY_SIZE(units); u++)
        d /= 1024;
    buf_printf(out, "%" PRIu64 " (%0.3g %sB)", v, d, units[u]);
}

static void print_number(struct buf *out, const struct tn_prop *p, const char *text)
{
    if (p->type == TN_P_SIZE) {
        print_size(out, strtoull(text, NULL, 10));
        return;
    }
    uint64_t v = *text == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
    buf_printf(out, "%s (0x%" PRIx64 ")", text, v);
}

static void print_value(struct buf *out, const struct device *d, const struct tn_prop *p,
                        const void *base)
{
    KV_AUTO *v = qom_value(d, p, base);
    if (p->type == TN_P_DEVFN)
        prop_get(p, base, out);
    else if (v->kind == KV_NUMBER)
        print_number(out, p, v->text);
    else if (v->kind == KV_BOOL)
        buf_str(out, strcmp(v->text, "on") == 0 ? "true" : "false");
    else if (v->kind == KV_STRING)
        buf_printf(out, "\"%s\"", v->text);
    else
        json_print(out, v, 0);
}

static void print_rows(struct buf *out, int indent, const struct device *d, struct prop_table t,
                       const void *base)
{
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_at(t, i);
        buf_printf(out, "%*s%s = ", indent, "", p->name);
        print_value(out, d, p, base);
        buf_str(out, "\n");
    }
}

/* ---- PCI ---- */

static void print_bars(struct buf *out, int indent, const struct pci_info *i)
{
    for (uint32_t n = 0; n < ARRAY_SIZE(i->bar); n++)
        if (i->bar[n].size)
            buf_printf(out, "%*sbar %u: %s at 0x%" PRIx64 " [0x%" PRIx64 "]\n", indent, "", n,
                       i->bar[n].kind & TN_BAR_IO ? "i/o" : "mem", i->bar[n].addr,
                       i->bar[n].addr + i->bar[n].size - 1);
}

static void print_function(struct buf *out, int indent, struct device *d)
{
    struct pci_info i;
    if (!pci_describe(d, &i))
        return;
    const char *word = pci_class_word(i.class_code);
    buf_printf(out, "%*sclass ", indent, "");
    if (word)
        buf_str(out, word);
    else
        buf_printf(out, "Class %04x", i.class_code);
    buf_printf(out, ", addr %02x:%02x.%x, pci id %04x:%04x (sub %04x:%04x)\n", i.bus, i.slot,
               i.function, i.vendor, i.device, i.subvendor, i.subsystem);
    print_bars(out, indent, &i);
}

/* ---- the tree ---- */

/* The tree as it is printed. */
struct tree {
    struct buf *out;
    uint32_t brief; /* without properties */
};

static void print_bus(const struct tree *t, int indent, const struct tn_bus *b);

static void print_buses_of(const struct tree *t, int indent, const struct vm *vm,
                           const struct device *owner)
{
    const struct tn_bus *b;
    TAILQ_FOREACH(b, &vm->buses, all)
    if (b->owner == owner)
        print_bus(t, indent, b);
}

static void print_properties(struct buf *out, int indent, struct device *d)
{
    print_rows(out, indent, d, class_props(d->pub.cls), d->pub.self);
    if (d->bus_child)
        print_rows(out, indent, d, bus_props(d->bus_type), d->bus_child);
    print_function(out, indent, d);
}

static void print_device(const struct tree *t, int indent, struct device *d)
{
    int inner = d->parent && d->parent->inner == d;
    AUTO_FREE char *type = qom_type_name(d->entry, inner);
    buf_printf(t->out, "%*sdev: %s, id \"%s\"\n", indent, "", type, d->id ? d->id : "");
    indent += STEP;
    if (!t->brief)
        print_properties(t->out, indent, d);
    print_buses_of(t, indent, d->vm, d);
}

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* The newest first, as QEMU has them. */
static void print_bus(const struct tree *t, int indent, const struct tn_bus *b)
{
    struct device *d;
    buf_printf(t->out, "%*sbus: %s\n%*stype %s\n", indent, "", last_part(b->name), indent + STEP,
               "", b->type->name);
    TAILQ_FOREACH_REVERSE(d, &b->children, siblings, sibling)
    print_device(t, indent + STEP, d);
}

static int info_qtree(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct tree t = {.out = out};
    struct device *d;
    if (hmp_flags(&a, "b", &t.brief) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    buf_printf(out, "bus: main-system-bus\n%*stype System\n", STEP, "");
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (!d->bus && !d->parent && d->entry->kind == TN_K_DEVICE)
        print_device(&t, STEP, d);
    print_buses_of(&t, STEP, c->vm, NULL);
    return 0;
}

static const struct hmp_command hmp[] = {
    {"qtree", "[-b]", "show device tree (-b: brief, omit properties)", 1, info_qtree, NULL},
    {0},
};

const struct qmp_module qmp_qtree = {.hmp = hmp};
