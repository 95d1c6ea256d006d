/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine_opts.h"
#include "fail.h"
#include "texts.h"
#include "util/alloc.h"
#include "values.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SLOTS 256 /* as many as QEMU's pc and q35 have */

/* Checks that in is a dict of scalars whose keys are all in known. */
static int known_keys(const struct kv_node *in, const char *of, const char *const *known, size_t n,
                      char **err)
{
    for (size_t i = 0; i < in->n_child; i++) {
        size_t k;
        if (val_choice("", in->child[i]->key, known, n, &k, NULL) < 0 ||
            !kv_is_scalar(in->child[i]))
            return cli_fail(err, "Parameter '%s.%s' is unexpected", of, in->child[i]->key);
    }
    return 0;
}

static int expect_dict(const struct kv_node *in, const char *of, char **err)
{
    return in->kind == KV_DICT ? 0 : cli_fail(err, TEXT_BAD_TYPE, of, "object");
}

/* ---- memory ---- */

static int memory_rules(const struct cli_memory *m, char **err)
{
    if (m->slots > MAX_SLOTS)
        return cli_fail(err, "unsupported amount of memory slots: %" PRIu64 ", the most is %d",
                        m->slots, MAX_SLOTS);
    if (m->slots && !m->maxmem)
        return cli_fail(err, "slots specified but no maxmem");
    if (m->maxmem && m->maxmem < m->size)
        return cli_fail(err,
                        "invalid value of maxmem: maximum memory size (0x%" PRIx64
                        ") must be at least the initial memory size (0x%" PRIx64 ")",
                        m->maxmem, m->size);
    if (m->maxmem && m->maxmem == m->size && m->slots)
        return cli_fail(err,
                        "invalid value of maxmem: memory slots were specified but maximum memory "
                        "size (0x%" PRIx64 ") is equal to the initial memory size",
                        m->maxmem);
    return 0;
}

int cli_memory_read(struct cli_memory *out, const struct kv_node *in, char **err)
{
    static const char *const keys[] = {"size", "maxmem", "slots"};
    struct cli_memory m = {0};
    int r = 0;
    if (in && ((r = expect_dict(in, "memory", err)) < 0 ||
               (r = known_keys(in, "memory", keys, 3, err)) < 0))
        return r;
    const char *size = kv_text(in, "size"), *maxmem = kv_text(in, "maxmem"),
               *slots = kv_text(in, "slots");
    if (size && (r = val_size("size", size, VAL_MIB, &m.size, err)) < 0)
        return r;
    /* maxmem without suffix counts bytes, though size counts MiB. */
    if (maxmem && (r = val_size("maxmem", maxmem, 1, &m.maxmem, err)) < 0)
        return r;
    if (slots && (r = val_u64("slots", slots, 0, UINT64_MAX, &m.slots, err)) < 0)
        return r;
    m.given = m.size != 0; /* `-m 0` asks for the machine's own size */
    *out = m;
    return memory_rules(out, err);
}

/* ---- CPU topology ---- */

static const char *const smp_keys[] = {"cpus",     "maxcpus", "sockets", "dies",
                                       "clusters", "modules", "cores",   "threads"};

static uint32_t *smp_field(struct cli_smp *s, size_t i)
{
    uint32_t *const fields[] = {&s->cpus,     &s->maxcpus, &s->sockets, &s->dies,
                                &s->clusters, &s->modules, &s->cores,   &s->threads};
    return fields[i];
}

int cli_smp_read(struct cli_smp *given, const struct kv_node *in, char **err)
{
    *given = (struct cli_smp){0};
    int r = 0;
    if (in && ((r = expect_dict(in, "smp", err)) < 0 ||
               (r = known_keys(in, "smp", smp_keys, 8, err)) < 0))
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(smp_keys); i++) {
        const char *text = kv_text(in, smp_keys[i]);
        AUTO_FREE char *key = xasprintf("smp.%s", smp_keys[i]);
        uint64_t v = 0;
        if (text && (r = val_u64(key, text, 0, UINT32_MAX, &v, err)) < 0)
            return r;
        if (text && v == 0)
            return cli_fail(
                err, "Invalid CPU topology: CPU topology parameters must be greater than zero (%s)",
                key);
        *smp_field(given, i) = (uint32_t)v;
    }
    return 0;
}

static uint32_t or_one(uint32_t v)
{
    return v ? v : 1;
}

/* The product of the levels, saturated: eight 32-bit factors overflow even 128 bits. */
static uint64_t product(const uint32_t *level, size_t n)
{
    uint64_t v = 1;
    for (size_t i = 0; i < n; i++) {
        if (__builtin_mul_overflow(v, (uint64_t)level[i], &v))
            return UINT64_MAX;
    }
    return v;
}

static uint64_t all_cpus(const struct cli_smp *s)
{
    const uint32_t level[] = {s->sockets, s->dies, s->clusters, s->modules, s->cores, s->threads};
    return product(level, ARRAY_SIZE(level));
}

