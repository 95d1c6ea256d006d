/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of virtio devices. Where a device is in a ring is known of one that is at rest: it stops
 * for a moment, and goes on. */
#include "cmd_virtio.h"

#include "core/bus.h"
#include "core/state.h"
#include "core/state_format.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "util/bytes.h"
#include "vm/memory.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- where the device is ---- */

struct place {
    uint32_t wanted, seen; /* which queue; how many have been met */
    uint16_t avail, used;
};

static uint16_t field16(const struct state_part *p, const char *name)
{
    const struct state_item *it = state_find(p, name, 0);
    return it && it->kind == TN_S_U16 && it->count ? get_le16(it->data) : 0;
}

/* A device has the parts of its queues in their order, wherever they are in its state. */
static void search(const struct state_part *p, struct place *out)
{
    if (strcmp(p->name, "vdev-queue") == 0 && out->seen++ == out->wanted) {
        out->avail = field16(p, "avail");
        out->used = field16(p, "used");
    }
    for (uint32_t i = 0; i < p->nitems; i++)
        for (uint32_t k = 0; p->items[i].parts && k < p->items[i].count; k++)
            search(&p->items[i].parts[k], out);
}

static int read_place(struct device *d, struct place *out, struct tn_err *e)
{
    BUF_AUTO bytes = {0};
    struct state_part root = {0};
    int r = state_save(d, &bytes, e);
    if (r == 0)
        r = state_parse(bytes.data, bytes.len, &root, e);
    if (r != 0)
        return r;
    search(&root, out);
    state_parse_free(&root);
    return 0;
}

static int find_place(struct device *d, struct place *out, struct tn_err *e)
{
    struct device *top = d->bus->owner;
    int runs = run_state(d->vm) == RUN_RUNNING;
    top->busy++; /* the main loop may run */
    int r = runs ? device_quiesce(top, TN_Q_SAVE, e) : 0;
    if (r == 0)
        r = read_place(d, out, e);
    if (runs && run_state(d->vm) == RUN_RUNNING)
        device_resume(top);
    top->busy--;
    return r;
}

/* ---- a queue ---- */

struct queue {
    struct device *d;
    char *name;
    struct tn_virtio_regs regs;
    struct tn_virtio_queue_regs q;
    uint32_t index;
    struct place at;
};

static int find_queue(struct qmp_call *c, struct queue *q, struct tn_err *e)
{
    struct virtio_transport t;
    q->index = (uint32_t)arg_uint(c, "queue", 0);
    q->d = virtio_find(c, "VirtIO device", &q->regs, e);
    if (!q->d || virtio_enter(q->d, &t) < 0)
        return -ENODEV;
    q->q = (struct tn_virtio_queue_regs){.struct_size = sizeof q->q};
    int r = q->index < q->regs.nqueues ? t.ops->queue(t.s, q->index, &q->q) : -EINVAL;
    virtio_leave(&t);
    if (r < 0 || !q->q.max)
        return err_set(e, EINVAL, "Invalid virtqueue number %u", q->index);
    q->name = virtio_name(q->d);
    q->at.wanted = q->index;
    return 0;
}

/* Of a split ring, in the guest's memory: (2.7). */
static uint16_t ring16(const struct queue *q, uint64_t at)
{
    uint8_t raw[2] = {0};
    memory_read(q->d->vm, at, raw, sizeof raw);
    return q->regs.vq_flags & TN_VQ_BE ? (uint16_t)(raw[0] << 8 | raw[1]) : get_le16(raw);
}

static int is_packed(const struct queue *q)
{
    return (q->regs.vq_flags & TN_VQ_PACKED) != 0;
}

static int query_queue(struct qmp_call *c, struct tn_err *e)
{
    struct queue q = {0};
    int r = find_queue(c, &q, e);
    AUTO_FREE char *name = q.name;
    if (r == 0)
        r = find_place(q.d, &q.at, e);
    if (r < 0)
        return r;
    uint16_t shadow = q.q.enabled && !is_packed(&q) ? ring16(&q, q.q.driver + 2) : q.at.avail;
    struct kv_node *out = c->ret = kv_new(KV_DICT);
    ret_str(out, "name", name);
    ret_uint(out, "queue-index", q.index);
    ret_uint(out, "inuse", 0);
    ret_uint(out, "vring-num", q.q.size);
    ret_uint(out, "vring-num-default", q.q.max);
    ret_uint(out, "vring-align", 4096);
    ret_uint(out, "vring-desc", q.q.desc);
    ret_uint(out, "vring-avail", q.q.driver);
    ret_uint(out, "vring-used", q.q.device);
    ret_uint(out, "last-avail-idx", q.at.avail);
    ret_uint(out, "shadow-avail-idx", shadow);
    ret_uint(out, "used-idx", q.at.used);
    ret_uint(out, "signalled-used", q.at.used);
    ret_bool(out, "signalled-used-valid", q.q.enabled != 0);
    return 0;
}

