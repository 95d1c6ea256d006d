/* SPDX-License-Identifier: BSD-2-Clause */
/* Words for building answers and reading arguments. */
#include "monitor.h"

#include "util/alloc.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kv_node *ret_dict(struct kv_node *parent, const char *key)
{
    return kv_add(parent, key, kv_new(KV_DICT));
}

struct kv_node *ret_list(struct kv_node *parent, const char *key)
{
    return kv_add(parent, key, kv_new(KV_LIST));
}

void ret_str(struct kv_node *parent, const char *key, const char *v)
{
    kv_add(parent, key, kv_scalar(KV_STRING, v ? v : ""));
}

void ret_bool(struct kv_node *parent, const char *key, int v)
{
    kv_add(parent, key, kv_scalar(KV_BOOL, v ? "on" : "off"));
}

void ret_int(struct kv_node *parent, const char *key, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, v);
    kv_add(parent, key, kv_scalar(KV_NUMBER, text));
}

void ret_uint(struct kv_node *parent, const char *key, uint64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, v);
    kv_add(parent, key, kv_scalar(KV_NUMBER, text));
}

void ret_double(struct kv_node *parent, const char *key, double v)
{
    char text[32];
    snprintf(text, sizeof text, "%.17g", v);
    kv_add(parent, key, kv_scalar(KV_NUMBER, text));
}

const char *arg_str(const struct qmp_call *c, const char *key)
{
    return kv_text(c->args, key);
}

int arg_bool(const struct qmp_call *c, const char *key, int otherwise)
{
    const char *t = kv_text(c->args, key);
    return t ? strcmp(t, "on") == 0 : otherwise;
}

int64_t arg_int(const struct qmp_call *c, const char *key, int64_t otherwise)
{
    const char *t = kv_text(c->args, key);
    return t ? strtoll(t, NULL, 10) : otherwise;
}

uint64_t arg_uint(const struct qmp_call *c, const char *key, uint64_t otherwise)
{
    const char *t = kv_text(c->args, key);
    return t ? strtoull(t, NULL, 10) : otherwise;
}

int arg_has(const struct qmp_call *c, const char *key)
{
    return kv_get(c->args, key) != NULL;
}