/* One missing level takes what the others leave of maxcpus; further missing ones are 1. */
static void complete_levels(struct cli_smp *s, uint32_t maxcpus)
{
    uint32_t *missing = !s->cores     ? &s->cores
                        : !s->sockets ? &s->sockets
                        : !s->threads ? &s->threads
                                      : NULL;
    s->cores = or_one(s->cores);
    s->sockets = or_one(s->sockets);
    s->threads = or_one(s->threads);
    if (missing)
        *missing = (uint32_t)(maxcpus / all_cpus(s));
}

static int smp_rules(const struct cli_smp *s, char **err)
{
    const char *rule = all_cpus(s) != s->maxcpus ? "product of the hierarchy must match maxcpus"
                       : s->maxcpus < s->cpus    ? "maxcpus must be equal to or greater than smp"
                                                 : NULL;
    if (!rule)
        return 0;
    return cli_fail(err,
                    "Invalid CPU topology: %s: sockets (%u) * dies (%u) * clusters (%u) * modules "
                    "(%u) * cores (%u) "
                    "* threads (%u), maxcpus (%u), smp_cpus (%u)",
                    rule, s->sockets, s->dies, s->clusters, s->modules, s->cores, s->threads,
                    s->maxcpus, s->cpus);
}

int cli_smp_complete(struct cli_smp *out, const struct cli_smp *given, char **err)
{
    *out = *given;
    out->dies = or_one(out->dies);
    out->clusters = or_one(out->clusters);
    out->modules = or_one(out->modules);
    uint32_t maxcpus = out->maxcpus ? out->maxcpus : out->cpus;
    if (maxcpus) {
        complete_levels(out, maxcpus);
    } else {
        out->sockets = or_one(out->sockets);
        out->cores = or_one(out->cores);
        out->threads = or_one(out->threads);
        uint64_t all = all_cpus(out);
        maxcpus = all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
    }
    out->maxcpus = maxcpus;
    out->cpus = out->cpus ? out->cpus : maxcpus;
    return smp_rules(out, err);
}

int cli_smp_check(const struct cli_smp *smp, const struct cli_smp_limits *limits, char **err)
{
    const char *level = smp->dies > 1 && !limits->dies           ? "dies"
                        : smp->modules > 1 && !limits->modules   ? "modules"
                        : smp->clusters > 1 && !limits->clusters ? "clusters"
                                                                 : NULL;
    if (level)
        return cli_fail(err, "%s > 1 not supported by this machine's CPU topology", level);
    if (smp->maxcpus > limits->max_cpus)
        return cli_fail(err, "Invalid SMP CPUs %u. The max CPUs supported by machine '%s' is %u",
                        smp->maxcpus, limits->machine, limits->max_cpus);
    return 0;
}

/* ---- boot ---- */

int cli_boot_letters(char out[17], const char *text, char **err)
{
    char seen[17] = "";
    size_t n = 0;
    for (; *text; text++) {
        if (*text < 'a' || *text > 'p')
            return cli_fail(err, "Invalid boot device '%c'", *text);
        if (strchr(seen, *text))
            return cli_fail(err, "Boot device '%c' was given twice", *text);
        seen[n++] = *text;
    }
    memcpy(out, seen, sizeof(seen));
    return 0;
}

/* A time in milliseconds, at least min; -1 where text is NULL. */
static int boot_time(int32_t *out, const char *key, const char *text, int min, char **err)
{
    int64_t v = -1;
    AUTO_FREE char *name = xasprintf("boot.%s", key);
    int r = text ? val_s64(name, text, min, 0xffff, &v, err) : 0;
    *out = (int32_t)v;
    return r;
}

static int boot_switch(bool *out, const char *key, const char *text, char **err)
{
    AUTO_FREE char *name = xasprintf("boot.%s", key);
    return text ? val_bool(name, text, out, err) : 0;
}

int cli_boot_read(struct cli_boot *out, const struct kv_node *in, char **err)
{
    static const char *const keys[] = {"order",  "once",        "menu",          "strict",
                                       "splash", "splash-time", "reboot-timeout"};
    *out = (struct cli_boot){.splash_time = -1, .reboot_timeout = -1};
    if (!in)
        return 0;
    int r = expect_dict(in, "boot", err);
    if (r < 0 || (r = known_keys(in, "boot", keys, ARRAY_SIZE(keys), err)) < 0)
        return r;
    const char *order = kv_text(in, "order"), *once = kv_text(in, "once");
    out->have_order = order != NULL;
    if ((order && (r = cli_boot_letters(out->order, order, err)) < 0) ||
        (once && (r = cli_boot_letters(out->once, once, err)) < 0) ||
        (r = boot_switch(&out->menu, "menu", kv_text(in, "menu"), err)) < 0 ||
        (r = boot_switch(&out->strict, "strict", kv_text(in, "strict"), err)) < 0 ||
        (r = boot_time(&out->splash_time, "splash-time", kv_text(in, "splash-time"), 0, err)) < 0)
        return r;
    return boot_time(&out->reboot_timeout, "reboot-timeout", kv_text(in, "reboot-timeout"), -1,
                     err);
}
