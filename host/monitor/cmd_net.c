/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks: back ends that come and go, cables, filters, announcements. */
#include "backend/net.h"
#include "hmp.h"
#include "netdev_fds.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- back ends ---- */

static int add(struct qmp_call *c, const struct kv_node *dict, struct tn_err *e)
{
    KV_AUTO *own = kv_clone(dict), *names = kv_new(KV_LIST);
    const char *id = kv_text(dict, "id");
    if (id && device_find(c->vm, TN_K_NETDEV, id))
        return err_set(e, EEXIST, "Duplicate ID '%s'", id);
    int r = netdev_fds(c->vm, own, names, e);
    if (r == 0)
        r = net_add(c->vm, own, e);
    if (r == 0)
        netdev_fds_used(c->vm, names);
    return r;
}

static int netdev_add(struct qmp_call *c, struct tn_err *e)
{
    return add(c, c->args, e);
}

static int netdev_del(struct qmp_call *c, struct tn_err *e)
{
    return net_remove(c->vm, arg_str(c, "id"), e);
}

static int set_link(struct qmp_call *c, struct tn_err *e)
{
    return net_set_link(c->vm, arg_str(c, "name"), arg_bool(c, "up", 1), e);
}

static int query_rx_filter(struct qmp_call *c, struct tn_err *e)
{
    c->ret = kv_new(KV_LIST);
    return net_query_rx(c->vm, arg_str(c, "name"), c->ret, e);
}

static int announce_self(struct qmp_call *c, struct tn_err *e)
{
    const struct net_announce_params p = {
        .initial = arg_int(c, "initial", 0),
        .max = arg_int(c, "max", 0),
        .rounds = arg_int(c, "rounds", 0),
        .step = arg_int(c, "step", 0),
        .interfaces = kv_get(c->args, "interfaces"),
        .id = arg_str(c, "id") ? arg_str(c, "id") : "",
    };
    (void)e;
    net_announce(c->vm, &p);
    return 0;
}

/* ---- HMP ---- */

static int hmp_info(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)line, (void)e;
    net_describe(c->vm, out);
    return 0;
}

static int hmp_usernet(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)line, (void)e;
    net_describe_forwards(c->vm, out);
    return 0;
}