/* What a back end knows of a queue that it serves is not asked for. */
static int query_vhost_queue(struct qmp_call *c, struct tn_err *e)
{
    struct queue q = {0};
    int r = find_queue(c, &q, e);
    AUTO_FREE char *name = q.name;
    if (r < 0)
        return r;
    return virtio_is_lent(q.d, q.index, 1)
               ? err_set(e, ENOTSUP, "Queue %u of %s is served by vhost, which is not asked",
                         q.index, name)
               : err_set(e, ENODEV, "Error: vhost device has not started yet");
}

/* ---- an element ---- */

enum { DESC_SIZE = 16, DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 }; /* 2.7.5 */

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

static struct desc read_desc(const struct queue *q, uint64_t table, uint32_t i)
{
    uint8_t raw[DESC_SIZE] = {0};
    memory_read(q->d->vm, table + (uint64_t)i * DESC_SIZE, raw, sizeof raw);
    return (struct desc){get_le64(raw), get_le32(raw + 8), get_le16(raw + 12), get_le16(raw + 14)};
}

static void add_desc(struct kv_node *list, const struct desc *d)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = {{DESC_NEXT, "next"}, {DESC_WRITE, "write"}, {DESC_INDIRECT, "indirect"}};
    struct kv_node *out = ret_dict(list, NULL), *flags = ret_list(out, "flags");
    ret_uint(out, "addr", d->addr);
    ret_uint(out, "len", d->len);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (d->flags & names[i].flag)
            kv_add(flags, NULL, kv_scalar(KV_STRING, names[i].name));
}

/* No longer than the table: a guest may have made a loop. */
static void add_chain(const struct queue *q, uint32_t head, struct kv_node *list)
{
    uint64_t table = q->q.desc;
    uint32_t i = head, max = q->q.size;
    struct desc d = read_desc(q, table, i);
    if (d.flags & DESC_INDIRECT) {
        table = d.addr;
        max = d.len / DESC_SIZE < q->q.size ? d.len / DESC_SIZE : q->q.size;
        i = 0;
    }
    for (uint32_t n = 0; n < max && i < max; n++) {
        d = read_desc(q, table, i);
        add_desc(list, &d);
        if (!(d.flags & DESC_NEXT))
            break;
        i = d.next;
    }
}

static void answer_element(const struct queue *q, const char *name, uint32_t at,
                           struct kv_node *out)
{
    uint32_t head = ring16(q, q->q.driver + 4 + 2ull * (at % q->q.size)) % q->q.size;
    ret_str(out, "name", name);
    ret_uint(out, "index", head);
    add_chain(q, head, ret_list(out, "descs"));
    struct kv_node *avail = ret_dict(out, "avail"), *used = ret_dict(out, "used");
    ret_uint(avail, "flags", ring16(q, q->q.driver));
    ret_uint(avail, "idx", ring16(q, q->q.driver + 2));
    ret_uint(avail, "ring", head);
    ret_uint(used, "flags", ring16(q, q->q.device));
    ret_uint(used, "idx", ring16(q, q->q.device + 2));
}

static int query_element(struct qmp_call *c, struct tn_err *e)
{
    struct queue q = {0};
    int r = find_queue(c, &q, e);
    AUTO_FREE char *name = q.name;
    if (r == 0 && is_packed(&q))
        return err_set(e, ENOTSUP, "Packed ring not supported");
    if (r == 0 && (!q.q.enabled || !q.q.size))
        return err_set(e, EINVAL, "Region caches not initialized");
    if (r == 0 && !arg_has(c, "index"))
        r = find_place(q.d, &q.at, e);
    if (r != 0)
        return r;
    c->ret = kv_new(KV_DICT);
    answer_element(&q, name, (uint32_t)arg_uint(c, "index", q.at.avail), c->ret);
    return 0;
}

