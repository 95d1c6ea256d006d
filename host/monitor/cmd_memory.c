/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: query-memdev, query-memory-devices, query-memory-size-summary, and HMP's views of them.
 */
#include "monitor.h"

#include "core/device_impl.h"
#include "core/prop.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "vm/cpu.h"
#include "vm/dimm.h"
#include "vm/machine.h"
#include "vm/memory.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory back ends ---- */

static const void *value_of(const struct device *d, const char *name, const struct tn_prop **p)
{
    *p = prop_find(class_props(d->pub.cls), name);
    return *p ? prop_place(*p, d->pub.self) : NULL;
}

static int flag_of(const struct device *d, const char *name)
{
    const struct tn_prop *p;
    const uint8_t *v = value_of(d, name, &p);
    return v && *v;
}

static void add_nodes(struct kv_node *out, const struct device *d)
{
    const struct tn_prop *p;
    const struct tn_list *l = value_of(d, "host-nodes", &p);
    struct kv_node *nodes = ret_list(out, "host-nodes");
    for (uint32_t i = 0; l && i < l->n; i++)
        ret_int(nodes, NULL,
                *(const uint16_t *)(const void *)((const char *)l->items + (size_t)i * l->stride));
}

static void add_policy(struct kv_node *out, const struct device *d)
{
    const struct tn_prop *p;
    const void *v = value_of(d, "policy", &p);
    BUF_AUTO text = {0};
    if (v)
        prop_get(p, d->pub.self, &text);
    ret_str(out, "policy", v ? buf_cstr(&text) : "default");
}

