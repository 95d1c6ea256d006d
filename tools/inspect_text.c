/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of a plugin for people: a line for each thing that a reviewer would look at. */
#include "inspect.h"
#include <string.h>

static const struct kv_node *list_of(const struct kv_node *n, const char *key)
{
    static const struct kv_node empty = {.kind = KV_LIST};
    const struct kv_node *list = kv_get(n, key);
    return list && list->kind == KV_LIST ? list : &empty;
}

static const char *text_of(const struct kv_node *n, const char *key)
{
    const char *text = kv_text(n, key);
    return text ? text : "";
}

/* LABEL and the scalars of a list, on one line; nothing for an empty one. */
static void line_of_list(struct buf *out, const char *label, const struct kv_node *list)
{
    if (!list->n_child)
        return;
    buf_str(out, label);
    for (size_t i = 0; i < list->n_child; i++)
        buf_printf(out, " %s", list->child[i]->text);
    buf_str(out, "\n");
}

static void words(struct buf *out, const struct kv_node *list, const char *between)
{
    for (size_t i = 0; i < list->n_child; i++)
        buf_printf(out, "%s%s", i ? between : "", list->child[i]->text);
}

/* " KEY VALUE" for each scalar of a dict, but its first `skip`; then its flags. */
static void pairs(struct buf *out, const struct kv_node *dict, size_t skip)
{
    for (size_t i = skip; i < dict->n_child; i++)
        if (kv_is_scalar(dict->child[i]))
            buf_printf(out, " %s %s", dict->child[i]->key, dict->child[i]->text);
    const struct kv_node *flags = list_of(dict, "flags");
    if (flags->n_child)
        buf_str(out, " ");
    words(out, flags, " ");
}

/* ---- properties ---- */

static void limits(struct buf *out, const struct kv_node *p)
{
    const struct kv_node *values = list_of(p, "values"), *accepts = list_of(p, "accepts");
    if (kv_get(p, "max"))
        buf_printf(out, " %s..%s", text_of(p, "min"), text_of(p, "max"));
    if (values->n_child) {
        buf_str(out, " ");
        words(out, values, "|");
    }
    if (accepts->n_child) {
        buf_str(out, " of ");
        words(out, accepts, "|");
    }
}

static void properties(struct buf *out, const struct kv_node *list, int indent)
{
    for (size_t i = 0; i < list->n_child; i++) {
        const struct kv_node *p = list->child[i];
        buf_printf(out, "%*s%s: %s", indent, "", kv_get(p, "name") ? text_of(p, "name") : "each",
                   text_of(p, "type"));
        if (kv_get(p, "form"))
            buf_printf(out, " (%s)", text_of(p, "form"));
        limits(out, p);
        if (kv_get(p, "default"))
            buf_printf(out, " = %s", text_of(p, "default"));
        if (kv_get(p, "since"))
            buf_printf(out, " [since %s]", text_of(p, "since"));
        if (list_of(p, "flags")->n_child)
            buf_str(out, ", ");
        words(out, list_of(p, "flags"), ", ");
        buf_printf(out, "%s%s\n", kv_get(p, "help") ? " - " : "", text_of(p, "help"));
        properties(out, list_of(p, "element"), indent + 2);
    }
}

/* ---- state ---- */

static void state(struct buf *out, const struct kv_node *st, const char *label, int indent);

static void fields(struct buf *out, const struct kv_node *list, int indent)
{
    for (size_t i = 0; i < list->n_child; i++) {
        const struct kv_node *f = list->child[i];
        buf_printf(out, "%*s%s: %s", indent, "", text_of(f, "name"), text_of(f, "type"));
        if (kv_get(f, "count"))
            buf_printf(out, "[%s]", text_of(f, "count"));
        if (kv_get(f, "at-most"))
            buf_printf(out, "[up to %s]", text_of(f, "at-most"));
        if (kv_get(f, "since"))
            buf_printf(out, ", since version %s", text_of(f, "since"));
        buf_str(out, "\n");
        if (kv_get(f, "of"))
            state(out, kv_get(f, "of"), "of", indent + 2);
    }
}

static void state(struct buf *out, const struct kv_node *st, const char *label, int indent)
{
    buf_printf(out, "%*s%s %s version %s, loads %s and newer%s\n", indent, "", label,
               text_of(st, "name"), text_of(st, "version"), text_of(st, "loads-from"),
               kv_get(st, "more") ? ", and what no table can say" : "");
    fields(out, list_of(st, "fields"), indent + 2);
    const struct kv_node *parts = list_of(st, "subsections");
    for (size_t i = 0; i < parts->n_child; i++)
        state(out, parts->child[i], "if needed:", indent + 2);
}

