/* SPDX-License-Identifier: BSD-2-Clause */
/* set-numa-node: -numa by a client, before the machine exists (--preconfig). What one option says
 * is checked here; whether all of them fit together, when the machine is made. */
#include "core/device.h"
#include "monitor.h"
#include "util/alloc.h"
#include "vm/machine.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int node_exists(const struct machine *m, const char *id)
{
    const struct kv_node *item;
    uint64_t next = 0;
    for (size_t i = 0; (item = machine_numa_item(m, i)); i++) {
        const char *type = kv_text(item, "type"), *given = kv_text(item, "nodeid");
        if (!type || strcmp(type, "node") != 0)
            continue;
        if ((given ? strtoull(given, NULL, 0) : next) == strtoull(id, NULL, 0))
            return 1;
        next++;
    }
    return 0;
}

static int check_node(struct qmp_call *c, struct tn_err *e)
{
    const char *id = kv_text(c->args, "nodeid"), *mem = kv_text(c->args, "memdev");
    const struct device *d = mem ? device_find(c->vm, TN_K_OBJECT, mem) : NULL;
    if (id && strtoull(id, NULL, 0) >= MACHINE_MAX_NODES)
        return err_set(e, EINVAL, "Max number of NUMA nodes reached: %s", id);
    if (id && node_exists(c->vm->machine, id))
        return err_set(e, EEXIST, "Duplicate NUMA nodeid: %s", id);
    if (mem && arg_has(c, "mem"))
        return err_set(e, EINVAL, "cannot specify both mem= and memdev=");
    if (mem && (!d || d->handle_type != TN_P_MEMDEV))
        return err_set(e, ENOENT, "memdev=%s is ambiguous or not a memory backend", mem);
    return 0;
}

static int check_cpu(struct qmp_call *c, struct tn_err *e)
{
    const char *id = kv_text(c->args, "node-id");
    if (!id)
        return err_set(e, EINVAL, "Missing mandatory node-id property");
    if (!node_exists(c->vm->machine, id))
        return err_set(e, EINVAL,
                       "Invalid node-id=%s, NUMA node must be defined with -numa node,nodeid=ID "
                       "before it's used with -numa cpu,node-id=ID",
                       id);
    return 0;
}

static int check(struct qmp_call *c, struct tn_err *e)
{
    const char *type = arg_str(c, "type");
    int err = strcmp(type, "node") == 0  ? check_node(c, e)
              : strcmp(type, "cpu") == 0 ? check_cpu(c, e)
                                         : 0;
    return err < 0 ? err : machine_hmat_may_add(c->vm->machine, c->args, e);
}

/* A list of CPUs is a key that is given several times. */
static void add_item(struct machine *m, const struct kv_node *args)
{
    struct kv_node *item = kv_new(KV_DICT);
    if (!m->more_numa)
        m->more_numa = kv_new(KV_LIST);
    for (size_t i = 0; i < args->n_child; i++) {
        const struct kv_node *v = args->child[i];
        if (kv_is_scalar(v))
            kv_add(item, v->key, kv_scalar(KV_STRING, v->text));
        for (size_t k = 0; v->kind == KV_LIST && k < v->n_child; k++)
            kv_add(item, v->key, kv_scalar(KV_STRING, v->child[k]->text));
    }
    kv_add(m->more_numa, NULL, item);
}

static int set_numa_node(struct qmp_call *c, struct tn_err *e)
{
    if (!monitors_preconfig(c->vm))
        return err_set(e, EPERM, "The command is permitted only before machine initialization");
    int err = check(c, e);
    if (err == 0)
        add_item(c->vm->machine, c->args);
    return err;
}

/* ---- tables ---- */

static const char *const kinds[] = {"node", "dist", "cpu", "hmat-lb", "hmat-cache", NULL};
static const struct qmp_member options[] = {{"type", "NumaOptionsType", 0}, {0}};
static const struct qmp_member node[] = {{"nodeid", "uint16", 1},    {"cpus", "[uint16]", 1},
                                         {"mem", "size", 1},         {"memdev", "str", 1},
                                         {"initiator", "uint16", 1}, {0}};
static const struct qmp_member dist[] = {
    {"src", "uint16", 0}, {"dst", "uint16", 0}, {"val", "uint8", 0}, {0}};
static const struct qmp_member cpu[] = {{"node-id", "int", 1},   {"socket-id", "int", 1},
                                        {"die-id", "int", 1},    {"core-id", "int", 1},
                                        {"thread-id", "int", 1}, {0}};
static const struct qmp_member hmat_lb[] = {{"initiator", "uint16", 0},
                                            {"target", "uint16", 0},
                                            {"hierarchy", "HmatLBMemoryHierarchy", 0},
                                            {"data-type", "HmatLBDataType", 0},
                                            {"latency", "uint64", 1},
                                            {"bandwidth", "size", 1},
                                            {0}};
static const char *const hierarchies[] = {"memory", "first-level", "second-level", "third-level",
                                          NULL};
static const char *const data_types[] = {"access-latency",
                                         "read-latency",
                                         "write-latency",
                                         "access-bandwidth",
                                         "read-bandwidth",
                                         "write-bandwidth",
                                         NULL};
static const struct qmp_member hmat_cache[] = {{"node-id", "uint32", 0},
                                               {"size", "size", 0},
                                               {"level", "uint8", 0},
                                               {"associativity", "HmatCacheAssociativity", 0},
                                               {"policy", "HmatCacheWritePolicy", 0},
                                               {"line", "uint16", 0},
                                               {0}};
static const char *const associativities[] = {"none", "direct", "complex", NULL};
static const char *const policies[] = {"none", "write-back", "write-through", NULL};
static const struct qmp_case cases[] = {{"node", node},
                                        {"dist", dist},
                                        {"cpu", cpu},
                                        {"hmat-lb", hmat_lb},
                                        {"hmat-cache", hmat_cache},
                                        {0}};
static const struct qmp_type types[] = {
    {.name = "NumaOptions", .members = options, .tag = "type", .cases = cases},
    {.name = "NumaOptionsType", .meta = QMP_ENUM, .values = kinds},
    {.name = "HmatLBMemoryHierarchy", .meta = QMP_ENUM, .values = hierarchies},
    {.name = "HmatLBDataType", .meta = QMP_ENUM, .values = data_types},
    {.name = "HmatCacheAssociativity", .meta = QMP_ENUM, .values = associativities},
    {.name = "HmatCacheWritePolicy", .meta = QMP_ENUM, .values = policies},
    {0},
};
static const struct qmp_command commands[] = {
    {"set-numa-node", "NumaOptions", NULL, QMP_PRECONFIG, set_numa_node, NULL}, {0}};

const struct qmp_module qmp_numa = {.types = types, .commands = commands};
