/* SPDX-License-Identifier: BSD-2-Clause */
/* What a plugin's constant must be before anything of it is used. The plugin may be a stranger's,
 * older, newer or broken. */
#include "prop.h"
#include "registry.h"
#include "util/alloc.h"
#include "util/hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/shadow.h>
#include <tenon/acpi.h>
#include <tenon/block.h>
#include <tenon/chardev.h>
#include <tenon/dma.h>
#include <tenon/fdt.h>
#include <tenon/fwcfg.h>
#include <tenon/hotplug.h>
#include <tenon/input.h>
#include <tenon/intc.h>
#include <tenon/irq.h>
#include <tenon/machine.h>
#include <tenon/memory.h>
#include <tenon/net.h>
#include <tenon/os.h>
#include <tenon/pci-bus.h>
#include <tenon/region.h>
#include <tenon/trace.h>

/* What the structs had in ABI 1.0: a plugin never has less, however much today's have grown. */
enum {
    PLUGIN_1_0 = offsetof(struct tn_plugin, sandbox) + sizeof(void *),
    CLASS_1_0 = offsetof(struct tn_class, get_iface) + sizeof(void *),
    BUS_1_0 = offsetof(struct tn_bus_type, path) + sizeof(void *),
    COMPOSE_1_0 = offsetof(struct tn_compose, child) + sizeof(void *),
};

/* Names stand in lines of tabs, on command lines and in paths. */
static int is_name(const char *s)
{
    if (!s || !*s)
        return 0;
    for (; *s; s++)
        if (*s <= ' ' || *s > '~' || *s == ',' || *s == '/' || *s == '=')
            return 0;
    return 1;
}

enum { PROPS_MAX = 1024 }; /* more is a count that was never set */

static int check_props(const struct tn_prop *p, uint32_t n, uint32_t stride, uint64_t size,
                       struct tn_err *e)
{
    if (n && (!p || stride < PROP_1_0 || stride % 8))
        return err_set(e, ENOEXEC, "a property table has stride %u, not at least %d", stride,
                       PROP_1_0);
    if (n > PROPS_MAX || stride > 1u << 16)
        return err_set(e, ENOEXEC, "a table of %u properties of %u bytes: at most %d are believed",
                       n, stride, PROPS_MAX);
    struct prop_table t = {p, n, stride};
    for (uint32_t i = 0; i < n; i++) {
        int r = prop_check(prop_at(t, i), size, e);
        if (r < 0)
            return r;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(prop_at(t, k)->name, prop_at(t, i)->name) == 0)
                return err_set(e, ENOEXEC, "property '%s' is there twice", prop_at(t, i)->name);
    }
    return 0;
}

static int check_class(const struct tn_class *c, struct tn_err *e)
{
    if (c->struct_size < CLASS_1_0)
        return err_set(e, ENOEXEC, "a class says that it has %u bytes", c->struct_size);
    if (!is_name(c->name))
        return err_set(e, ENOEXEC,
                       c->name && *c->name ? "'%s' is no name for a class"
                                           : "a class has no name%s",
                       c->name ? c->name : "");
    if (c->kind > TN_K_DISPLAY)
        return err_set(e, ENOEXEC, "class '%s' is of an unknown kind %u", c->name, c->kind);
    if (c->instance_size > (uint64_t)1 << 32)
        return err_set(e, ENOEXEC, "class '%s' wants instances of %llu bytes", c->name,
                       (unsigned long long)c->instance_size);
    int r = check_props(c->props, c->nprops, c->prop_stride, c->instance_size, e);
    if (r < 0)
        err_prefix(e, "class '%s': ", c->name);
    return r;
}

/* Of the kind and name of one before it; hash: of those names. */
static int is_twice(const struct tn_class *const *c, const uint32_t *hash, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (hash[i] == hash[n] && c[i]->kind == c[n]->kind && strcmp(c[i]->name, c[n]->name) == 0)
            return 1;
    return 0;
}

