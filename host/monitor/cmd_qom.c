/* SPDX-License-Identifier: BSD-2-Clause */
/* qom-list, qom-get, qom-set, info qom-tree: objects by path. */
#include "cli/json.h"
#include "core/device.h"
#include "core/prop.h"
#include "hmp.h"
#include "qom.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- qom-list ---- */

static int list_one(void *o, const struct qom_prop *p)
{
    struct kv_node *d = ret_dict(o, NULL);
    ret_str(d, "name", p->name);
    ret_str(d, "type", p->type);
    return 0;
}

static int qom_list(struct qmp_call *c, struct tn_err *e)
{
    QOM_TREE_AUTO t;
    qom_tree_init(&t, c->vm);
    const struct qom_node *n = qom_find(&t, arg_str(c, "path"), e);
    if (!n)
        return -ENODEV;
    c->ret = kv_new(KV_LIST);
    return qom_each_prop(&t, n, list_one, c->ret);
}

/* ---- qom-get ---- */

struct get {
    const char *name;
    struct kv_node *value;
};

static int get_one(void *o, const struct qom_prop *p)
{
    struct get *g = o;
    if (strcmp(p->name, g->name) != 0)
        return 0;
    g->value = p->row ? qom_value(p->owner, p->row, p->base) : kv_clone(p->value);
    return 1;
}

static int no_property(const struct qom_node *n, const char *name, struct tn_err *e)
{
    return err_set(e, ENOENT, "Property '%s.%s' not found", n->type, name);
}

static int qom_get(struct qmp_call *c, struct tn_err *e)
{
    QOM_TREE_AUTO t;
    struct get g = {arg_str(c, "property"), NULL};
    qom_tree_init(&t, c->vm);
    const struct qom_node *n = qom_find(&t, arg_str(c, "path"), e);
    if (!n)
        return -ENODEV;
    if (!qom_each_prop(&t, n, get_one, &g))
        return no_property(n, g.name, e);
    c->ret = g.value;
    return 0;
}

/* ---- qom-set ---- */

static int find_row(void *o, const struct qom_prop *p)
{
    const char *name = o;
    return strcmp(p->name, name) != 0 ? 0 : p->row ? 2 : 1;
}

/* An instance lives and dies by its own commands. */
static int set_realized(const struct qom_node *n, const struct kv_node *value, struct tn_err *e)
{
    if (value->kind != KV_BOOL)
        return err_set(e, EINVAL, "Invalid parameter type for 'realized', expected: boolean");
    return strcmp(value->text, "on") == 0
               ? 0
               : err_set(e, EPERM, "Property '%s.realized' is not writable: use device_del",
                         n->type);
}

static int set_property(const struct qom_tree *t, const struct qom_node *n, const char *name,
                        const struct kv_node *given, struct tn_err *e)
{
    int kind = qom_each_prop(t, n, find_row, (void *)(uintptr_t)name);
    if (!kind)
        return no_property(n, name, e);
    if (kind == 1 && n->dev && strcmp(name, "realized") == 0)
        return set_realized(n, given, e);
    if (kind == 1)
        return err_set(e, EPERM, "Property '%s.%s' is not writable", n->type, name);
    struct kv_node value = *given;
    value.key = (char *)(uintptr_t)name;
    return device_set_node(n->dev, &value, e);
}

static int qom_set(struct qmp_call *c, struct tn_err *e)
{
    QOM_TREE_AUTO t;
    qom_tree_init(&t, c->vm);
    const struct qom_node *n = qom_find(&t, arg_str(c, "path"), e);
    return n ? set_property(&t, n, arg_str(c, "property"), kv_get(c->args, "value"), e) : -ENODEV;
}

/* ---- for people ---- */

static int print_one(void *o, const struct qom_prop *p)
{
    buf_printf(o, "%s (%s)\n", p->name, p->type);
    return 0;
}

static int hmp_qom_list(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    QOM_TREE_AUTO t;
    qom_tree_init(&t, c->vm);
    if (!*line) {
        buf_str(out, "/\n");
        return 0;
    }
    const struct qom_node *n = qom_find(&t, line, e);
    return n ? qom_each_prop(&t, n, print_one, out) : -ENODEV;
}

/* Takes the next word off *line; NULL: there is none. The caller frees it. */
static char *next_word(const char **line)
{
    const char *at = *line + strspn(*line, " \t");
    size_t n = strcspn(at, " \t");
    *line = at + n + strspn(at + n, " \t");
    return n ? xstrndup(at, n) : NULL;
}

static int hmp_qom_get(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    AUTO_FREE char *path = next_word(&line), *name = next_word(&line);
    if (!name)
        return err_set(e, EINVAL, "qom-get takes a path and a property");
    KV_AUTO *args = kv_new(KV_DICT);
    KV_AUTO *ret = NULL;
    kv_set(args, "path", path);
    kv_set(args, "property", name);
    int r = monitor_run(c, "qom-get", args, &ret, e);
    if (r == 0 && ret) {
        json_print(out, ret, 0);
        buf_str(out, "\n");
    }
    return r;
}

