/* SPDX-License-Identifier: BSD-2-Clause */
/* Processors: query-cpus-fast, query-hotpluggable-cpus. What models can be had: cmd_cpu_model.c. */
#include "vm/cpu.h"

#include "monitor.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "vm/machine.h"
#include "vm/vcpu.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fill_props(struct kv_node *p, const struct machine *m, uint32_t i)
{
    const struct cpu_slot *s = &m->cpu[i];
    if (m->n_nodes)
        ret_int(p, "node-id", cpu_node(m, i));
    ret_int(p, "socket-id", s->socket);
    ret_int(p, "core-id", s->core);
    ret_int(p, "thread-id", s->thread);
}

static uint32_t slots(const struct qmp_call *c)
{
    const struct machine *m = c->vm->machine;
    return m && m->cpu ? m->max_cpus : 0;
}

/* Of a processor that has no thread (qtest, or it has not run yet) the process stands in. */
static int thread_of(const struct vm *vm, uint32_t i)
{
    int32_t tid = vcpus_thread_id(vm, i);
    return tid ? tid : (int)getpid();
}

static int query_cpus_fast(struct qmp_call *c, struct tn_err *e)
{
    const struct machine *m = c->vm->machine;
    (void)e;
    c->ret = kv_new(KV_LIST);
    for (uint32_t i = 0; i < slots(c); i++) {
        if (!m->cpu[i].dev)
            continue;
        struct kv_node *cpu = ret_dict(c->ret, NULL);
        ret_int(cpu, "thread-id", thread_of(c->vm, i));
        fill_props(ret_dict(cpu, "props"), m, i);
        ret_str(cpu, "qom-path", m->cpu[i].dev->path);
        ret_int(cpu, "cpu-index", i);
        ret_str(cpu, "target", "x86_64");
    }
    return 0;
}

/* The last slot first, as QEMU lists them: programs of the field take the first that is empty. */
static int query_hotpluggable_cpus(struct qmp_call *c, struct tn_err *e)
{
    const struct machine *m = c->vm->machine;
    if (!m || !m->type->cpu_hotplug)
        return err_set(e, ENOTSUP, "machine does not support hot-plugging CPUs");
    AUTO_FREE char *cls = cpus_class(m);
    c->ret = kv_new(KV_LIST);
    for (uint32_t i = slots(c); i-- > 0;) {
        struct kv_node *cpu = ret_dict(c->ret, NULL);
        fill_props(ret_dict(cpu, "props"), m, i);
        ret_int(cpu, "vcpus-count", 1);
        if (m->cpu[i].dev)
            ret_str(cpu, "qom-path", m->cpu[i].dev->path);
        ret_str(cpu, "type", cls);
    }
    return 0;
}

/* ---- HMP ---- */

static void print_slot(struct buf *out, const struct kv_node *cpu)
{
    static const char *const keys[] = {"node-id", "socket-id", "core-id", "thread-id"};
    const struct kv_node *props = kv_get(cpu, "props");
    buf_printf(out, "  type: \"%s\"\n  vcpus_count: \"%s\"\n", kv_text(cpu, "type"),
               kv_text(cpu, "vcpus-count"));
    if (kv_text(cpu, "qom-path"))
        buf_printf(out, "  qom_path: \"%s\"\n", kv_text(cpu, "qom-path"));
    buf_str(out, "  CPUInstance Properties:\n");
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
        if (kv_text(props, keys[k]))
            buf_printf(out, "    %s: \"%s\"\n", keys[k], kv_text(props, keys[k]));
}

static int info_hotpluggable(struct qmp_call *c, const char *line, struct buf *out,
                             struct tn_err *e)
{
    KV_AUTO *list = NULL;
    (void)line;
    int err = monitor_run(c, "query-hotpluggable-cpus", NULL, &list, e);
    if (err < 0)
        return err;
    buf_str(out, "Hotpluggable CPUs:\n");
    for (size_t i = 0; i < list->n_child; i++)
        print_slot(out, list->child[i]);
    return 0;
}

/* ---- tables ---- */

static const char *const targets[] = {
    "aarch64",    "alpha",        "arm",     "avr",    "hppa",     "i386",   "loongarch64", "m68k",
    "microblaze", "microblazeel", "mips",    "mips64", "mips64el", "mipsel", "or1k",        "ppc",
    "ppc64",      "riscv32",      "riscv64", "rx",     "s390x",    "sh4",    "sh4eb",       "sparc",
    "sparc64",    "tricore",      "x86_64",  "xtensa", "xtensaeb", NULL};
static const struct qmp_member props[] = {{"node-id", "int", 1},   {"drawer-id", "int", 1},
                                          {"book-id", "int", 1},   {"socket-id", "int", 1},
                                          {"die-id", "int", 1},    {"cluster-id", "int", 1},
                                          {"module-id", "int", 1}, {"core-id", "int", 1},
                                          {"thread-id", "int", 1}, {NULL, NULL, 0}};
static const struct qmp_member fast[] = {
    {"cpu-index", "int", 0},       {"qom-path", "str", 0},
    {"thread-id", "int", 0},       {"props", "CpuInstanceProperties", 1},
    {"target", "SysEmuTarget", 0}, {NULL, NULL, 0}};
static const struct qmp_case fast_cases[] = {{"x86_64", NULL}, {NULL, NULL}};
static const struct qmp_member hotpluggable[] = {{"type", "str", 0},
                                                 {"vcpus-count", "int", 0},
                                                 {"props", "CpuInstanceProperties", 0},
                                                 {"qom-path", "str", 1},
                                                 {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "SysEmuTarget", .meta = QMP_ENUM, .values = targets},
    {.name = "CpuInstanceProperties", .meta = QMP_OBJECT, .members = props},
    {.name = "CpuInfoFast",
     .meta = QMP_OBJECT,
     .members = fast,
     .tag = "target",
     .cases = fast_cases},
    {.name = "HotpluggableCPU", .meta = QMP_OBJECT, .members = hotpluggable},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "query-cpus-fast", .ret = "[CpuInfoFast]", .run = query_cpus_fast},
    {.name = "query-hotpluggable-cpus",
     .ret = "[HotpluggableCPU]",
     .flags = QMP_PRECONFIG,
     .run = query_hotpluggable_cpus},
    {0},
};
static const struct hmp_command hmp[] = {
    {"hotpluggable-cpus", "", "Show information about hotpluggable CPUs", 1, info_hotpluggable,
     NULL},
    {0},
};

const struct qmp_module qmp_cpu = {.types = types, .commands = commands, .hmp = hmp};