static int check_classes(const struct tn_class *const *c, struct tn_err *e)
{
    uint32_t n = 0;
    while (c && c[n])
        n++;
    AUTO_FREE uint32_t *hash = xcalloc(n + 1, sizeof *hash);
    for (uint32_t i = 0; i < n; i++) {
        int r = check_class(c[i], e);
        if (r < 0)
            return r;
        hash[i] = hash_text(c[i]->name);
        if (is_twice(c, hash, i))
            return err_set(e, ENOEXEC, "class '%s' is there twice", c[i]->name);
    }
    return 0;
}

static int check_compose(const struct tn_compose *m, struct tn_err *e)
{
    if (m->struct_size < COMPOSE_1_0)
        return err_set(e, ENOEXEC, "a composition says that it has %u bytes", m->struct_size);
    if (!m->transport || !m->inner_bus || !m->suffix || !*m->suffix || !m->child)
        return err_set(e, ENOEXEC, "the composition with '%s' does not say all names",
                       m->transport ? m->transport : "?");
    return 0;
}

static int check_bus(const struct tn_bus_type *b, struct tn_err *e)
{
    if (b->struct_size < BUS_1_0 || !b->name)
        return err_set(e, ENOEXEC, "a bus type says that it has %u bytes", b->struct_size);
    return check_props(b->props, b->nprops, b->prop_stride, b->child_size, e);
}

/* Everything that some machine of this host serves. What this one has is asked when a class is
 * instantiated. */
static int known(const char *id)
{
    static const char *const ids[] = {
        TN_CORE_1,   TN_LOOP_1,    TN_OS_1,      TN_REGION_1,   TN_IRQ_1,   TN_INTC_1,  TN_DMA_1,
        TN_MEMORY_1, TN_SHADOW_1, TN_MACHINE_1, TN_CHARDEV_1, TN_CHR_FEED_1, TN_BLOCK_1, TN_BLOCK_FEED_1, TN_NETDEV_1, TN_NET_FEED_1, TN_NET_FILTER_CHAIN_1, TN_INPUT_1, TN_TRACE_1, TN_STREAM_1,
        TN_PCI_1,    TN_PCI_BUS_1, TN_HOTPLUG_1, TN_ACPI_1,     TN_FDT_1,   TN_FWCFG_1};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (strcmp(ids[i], id) == 0)
            return 1;
    return 0;
}

int plugin_needs(const struct tn_plugin *p, const struct tn_host *host, struct tn_err *e)
{
    for (const char *const *n = p->needs; n && *n; n++)
        if (!host->get(host, *n))
            return err_set(e, ENOTSUP, "plugin '%s' needs '%s', which this machine does not have",
                           p->id, *n);
    return 0;
}

static int check_version(const struct tn_plugin *p, const struct tn_host *host, struct tn_err *e)
{
    if (p->abi_major != TN_ABI_MAJOR)
        return err_set(e, ENOEXEC, "built for ABI %u.%u, this host has %u.%u", p->abi_major,
                       p->abi_minor, TN_ABI_MAJOR, TN_ABI_MINOR);
    if (p->min_host_minor > TN_ABI_MINOR)
        return err_set(e, ENOEXEC, "needs a host of ABI %u.%u or newer, this one has %u.%u",
                       TN_ABI_MAJOR, p->min_host_minor, TN_ABI_MAJOR, TN_ABI_MINOR);
    for (const char *const *n = p->needs; host && n && *n; n++)
        if (!known(*n))
            return err_set(e, ENOEXEC, "needs '%s', which no machine of this host has", *n);
    return 0;
}

int plugin_check(const struct tn_plugin *p, const struct tn_host *host, struct tn_err *e)
{
    if (p->struct_size < PLUGIN_1_0)
        return err_set(e, ENOEXEC, "says that its description has %u bytes, not at least %d",
                       p->struct_size, PLUGIN_1_0);
    int r = check_version(p, host, e);
    if (r < 0)
        return r;
    if (!p->id || !p->version)
        return err_set(e, ENOEXEC, "has no id or no version");
    if ((r = check_classes(p->classes, e)) < 0)
        return r;
    for (const struct tn_bus_type *const *b = p->buses; b && *b; b++)
        if ((r = check_bus(*b, e)) < 0)
            return r;
    for (const struct tn_compose *const *m = p->composes; m && *m; m++)
        if ((r = check_compose(*m, e)) < 0)
            return r;
    return 0;
}
