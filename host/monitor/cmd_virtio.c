/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio devices: which there are, and what their registers hold. */
#include "cmd_virtio.h"
#include "core/bus.h"
#include "virtio_words.h"
#include "vm/run.h"

#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *virtio_name(const struct device *d)
{
    const char *name = d->entry->name, *end = strstr(name, "-device");
    if (!d->bus || strcmp(d->bus->type->name, "virtio-bus") != 0 || d->stage != DEV_REALIZED)
        return NULL;
    return xstrndup(name, end ? (size_t)(end - name) : strlen(name));
}

static int each(struct qmp_call *c, void (*fn)(void *o, const struct device *d, const char *name),
                void *o)
{
    const struct device *d;
    TAILQ_FOREACH(d, &c->vm->devices, all)
    {
        AUTO_FREE char *name = virtio_name(d);
        if (name)
            fn(o, d, name);
    }
    return 0;
}

static void answer(void *o, const struct device *d, const char *name)
{
    struct kv_node *one = ret_dict(o, NULL);
    ret_str(one, "path", d->path);
    ret_str(one, "name", name);
}

static int query(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    return each(c, answer, c->ret);
}

static void print(void *o, const struct device *d, const char *name)
{
    buf_printf(o, "%s [%s]\n", d->path, name);
}

static int info(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    if (hmp_end(&a) < 0)
        return -EINVAL;
    size_t before = out->len;
    each(c, print, out);
    if (out->len == before)
        buf_str(out, "No VirtIO devices\n");
    return 0;
}

/* ---- one of them ---- */

int virtio_enter(const struct device *d, struct virtio_transport *t)
{
    t->d = d->bus->owner;
    t->ops = t->d ? device_iface(t->d, TN_VIRTIO_REGS_1, &t->s) : NULL;
    if (!t->ops)
        return -ENOTSUP;
    t->entered = domain_enter(t->d->domain);
    return 0;
}

void virtio_leave(struct virtio_transport *t)
{
    domain_leave(t->d->domain, t->entered);
}

struct device *virtio_find(struct qmp_call *c, const char *what, struct tn_virtio_regs *regs,
                           struct tn_err *e)
{
    const char *path = arg_str(c, "path");
    struct device *d;
    struct virtio_transport t;
    TAILQ_FOREACH(d, &c->vm->devices, all)
    {
        AUTO_FREE char *name = virtio_name(d);
        if (name && strcmp(d->path, path) == 0)
            break;
    }
    *regs = (struct tn_virtio_regs){.struct_size = sizeof *regs};
    if (!d || virtio_enter(d, &t) < 0) {
        err_set(e, ENODEV, "Path %s is not a %s", path, what);
        return NULL;
    }
    int r = t.ops->regs(t.s, regs);
    virtio_leave(&t);
    return r < 0 ? NULL : d;
}

int virtio_is_lent(struct device *d, uint32_t first, uint32_t n)
{
    void *s;
    const struct tn_virtio_lent *t = device_iface(d, TN_VIRTIO_LENT_1, &s);
    int any = 0;
    if (!t)
        return 0;
    int entered = domain_enter(d->domain);
    for (uint32_t q = first; q < first + n && !any; q++)
        any = t->lent(s, q) == 1;
    domain_leave(d->domain, entered);
    return any;
}

/* ---- status ---- */

static uint64_t add_words(struct kv_node *list, const struct virtio_word *w, uint64_t bits)
{
    for (; w->text; w++) {
        if (bits >> w->bit & 1)
            kv_add(list, NULL, kv_scalar(KV_STRING, w->text));
        bits &= ~(1ull << w->bit);
    }
    return bits;
}

static void add_features(struct kv_node *out, const char *key, uint64_t bits, uint32_t id)
{
    struct kv_node *all = ret_dict(out, key);
    uint64_t rest = add_words(ret_list(all, "transports"), virtio_feature_words, bits);
    rest = add_words(ret_list(all, "dev-features"), virtio_device_words(id), rest);
    if (rest)
        ret_uint(all, "unknown-dev-features", rest);
}

static void add_status(struct kv_node *out, uint32_t status)
{
    struct kv_node *all = ret_dict(out, "status");
    uint64_t rest = add_words(ret_list(all, "statuses"), virtio_status_words, status);
    if (rest)
        ret_uint(all, "unknown-statuses", rest);
}

