/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_FDT_BUILD_1. A node is found by its path each time: libfdt's offsets move with every change.
 */
#include "boot/fdt_host_impl.h"
#include "core/bus.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/irq.h"
#include "vm/space.h"
#include <errno.h>
#include <libfdt.h>
#include <string.h>

enum { MAX_BLOB = 16 << 20, MAX_NAME = 63, MAX_PATH = 512, MAX_DEPTH = 8 };
/* IEEE 1275 ISA binding: the first cell of reg in I/O space */
enum { ISA_IO_SPACE = 1, ISA_PORTS = 0x10000 };
/* Second cell of an interrupt of the IO-APIC (Linux arch/x86/kernel/devicetree.c), as in
 * microvm_fdt.h */
enum { IRQ_EDGE_RISING = 0, IRQ_LEVEL_LOW = 1, IRQ_LEVEL_HIGH = 2 };
#define ISA_PATH    "/isa"
#define IOAPIC_NAME "intel,ce4100-ioapic"

/* After a call that returned r: 1 if it has to be repeated, with more room. */
static int again(struct tn_fdt_out *o, int r)
{
    if (r != -FDT_ERR_NOSPACE || o->size >= MAX_BLOB)
        return 0;
    o->size *= 2;
    o->blob = xrealloc(o->blob, (size_t)o->size);
    return fdt_open_into(o->blob, o->blob, o->size) == 0;
}

static int to_errno(int r)
{
    if (r >= 0)
        return 0;
    return r == -FDT_ERR_NOTFOUND  ? -ENOENT
           : r == -FDT_ERR_EXISTS  ? -EEXIST
           : r == -FDT_ERR_NOSPACE ? -ENOSPC
                                   : -EINVAL;
}

static int set_prop(struct tn_fdt_out *o, const char *path, const char *name, const void *p,
                    uint32_t len)
{
    int r;
    if (!name || !*name || strlen(name) > MAX_NAME || len > MAX_BLOB || (len && !p))
        return -EINVAL;
    do {
        r = fdt_path_offset(o->blob, path);
        if (r >= 0)
            r = fdt_setprop(o->blob, r, name, p, (int)len);
    } while (again(o, r));
    return to_errno(r);
}

static int set_cells(struct tn_fdt_out *o, const char *path, const char *name, const uint32_t *v,
                     uint32_t n)
{
    if (n > MAX_BLOB / 4)
        return -EINVAL;
    AUTO_FREE uint8_t *be = xcalloc(n ? n : 1, 4);
    for (uint32_t i = 0; i < n; i++)
        put_be32(be + 4 * (size_t)i, v[i]);
    return set_prop(o, path, name, be, 4 * n);
}

static const char *path_of(const struct tn_fdt_out *o, uint32_t at)
{
    return at < o->n_made ? o->made[at].path : NULL;
}

/* ---- nodes ---- */

