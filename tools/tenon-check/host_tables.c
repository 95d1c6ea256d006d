/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_ACPI_1, TN_FDT_1 and TN_FWCFG_1: builders are called at every start of a test's machine, and
 * what they add is looked at. */
#include "host_tables.h"
#include "parts.h"
#include "services.h"

enum { AML_MAX = 1 << 20, NAME_MAX_LEN = 55 };

static void nothing(struct res *r)
{
    (void)r;
}

struct tn_acpi_out {
    struct dev *d;
    uint32_t prefixes;
};
struct tn_acpi_event {
    struct res r;
};
struct acpi_builder {
    struct res r;
    int (*build)(void *, const struct tn_acpi_build *, struct tn_acpi_out *, struct tn_err *);
    void *s;
};

/* ---- inside a builder ---- */

static void in_build(struct tn_acpi_out *o, const char *what)
{
    enter(o->d, R_MAIN, what);
    if (!call_inside(o->d, "ACPI builder"))
        violation("acpi.h: valid inside a builder only", "%s outside of one", what);
}

static void bytes_ok(const void *p, uint32_t len, const char *what)
{
    if ((len && !p) || len > AML_MAX)
        violation("acpi.h: struct tn_acpi_build", "%s of %u bytes", what, len);
}

static int build_aml(struct tn_acpi_out *o, uint32_t scope, const void *aml, uint32_t len)
{
    in_build(o, "acpi_build->aml");
    bytes_ok(aml, len, "acpi_build->aml");
    if (scope < TN_SCOPE_SB || scope > TN_SCOPE_ROOT)
        violation("acpi.h: TN_SCOPE_*", "acpi_build->aml at scope %u", scope);
    return inject(o->d, "acpi_build->aml") ? -ENOSPC : 0;
}

static void signature(const char *sig, const char *what)
{
    if (!sig || strlen(sig) != 4)
        violation("acpi.h: sig: four characters", "%s with \"%s\"", what, sig ? sig : "");
}

static int build_table(struct tn_acpi_out *o, const char *sig, uint32_t rev, const void *body,
                       uint32_t len)
{
    (void)rev;
    in_build(o, "acpi_build->table");
    signature(sig, "acpi_build->table");
    bytes_ok(body, len, "acpi_build->table");
    return inject(o->d, "acpi_build->table") ? -ENOSPC : 0;
}

static int build_entry(struct tn_acpi_out *o, const char *sig, const void *bytes, uint32_t len)
{
    in_build(o, "acpi_build->entry");
    signature(sig, "acpi_build->entry");
    bytes_ok(bytes, len, "acpi_build->entry");
    return inject(o->d, "acpi_build->entry") ? -ENOSPC : 0;
}

static int build_pointer(struct tn_acpi_out *o, uint32_t off, uint32_t size, const char *blob,
                         uint32_t blob_off)
{
    (void)off, (void)blob_off;
    in_build(o, "acpi_build->pointer");
    if (!blob || (size != 1 && size != 2 && size != 4 && size != 8))
        violation("acpi.h: pointer", "acpi_build->pointer of %u bytes", size);
    return inject(o->d, "acpi_build->pointer") ? -ENOENT : 0;
}

/* An empty resource template; whoever needs more than it finds says -errno. */
static int template(struct tn_acpi_out *o, void *aml, uint32_t max, const char *what)
{
    in_build(o, what);
    if (inject(o->d, what) || max < 2)
        return -ENOSPC;
    memcpy(aml, "\x79\x00", 2);
    return 2;
}

static int build_crs(struct tn_acpi_out *o, struct tn_bus *b, void *aml, uint32_t max)
{
    (void)b;
    return template(o, aml, max, "acpi_build->crs");
}

static int build_prt(struct tn_acpi_out *o, struct tn_bus *b, void *aml, uint32_t max)
{
    (void)b;
    return template(o, aml, max, "acpi_build->prt");
}

static int build_irq(struct tn_acpi_out *o, struct tn_line *l, void *aml, uint32_t max)
{
    res_check(&l->r, "acpi_build->irq");
    in_build(o, "acpi_build->irq");
    if (inject(o->d, "acpi_build->irq") || max < 3)
        return -ENOSPC;
    memcpy(aml, "\x22\x20\x00", 3); /* IRQNoFlags, ACPI 6.4.2.1 */
    return 3;
}

static int build_path(struct tn_acpi_out *o, struct tn_dev *of, char *buf, uint32_t max)
{
    in_build(o, "acpi_build->path");
    dev_of(of);
    return inject(o->d, "acpi_build->path")                       ? -ENOENT
           : snprintf(buf, max, "\\_SB.PCI0.S%02X", 8) < (int)max ? 0
                                                                  : -ENAMETOOLONG;
}