/* The bus that a device has for children of its own. */
static const char *bus_of(const struct device *d)
{
    const struct tn_bus *b;
    TAILQ_FOREACH(b, &d->vm->buses, all)
    if (b->owner == d)
        return b->name;
    return "";
}

static int query_status(struct qmp_call *c, struct tn_err *e)
{
    enum { DRIVER_OK = 4, NEEDS_RESET = 64 };
    struct tn_virtio_regs r;
    struct device *d = virtio_find(c, "realized VirtIODevice", &r, e);
    if (!d)
        return -ENODEV;
    AUTO_FREE char *name = virtio_name(d);
    const struct tn_virtio_ops *ops = d->pub.cls->bus_ops;
    struct kv_node *out = c->ret = kv_new(KV_DICT);
    ret_str(out, "name", name);
    ret_int(out, "device-id", ops->device_id);
    ret_bool(out, "vhost-started", virtio_is_lent(d, 0, r.nqueues));
    ret_str(out, "device-endian", r.vq_flags & TN_VQ_BE ? "big" : "little");
    add_features(out, "guest-features", r.agreed[0], ops->device_id);
    add_features(out, "host-features", r.offered[0], ops->device_id);
    add_features(out, "backend-features", 0, ops->device_id);
    ret_int(out, "num-vqs", r.nqueues);
    add_status(out, r.status);
    ret_int(out, "isr", r.isr);
    ret_int(out, "queue-sel", r.queue_select);
    ret_bool(out, "vm-running", run_state(c->vm) == RUN_RUNNING);
    ret_bool(out, "broken", r.status & NEEDS_RESET);
    ret_bool(out, "disabled", 0);
    ret_bool(out, "use-started", 1);
    ret_bool(out, "started", r.status & DRIVER_OK);
    ret_bool(out, "start-on-kick", 0);
    ret_bool(out, "disable-legacy-check", 0);
    ret_str(out, "bus-name", bus_of(d));
    ret_bool(out, "use-guest-notifier-mask", 1);
    return 0;
}

static void print_words(struct buf *out, const struct kv_node *list)
{
    for (size_t i = 0; list && i < list->n_child; i++)
        buf_printf(out, "\t%s%s", list->child[i]->text, i + 1 < list->n_child ? ",\n" : "");
    buf_str(out, "\n");
}

static void print_features(struct buf *out, const char *title, const struct kv_node *f)
{
    const struct kv_node *own = kv_get(f, "dev-features");
    const char *unknown = kv_text(f, "unknown-dev-features");
    buf_printf(out, "  %s features:\n", title);
    print_words(out, kv_get(f, "transports"));
    if (own->n_child)
        print_words(out, own);
    if (unknown)
        buf_printf(out, "  unknown-features(0x%016llx)\n", strtoull(unknown, NULL, 10));
}

static const char *yes_no(const struct kv_node *r, const char *key)
{
    return strcmp(kv_text(r, key), "on") == 0 ? "true" : "false";
}

static void print_status(struct buf *out, const char *path, const struct kv_node *r)
{
    static const struct {
        const char *key, *title;
    } flags[] = {{"broken", "broken:                 "},
                 {"disabled", "disabled:               "},
                 {"disable-legacy-check", "disable_legacy_check:   "},
                 {"started", "started:                "},
                 {"use-started", "use_started:            "},
                 {"start-on-kick", "start_on_kick:          "},
                 {"use-guest-notifier-mask", "use_guest_notifier_mask:"},
                 {"vm-running", "vm_running:             "}};
    const char *bus = kv_text(r, "bus-name");
    buf_printf(out, "%s:\n  device_name:             %s \n", path, kv_text(r, "name"));
    buf_printf(out, "  device_id:               %s\n", kv_text(r, "device-id"));
    buf_printf(out, "  vhost_started:           %s\n", yes_no(r, "vhost-started"));
    buf_printf(out, "  bus_name:                %s\n", *bus ? bus : "(null)");
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        buf_printf(out, "  %s %s\n", flags[i].title, yes_no(r, flags[i].key));
    buf_printf(out, "  num_vqs:                 %s\n", kv_text(r, "num-vqs"));
    buf_printf(out, "  queue_sel:               %s\n", kv_text(r, "queue-sel"));
    buf_printf(out, "  isr:                     %s\n", kv_text(r, "isr"));
    buf_printf(out, "  endianness:              %s\n  status:\n", kv_text(r, "device-endian"));
    print_words(out, kv_get(kv_get(r, "status"), "statuses"));
    print_features(out, "Guest", kv_get(r, "guest-features"));
    print_features(out, "Host", kv_get(r, "host-features"));
    print_features(out, "Backend", kv_get(r, "backend-features"));
}

