/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties of an instance: text or JSON into typed members, and back. */
#ifndef TN_HOST_PROP_H
#define TN_HOST_PROP_H
#include "err.h"
#include <stdint.h>
#include <string.h>
#include <tenon/prop.h>

struct buf;
struct device;
struct kv_node;
struct strings; /* list of owned allocations */

/* A table with its stride. */
struct prop_table {
    const struct tn_prop *p;
    uint32_t n, stride;
};
static inline const struct tn_prop *prop_at(struct prop_table t, uint32_t i)
{
    return (const struct tn_prop *)(const void *)((const char *)t.p + (uint64_t)i * t.stride);
}
/* What a row had in ABI 1.0: a plugin's never has less, however much today's has grown. */
enum { PROP_1_0 = offsetof(struct tn_prop, sub_stride) + sizeof(uint32_t) };
/* The ith row as today's struct: members that its table does not have are 0. */
static inline struct tn_prop prop_row(struct prop_table t, uint32_t i)
{
    struct tn_prop row = {0};
    memcpy(&row, prop_at(t, i), t.stride < sizeof row ? t.stride : sizeof row);
    return row;
}
/* Where p's value is in the instance. */
static inline void *prop_place(const struct tn_prop *p, const void *base)
{
    return (char *)(uintptr_t)base + p->offset;
}
/* The number, or the bits, at its place; not extended by its sign. */
uint64_t prop_load(const struct tn_prop *p, const void *at);
/* NULL if there is none of that name; "_" and "-" are different characters. */
const struct tn_prop *prop_find(struct prop_table t, const char *name);
/* Writes the defaults into base. owner keeps the strings. */
void props_default(struct device *owner, struct prop_table t, void *base);
/* Stores text, or a JSON value; errors name "CLASS.PROP" as QEMU does. */
int prop_set(struct device *owner, const struct tn_prop *p, void *base, const char *text,
             struct tn_err *e);
int prop_set_node(struct device *owner, const struct tn_prop *p, void *base,
                  const struct kv_node *v, struct tn_err *e);
/* Stores a back end, or for a LINK a struct tn_dev, that the caller has at hand; NULL: none. */
int prop_set_handle(struct device *owner, const struct tn_prop *p, void *base, const void *handle,
                    struct tn_err *e);
/* The instance that a property of type (a back end, or a LINK) with this value names; NULL. */
struct device *prop_refers_to(const struct device *owner, uint32_t type, const void *handle);
/* Undoes a set: was is what the property stored before. */
void prop_put_back(struct device *owner, const struct tn_prop *p, void *base, const void *was);
/* The value as text, as qom-get and info qtree show it. */
void prop_get(const struct tn_prop *p, const void *base, struct buf *out);
/* The default as text for help, or NULL if there is none to show. The caller frees it. */
char *prop_default_text(const struct tn_prop *p);
const char *prop_type_name(const struct tn_prop *p); /* "uint32", "bool", "str": QEMU's names */
/* size fits type, names are there where the type wants them: for strangers' tables. 0 or -EINVAL.
 */
int prop_check(const struct tn_prop *p, uint64_t instance_size, struct tn_err *e);
/* Gives back what the values hold (links, lists). base is about to be freed. */
void props_drop(struct device *owner, struct prop_table t, void *base);

/* Owned allocations that live as long as the instance. */
void *strings_keep(struct strings **list, void *p);
void strings_free(struct strings **list);

#endif