static int build_prefix(struct tn_acpi_out *o, const char *two, char *name)
{
    in_build(o, "acpi_build->prefix");
    if (!two || strlen(two) != 2)
        violation("acpi.h: prefix: 2 letters", "acpi_build->prefix of \"%s\"", two ? two : "");
    snprintf(name, 5, "%.2s%02X", two, o->prefixes++ & 0xff);
    return inject(o->d, "acpi_build->prefix") ? -ENOSPC : 0;
}

static int build_place(struct tn_acpi_out *o, struct tn_bus *b, uint32_t devfn, const void *aml,
                       uint32_t len, char *path, uint32_t max)
{
    in_build(o, "acpi_build->place");
    bytes_ok(aml, len, "acpi_build->place");
    if (!b || devfn > 255)
        violation("acpi.h: place", "acpi_build->place at devfn %u", devfn);
    if (path && snprintf(path, max, "\\_SB.PCI0.S%02X", devfn) >= (int)max)
        return -ENAMETOOLONG;
    return inject(o->d, "acpi_build->place") ? -ENOSPC : 0;
}

static const struct tn_acpi_build build_calls = {
    .struct_size = sizeof(struct tn_acpi_build),
    .aml = build_aml,
    .table = build_table,
    .entry = build_entry,
    .pointer = build_pointer,
    .crs = build_crs,
    .prt = build_prt,
    .irq = build_irq,
    .path = build_path,
    .prefix = build_prefix,
    .place = build_place,
};

static int acpi_builder(struct tn_dev *pub,
                        int (*build)(void *, const struct tn_acpi_build *, struct tn_acpi_out *,
                                     struct tn_err *),
                        void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "acpi->builder");
    if (inject(d, "acpi->builder"))
        return -ENOMEM;
    struct acpi_builder *b = res_new(d, "ACPI builder", sizeof *b, nothing);
    b->build = build;
    b->s = s;
    return 0;
}

static int acpi_event(struct tn_dev *pub, const char *name, const void *aml, uint32_t len,
                      struct tn_acpi_event **out, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "acpi->event");
    bytes_ok(aml, len, "acpi->event");
    if (!name)
        violation("acpi.h: event", "acpi->event without a name");
    int r = inject_err(d, e, ENOSPC, "acpi->event");
    if (r == 0)
        *out = res_new(d, "ACPI event", sizeof **out, nothing);
    return r;
}

static void acpi_raise(struct tn_acpi_event *ev)
{
    res_check(&ev->r, "acpi->raise");
    enter(ev->r.d, R_ANY | R_LEAF, "acpi->raise");
    irq_raised(ev->r.d->h);
}

const struct tn_acpi acpi_table = {.struct_size = sizeof(struct tn_acpi),
                                   .builder = acpi_builder,
                                   .event = acpi_event,
                                   .raise = acpi_raise};

/* ---- device tree ---- */

struct tn_fdt_out {
    struct dev *d;
    uint32_t nodes;
};
struct fdt_builder {
    struct res r;
    int (*build)(void *, const struct tn_fdt_build *, struct tn_fdt_out *, struct tn_err *);
    void *s;
};

static int in_fdt(struct tn_fdt_out *o, uint32_t at, const char *name, const char *what)
{
    enter(o->d, R_MAIN, what);
    if (!call_inside(o->d, "device tree builder"))
        violation("fdt.h: valid inside a builder only", "%s outside of one", what);
    if (at > o->nodes || !name || !*name)
        violation("fdt.h: struct tn_fdt_build", "%s at node %u, name \"%s\"", what, at,
                  name ? name : "");
    return inject(o->d, what) ? -ENOSPC : 0;
}

static int fdt_begin(struct tn_fdt_out *o, const char *parent, const char *name, uint32_t *at)
{
    (void)parent;
    int r = in_fdt(o, 0, name, "fdt_build->begin");
    *at = ++o->nodes;
    return r;
}

static int fdt_bytes(struct tn_fdt_out *o, uint32_t at, const char *name, const void *p,
                     uint32_t len)
{
    bytes_ok(p, len, "fdt_build->bytes");
    return in_fdt(o, at, name, "fdt_build->bytes");
}

static int fdt_str(struct tn_fdt_out *o, uint32_t at, const char *name, const char *v)
{
    bytes_ok(v, 1, "fdt_build->str");
    return in_fdt(o, at, name, "fdt_build->str");
}

static int fdt_cells(struct tn_fdt_out *o, uint32_t at, const char *name, const uint32_t *v,
                     uint32_t n)
{
    bytes_ok(v, n, "fdt_build->cells");
    return in_fdt(o, at, name, "fdt_build->cells");
}

static int fdt_reg(struct tn_fdt_out *o, uint32_t at, struct tn_region *const *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        res_check(&r[i]->r, "fdt_build->reg");
    return in_fdt(o, at, "reg", "fdt_build->reg");
}

static int fdt_irqs(struct tn_fdt_out *o, uint32_t at, struct tn_line *const *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        res_check(&l[i]->r, "fdt_build->irqs");
    return in_fdt(o, at, "interrupts", "fdt_build->irqs");
}