static void add_backend(struct kv_node *list, const struct device *d)
{
    static const char *const flags[] = {"share", "reserve", "prealloc", "merge", "dump"};
    struct kv_node *out = ret_dict(list, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        ret_bool(out, flags[i], flag_of(d, flags[i]));
    add_nodes(out, d);
    add_policy(out, d);
    ret_uint(out, "size", ((const struct tn_mem *)d->handle)->len);
    if (d->id)
        ret_str(out, "id", d->id);
}

/* RAM that no -object made is one of the machine's own. */
static void add_own_ram(struct kv_node *list, const struct machine *m)
{
    struct kv_node *out = ret_dict(list, NULL);
    ret_bool(out, "share", 0);
    ret_bool(out, "reserve", 1);
    ret_bool(out, "prealloc", 0);
    ret_bool(out, "merge", 1);
    ret_bool(out, "dump", 1);
    ret_list(out, "host-nodes");
    ret_str(out, "policy", "default");
    ret_uint(out, "size", m->own_ram->len);
    ret_str(out, "id", m->type->ram_id);
}

static int query_memdev(struct qmp_call *c, struct tn_err *e)
{
    const struct machine *m = c->vm->machine;
    const struct device *d;
    (void)e;
    c->ret = kv_new(KV_LIST);
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (d->handle_type == TN_P_MEMDEV && d->handle)
        add_backend(c->ret, d);
    if (m && m->own_ram)
        add_own_ram(c->ret, m);
    return 0;
}

/* ---- memory devices ---- */

static int by_address(const void *a, const void *b)
{
    const struct dimm_info *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The modules in order of address; the caller frees *all. */
static uint32_t modules(const struct vm *vm, struct dimm_info **all)
{
    uint32_t n = 0, slots = vm->machine ? vm->machine->slots : 0;
    *all = xcalloc(slots + 1, sizeof **all);
    for (uint32_t i = 0; i < slots; i++)
        n += dimm_at(vm, i, &(*all)[n]) == 0;
    qsort(*all, n, sizeof **all, by_address);
    return n;
}

static void add_module(struct kv_node *list, const struct dimm_info *i)
{
    struct kv_node *out = ret_dict(list, NULL);
    ret_str(out, "type", "dimm");
    struct kv_node *data = ret_dict(out, "data");
    AUTO_FREE char *path = xasprintf("/objects/%s", i->mem->name);
    ret_str(data, "memdev", path);
    ret_bool(data, "hotplugged", i->hotplugged != 0);
    ret_uint(data, "addr", i->addr);
    ret_bool(data, "hotpluggable", 1);
    ret_uint(data, "size", i->size);
    ret_int(data, "slot", i->slot);
    ret_int(data, "node", i->node);
    if (i->dev->id)
        ret_str(data, "id", i->dev->id);
}

static int query_devices(struct qmp_call *c, struct tn_err *e)
{
    AUTO_FREE struct dimm_info *all = NULL;
    (void)e;
    c->ret = kv_new(KV_LIST);
    uint32_t n = modules(c->vm, &all);
    for (uint32_t i = 0; i < n; i++)
        add_module(c->ret, &all[i]);
    return 0;
}

static int query_summary(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_uint(c->ret, "base-memory", c->vm->machine ? c->vm->machine->ram : 0);
    ret_uint(c->ret, "plugged-memory", dimms_size(c->vm));
    return 0;
}

/* ---- HMP ---- */

static const char *truth(const struct kv_node *m, const char *key)
{
    const char *v = kv_text(m, key);
    return v && strcmp(v, "on") == 0 ? "true" : "false";
}

static void print_backend(struct buf *out, const struct kv_node *m)
{
    const struct kv_node *nodes = kv_get(m, "host-nodes");
    buf_printf(out, "memory backend: %s\n  size:  %s\n  merge: %s\n  dump: %s\n  prealloc: %s\n",
               kv_text(m, "id"), kv_text(m, "size"), truth(m, "merge"), truth(m, "dump"),
               truth(m, "prealloc"));
    buf_printf(out, "  share: %s\n  reserve: %s\n  policy: %s\n  host nodes: ", truth(m, "share"),
               truth(m, "reserve"), kv_text(m, "policy"));
    for (size_t i = 0; nodes && i < nodes->n_child; i++)
        buf_printf(out, "%s%s", i ? "," : "", nodes->child[i]->text);
    buf_str(out, "\n");
}

static int info_memdev(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *list = NULL;
    (void)line;
    int err = monitor_run(c, "query-memdev", NULL, &list, e);
    for (size_t i = 0; err == 0 && i < list->n_child; i++)
        print_backend(out, list->child[i]);
    if (err == 0)
        buf_str(out, "\n");
    return err;
}

static int info_devices(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    AUTO_FREE struct dimm_info *all = NULL;
    (void)line;
    (void)e;
    uint32_t n = modules(c->vm, &all);
    for (uint32_t i = 0; i < n; i++) {
        const struct dimm_info *d = &all[i];
        buf_printf(out, "Memory device [dimm]: \"%s\"\n  addr: 0x%" PRIx64 "\n  slot: %u\n",
                   d->dev->id ? d->dev->id : "", d->addr, d->slot);
        buf_printf(out,
                   "  node: %u\n  size: %" PRIu64 "\n  memdev: /objects/%s\n  hotplugged: %s\n"
                   "  hotpluggable: true\n",
                   d->node, d->size, d->mem->name, d->hotplugged ? "true" : "false");
    }
    return 0;
}

static int info_summary(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)line;
    (void)e;
    buf_printf(out, "base memory: %" PRIu64 "\nplugged memory: %" PRIu64 "\n",
               c->vm->machine ? c->vm->machine->ram : 0, dimms_size(c->vm));
    return 0;
}

static uint64_t plugged_into(const struct vm *vm, uint32_t node)
{
    uint64_t all = 0;
    struct dimm_info d;
    for (uint32_t i = 0; i < vm->machine->slots; i++)
        if (dimm_at(vm, i, &d) == 0 && d.node == node)
            all += d.size;
    return all;
}

static void print_node(struct buf *out, const struct machine *m, const struct machine_node *n)
{
    uint64_t plugged = plugged_into(m->vm, n->id);
    buf_printf(out, "node %u cpus:", n->id);
    for (uint32_t i = 0; m->cpu && i < m->max_cpus; i++)
        if (m->cpu[i].dev && cpu_node(m, i) == n->id)
            buf_printf(out, " %u", i);
    buf_printf(out, "\nnode %u size: %" PRIu64 " MB\nnode %u plugged: %" PRIu64 " MB\n", n->id,
               (n->size + plugged) >> 20, n->id, plugged >> 20);
}

static int info_numa(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    const struct machine *m = c->vm->machine;
    (void)line;
    (void)e;
    buf_printf(out, "%u nodes\n", m ? m->n_nodes : 0);
    for (uint32_t i = 0; m && i < m->n_nodes; i++)
        print_node(out, m, &m->node[i]);
    return 0;
}

/* ---- tables ---- */

static const char *const policies[] = {"default", "preferred", "bind", "interleave", NULL};
static const char *const kinds[] = {"dimm",    "nvdimm",     "virtio-pmem", "virtio-mem",
                                    "sgx-epc", "hv-balloon", NULL};
static const struct qmp_member memdev[] = {
    {"id", "str", 1},       {"size", "size", 0},           {"merge", "bool", 0},
    {"dump", "bool", 0},    {"prealloc", "bool", 0},       {"share", "bool", 0},
    {"reserve", "bool", 1}, {"host-nodes", "[uint16]", 0}, {"policy", "HostMemPolicy", 0},
    {NULL, NULL, 0}};
static const struct qmp_member module[] = {
    {"id", "str", 1},          {"addr", "int", 0},          {"size", "int", 0},
    {"slot", "int", 0},        {"node", "int", 0},          {"memdev", "str", 0},
    {"hotplugged", "bool", 0}, {"hotpluggable", "bool", 0}, {NULL, NULL, 0}};
static const struct qmp_member wrapped[] = {{"data", "PCDIMMDeviceInfo", 0}, {NULL, NULL, 0}};
static const struct qmp_member device[] = {{"type", "MemoryDeviceInfoKind", 0}, {NULL, NULL, 0}};
static const struct qmp_case device_cases[] = {
    {"dimm", wrapped}, {"nvdimm", wrapped}, {NULL, NULL}};
static const struct qmp_member summary[] = {
    {"base-memory", "size", 0}, {"plugged-memory", "size", 1}, {NULL, NULL, 0}};
static const struct qmp_member size_change[] = {
    {"id", "str", 1}, {"size", "size", 0}, {"qom-path", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "HostMemPolicy", .meta = QMP_ENUM, .values = policies},
    {.name = "Memdev", .meta = QMP_OBJECT, .members = memdev},
    {.name = "MemoryDeviceInfoKind", .meta = QMP_ENUM, .values = kinds},
    {.name = "PCDIMMDeviceInfo", .meta = QMP_OBJECT, .members = module},
    {.name = "MemoryDeviceInfo",
     .meta = QMP_OBJECT,
     .members = device,
     .tag = "type",
     .cases = device_cases},
    {.name = "MemoryInfo", .meta = QMP_OBJECT, .members = summary},
    {.name = "MEMORY_DEVICE_SIZE_CHANGE-arg", .meta = QMP_OBJECT, .members = size_change},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "query-memdev", .ret = "[Memdev]", .flags = QMP_PRECONFIG, .run = query_memdev},
    {.name = "query-memory-devices", .ret = "[MemoryDeviceInfo]", .run = query_devices},
    {.name = "query-memory-size-summary", .ret = "MemoryInfo", .run = query_summary},
    {0},
};
/* Of devices that change their size by themselves; a module comes and goes whole. */
static const struct qmp_event events[] = {
    {.name = "MEMORY_DEVICE_SIZE_CHANGE",
     .data = "MEMORY_DEVICE_SIZE_CHANGE-arg",
     .interval_ms = 1000,
     .key = "qom-path"},
    {0},
};
static const struct hmp_command hmp[] = {
    {"memdev", "", "show memory backends", 1, info_memdev, NULL},
    {"memory-devices", "", "show memory devices", 1, info_devices, NULL},
    {"memory_size_summary", "",
     "show the amount of initially allocated and present hotpluggable (if enabled) memory in "
     "bytes.",
     1, info_summary, NULL},
    {"numa", "", "show NUMA information", 1, info_numa, NULL},
    {0},
};

const struct qmp_module qmp_memory = {
    .types = types, .commands = commands, .events = events, .hmp = hmp};