/* ---- HMP ---- */

static int run_of_queue(struct hmp_args *a, const char *command, int indexed, char **path,
                        struct kv_node **r)
{
    KV_AUTO *args = kv_new(KV_DICT);
    uint32_t queue, index;
    if (hmp_word(a, "string", path) < 0 || hmp_u32(a, "queue", &queue) < 0)
        return -EINVAL;
    kv_set(args, "path", *path);
    ret_uint(args, "queue", queue);
    if (indexed && hmp_more(a)) {
        if (hmp_u32(a, "index", &index) < 0)
            return -EINVAL;
        ret_uint(args, "index", index);
    }
    return hmp_end(a) < 0 ? -EINVAL : monitor_run(a->c, command, args, r, a->e);
}

static unsigned long long number(const struct kv_node *r, const char *key)
{
    return strtoull(kv_text(r, key), NULL, 10);
}

static int hmp_queue(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *path = NULL;
    KV_AUTO *r = NULL;
    int err = run_of_queue(&a, "x-query-virtio-queue-status", 0, &path, &r);
    if (err < 0)
        return err;
    buf_printf(out, "%s:\n  device_name:          %s\n", path, kv_text(r, "name"));
    buf_printf(out, "  queue_index:          %s\n", kv_text(r, "queue-index"));
    buf_printf(out, "  inuse:                %s\n", kv_text(r, "inuse"));
    buf_printf(out, "  used_idx:             %s\n", kv_text(r, "used-idx"));
    buf_printf(out, "  signalled_used:       %s\n", kv_text(r, "signalled-used"));
    buf_printf(out, "  signalled_used_valid: %s\n",
               strcmp(kv_text(r, "signalled-used-valid"), "on") == 0 ? "true" : "false");
    buf_printf(out, "  last_avail_idx:       %s\n", kv_text(r, "last-avail-idx"));
    buf_printf(out, "  shadow_avail_idx:     %s\n", kv_text(r, "shadow-avail-idx"));
    buf_printf(out, "  VRing:\n    num:          %s\n", kv_text(r, "vring-num"));
    buf_printf(out, "    num_default:  %s\n", kv_text(r, "vring-num-default"));
    buf_printf(out, "    align:        %s\n", kv_text(r, "vring-align"));
    buf_printf(out, "    desc:         0x%016llx\n", number(r, "vring-desc"));
    buf_printf(out, "    avail:        0x%016llx\n", number(r, "vring-avail"));
    buf_printf(out, "    used:         0x%016llx\n", number(r, "vring-used"));
    return 0;
}

static int hmp_vhost_queue(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *path = NULL;
    KV_AUTO *r = NULL;
    (void)out;
    return run_of_queue(&a, "x-query-virtio-vhost-queue-status", 0, &path, &r);
}

static void print_desc(struct buf *out, const struct kv_node *d)
{
    const struct kv_node *flags = kv_get(d, "flags");
    buf_printf(out, "        addr 0x%llx len %s", number(d, "addr"), kv_text(d, "len"));
    for (size_t i = 0; i < flags->n_child; i++)
        buf_printf(out, "%s%s%s", i ? ", " : " (", flags->child[i]->text,
                   i + 1 == flags->n_child ? ")" : "");
}

static int hmp_element(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *path = NULL;
    KV_AUTO *r = NULL;
    int err = run_of_queue(&a, "x-query-virtio-queue-element", 1, &path, &r);
    if (err < 0)
        return err;
    const struct kv_node *descs = kv_get(r, "descs"), *avail = kv_get(r, "avail"),
                         *used = kv_get(r, "used");
    buf_printf(out, "%s:\n  device_name: %s\n", path, kv_text(r, "name"));
    buf_printf(out, "  index:   %s\n  desc:\n    descs:\n", kv_text(r, "index"));
    for (size_t i = 0; i < descs->n_child; i++) {
        print_desc(out, descs->child[i]);
        buf_str(out, i + 1 < descs->n_child ? ",\n" : "\n");
    }
    buf_printf(out, "  avail:\n    flags: %s\n", kv_text(avail, "flags"));
    buf_printf(out, "    idx:   %s\n    ring:  %s\n", kv_text(avail, "idx"),
               kv_text(avail, "ring"));
    buf_printf(out, "  used:\n    flags: %s\n", kv_text(used, "flags"));
    buf_printf(out, "    idx:   %s\n", kv_text(used, "idx"));
    return 0;
}

