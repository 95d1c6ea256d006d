/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices: which there are, more of them, fewer, others. */
#include "backend/chardev.h"
#include "backend/fdset.h"
#include "chardev_opts.h"
#include "core/device.h"
#include "hmp.h"
#include "qtest_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what there is ---- */

static int query_chardev(struct qmp_call *c, struct tn_err *e)
{
    struct device *d;
    (void)e;
    c->ret = kv_new(KV_LIST);
    TAILQ_FOREACH(d, &c->vm->devices, all)
    {
        if (d->handle_type != TN_P_CHARDEV || d->stage != DEV_REALIZED)
            continue;
        struct kv_node *one = ret_dict(c->ret, NULL);
        AUTO_FREE char *filename = chardev_filename(d->handle);
        ret_str(one, "label", device_id(d));
        ret_str(one, "filename", filename);
        ret_bool(one, "frontend-open", chardev_frontend_open(d->handle));
    }
    return 0;
}

static int add_backend(void *list, const struct class_entry *cls)
{
    if (!(cls->flags & TN_C_INTERNAL))
        ret_str(ret_dict(list, NULL), "name", cls->name);
    return 0;
}

static int query_backends(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    registry_each(c->vm->registry, TN_K_CHARDEV, add_backend, c->ret);
    return 0;
}

/* ---- more, fewer, others ---- */

static void set_pty(struct qmp_call *c, const char *id)
{
    struct tn_chr *chr = chardev_find(c->vm, id);
    AUTO_FREE char *filename = chr ? chardev_filename(chr) : NULL;
    c->ret = kv_new(KV_DICT);
    if (filename && strncmp(filename, "pty:", 4) == 0)
        ret_str(c->ret, "pty", filename + 4);
}

/* A descriptor that was used has become the back end's. */
static void used(struct vm *vm, const char *fd)
{
    if (fd)
        fd_take(vm, fd);
}

static int is_there(struct qmp_call *c, const char *id, struct tn_err *e)
{
    return chardev_find(c->vm, id) ? err_set(e, EEXIST, "Chardev with id '%s' already exists", id)
                                   : 0;
}

static int chardev_add(struct qmp_call *c, struct tn_err *e)
{
    const char *id = arg_str(c, "id"), *fd = NULL;
    if (is_there(c, id, e) < 0)
        return -EEXIST;
    KV_AUTO *opts = chardev_opts(c->vm, id, kv_get(c->args, "backend"), &fd, e);
    int r = opts ? device_add(c->vm, TN_K_CHARDEV, opts, NULL, e) : -EINVAL;
    if (r < 0) {
        err_prefix(e, "Failed to add chardev '%s': ", id);
        return r;
    }
    used(c->vm, fd);
    set_pty(c, id);
    return 0;
}

static int change(struct qmp_call *c, struct tn_err *e)
{
    const char *id = arg_str(c, "id"), *fd = NULL;
    if (!chardev_find(c->vm, id))
        return err_set(e, ENOENT, "Chardev '%s' does not exist", id);
    KV_AUTO *opts = chardev_opts(c->vm, id, kv_get(c->args, "backend"), &fd, e);
    int r = opts ? chardev_change(c->vm, id, opts, e) : -EINVAL;
    if (r < 0)
        return r;
    used(c->vm, fd);
    set_pty(c, id);
    return 0;
}

static int remove_(struct qmp_call *c, struct tn_err *e)
{
    return chardev_remove(c->vm, arg_str(c, "id"), e);
}

static int send_break(struct qmp_call *c, struct tn_err *e)
{
    return chardev_send_break(c->vm, arg_str(c, "id"), e);
}

/* ---- ringbuf ---- */

static struct tn_chr *ringbuf(struct qmp_call *c, struct tn_err *e)
{
    const char *id = arg_str(c, "device");
    struct tn_chr *chr = chardev_find(c->vm, id);
    if (!chr)
        err_set(e, ENOENT, "Device '%s' not found", id);
    else if (chardev_ringbuf_read(chr, NULL, 0) < 0)
        err_set(e, EINVAL, "%s is not a ringbuf device", id);
    else
        return chr;
    return NULL;
}

static int is_base64(const struct qmp_call *c)
{
    const char *format = arg_str(c, "format");
    return format && strcmp(format, "base64") == 0;
}

