/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvtree.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

struct kv_node *kv_new(enum kv_kind kind)
{
    struct kv_node *n = XNEW(struct kv_node);
    n->kind = kind;
    return n;
}

struct kv_node *kv_scalar(enum kv_kind kind, const char *text)
{
    struct kv_node *n = kv_new(kind);
    n->text = xstrdup(text);
    return n;
}

bool kv_is_scalar(const struct kv_node *n)
{
    return n && n->kind != KV_DICT && n->kind != KV_LIST;
}

struct kv_node *kv_clone(const struct kv_node *n)
{
    struct kv_node *c = kv_is_scalar(n) ? kv_scalar(n->kind, n->text) : kv_new(n->kind);
    c->flag = n->flag;
    for (size_t i = 0; i < n->n_child; i++)
        kv_add(c, n->child[i]->key, kv_clone(n->child[i]));
    return c;
}

void kv_free(struct kv_node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n_child; i++)
        kv_free(n->child[i]);
    free(n->child);
    free(n->key);
    free(n->text);
    free(n);
}

void kv_cleanup(struct kv_node **n)
{
    kv_free(*n);
}

/* Room doubles at each power of two, so the count alone says when. */
static void grow(struct kv_node *parent)
{
    size_t n = parent->n_child;
    if ((n & (n - 1)) == 0)
        parent->child = xrealloc(parent->child, (n ? 2 * n : 1) * sizeof(*parent->child));
}

struct kv_node *kv_add(struct kv_node *parent, const char *key, struct kv_node *n)
{
    grow(parent);
    if (key)
        n->key = xstrdup(key);
    parent->child[parent->n_child++] = n;
    return n;
}

static void remove_from(struct kv_node *dict, const char *key, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < dict->n_child; i++) {
        if (strcmp(dict->child[i]->key, key) == 0)
            kv_free(dict->child[i]);
        else
            dict->child[kept++] = dict->child[i];
    }
    /* grow() relies on the capacity being the power of two at or above the count. */
    size_t cap = 1;
    while (cap < kept)
        cap *= 2;
    dict->n_child = kept;
    dict->child = xrealloc(dict->child, cap * sizeof(*dict->child));
}

void kv_remove(struct kv_node *dict, const char *key)
{
    remove_from(dict, key, 0);
}

void kv_set(struct kv_node *dict, const char *key, const char *text)
{
    char *copy = xstrdup(text); /* text may live in the value that goes away */
    for (size_t i = 0; i < dict->n_child; i++) {
        struct kv_node *n = dict->child[i];
        if (strcmp(n->key, key) == 0 && kv_is_scalar(n)) {
            free(n->text);
            n->text = copy;
            n->kind = KV_STRING;
            n->flag = false;
            remove_from(dict, n->key, i + 1);
            return;
        }
    }
    kv_add(dict, key, kv_scalar(KV_STRING, copy));
    free(copy);
}

struct kv_node *kv_get(const struct kv_node *dict, const char *key)
{
    if (!dict || dict->kind != KV_DICT)
        return NULL;
    for (size_t i = dict->n_child; i-- > 0;) {
        if (strcmp(dict->child[i]->key, key) == 0)
            return dict->child[i];
    }
    return NULL;
}

const char *kv_text(const struct kv_node *dict, const char *key)
{
    const struct kv_node *n = kv_get(dict, key);
    return kv_is_scalar(n) ? n->text : NULL;
}
