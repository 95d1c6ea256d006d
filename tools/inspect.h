/* SPDX-License-Identifier: BSD-2-Clause */
/* What tenon-inspect finds in a plugin's file: one tree, printed as text or as JSON. */
#ifndef TN_TOOLS_INSPECT_H
#define TN_TOOLS_INSPECT_H
#include "cli/kvtree.h"
#include "core/err.h"
#include <tenon/plugin.h>

enum {
    INSPECT_INTERFACE =
        1,            /* only what users and other plugins rely on: no sizes, no version, no file */
    INSPECT_TRUST = 2 /* open the file although that runs code of it */
};

/* Opens the plugin at path and describes it. A file that this host would refuse is described as far
 * as it can be believed, with the reason under "refused". NULL with e: it is no plugin, or opening
 * it would run code. The caller frees the tree; the file stays open. */
struct kv_node *inspect_plugin(const char *path, uint32_t flags, struct tn_err *e);
/* The tree of inspect_plugin() for people. */
void inspect_text(const struct kv_node *plugin, struct buf *out);

/* ---- between the parts ---- */

/* A class with its properties and its state, as a new dict. */
struct kv_node *inspect_class(const struct tn_class *c, uint32_t flags);
struct kv_node *inspect_props(const struct tn_prop *p, uint32_t n, uint32_t stride);
/* What can be read of the file at path without opening it as a library, added to the dict: sizes,
 * libraries. 1: loading it runs code, 0: it does not; -errno with e: it is no ELF file of this
 * machine. */
int inspect_file(struct kv_node *to, const char *path, uint32_t flags, struct tn_err *e);

/* A stranger's text must not drive the terminal, nor make lines of its own. */
void inspect_printable(char *text);
/* kv_add() of text made printable (nothing if NULL), of a number, of a list of names (nothing if
 * empty). */
void inspect_put(struct kv_node *to, const char *key, const char *text);
void inspect_put_number(struct kv_node *to, const char *key, uint64_t v);
void inspect_put_names(struct kv_node *to, const char *key, const char *const *names);

#endif