/* The rest of the line as JSON, or as the text that it is. NULL with e. */
static struct kv_node *read_value(const char *line, uint32_t is_json, struct tn_err *e)
{
    AUTO_FREE char *why = NULL;
    struct kv_node *value = is_json ? json_parse(line, &why) : kv_scalar(KV_STRING, line);
    if (!value)
        err_set(e, EINVAL, "%s", why);
    return value;
}

static int hmp_qom_set(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint32_t is_json;
    (void)out;
    if (hmp_flags(&a, "j", &is_json) < 0)
        return -EINVAL;
    AUTO_FREE char *path = next_word(&a.at), *name = next_word(&a.at);
    QOM_TREE_AUTO t;
    qom_tree_init(&t, c->vm);
    if (!name || !*a.at)
        return err_set(e, EINVAL, "qom-set takes a path, a property and a value");
    const struct qom_node *n = qom_find(&t, path, e);
    KV_AUTO *value = n ? read_value(a.at, is_json, e) : NULL;
    return value ? set_property(&t, n, name, value, e) : -EINVAL;
}

/* Part by part: "/a/b" comes before "/a-b". */
static int by_path(const void *a, const void *b)
{
    const char *x = (*(const struct qom_node *const *)a)->path,
               *y = (*(const struct qom_node *const *)b)->path;
    while (*x && *x == *y)
        x++, y++;
    int p = *x == '/' ? 1 : (unsigned char)*x, q = *y == '/' ? 1 : (unsigned char)*y;
    return p - q;
}

static int depth(const char *path)
{
    int n = 0;
    for (; *path; path++)
        n += *path == '/' && path[1];
    return n;
}

static int is_within(const struct qom_node *n, const struct qom_node *top)
{
    size_t len = strcmp(top->path, "/") == 0 ? 0 : strlen(top->path);
    return n == top || (strncmp(n->path, top->path, len) == 0 && (n->path[len] == '/' || !len));
}

static int info_qom_tree(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    QOM_TREE_AUTO t;
    qom_tree_init(&t, c->vm);
    const struct qom_node *top = qom_find(&t, *line ? line : "/machine", e);
    if (!top)
        return -ENODEV;
    AUTO_FREE const struct qom_node **v = xcalloc(t.n, sizeof(struct qom_node *));
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        if (is_within(&t.v[i], top))
            v[n++] = &t.v[i];
    qsort(v, n, sizeof *v, by_path);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%*s/%s (%s)\n", 2 * (depth(v[i]->path) - depth(top->path)), "", v[i]->name,
                   v[i]->type);
    return 0;
}

/* What the word at the end of line could become: paths. */
static void complete_path(struct qmp_call *c, const char *line, struct buf *out)
{
    QOM_TREE_AUTO t;
    qom_tree_init(&t, c->vm);
    for (size_t i = 0; i < t.n; i++)
        if (strncmp(t.v[i].path, line, strlen(line)) == 0)
            buf_printf(out, "%s\n", t.v[i].path);
}

/* ---- tables ---- */

static const struct qmp_member property_info[] = {{"name", "str", 0},
                                                  {"type", "str", 0},
                                                  {"description", "str", 1},
                                                  {"default-value", "any", 1},
                                                  {NULL, NULL, 0}};
static const struct qmp_member path_arg[] = {{"path", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_member get_args[] = {
    {"path", "str", 0}, {"property", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_member set_args[] = {
    {"path", "str", 0}, {"property", "str", 0}, {"value", "any", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "ObjectPropertyInfo", .meta = QMP_OBJECT, .members = property_info},
    {.name = "qom-list-arg", .meta = QMP_OBJECT, .members = path_arg},
    {.name = "qom-get-arg", .meta = QMP_OBJECT, .members = get_args},
    {.name = "qom-set-arg", .meta = QMP_OBJECT, .members = set_args},
    {0},
};
static const struct qmp_command commands[] = {
    {"qom-list", "qom-list-arg", "[ObjectPropertyInfo]", QMP_PRECONFIG, qom_list},
    {"qom-get", "qom-get-arg", "any", QMP_PRECONFIG, qom_get},
    {"qom-set", "qom-set-arg", NULL, QMP_PRECONFIG, qom_set},
    {0},
};
static const struct hmp_command hmp[] = {
    {"qom-list", "path", "list QOM properties", 0, hmp_qom_list, complete_path},
    {"qom-get", "path property", "print QOM property", 0, hmp_qom_get, complete_path},
    {"qom-set", "[-j] path property value",
     "set QOM property (-j: the value is specified in json format)", 0, hmp_qom_set, complete_path},
    {"qom-tree", "[path]", "show QOM composition tree", 1, info_qom_tree, complete_path},
    {0},
};

const struct qmp_module qmp_qom = {.types = types, .commands = commands, .hmp = hmp};