static int write_base64(struct tn_chr *chr, const char *data, struct tn_err *e)
{
    size_t room = strlen(data);
    AUTO_FREE uint8_t *bytes = xcalloc(1, room + 1);
    int64_t n = qtest_unbase64(data, bytes, room);
    return n < 0 ? err_set(e, EINVAL, "Base64 data contains invalid characters")
                 : chardev_ringbuf_write(chr, bytes, (uint64_t)n);
}

static int ringbuf_write(struct qmp_call *c, struct tn_err *e)
{
    struct tn_chr *chr = ringbuf(c, e);
    const char *data = arg_str(c, "data");
    if (!chr)
        return -ENOENT;
    return is_base64(c) ? write_base64(chr, data, e)
                        : chardev_ringbuf_write(chr, data, strlen(data));
}

static int ringbuf_read(struct qmp_call *c, struct tn_err *e)
{
    struct tn_chr *chr = ringbuf(c, e);
    int64_t size = arg_int(c, "size", 0), n;
    uint8_t part[4096];
    BUF_AUTO bytes = {0}, text = {0};
    if (!chr)
        return -ENOENT;
    if (size <= 0)
        return err_set(e, EINVAL, "size must be greater than zero");
    for (; size; size -= n) {
        n = chardev_ringbuf_read(chr, part,
                                 (uint64_t)size < sizeof part ? (uint64_t)size : sizeof part);
        if (n <= 0)
            break;
        buf_add(&bytes, part, (size_t)n);
    }
    if (is_base64(c))
        qtest_base64(&text, bytes.data, bytes.len);
    c->ret = kv_scalar(KV_STRING, is_base64(c) ? buf_cstr(&text) : buf_cstr(&bytes));
    return 0;
}

/* ---- HMP ---- */

static int hmp_info(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct kv_node *list = NULL;
    (void)line;
    if (monitor_run(c, "query-chardev", NULL, &list, e) < 0)
        return -EINVAL;
    for (size_t i = 0; i < list->n_child; i++)
        buf_printf(out, "%s: filename=%s\n", kv_text(list->child[i], "label"),
                   kv_text(list->child[i], "filename"));
    kv_free(list);
    return 0;
}