/* ---- classes ---- */

static void identity_on_bus(struct buf *out, const struct kv_node *c, const char *key)
{
    const struct kv_node *id = kv_get(c, key);
    if (!id)
        return;
    buf_printf(out, "  %s", key);
    pairs(out, id, 0);
    buf_str(out, "\n");
}

static void traces(struct buf *out, const struct kv_node *list)
{
    for (size_t i = 0; i < list->n_child; i++)
        buf_printf(out, "  trace %s \"%s\"\n", text_of(list->child[i], "name"),
                   text_of(list->child[i], "format"));
}

static void place(struct buf *out, const struct kv_node *c)
{
    if (kv_get(c, "bus"))
        buf_printf(out, "  bus %s\n", text_of(c, "bus"));
    identity_on_bus(out, c, "pci");
    identity_on_bus(out, c, "virtio");
    if (kv_get(c, "category"))
        buf_printf(out, "  category %s\n", text_of(c, "category"));
}

static void class(struct buf *out, const struct kv_node *c)
{
    buf_printf(out, "\n%s %s: %s\n", text_of(c, "kind"), text_of(c, "name"), text_of(c, "summary"));
    line_of_list(out, "  aliases", list_of(c, "aliases"));
    place(out, c);
    line_of_list(out, "  flags", list_of(c, "flags"));
    line_of_list(out, "  provides", list_of(c, "provides"));
    line_of_list(out, "  forwards to", list_of(c, "forwards-to"));
    if (kv_get(c, "instance-size"))
        buf_printf(out, "  instance of %s bytes\n", text_of(c, "instance-size"));
    if (list_of(c, "properties")->n_child)
        buf_str(out, "  properties\n");
    properties(out, list_of(c, "properties"), 4);
    if (kv_get(c, "state"))
        state(out, kv_get(c, "state"), "state", 2);
    traces(out, list_of(c, "traces"));
}

/* ---- the plugin ---- */

static void bus(struct buf *out, const struct kv_node *b)
{
    buf_printf(out, "\nbus type %s", text_of(b, "name"));
    pairs(out, b, 1);
    buf_str(out, "\n");
    line_of_list(out, "  is a", list_of(b, "is-a"));
    if (list_of(b, "properties")->n_child)
        buf_str(out, "  properties of each child\n");
    properties(out, list_of(b, "properties"), 4);
}

static void composition(struct buf *out, const struct kv_node *m)
{
    buf_printf(out, "\nmakes NAME%s of each NAME on %s, by %s with %s in it\n",
               text_of(m, "suffix"), text_of(m, "inner-bus"), text_of(m, "transport"),
               text_of(m, "child"));
    line_of_list(out, "  preset", list_of(m, "preset"));
}

static void profile(struct buf *out, const struct kv_node *s)
{
    const struct kv_node *calls = list_of(s, "calls");
    buf_printf(out, "sandbox %s%s", text_of(s, "profile"), calls->n_child ? ": " : "");
    words(out, calls, " ");
    buf_printf(out, "%s\n", kv_get(s, "unknown") ? ", unknown to this host" : "");
}

static void each(struct buf *out, const struct kv_node *list,
                 void (*print)(struct buf *, const struct kv_node *))
{
    for (size_t i = 0; i < list->n_child; i++)
        print(out, list->child[i]);
}

static void identity(struct buf *out, const struct kv_node *p)
{
    buf_printf(out, "plugin  %s%s%s, %s: %s\n", text_of(p, "id"), kv_get(p, "version") ? " " : "",
               text_of(p, "version"), text_of(p, "license"), text_of(p, "summary"));
    buf_printf(out, "abi     %s, for hosts of %s or newer\n", text_of(p, "abi"),
               text_of(p, "oldest-host"));
}

void inspect_text(const struct kv_node *p, struct buf *out)
{
    if (kv_get(p, "id"))
        identity(out, p);
    if (kv_get(p, "file-size"))
        buf_printf(out, "size    %s bytes; in memory %s, and %s that are written while loading\n",
                   text_of(p, "file-size"), text_of(p, "read-only-size"),
                   text_of(p, "writable-size"));
    line_of_list(out, "uses   ", list_of(p, "libraries"));
    line_of_list(out, "needs  ", list_of(p, "needs"));
    line_of_list(out, "wants  ", list_of(p, "wants"));
    each(out, list_of(p, "sandbox"), profile);
    each(out, list_of(p, "classes"), class);
    each(out, list_of(p, "buses"), bus);
    each(out, list_of(p, "compositions"), composition);
    if (kv_get(p, "refused"))
        buf_printf(out, "refused %s\n", text_of(p, "refused"));
}
