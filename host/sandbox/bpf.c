/* SPDX-License-Identifier: BSD-2-Clause */
/* The program is a search tree over the numbers of system calls: the kernel runs a filter for every
 * number there is when it is installed, to learn what it always allows, and for the others at each
 * call. */
#include "bpf.h"

#include "util/alloc.h"
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOAD = BPF_LD | BPF_W | BPF_ABS,
    AND = BPF_ALU | BPF_AND | BPF_K,
    IF_EQUAL = BPF_JMP | BPF_JEQ | BPF_K,
    IF_NOT_BELOW = BPF_JMP | BPF_JGE | BPF_K,
    JUMP = BPF_JMP | BPF_JA,
    RETURN = BPF_RET | BPF_K
};
enum {
    X32 = 0x40000000, /* of a number: the x32 ABI's */
    FAR = 255,        /* how far a condition jumps */
    RUN = 6,          /* calls that are compared one by one */
    CHUNK = 64
};

struct call {
    const struct sandbox_rule *const *rules; /* all of one number */
    size_t n;
};

static void put(struct filter *f, uint32_t code, size_t jt, size_t jf, uint32_t k)
{
    if (f->n % CHUNK == 0)
        f->code = xrealloc(f->code, (f->n + CHUNK) * sizeof *f->code);
    f->code[f->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

/* ---- one call ---- */

static int unconditional(const struct sandbox_rule *r)
{
    return r->test[0].op == OP_NONE;
}

static uint32_t verdict(const struct sandbox_rule *r)
{
    return r->refuse ? SECCOMP_RET_ERRNO | (r->refuse & SECCOMP_RET_DATA) : SECCOMP_RET_ALLOW;
}

static int is_masked(const struct sandbox_test *t)
{
    return t->op == OP_MASKED && t->mask != 0xffffffff;
}

static size_t test_length(const struct sandbox_test *t)
{
    return t->op == OP_NONE ? 0 : is_masked(t) ? 3 : 2;
}

/* rest: of the rule, the instructions after this test, skipped if it does not hold. */
static void put_test(struct filter *f, const struct sandbox_test *t, size_t rest)
{
    uint32_t value = t->op == OP_SELF ? (uint32_t)getpid() : t->value;
    put(f, LOAD, 0, 0, (uint32_t)(offsetof(struct seccomp_data, args) + t->arg * sizeof(uint64_t)));
    if (is_masked(t))
        put(f, AND, 0, 0, t->mask);
    if (t->op == OP_NOT)
        put(f, IF_EQUAL, rest, 0, value);
    else
        put(f, IF_EQUAL, 0, rest, value);
}

static void put_rule(struct filter *f, const struct sandbox_rule *r)
{
    size_t rest = 1;
    for (size_t i = 0; i < ARRAY_SIZE(r->test); i++)
        rest += test_length(&r->test[i]);
    for (size_t i = 0; i < ARRAY_SIZE(r->test) && r->test[i].op != OP_NONE; i++) {
        rest -= test_length(&r->test[i]);
        put_test(f, &r->test[i], rest);
    }
    put(f, RETURN, 0, 0, verdict(r));
}

static int always_allowed(const struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->rules[i]->refuse && unconditional(c->rules[i]))
            return 1;
    return 0;
}

static int has_leave(const struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->rules[i]->refuse)
            return 1;
    return 0;
}

/* Ends with a return that nothing jumps over. */
static void put_decision(struct filter *f, const struct call *c)
{
    int leave = has_leave(c);
    for (size_t i = 0; i < c->n; i++)
        if (!c->rules[i]->refuse)
            put_rule(f, c->rules[i]);
    for (size_t i = 0; i < c->n; i++)
        if (c->rules[i]->refuse && !(leave && unconditional(c->rules[i])))
            put_rule(f, c->rules[i]);
    put(f, RETURN, 0, 0, SECCOMP_RET_TRAP);
}

/* ---- all calls: the accumulator has the number ---- */

static uint32_t number(const struct call *c)
{
    return (uint32_t)c->rules[0]->nr;
}

static void put_leaf(struct filter *f, const struct call *c)
{
    put(f, IF_EQUAL, 1, 0, number(c));
    put(f, RETURN, 0, 0, SECCOMP_RET_TRAP);
    put_decision(f, c);
}

static void put_run(struct filter *f, const struct call *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(f, IF_EQUAL, n - i, 0, number(&c[i]));
    put(f, RETURN, 0, 0, SECCOMP_RET_TRAP);
    put(f, RETURN, 0, 0, SECCOMP_RET_ALLOW);
}

/* The instruction at jumps over all that follow it; no jump leaves them. */
static void jump_over(struct filter *f, size_t at)
{
    size_t over = f->n - at - 1;
    if (over <= FAR) {
        f->code[at].jt = (uint8_t)over;
        return;
    }
    put(f, 0, 0, 0, 0);
    memmove(f->code + at + 2, f->code + at + 1, over * sizeof *f->code);
    f->code[at].jf = 1;
    f->code[at + 1] = (struct sock_filter){.code = JUMP, .k = (uint32_t)over};
}

static size_t run_length(const struct call *c, size_t n)
{
    size_t i = 0;
    while (i < n && always_allowed(&c[i]))
        i++;
    return i;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the logarithm of n */
static void put_search(struct filter *f, const struct call *c, size_t n)
{
    if (n <= RUN && run_length(c, n) == n) {
        put_run(f, c, n);
    } else if (n == 1) {
        put_leaf(f, c);
    } else {
        size_t at = f->n, half = n / 2;
        put(f, IF_NOT_BELOW, 0, 0, number(&c[half]));
        put_search(f, c, half);
        jump_over(f, at);
        put_search(f, c + half, n - half);
    }
}

static void put_head(struct filter *f)
{
    put(f, LOAD, 0, 0, offsetof(struct seccomp_data, arch));
    put(f, IF_EQUAL, 1, 0, AUDIT_ARCH_X86_64);
    put(f, RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS);
    put(f, LOAD, 0, 0, offsetof(struct seccomp_data, nr));
    put(f, IF_NOT_BELOW, 0, 1, X32);
    put(f, RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS);
}

/* ---- rules by number ---- */

struct ranked {
    const struct sandbox_rule *rule;
    size_t rank;
};

static int by_number(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rule->nr != y->rule->nr)
        return x->rule->nr < y->rule->nr ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static void sort(const struct sandbox_rule **to, const struct sandbox_rule *const *rules, size_t n)
{
    AUTO_FREE struct ranked *r = xcalloc(n, sizeof *r);
    for (size_t i = 0; i < n; i++)
        r[i] = (struct ranked){rules[i], i};
    qsort(r, n, sizeof *r, by_number);
    for (size_t i = 0; i < n; i++)
        to[i] = r[i].rule;
}

static size_t group(struct call *to, const struct sandbox_rule *const *rules, size_t n)
{
    size_t calls = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || rules[i]->nr != rules[i - 1]->nr)
            to[calls++] = (struct call){.rules = rules + i};
        to[calls - 1].n++;
    }
    return calls;
}

void bpf_compile(struct filter *f, const struct sandbox_rule *const *rules, size_t n)
{
    AUTO_FREE const struct sandbox_rule **sorted = xcalloc(n, sizeof *sorted);
    AUTO_FREE struct call *calls = xcalloc(n, sizeof *calls);
    sort(sorted, rules, n);
    put_head(f);
    put_search(f, calls, group(calls, sorted, n));
}
