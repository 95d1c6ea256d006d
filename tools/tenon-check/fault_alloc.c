/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault_alloc.h"
#include "util/alloc.h"
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WHY_NOT "the sanitizer has the process's malloc"
#elif !defined(__GLIBC__)
#define WHY_NOT "this C library does not let malloc be called under another name"
#endif

#ifdef WHY_NOT

const char *alloc_cannot(void)
{
    return WHY_NOT;
}

void alloc_plugin(const void *inside)
{
    (void)inside;
}

void alloc_fail(uint64_t n)
{
    (void)n;
}

uint64_t alloc_count(void)
{
    return 0;
}

int alloc_failed(void)
{
    return 0;
}

#else

enum { PLUGINS = 4, DEPTH = 24 };

/* Where an object lies: its first and last byte. */
struct range {
    uintptr_t from, to;
};

static struct {
    struct range plugin[PLUGINS], libc;
    uint32_t nplugins, armed;
    uint64_t count, fail_at;
    uint32_t failed;
} plan; /* of the process, as its malloc is */

/* ---- who asks ---- */

static int within(const struct range *r, uintptr_t pc)
{
    return pc >= r->from && pc <= r->to;
}

static int plugin_has(uintptr_t pc)
{
    for (uint32_t i = 0; i < plan.nplugins; i++)
        if (within(&plan.plugin[i], pc))
            return 1;
    return 0;
}

/* Past the frames of this program on top and those of libc: is the next one a plugin's? */
static int libc_asks_for_plugin(uintptr_t caller)
{
    void *pc[DEPTH];
    int n = backtrace(pc, DEPTH), i = 0;
    while (i < n && (uintptr_t)pc[i] != caller)
        i++;
    while (i < n && within(&plan.libc, (uintptr_t)pc[i]))
        i++;
    return i < n && plugin_has((uintptr_t)pc[i]);
}

/* 1: this allocation is to fail. */
static int refuse(const void *return_address)
{
    static __thread int inside; /* backtrace() may allocate */
    uintptr_t caller = (uintptr_t)return_address;
    if (!__atomic_load_n(&plan.armed, __ATOMIC_RELAXED) || inside)
        return 0;
    inside = 1;
    int counts = plugin_has(caller) || (within(&plan.libc, caller) && libc_asks_for_plugin(caller));
    inside = 0;
    if (!counts || __atomic_add_fetch(&plan.count, 1, __ATOMIC_RELAXED) != plan.fail_at)
        return 0;
    __atomic_store_n(&plan.failed, 1, __ATOMIC_RELAXED);
    errno = ENOMEM;
    return 1;
}

/* ---- in front of the C library's ---- */

void *__libc_malloc(size_t n);              // NOLINT(bugprone-reserved-identifier): glibc's own
void *__libc_calloc(size_t n, size_t size); // NOLINT(bugprone-reserved-identifier)
void *__libc_realloc(void *p, size_t n);    // NOLINT(bugprone-reserved-identifier)
void *__libc_memalign(size_t a, size_t n);  // NOLINT(bugprone-reserved-identifier)

#define EXPORTED __attribute__((visibility("default"), noinline))

EXPORTED void *malloc(size_t n)
{
    return refuse(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

EXPORTED void *calloc(size_t n, size_t size)
{
    return refuse(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

EXPORTED void *realloc(void *p, size_t n)
{
    return n && refuse(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

EXPORTED void *aligned_alloc(size_t a, size_t n)
{
    return refuse(__builtin_return_address(0)) ? NULL : __libc_memalign(a, n);
}

EXPORTED int posix_memalign(void **p, size_t a, size_t n)
{
    if (a % sizeof(void *) || !a || a & (a - 1))
        return EINVAL;
    void *got = refuse(__builtin_return_address(0)) ? NULL : __libc_memalign(a, n);
    if (!got)
        return ENOMEM;
    *p = got;
    return 0;
}

/* ---- for tests ---- */

struct search {
    uintptr_t inside;
    struct range found;
};

static int look(struct dl_phdr_info *o, size_t size, void *arg)
{
    struct search *s = arg;
    struct range r = {UINTPTR_MAX, 0};
    (void)size;
    for (int i = 0; i < o->dlpi_phnum; i++) {
        uintptr_t from = o->dlpi_addr + o->dlpi_phdr[i].p_vaddr;
        if (o->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        r.from = from < r.from ? from : r.from;
        r.to = from + o->dlpi_phdr[i].p_memsz > r.to ? from + o->dlpi_phdr[i].p_memsz : r.to;
    }
    if (!within(&r, s->inside))
        return 0;
    s->found = r;
    return 1;
}

static struct range object_of(const void *inside)
{
    struct search s = {.inside = (uintptr_t)inside};
    dl_iterate_phdr(look, &s);
    return s.found;
}

const char *alloc_cannot(void)
{
    return NULL;
}

void alloc_plugin(const void *inside)
{
    void *warm[1];
    backtrace(warm, 1); /* loads what it needs */
    plan.libc = object_of((const void *)(uintptr_t)strdup);
    if (plan.nplugins < PLUGINS)
        plan.plugin[plan.nplugins++] = object_of(inside);
}

void alloc_fail(uint64_t n)
{
    __atomic_store_n(&plan.armed, 0, __ATOMIC_RELAXED);
    plan.count = 0;
    plan.failed = 0;
    plan.fail_at = n;
    __atomic_store_n(&plan.armed, plan.nplugins > 0, __ATOMIC_RELAXED);
}

uint64_t alloc_count(void)
{
    return __atomic_load_n(&plan.count, __ATOMIC_RELAXED);
}

int alloc_failed(void)
{
    return (int)__atomic_load_n(&plan.failed, __ATOMIC_RELAXED);
}

#endif