static int hmp_status(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *path = NULL;
    KV_AUTO *args = kv_new(KV_DICT), *r = NULL;
    if (hmp_word(&a, "string", &path) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    kv_set(args, "path", path);
    int err = monitor_run(c, "x-query-virtio-status", args, &r, e);
    if (err == 0)
        print_status(out, path, r);
    return err;
}

/* ---- tables ---- */

static const struct qmp_member one[] = {{"path", "str", 0}, {"name", "str", 0}, {0}};
static const struct qmp_member path_arg[] = {{"path", "str", 0}, {0}};
static const struct qmp_member features[] = {{"transports", "[str]", 0},
                                             {"dev-features", "[str]", 1},
                                             {"unknown-dev-features", "uint64", 1},
                                             {0}};
static const struct qmp_member statuses[] = {
    {"statuses", "[str]", 0}, {"unknown-statuses", "uint8", 1}, {0}};
static const struct qmp_member protocols[] = {
    {"protocols", "[str]", 0}, {"unknown-protocols", "uint64", 1}, {0}};
static const struct qmp_member vhost[] = {{"n-mem-sections", "int", 0},
                                          {"n-tmp-sections", "int", 0},
                                          {"nvqs", "uint32", 0},
                                          {"vq-index", "int", 0},
                                          {"features", "VirtioDeviceFeatures", 0},
                                          {"acked-features", "VirtioDeviceFeatures", 0},
                                          {"backend-features", "VirtioDeviceFeatures", 0},
                                          {"protocol-features", "VhostDeviceProtocols", 0},
                                          {"max-queues", "uint64", 0},
                                          {"backend-cap", "uint64", 0},
                                          {"log-enabled", "bool", 0},
                                          {"log-size", "uint64", 0},
                                          {0}};
static const struct qmp_member status[] = {{"name", "str", 0},
                                           {"device-id", "uint16", 0},
                                           {"vhost-started", "bool", 0},
                                           {"device-endian", "str", 0},
                                           {"guest-features", "VirtioDeviceFeatures", 0},
                                           {"host-features", "VirtioDeviceFeatures", 0},
                                           {"backend-features", "VirtioDeviceFeatures", 0},
                                           {"num-vqs", "int", 0},
                                           {"status", "VirtioDeviceStatus", 0},
                                           {"isr", "uint8", 0},
                                           {"queue-sel", "uint16", 0},
                                           {"vm-running", "bool", 0},
                                           {"broken", "bool", 0},
                                           {"disabled", "bool", 0},
                                           {"use-started", "bool", 0},
                                           {"started", "bool", 0},
                                           {"start-on-kick", "bool", 0},
                                           {"disable-legacy-check", "bool", 0},
                                           {"bus-name", "str", 0},
                                           {"use-guest-notifier-mask", "bool", 0},
                                           {"vhost-dev", "VhostStatus", 1},
                                           {0}};
static const struct qmp_type types[] = {{.name = "VirtioInfo", .members = one},
                                        {.name = "VirtioStatus", .members = status},
                                        {.name = "VirtioDeviceFeatures", .members = features},
                                        {.name = "VirtioDeviceStatus", .members = statuses},
                                        {.name = "VhostDeviceProtocols", .members = protocols},
                                        {.name = "VhostStatus", .members = vhost},
                                        {.name = "x-query-virtio-status-arg", .members = path_arg},
                                        {0}};
static const struct qmp_command commands[] = {
    {.name = "x-query-virtio", .ret = "[VirtioInfo]", .run = query, .features = "unstable"},
    {.name = "x-query-virtio-status",
     .args = "x-query-virtio-status-arg",
     .ret = "VirtioStatus",
     .run = query_status,
     .features = "unstable"},
    {0}};
static const struct hmp_command hmp[] = {
    {"virtio", "", "List all available virtio devices", 1, info, NULL},
    {"virtio-status", "path", "Display status of a given virtio device", 1, hmp_status, NULL},
    {0}};

const struct qmp_module qmp_virtio = {.types = types, .commands = commands, .hmp = hmp};
