/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameters of migration. Those that say something about how this host migrates are in struct
 * mig_params; the others belong to features that QEMU has: they are kept and answered, so that who
 * sets them all can, and a value that would ask for the feature is refused. */
#include "cmd_migrate.h"

#include "migration/migration.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OWN(f) offsetof(struct mig_params, f)
enum { KEPT = -1 };
static const struct parameter {
    const char *name, *value; /* value: of one that is kept, by default */
    long own;                 /* in struct mig_params, or KEPT */
    uint64_t min, max;
    enum kv_kind kind;
    const char *only; /* the one text that can be had; NULL: any */
} parameters[] = {
    {"announce-initial", NULL, OWN(announce_initial), 0, 100000, KV_NUMBER, NULL},
    {"announce-max", NULL, OWN(announce_max), 0, 100000, KV_NUMBER, NULL},
    {"announce-rounds", NULL, OWN(announce_rounds), 0, 1000, KV_NUMBER, NULL},
    {"announce-step", NULL, OWN(announce_step), 0, 10000, KV_NUMBER, NULL},
    {"throttle-trigger-threshold", NULL, OWN(throttle_threshold), 1, 100, KV_NUMBER, NULL},
    {"cpu-throttle-initial", NULL, OWN(throttle_initial), 1, 99, KV_NUMBER, NULL},
    {"cpu-throttle-increment", NULL, OWN(throttle_increment), 1, 99, KV_NUMBER, NULL},
    {"cpu-throttle-tailslow", "off", KEPT, 0, 0, KV_BOOL, NULL},
    {"tls-creds", "", KEPT, 0, 0, KV_STRING, ""},
    {"tls-hostname", "", KEPT, 0, 0, KV_STRING, NULL},
    {"tls-authz", "", KEPT, 0, 0, KV_STRING, NULL},
    {"max-bandwidth", NULL, OWN(max_bandwidth), 0, UINT64_MAX, KV_NUMBER, NULL},
    {"avail-switchover-bandwidth", NULL, OWN(switchover_bandwidth), 0, UINT64_MAX, KV_NUMBER, NULL},
    {"downtime-limit", NULL, OWN(downtime_limit), 0, 2000000, KV_NUMBER, NULL},
    {"x-checkpoint-delay", "20000", KEPT, 0, UINT32_MAX, KV_NUMBER, NULL},
    {"multifd-channels", "2", KEPT, 1, 255, KV_NUMBER, NULL},
    {"xbzrle-cache-size", "67108864", KEPT, 4096, UINT64_MAX, KV_NUMBER, NULL},
    {"max-postcopy-bandwidth", "0", KEPT, 0, UINT64_MAX, KV_NUMBER, NULL},
    {"max-cpu-throttle", NULL, OWN(throttle_max), 1, 99, KV_NUMBER, NULL},
    {"multifd-compression", "none", KEPT, 0, 0, KV_STRING, NULL},
    {"multifd-zlib-level", "1", KEPT, 0, 9, KV_NUMBER, NULL},
    {"multifd-qatzip-level", "1", KEPT, 1, 9, KV_NUMBER, NULL},
    {"multifd-zstd-level", "1", KEPT, 0, 20, KV_NUMBER, NULL},
    {"x-vcpu-dirty-limit-period", "1000", KEPT, 1, 1000, KV_NUMBER, NULL},
    {"vcpu-dirty-limit", "1", KEPT, 1, UINT64_MAX, KV_NUMBER, NULL},
    {"mode", "normal", KEPT, 0, 0, KV_STRING, "normal"},
    {"zero-page-detection", "multifd", KEPT, 0, 0, KV_STRING, NULL},
    {"direct-io", "off", KEPT, 0, 0, KV_BOOL, "off"},
};

static uint64_t *own(struct vm *vm, const struct parameter *p)
{
    return p->own == KEPT ? NULL : (uint64_t *)(void *)((char *)migration_params(vm) + p->own);
}

/* ---- setting ---- */

static int check_number(const struct parameter *p, uint64_t v, struct tn_err *e)
{
    if (v >= p->min && v <= p->max)
        return 0;
    if (strcmp(p->name, "downtime-limit") == 0)
        return err_set(e, EINVAL,
                       "Parameter 'downtime_limit' expects an integer in the range of 0 "
                       "to (2000 * 1000) ms");
    AUTO_FREE char *name = xstrdup(p->name);
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : *c;
    return err_set(e, EINVAL,
                   "Parameter '%s' expects a value in the range of %" PRIu64 " to %" PRIu64, name,
                   p->min, p->max);
}

static int check(const struct parameter *p, const struct kv_node *v, struct tn_err *e)
{
    if (p->kind == KV_NUMBER)
        return check_number(p, strtoull(v->text, NULL, 10), e);
    return p->only && strcmp(p->only, v->text) != 0
               ? err_set(e, ENOTSUP, "Parameter '%s' cannot be '%s': that is not supported",
                         p->name, v->text)
               : 0;
}

static void set(struct vm *vm, const struct parameter *p, const struct kv_node *v)
{
    uint64_t *to = own(vm, p);
    if (to)
        __atomic_store_n(to, strtoull(v->text, NULL, 10), __ATOMIC_RELAXED);
    else
        kv_set(migration_kept(vm), p->name, v->text);
}

int migrate_set_parameters(struct qmp_call *c, struct tn_err *e)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parameters); i++) {
        const struct kv_node *v = kv_get(c->args, parameters[i].name);
        r = v ? check(&parameters[i], v, e) : 0;
    }
    if (r == 0 && kv_get(c->args, "block-bitmap-mapping"))
        r = err_set(e, ENOTSUP, "Parameter 'block-bitmap-mapping' is not supported");
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parameters); i++) {
        const struct kv_node *v = kv_get(c->args, parameters[i].name);
        if (v)
            set(c->vm, &parameters[i], v);
    }
    return r;
}

/* ---- asking ---- */

static void put(struct vm *vm, const struct parameter *p, struct kv_node *d)
{
    const uint64_t *v = own(vm, p);
    const char *kept = kv_text(migration_kept(vm), p->name);
    if (v)
        ret_uint(d, p->name, *v);
    else
        kv_add(d, p->name, kv_scalar(p->kind, kept ? kept : p->value));
}

int migrate_query_parameters(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
        put(c->vm, &parameters[i], c->ret);
    return 0;
}