/* Devicetree Specification 2.2.1 */
static int name_ok(const char *s)
{
    static const char chars[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-@";
    return s && *s && strlen(s) <= MAX_NAME && !s[strspn(s, chars)];
}

static int add_node(struct tn_fdt_out *o, const char *parent, const char *name)
{
    int r;
    do {
        r = fdt_path_offset(o->blob, parent);
        if (r >= 0)
            r = fdt_add_subnode(o->blob, r, name);
    } while (again(o, r));
    return to_errno(r);
}

/* Ports start at bus address 0 and are not memory. */
static int add_isa(struct tn_fdt_out *o)
{
    static const uint32_t ranges[] = {ISA_IO_SPACE, 0, 0, 0, ISA_PORTS}, two = 2, one = 1;
    int r = add_node(o, "/", "isa");
    if (r == 0)
        r = set_prop(o, ISA_PATH, "device_type", "isa", sizeof "isa");
    if (r == 0)
        r = set_prop(o, ISA_PATH, "compatible", "isa", sizeof "isa");
    if (r == 0)
        r = set_cells(o, ISA_PATH, "#address-cells", &two, 1);
    if (r == 0)
        r = set_cells(o, ISA_PATH, "#size-cells", &one, 1);
    return r < 0 ? r : set_cells(o, ISA_PATH, "ranges", ranges, ARRAY_SIZE(ranges));
}

/* The node of the bus that the device sits on. */
static const char *bus_node(struct tn_fdt_out *o)
{
    const struct tn_bus *b = o->dev->bus;
    if (!b || !bus_type_is(b->type, "ISA"))
        return "/";
    if (fdt_path_offset(o->blob, ISA_PATH) < 0 && add_isa(o) < 0)
        return NULL;
    return ISA_PATH;
}

static uint32_t depth_of(const char *path)
{
    uint32_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

static int made_already(const struct tn_fdt_out *o, const char *path)
{
    for (uint32_t i = 0; i < o->n_made; i++)
        if (strcmp(o->made[i].path, path) == 0)
            return 1;
    return 0;
}

/* A node that the host made (the IO-APIC's) is completed by the device that it stands for. */
static int make_node(struct tn_fdt_out *o, const char *parent, const char *name, const char *path)
{
    if (made_already(o, path))
        return -EEXIST;
    return fdt_path_offset(o->blob, path) >= 0 ? 0 : add_node(o, parent, name);
}

static int b_begin(struct tn_fdt_out *o, const char *parent, const char *name, uint32_t *at)
{
    if (!name_ok(name))
        return -EINVAL;
    parent = parent ? parent : bus_node(o);
    if (!parent || parent[0] != '/' || strlen(parent) + strlen(name) + 2 > MAX_PATH ||
        depth_of(parent) > MAX_DEPTH)
        return -EINVAL;
    char *path = xasprintf("%s%s%s", parent, parent[1] ? "/" : "", name);
    int r = make_node(o, parent, name, path);
    if (r < 0) {
        free_ptr(&path);
        return r;
    }
    o->made = xrealloc(o->made, (o->n_made + 1) * sizeof *o->made);
    o->made[o->n_made] = (struct fdt_made){.path = path, .dev = o->dev};
    *at = o->n_made++;
    return 0;
}

/* ---- properties ---- */

static int b_bytes(struct tn_fdt_out *o, uint32_t at, const char *name, const void *p, uint32_t len)
{
    const char *path = path_of(o, at);
    return path ? set_prop(o, path, name, p, len) : -EINVAL;
}

static int b_str(struct tn_fdt_out *o, uint32_t at, const char *name, const char *v)
{
    return v && strlen(v) < MAX_BLOB ? b_bytes(o, at, name, v, (uint32_t)strlen(v) + 1) : -EINVAL;
}

static int b_cells(struct tn_fdt_out *o, uint32_t at, const char *name, const uint32_t *v,
                   uint32_t n)
{
    const char *path = path_of(o, at);
    return path ? set_cells(o, path, name, v, n) : -EINVAL;
}

/* How a node's children write their reg. */
static int parent_cells(const struct tn_fdt_out *o, const char *path, int *address, int *size)
{
    int at = fdt_parent_offset(o->blob, fdt_path_offset(o->blob, path));
    if (at < 0)
        return -EINVAL;
    *address = fdt_address_cells(o->blob, at);
    *size = fdt_size_cells(o->blob, at);
    return *address >= 1 && *address <= 2 && *size >= 1 && *size <= 2 ? 0 : -EINVAL;
}

/* v as n cells, -ERANGE if it does not fit. */
static int put_cells(uint32_t *to, int n, uint64_t v)
{
    if (n == 1 && v > UINT32_MAX)
        return -ERANGE;
    if (n == 2)
        *to++ = (uint32_t)(v >> 32);
    *to = (uint32_t)v;
    return 0;
}

static int put_region(const struct tn_fdt_out *o, struct tn_region *r, int ac, int sc, uint32_t *to)
{
    uint64_t base = region_base(r);
    if (base == TN_ANYWHERE)
        return -EINVAL;
    if (r->space == o->vm->pio) {
        if (ac != 2) /* only the ISA bus has ports */
            return -EINVAL;
        base |= (uint64_t)ISA_IO_SPACE << 32;
    }
    int err = put_cells(to, ac, base);
    return err < 0 ? err : put_cells(to + ac, sc, r->size);
}

static int b_reg(struct tn_fdt_out *o, uint32_t at, struct tn_region *const *r, uint32_t n)
{
    const char *path = path_of(o, at);
    int ac, sc, err = path && n && n <= 64 ? parent_cells(o, path, &ac, &sc) : -EINVAL;
    if (err < 0)
        return err;
    uint32_t cells[64 * 4], step = (uint32_t)(ac + sc);
    for (uint32_t i = 0; i < n; i++)
        if ((err = put_region(o, r[i], ac, sc, cells + i * step)) < 0)
            return err;
    return set_cells(o, path, "reg", cells, n * step);
}

static uint32_t sense(uint32_t flags)
{
    if (!(flags & TN_LINE_LEVEL))
        return IRQ_EDGE_RISING;
    return flags & TN_LINE_LOW ? IRQ_LEVEL_LOW : IRQ_LEVEL_HIGH;
}

static uint32_t b_phandle(struct tn_fdt_out *o, const char *role, struct tn_dev *of);

static int b_irqs(struct tn_fdt_out *o, uint32_t at, struct tn_line *const *l, uint32_t n)
{
    const char *path = path_of(o, at);
    uint32_t cells[2 * 64], intc = b_phandle(o, "intc", NULL);
    if (!path || !n || n > 64)
        return -EINVAL;
    if (!intc)
        return -ENOENT;
    for (uint32_t i = 0; i < n; i++) {
        cells[2 * i] = irq_gsi(l[i]);
        cells[2 * i + 1] = sense(irq_flags(l[i]));
    }
    int r = set_cells(o, path, "interrupt-parent", &intc, 1);
    return r < 0 ? r : set_cells(o, path, "interrupts", cells, 2 * n);
}

/* ---- phandles and roles ---- */

static const char *role_path(const struct tn_fdt_out *o, const char *role)
{
    for (uint32_t i = 0; i < o->n_roles; i++)
        if (strcmp(o->roles[i].name, role) == 0)
            return o->roles[i].path;
    return NULL;
}

static const char *device_path(const struct tn_fdt_out *o, const struct device *d)
{
    for (uint32_t i = 0; i < o->n_made; i++)
        if (o->made[i].dev == d)
            return o->made[i].path;
    return NULL;
}

/* The node's phandle; it gets one if it has none. 0: no such node. */
static uint32_t phandle_at(struct tn_fdt_out *o, const char *path)
{
    int at = path ? fdt_path_offset(o->blob, path) : -1;
    uint32_t ph = at >= 0 ? fdt_get_phandle(o->blob, at) : 0;
    if (at < 0 || ph)
        return ph;
    if (fdt_generate_phandle(o->blob, &ph) < 0 || set_cells(o, path, "phandle", &ph, 1) < 0)
        return 0;
    return ph;
}

static uint32_t b_phandle(struct tn_fdt_out *o, const char *role, struct tn_dev *of)
{
    if (role)
        return phandle_at(o, role_path(o, role));
    return of ? phandle_at(o, device_path(o, device_of(of))) : 0;
}

static int b_role(struct tn_fdt_out *o, uint32_t at, const char *role)
{
    const char *path = path_of(o, at);
    if (!path || !role || !*role)
        return -EINVAL;
    if (strcmp(role, "stdout") == 0)
        return set_prop(o, "/chosen", "stdout-path", path, (uint32_t)strlen(path) + 1);
    const char *taken = role_path(o, role);
    if (taken)
        return strcmp(taken, path) == 0 ? 0 : -EEXIST;
    o->roles = xrealloc(o->roles, (o->n_roles + 1) * sizeof *o->roles);
    o->roles[o->n_roles++] = (struct fdt_role){xstrdup(role), xstrdup(path)};
    return 0;
}

void fdt_host_find_intc(struct tn_fdt_out *o)
{
    char path[MAX_PATH];
    int at = fdt_node_offset_by_compatible(o->blob, -1, IOAPIC_NAME);
    if (at < 0)
        return;
    if (!irq_any_line(o->vm)) {
        fdt_del_node(o->blob, at);
        return;
    }
    if (fdt_get_path(o->blob, at, path, sizeof path) < 0)
        return;
    o->roles = xrealloc(o->roles, (o->n_roles + 1) * sizeof *o->roles);
    o->roles[o->n_roles++] = (struct fdt_role){xstrdup("intc"), xstrdup(path)};
}

const struct tn_fdt_build fdt_build_table = {
    .struct_size = sizeof fdt_build_table,
    .begin = b_begin,
    .bytes = b_bytes,
    .str = b_str,
    .cells = b_cells,
    .reg = b_reg,
    .irqs = b_irqs,
    .phandle = b_phandle,
    .role = b_role,
};