static int hmp_add(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    KV_AUTO *opts = NULL;
    (void)out;
    if (hmp_options(&a, "backend", &opts) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    const char *id = kv_text(opts, "id"), *backend = kv_text(opts, "backend");
    if (!id)
        return err_set(e, EINVAL, "chardev: no id specified");
    if (backend && !registry_peek(c->vm->registry, TN_K_CHARDEV, backend))
        return err_set(e, ENOENT, "'%s' is not a valid char driver name", backend);
    if (is_there(c, id, e) < 0)
        return -EEXIST;
    return device_add(c->vm, TN_K_CHARDEV, opts, NULL, e);
}

static int hmp_change(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    KV_AUTO *opts = NULL;
    (void)out;
    if (hmp_word(&a, "string", &id) < 0 || hmp_options(&a, "backend", &opts) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    return chardev_change(c->vm, id, opts, e);
}

static int run_on(struct qmp_call *c, const char *command, const char *line, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    if (hmp_word(&a, "string", &id) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    kv_set(args, "id", id);
    return monitor_run(c, command, args, NULL, e);
}

static int hmp_remove(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return run_on(c, "chardev-remove", line, e);
}

static int hmp_send_break(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return run_on(c, "chardev-send-break", line, e);
}

static int hmp_ringbuf_write(struct qmp_call *c, const char *line, struct buf *out,
                             struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL, *data = NULL;
    (void)out;
    if (hmp_word(&a, "string", &id) < 0 || hmp_word(&a, "string", &data) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    kv_set(args, "device", id);
    kv_set(args, "data", data);
    return monitor_run(c, "ringbuf-write", args, NULL, e);
}

/* As text, with what a terminal would act on spelled out. */
static void print_bytes(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p == '\\')
            buf_str(out, "\\\\");
        else if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            buf_printf(out, "\\u%04X", (unsigned char)*p);
        else
            buf_add8(out, (uint8_t)*p);
}

static int hmp_ringbuf_read(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    uint64_t size;
    KV_AUTO *text = NULL, *args = kv_new(KV_DICT);
    if (hmp_word(&a, "string", &id) < 0 || hmp_number(&a, &size) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    kv_set(args, "device", id);
    ret_int(args, "size", size > INT32_MAX ? INT32_MAX : (int64_t)size);
    if (monitor_run(c, "ringbuf-read", args, &text, e) < 0)
        return -EINVAL;
    print_bytes(out, text->text);
    buf_str(out, "\n");
    return 0;
}

static void complete_id(struct qmp_call *c, const char *line, struct buf *out)
{
    struct device *d;
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (d->handle_type == TN_P_CHARDEV)
        hmp_offer(out, line, device_id(d));
}

/* ---- tables ---- */

static const struct qmp_member info[] = {
    {"label", "str", 0}, {"filename", "str", 0}, {"frontend-open", "bool", 0}, {0}};
static const struct qmp_member backend_info[] = {{"name", "str", 0}, {0}};
static const struct qmp_member id_arg[] = {{"id", "str", 0}, {0}};
static const struct qmp_member add_args[] = {
    {"id", "str", 0}, {"backend", "ChardevBackend", 0}, {0}};
static const struct qmp_member returned[] = {{"pty", "str", 1}, {0}};
static const struct qmp_member write_args[] = {
    {"device", "str", 0}, {"data", "str", 0}, {"format", "DataFormat", 1}, {0}};
static const struct qmp_member read_args[] = {
    {"device", "str", 0}, {"size", "int", 0}, {"format", "DataFormat", 1}, {0}};
static const char *const formats[] = {"utf8", "base64", NULL};

static const struct qmp_type types[] = {
    {.name = "ChardevInfo", .members = info},
    {.name = "ChardevBackendInfo", .members = backend_info},
    {.name = "q_obj_chardev-add-arg", .members = add_args},
    {.name = "q_obj_chardev-remove-arg", .members = id_arg},
    {.name = "ChardevReturn", .members = returned},
    {.name = "q_obj_ringbuf-write-arg", .members = write_args},
    {.name = "q_obj_ringbuf-read-arg", .members = read_args},
    {.name = "DataFormat", .meta = QMP_ENUM, .values = formats},
    {0},
};

static const struct qmp_command commands[] = {
    {.name = "query-chardev", .ret = "[ChardevInfo]", .flags = QMP_PRECONFIG, .run = query_chardev},
    {.name = "query-chardev-backends", .ret = "[ChardevBackendInfo]", .run = query_backends},
    {.name = "chardev-add",
     .args = "q_obj_chardev-add-arg",
     .ret = "ChardevReturn",
     .run = chardev_add},
    {.name = "chardev-change",
     .args = "q_obj_chardev-add-arg",
     .ret = "ChardevReturn",
     .run = change},
    {.name = "chardev-remove", .args = "q_obj_chardev-remove-arg", .run = remove_},
    {.name = "chardev-send-break", .args = "q_obj_chardev-remove-arg", .run = send_break},
    {.name = "ringbuf-write", .args = "q_obj_ringbuf-write-arg", .run = ringbuf_write},
    {.name = "ringbuf-read", .args = "q_obj_ringbuf-read-arg", .ret = "str", .run = ringbuf_read},
    {0},
};

static const struct hmp_command hmp[] = {
    {.names = "chardev",
     .params = "",
     .help = "show the character devices",
     .info = 1,
     .run = hmp_info},
    {.names = "chardev-add", .params = "args", .help = "add chardev", .run = hmp_add},
    {.names = "chardev-change",
     .params = "id args",
     .help = "change chardev",
     .run = hmp_change,
     .complete = complete_id},
    {.names = "chardev-remove",
     .params = "id",
     .help = "remove chardev",
     .run = hmp_remove,
     .complete = complete_id},
    {.names = "chardev-send-break",
     .params = "id",
     .help = "send a break on chardev",
     .run = hmp_send_break,
     .complete = complete_id},
    {.names = "ringbuf_write",
     .params = "device data",
     .help = "Write to a ring buffer character device",
     .run = hmp_ringbuf_write,
     .complete = complete_id},
    {.names = "ringbuf_read",
     .params = "device size",
     .help = "Read from a ring buffer character device",
     .run = hmp_ringbuf_read,
     .complete = complete_id},
    {0},
};

const struct qmp_module qmp_chardev = {.types = types, .commands = commands, .hmp = hmp};