static int hmp_netdev_add(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    KV_AUTO *opts = NULL;
    (void)out;
    if (hmp_options(&a, "type", &opts) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    return add(c, opts, e);
}

static int hmp_netdev_del(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    (void)out;
    if (hmp_word(&a, "string", &id) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    kv_set(args, "id", id);
    return monitor_run(c, "netdev_del", args, NULL, e);
}

static int hmp_set_link(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *name = NULL;
    int up;
    (void)out;
    if (hmp_word(&a, "string", &name) < 0 || hmp_onoff(&a, &up) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    kv_set(args, "name", name);
    ret_bool(args, "up", up);
    return monitor_run(c, "set_link", args, NULL, e);
}

static void add_interfaces(struct kv_node *args, char *words)
{
    struct kv_node *list = ret_list(args, "interfaces");
    char *save = NULL;
    for (char *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save))
        kv_add(list, NULL, kv_scalar(KV_STRING, w));
}

/* What QEMU's migration parameters are where nobody has set them. */
static int hmp_announce(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *interfaces = NULL, *id = NULL;
    (void)out;
    if (hmp_word(&a, NULL, &interfaces) < 0 || hmp_word(&a, NULL, &id) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    ret_int(args, "initial", 50);
    ret_int(args, "max", 550);
    ret_int(args, "rounds", 5);
    ret_int(args, "step", 100);
    if (interfaces)
        add_interfaces(args, interfaces);
    if (id)
        kv_set(args, "id", id);
    return monitor_run(c, "announce-self", args, NULL, e);
}

/* ---- hostfwd_add, hostfwd_remove: [netdev] rule ---- */

struct forward {
    struct device *d;
    const struct tn_net_forwards *ops;
    void *self;
    char *first, *second;
    const char *rule;
};

/* 1: found; 0: what is wrong is in out. */
static int find_forward(struct qmp_call *c, struct forward *f, struct buf *out)
{
    const char *id = f->second ? f->first : NULL;
    f->rule = f->second ? f->second : f->first;
    f->ops = net_forwards(c->vm, id, &f->d);
    if (f->ops)
        device_iface(f->d, TN_NET_FORWARDS_1, &f->self);
    else if (id && device_find(c->vm, TN_K_NETDEV, id))
        buf_str(out, "invalid netdev id: it forwards no ports\n");
    else if (id)
        buf_printf(out, "unrecognized netdev id '%s'\n", id);
    else
        buf_str(out, "user mode network stack not in use\n");
    return f->ops != NULL;
}

static int read_forward(struct qmp_call *c, const char *line, struct forward *f, struct buf *out,
                        struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    if (hmp_word(&a, "string", &f->first) < 0 || hmp_word(&a, NULL, &f->second) < 0 ||
        hmp_end(&a) < 0)
        return -EINVAL;
    return find_forward(c, f, out);
}

static void forward_free(struct forward *f)
{
    free(f->first);
    free(f->second);
}

static int hostfwd_add(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct forward f = {0};
    int r = read_forward(c, line, &f, out, e);
    if (r > 0) {
        ERR_AUTO why = {0};
        int entered = domain_enter(f.d->domain);
        if (f.ops->add(f.self, f.rule, &why) < 0)
            buf_printf(out, "%s\n", err_text(&why));
        domain_leave(f.d->domain, entered);
    }
    forward_free(&f);
    return r < 0 ? r : 0;
}

static int hostfwd_remove(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct forward f = {0};
    int r = read_forward(c, line, &f, out, e);
    if (r > 0) {
        ERR_AUTO why = {0};
        int entered = domain_enter(f.d->domain);
        int gone = f.ops->remove(f.self, f.rule, &why);
        domain_leave(f.d->domain, entered);
        if (gone == -EINVAL)
            buf_str(out, "invalid format\n");
        else
            buf_printf(out, "host forwarding rule for %s %s\n", f.rule,
                       gone < 0 ? "not found" : "removed");
    }
    forward_free(&f);
    return r < 0 ? r : 0;
}

static void complete_id(struct qmp_call *c, const char *line, struct buf *out)
{
    struct device *d;
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (d->handle_type == TN_P_NETDEV)
        hmp_offer(out, line, device_id(d));
}

/* ---- tables ---- */

static const struct qmp_member id_arg[] = {{"id", "str", 0}, {0}};
static const struct qmp_member link_args[] = {{"name", "str", 0}, {"up", "bool", 0}, {0}};
static const struct qmp_member name_arg[] = {{"name", "str", 1}, {0}};
static const struct qmp_member announce_args[] = {{"initial", "int", 0},
                                                  {"max", "int", 0},
                                                  {"rounds", "int", 0},
                                                  {"step", "int", 0},
                                                  {"interfaces", "[str]", 1},
                                                  {"id", "str", 1},
                                                  {0}};
static const struct qmp_member rx_info[] = {{"name", "str", 0},
                                            {"promiscuous", "bool", 0},
                                            {"multicast", "RxState", 0},
                                            {"unicast", "RxState", 0},
                                            {"vlan", "RxState", 0},
                                            {"broadcast-allowed", "bool", 0},
                                            {"multicast-overflow", "bool", 0},
                                            {"unicast-overflow", "bool", 0},
                                            {"main-mac", "str", 0},
                                            {"vlan-table", "[int]", 0},
                                            {"unicast-table", "[str]", 0},
                                            {"multicast-table", "[str]", 0},
                                            {0}};
static const char *const rx_states[] = {"normal", "none", "all", NULL};
static const struct qmp_member rx_changed[] = {{"name", "str", 1}, {"path", "str", 0}, {0}};
static const struct qmp_member connected[] = {
    {"netdev-id", "str", 0}, {"addr", "SocketAddress", 0}, {0}};
static const struct qmp_member disconnected[] = {{"netdev-id", "str", 0}, {0}};

static const struct qmp_type types[] = {
    {.name = "q_obj_netdev_del-arg", .members = id_arg},
    {.name = "q_obj_set_link-arg", .members = link_args},
    {.name = "q_obj_query-rx-filter-arg", .members = name_arg},
    {.name = "q_obj_announce-self-arg", .members = announce_args},
    {.name = "RxFilterInfo", .members = rx_info},
    {.name = "RxState", .meta = QMP_ENUM, .values = rx_states},
    {.name = "q_obj_NIC_RX_FILTER_CHANGED-arg", .members = rx_changed},
    {.name = "q_obj_NETDEV_STREAM_CONNECTED-arg", .members = connected},
    {.name = "q_obj_NETDEV_STREAM_DISCONNECTED-arg", .members = disconnected},
    {0},
};

static const struct qmp_command commands[] = {
    {.name = "netdev_add", .args = "Netdev", .run = netdev_add},
    {.name = "netdev_del", .args = "q_obj_netdev_del-arg", .run = netdev_del},
    {.name = "set_link", .args = "q_obj_set_link-arg", .run = set_link},
    {.name = "query-rx-filter",
     .args = "q_obj_query-rx-filter-arg",
     .ret = "[RxFilterInfo]",
     .run = query_rx_filter},
    {.name = "announce-self", .args = "q_obj_announce-self-arg", .run = announce_self},
    {0},
};

static const struct qmp_event events[] = {
    {.name = "NIC_RX_FILTER_CHANGED", .data = "q_obj_NIC_RX_FILTER_CHANGED-arg"},
    {.name = "NETDEV_STREAM_CONNECTED", .data = "q_obj_NETDEV_STREAM_CONNECTED-arg"},
    {.name = "NETDEV_STREAM_DISCONNECTED", .data = "q_obj_NETDEV_STREAM_DISCONNECTED-arg"},
    {0},
};

static const struct hmp_command hmp[] = {
    {.names = "network",
     .params = "",
     .help = "show the network state",
     .info = 1,
     .run = hmp_info},
    {.names = "usernet",
     .params = "",
     .help = "show user network stack connection states",
     .info = 1,
     .run = hmp_usernet},
    {.names = "netdev_add",
     .params = "[user|tap|socket|stream|dgram|bridge|hubport],id=str[,prop=value][,...]",
     .help = "add host network device",
     .run = hmp_netdev_add},
    {.names = "netdev_del",
     .params = "id",
     .help = "remove host network device",
     .run = hmp_netdev_del,
     .complete = complete_id},
    {.names = "set_link",
     .params = "name on|off",
     .help = "change the link status of a network adapter",
     .run = hmp_set_link,
     .complete = complete_id},
    {.names = "announce_self",
     .params = "[interfaces] [id]",
     .help = "Trigger GARP/RARP announcements",
     .run = hmp_announce},
    {.names = "hostfwd_add",
     .params = "[netdev_id] [tcp|udp]:[hostaddr]:hostport-[guestaddr]:guestport",
     .help = "redirect TCP or UDP connections from host to guest (requires -net user)",
     .run = hostfwd_add},
    {.names = "hostfwd_remove",
     .params = "[netdev_id] [tcp|udp]:[hostaddr]:hostport",
     .help = "remove host-to-guest TCP or UDP redirection",
     .run = hostfwd_remove},
    {0},
};

const struct qmp_module qmp_net = {
    .types = types, .commands = commands, .events = events, .hmp = hmp};
