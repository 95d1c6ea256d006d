/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree that every form of an option is parsed into: `-device nvme,serial=a`, `-M
 * cxl-fmw.0.size=4G`,
 * `-device '{"driver":"nvme"}'` and a section of a -readconfig file.
 *
 * Nothing here is shared between threads; every function is [any] on a tree that one thread owns.
 */
#ifndef TN_CLI_KVTREE_H
#define TN_CLI_KVTREE_H
#include "util/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum kv_kind {
    KV_STRING, /* of key=value, or a JSON string */
    KV_NUMBER, /* a JSON number; text is as it was written, so that 2^64-1 keeps every digit */
    KV_BOOL,   /* a JSON true or false; text is "on" or "off" */
    KV_NULL,   /* a JSON null; text is "" */
    KV_DICT,
    KV_LIST,
};

/* The deepest nesting that a parser of this folder builds, and so the deepest recursion over a
 * tree. */
#define KV_MAX_DEPTH 64

struct kv_node {
    enum kv_kind kind;
    bool flag;  /* written without "=": the text is "on", or "off" for "nokey" */
    char *key;  /* the name within a dict; NULL within a list and at the root */
    char *text; /* scalars only, never NULL there */
    struct kv_node **child;
    size_t n_child;
};

/* A new empty dict (or list). The caller owns it. */
struct kv_node *kv_new(enum kv_kind kind);
/* A new scalar with a copy of text. The caller owns it. */
struct kv_node *kv_scalar(enum kv_kind kind, const char *text);
struct kv_node *kv_clone(const struct kv_node *n);
/* Frees the tree; NULL is fine. */
void kv_free(struct kv_node *n);
void kv_cleanup(struct kv_node **n);
#define KV_AUTO __attribute__((cleanup(kv_cleanup))) struct kv_node

/* Appends n, which the parent owns from here on, under a copy of key (NULL in a list). A key that
 * is there already stays: options such as `hostfwd=` and `cpus=` are repeated on purpose. Returns
 * n. */
struct kv_node *kv_add(struct kv_node *parent, const char *key, struct kv_node *n);
/* Makes text the only value of key, in place of the first one or at the end. */
void kv_set(struct kv_node *dict, const char *key, const char *text);
/* Removes every value of key. */
void kv_remove(struct kv_node *dict, const char *key);

/* The last value of key, since the last one wins; NULL if there is none or dict is NULL or no dict.
 */
struct kv_node *kv_get(const struct kv_node *dict, const char *key);
/* Its text; NULL if there is none or if it is a dict or a list. */
const char *kv_text(const struct kv_node *dict, const char *key);
bool kv_is_scalar(const struct kv_node *n);

#endif
