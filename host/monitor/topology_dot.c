/* SPDX-License-Identifier: BSD-2-Clause */
/* The picture: a node for each instance and bus, edges for what holds what, a table for each
 * address space. */
#include "topology.h"

#include "util/alloc.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static const char *text_of(const struct kv_node *n, const char *key)
{
    const char *t = kv_text(n, key);
    return t ? t : "";
}

/* Between the quotes of an identifier. */
static void quoted(struct buf *out, const char *prefix, const char *s)
{
    buf_printf(out, "\"%s", prefix);
    for (; *s; s++)
        buf_printf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    buf_str(out, "\"");
}

/* Within an HTML-like label; ids and names are the user's. */
static void html(struct buf *out, const char *s)
{
    for (; *s; s++)
        if (strchr("<>&\"'", *s) || (unsigned char)*s < ' ')
            buf_printf(out, "&#%d;", (unsigned char)*s);
        else
            buf_add8(out, (uint8_t)*s);
}

static const char *leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void edge(struct buf *out, const char *from_kind, const char *from, const char *to_kind,
                 const char *to, const char *style)
{
    buf_str(out, "  ");
    quoted(out, from_kind, from);
    buf_str(out, " -> ");
    quoted(out, to_kind, to);
    buf_printf(out, " [%s", style);
}

/* ---- instances ---- */

static const char *colour_of(const char *kind)
{
    return strcmp(kind, "device") == 0   ? "#dcebd5"
           : strcmp(kind, "object") == 0 ? "#eeeeee"
                                         : "#fbe8d0";
}

static void row(struct buf *out, const char *text)
{
    if (!*text)
        return;
    buf_str(out, "<tr><td>");
    html(out, text);
    buf_str(out, "</td></tr>");
}

static void draw_device(struct buf *out, const struct kv_node *d)
{
    buf_str(out, "  ");
    quoted(out, "", text_of(d, "path"));
    buf_printf(out,
               " [label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" "
               "bgcolor=\"%s\"><tr><td><b>",
               colour_of(text_of(d, "kind")));
    html(out, text_of(d, "type"));
    buf_str(out, "</b></td></tr>");
    row(out, kv_text(d, "id") ? kv_text(d, "id") : leaf(text_of(d, "path")));
    row(out, text_of(d, "address"));
    buf_str(out, "</table>>, tooltip=");
    quoted(out, "", text_of(d, "path"));
    buf_str(out, "];\n");
}

static void draw_uses(struct buf *out, const struct kv_node *d)
{
    const struct kv_node *links = kv_get(d, "links");
    const char *path = text_of(d, "path");
    if (kv_text(d, "bus")) {
        edge(out, "bus ", kv_text(d, "bus"), "", path, "");
        buf_str(out, "];\n");
    }
    if (kv_text(d, "parent")) {
        edge(out, "", kv_text(d, "parent"), "", path, "style=dashed");
        buf_str(out, "];\n");
    }
    for (size_t i = 0; links && i < links->n_child; i++) {
        edge(out, "", path, "", text_of(links->child[i], "target"), "style=dotted, label=");
        quoted(out, "", text_of(links->child[i], "property"));
        buf_str(out, "];\n");
    }
}

/* ---- buses and lines ---- */

static void draw_bus(struct buf *out, const struct kv_node *b)
{
    const char *name = text_of(b, "name");
    buf_str(out, "  ");
    quoted(out, "bus ", name);
    buf_str(out, " [shape=box, style=\"filled,rounded\", fillcolor=\"#d5e4f3\", label=<<b>");
    html(out, name);
    buf_str(out, "</b><br/>");
    html(out, text_of(b, "type"));
    buf_str(out, ">];\n");
    edge(out, "", kv_text(b, "owner") ? kv_text(b, "owner") : "machine", "bus ", name, "");
    buf_str(out, "];\n");
}

static void draw_line(struct buf *out, const struct kv_node *l)
{
    if (!kv_text(l, "controller"))
        return;
    edge(out, "", kv_text(l, "user") ? kv_text(l, "user") : "machine", "", text_of(l, "controller"),
         "color=\"#b04040\", fontcolor=\"#b04040\", constraint=false");
    buf_printf(out, ", label=\"GSI %s\", style=%s];\n", text_of(l, "gsi"),
               strcmp(text_of(l, "trigger"), "level") == 0 ? "solid" : "dashed");
}

/* ---- address maps ---- */

static void draw_range(struct buf *out, const struct kv_node *r)
{
    const char *type = text_of(r, "type"), *owner = kv_text(r, "owner");
    buf_printf(out,
               "<tr><td align=\"left\">%016" PRIx64 "-%016" PRIx64 "</td><td bgcolor=\"%s\">%s",
               (uint64_t)strtoull(text_of(r, "first"), NULL, 10),
               (uint64_t)strtoull(text_of(r, "last"), NULL, 10),
               strcmp(type, "io") == 0 ? "#ffffff" : "#e8def0", type);
    buf_str(out, "</td><td align=\"left\">");
    html(out, text_of(r, "name"));
    buf_str(out, "</td><td align=\"left\">");
    html(out, owner ? leaf(owner) : "");
    buf_str(out, "</td></tr>");
}

static void draw_space(struct buf *out, const struct kv_node *s)
{
    const struct kv_node *ranges = kv_get(s, "ranges");
    buf_str(out, "  ");
    quoted(out, "space ", text_of(s, "name"));
    buf_str(out, " [label=<<table border=\"1\" cellborder=\"0\" cellspacing=\"0\"><tr><td "
                 "colspan=\"4\"><b>address space ");
    html(out, text_of(s, "name"));
    buf_str(out, "</b></td></tr>");
    for (size_t i = 0; ranges && i < ranges->n_child; i++)
        draw_range(out, ranges->child[i]);
    buf_str(out, "</table>>, fontname=\"monospace\"];\n");
}

static void draw_each(struct buf *out, const struct kv_node *t, const char *key,
                      void (*draw)(struct buf *out, const struct kv_node *n))
{
    const struct kv_node *list = kv_get(t, key);
    for (size_t i = 0; list && i < list->n_child; i++)
        draw(out, list->child[i]);
}

void topology_dot(const struct kv_node *t, struct buf *out)
{
    buf_str(out, "digraph machine {\n"
                 "  graph [rankdir=LR, fontname=\"sans-serif\", nodesep=0.15];\n"
                 "  node [shape=plain, fontname=\"sans-serif\", fontsize=10];\n"
                 "  edge [fontname=\"sans-serif\", fontsize=8, arrowsize=0.6];\n"
                 "  \"machine\" [shape=box, style=bold, label=<<b>");
    html(out, text_of(t, "machine"));
    buf_str(out, "</b><br/>");
    html(out, text_of(t, "accelerator"));
    buf_str(out, ">];\n");
    draw_each(out, t, "buses", draw_bus);
    draw_each(out, t, "devices", draw_device);
    draw_each(out, t, "devices", draw_uses);
    draw_each(out, t, "lines", draw_line);
    draw_each(out, t, "address-spaces", draw_space);
    buf_str(out, "}\n");
}