static uint32_t fdt_phandle(struct tn_fdt_out *o, const char *role, struct tn_dev *of)
{
    (void)of;
    in_fdt(o, 0, role ? role : "device", "fdt_build->phandle");
    return 1;
}

static int fdt_role(struct tn_fdt_out *o, uint32_t at, const char *role)
{
    return in_fdt(o, at, role, "fdt_build->role");
}

static const struct tn_fdt_build fdt_calls = {
    .struct_size = sizeof(struct tn_fdt_build),
    .begin = fdt_begin,
    .bytes = fdt_bytes,
    .str = fdt_str,
    .cells = fdt_cells,
    .reg = fdt_reg,
    .irqs = fdt_irqs,
    .phandle = fdt_phandle,
    .role = fdt_role,
};

static int fdt_builder(struct tn_dev *pub,
                       int (*build)(void *, const struct tn_fdt_build *, struct tn_fdt_out *,
                                    struct tn_err *),
                       void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "fdt->builder");
    if (inject(d, "fdt->builder"))
        return -ENOMEM;
    struct fdt_builder *b = res_new(d, "device tree builder", sizeof *b, nothing);
    b->build = build;
    b->s = s;
    return 0;
}

const struct tn_fdt fdt_table = {.struct_size = sizeof(struct tn_fdt), .builder = fdt_builder};

/* ---- running the builders ---- */

static int run_builder(struct dev *d, struct res *x, struct tn_err *e)
{
    int r = 0;
    if (strcmp(x->kind, "ACPI builder") == 0) {
        struct acpi_builder *b = (void *)x;
        struct tn_acpi_out o = {.d = d};
        CALL(d, R_MAIN | R_DEV, "ACPI builder", r = b->build(b->s, &build_calls, &o, e));
    } else if (strcmp(x->kind, "device tree builder") == 0) {
        struct fdt_builder *b = (void *)x;
        struct tn_fdt_out o = {.d = d};
        CALL(d, R_MAIN | R_DEV, "device tree builder", r = b->build(b->s, &fdt_calls, &o, e));
    }
    return r;
}

int host_build(struct host *h, struct tn_err *e)
{
    struct dev *d;
    struct res *x;
    int r = 0;
    TAILQ_FOREACH(d, &h->devs, link)
    TAILQ_FOREACH(x, &d->res, link)
    r = r < 0 ? r : run_builder(d, x, e);
    return r;
}

/* ---- fw_cfg ---- */

static void file_name(const char *name, const char *what)
{
    if (!name || !*name || strlen(name) > NAME_MAX_LEN)
        violation("fwcfg.h", "%s with the name \"%s\"", what, name ? name : "");
}

static int fwcfg_add(struct dev *d, const char *name, const char *what, struct tn_err *e)
{
    enter(d, R_MAIN, what);
    file_name(name, what);
    int r = inject_err(d, e, EEXIST, what);
    if (r == 0)
        res_new(d, "fw_cfg item", sizeof(struct res), nothing);
    return r;
}

static int fwcfg_file(struct tn_dev *d, const char *name, const void *p, uint64_t len,
                      struct tn_err *e)
{
    if (len && !p)
        violation("fwcfg.h: file", "fwcfg->file of %llu bytes at NULL", (unsigned long long)len);
    return fwcfg_add(dev_of(d), name, "fwcfg->file", e);
}

static int fwcfg_dynamic(struct tn_dev *d, const char *name, uint64_t max,
                         int64_t (*fill)(void *, void *, uint64_t),
                         void (*written)(void *, uint64_t, uint64_t, const void *), void *s,
                         struct tn_err *e)
{
    (void)written, (void)s;
    if (!fill || !max)
        violation("fwcfg.h: dynamic", "fwcfg->dynamic without fill, or of no bytes");
    return fwcfg_add(dev_of(d), name, "fwcfg->dynamic", e);
}

static int fwcfg_blob(struct tn_dev *d, const char *name, const void *p, uint64_t len,
                      uint64_t align, uint32_t below_4g, struct tn_err *e)
{
    (void)below_4g;
    if (!p || !len || (align & (align - 1)))
        violation("fwcfg.h: blob", "fwcfg->blob of %llu bytes, aligned to %llu",
                  (unsigned long long)len, (unsigned long long)align);
    return fwcfg_add(dev_of(d), name, "fwcfg->blob", e);
}

static uint64_t fwcfg_gpa(struct tn_dev *d, const char *name)
{
    file_name(name, "fwcfg->gpa");
    enter(dev_of(d), R_ANY, "fwcfg->gpa");
    return TN_ANYWHERE;
}

const struct tn_fwcfg fwcfg_table = {.struct_size = sizeof(struct tn_fwcfg),
                                     .file = fwcfg_file,
                                     .dynamic = fwcfg_dynamic,
                                     .blob = fwcfg_blob,
                                     .gpa = fwcfg_gpa};
