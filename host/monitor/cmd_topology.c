/* SPDX-License-Identifier: BSD-2-Clause */
/* x-tenon-topology, a command of our own, and info topology: the machine as data, and as a graph.
 */
#include "hmp.h"
#include "topology.h"
#include <errno.h>

static int query(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = topology(c->vm);
    return 0;
}

static int info(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    if (hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *t = topology(c->vm);
    topology_dot(t, out);
    return 0;
}

static const char *const kinds[] = {"device", "object",   "machine", "netdev", "chardev",
                                    "block",  "audiodev", "display", NULL};
static const char *const triggers[] = {"edge", "level", NULL};
static const char *const memory_types[] = {"io", "ram", "rom", NULL};
static const struct qmp_member link[] = {{"property", "str", 0}, {"target", "str", 0}, {0}};
static const struct qmp_member device[] = {{"path", "str", 0},
                                           {"id", "str", 1},
                                           {"type", "str", 0},
                                           {"kind", "TenonKind", 0},
                                           {"description", "str", 1},
                                           {"parent", "str", 1},
                                           {"bus", "str", 1},
                                           {"address", "str", 1},
                                           {"realized", "bool", 0},
                                           {"links", "[TenonLink]", 0},
                                           {0}};
static const struct qmp_member bus[] = {
    {"name", "str", 0}, {"type", "str", 0}, {"owner", "str", 1}, {0}};
static const struct qmp_member line[] = {
    {"gsi", "uint32", 0},     {"trigger", "TenonTrigger", 0}, {"active-low", "bool", 0},
    {"shared", "bool", 0},    {"asserted", "bool", 0},        {"user", "str", 1},
    {"controller", "str", 1}, {"pin", "uint32", 1},           {0}};
static const struct qmp_member range[] = {{"first", "uint64", 0},
                                          {"last", "uint64", 0},
                                          {"type", "TenonRangeType", 0},
                                          {"name", "str", 0},
                                          {"offset", "uint64", 0},
                                          {"owner", "str", 1},
                                          {0}};
static const struct qmp_member space[] = {{"name", "str", 0}, {"ranges", "[TenonRange]", 0}, {0}};
static const struct qmp_member whole[] = {{"machine", "str", 0},
                                          {"accelerator", "str", 0},
                                          {"devices", "[TenonDevice]", 0},
                                          {"buses", "[TenonBus]", 0},
                                          {"lines", "[TenonLine]", 0},
                                          {"address-spaces", "[TenonAddressSpace]", 0},
                                          {0}};
static const struct qmp_type types[] = {
    {.name = "TenonKind", .meta = QMP_ENUM, .values = kinds},
    {.name = "TenonTrigger", .meta = QMP_ENUM, .values = triggers},
    {.name = "TenonRangeType", .meta = QMP_ENUM, .values = memory_types},
    {.name = "TenonLink", .meta = QMP_OBJECT, .members = link},
    {.name = "TenonDevice", .meta = QMP_OBJECT, .members = device},
    {.name = "TenonBus", .meta = QMP_OBJECT, .members = bus},
    {.name = "TenonLine", .meta = QMP_OBJECT, .members = line},
    {.name = "TenonRange", .meta = QMP_OBJECT, .members = range},
    {.name = "TenonAddressSpace", .meta = QMP_OBJECT, .members = space},
    {.name = "TenonTopology", .meta = QMP_OBJECT, .members = whole},
    {0},
};
static const struct qmp_command commands[] = {
    {"x-tenon-topology", NULL, "TenonTopology", 0, query, "unstable"},
    {0},
};
static const struct hmp_command hmp[] = {
    {"topology", "", "show the machine as a graph in Graphviz' language", 1, info, NULL},
    {0},
};

const struct qmp_module qmp_topology = {.types = types, .commands = commands, .hmp = hmp};
