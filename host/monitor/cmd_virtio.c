/* SPDX-License-Identifier: BSD-2-Clause */
/* x-query-virtio, info virtio: which virtio devices there are. */
#include "core/bus.h"
#include "core/device.h"
#include "hmp.h"

#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <string.h>

/* The name of a virtio device, "virtio-blk"; NULL: d is none. The caller frees. */
static char *virtio_name(const struct device *d)
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

static const struct qmp_member one[] = {{"path", "str", 0}, {"name", "str", 0}, {0}};
static const struct qmp_type types[] = {{.name = "VirtioInfo", .members = one}, {0}};
static const struct qmp_command commands[] = {
    {.name = "x-query-virtio", .ret = "[VirtioInfo]", .run = query, .features = "unstable"}, {0}};
static const struct hmp_command hmp[] = {
    {"virtio", "", "List all available virtio devices", 1, info, NULL}, {0}};

const struct qmp_module qmp_virtio = {.types = types, .commands = commands, .hmp = hmp};