/* ---- tables ---- */

static const struct qmp_member queue_arg[] = {{"path", "str", 0}, {"queue", "uint16", 0}, {0}};
static const struct qmp_member element_arg[] = {
    {"path", "str", 0}, {"queue", "uint16", 0}, {"index", "uint16", 1}, {0}};
static const struct qmp_member queue_status[] = {{"name", "str", 0},
                                                 {"queue-index", "uint16", 0},
                                                 {"inuse", "uint32", 0},
                                                 {"vring-num", "uint32", 0},
                                                 {"vring-num-default", "uint32", 0},
                                                 {"vring-align", "uint32", 0},
                                                 {"vring-desc", "uint64", 0},
                                                 {"vring-avail", "uint64", 0},
                                                 {"vring-used", "uint64", 0},
                                                 {"last-avail-idx", "uint16", 1},
                                                 {"shadow-avail-idx", "uint16", 1},
                                                 {"used-idx", "uint16", 0},
                                                 {"signalled-used", "uint16", 0},
                                                 {"signalled-used-valid", "bool", 0},
                                                 {0}};
static const struct qmp_member vhost_queue[] = {
    {"name", "str", 0},          {"kick", "int", 0},
    {"call", "int", 0},          {"desc", "uint64", 0},
    {"avail", "uint64", 0},      {"used", "uint64", 0},
    {"num", "int", 0},           {"desc-phys", "uint64", 0},
    {"desc-size", "uint32", 0},  {"avail-phys", "uint64", 0},
    {"avail-size", "uint32", 0}, {"used-phys", "uint64", 0},
    {"used-size", "uint32", 0},  {0}};
static const struct qmp_member desc[] = {
    {"addr", "uint64", 0}, {"len", "uint32", 0}, {"flags", "[str]", 0}, {0}};
static const struct qmp_member avail[] = {
    {"flags", "uint16", 0}, {"idx", "uint16", 0}, {"ring", "uint16", 0}, {0}};
static const struct qmp_member used[] = {{"flags", "uint16", 0}, {"idx", "uint16", 0}, {0}};
static const struct qmp_member element[] = {{"name", "str", 0},
                                            {"index", "uint32", 0},
                                            {"descs", "[VirtioRingDesc]", 0},
                                            {"avail", "VirtioRingAvail", 0},
                                            {"used", "VirtioRingUsed", 0},
                                            {0}};
static const struct qmp_type types[] = {
    {.name = "x-query-virtio-queue-status-arg", .members = queue_arg},
    {.name = "x-query-virtio-vhost-queue-status-arg", .members = queue_arg},
    {.name = "x-query-virtio-queue-element-arg", .members = element_arg},
    {.name = "VirtQueueStatus", .members = queue_status},
    {.name = "VirtVhostQueueStatus", .members = vhost_queue},
    {.name = "VirtioRingDesc", .members = desc},
    {.name = "VirtioRingAvail", .members = avail},
    {.name = "VirtioRingUsed", .members = used},
    {.name = "VirtioQueueElement", .members = element},
    {0}};
#define QUERY(n, returns, fn)                                                              \
    {                                                                                      \
        .name = "x-query-virtio-" n, .args = "x-query-virtio-" n "-arg", .ret = (returns), \
        .run = (fn), .features = "unstable"                                                \
    }
static const struct qmp_command commands[] = {
    QUERY("queue-status", "VirtQueueStatus", query_queue),
    QUERY("vhost-queue-status", "VirtVhostQueueStatus", query_vhost_queue),
    QUERY("queue-element", "VirtioQueueElement", query_element),
    {0}};
static const struct hmp_command hmp[] = {
    {"virtio-queue-element", "path queue [index]", "Display element of a given virtio queue", 1,
     hmp_element, NULL},
    {"virtio-queue-status", "path queue", "Display status of a given virtio queue", 1, hmp_queue,
     NULL},
    {"virtio-vhost-queue-status", "path queue", "Display status of a given vhost queue", 1,
     hmp_vhost_queue, NULL},
    {0}};

const struct qmp_module qmp_virtio_queue = {.types = types, .commands = commands, .hmp = hmp};
