/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at constant data of a stranger. */
#ifndef TENON_CHECK_META_H
#define TENON_CHECK_META_H
#include "parts.h"
#include <tenon/plugin.h>

/* What the structs had in ABI 1.0: a plugin never has less. */
enum {
    PLUGIN_1_0 = offsetof(struct tn_plugin, sandbox) + sizeof(void *),
    CLASS_1_0 = offsetof(struct tn_class, get_iface) + sizeof(void *),
    BUS_1_0 = offsetof(struct tn_bus_type, path) + sizeof(void *),
    PROP_1_0 = offsetof(struct tn_prop, sub_stride) + sizeof(uint32_t),
    COMPOSE_1_0 = offsetof(struct tn_compose, child) + sizeof(void *),
};

int meta_name_ok(const char *s); /* stands in lines of tabs, on command lines and in paths */
int meta_text_ok(const char *s); /* one line of UTF-8, not empty */
const struct tn_class *meta_class(const struct tn_plugin *p, const char *name);
/* Fails the test if a row is not what a host can store into size bytes. */
void meta_rows(struct check *c, struct prop_rows t, uint64_t size);
void meta_default(struct check *c, const struct tn_prop *p);

#endif
