/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs that filters are, run here on calls of every number and on arguments close to those
 * that rules name, beside what the rules say. */
#include "sandbox/bpf.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NUMBERS = 600, NEITHER = -1 };

/* ---- a kernel ---- */

static uint32_t load(const struct seccomp_data *d, uint32_t at)
{
    uint32_t v;
    if (at % 4 || at + 4 > sizeof *d)
        return 0xdeadbeef;
    memcpy(&v, (const char *)d + at, 4);
    return v;
}

/* What f answers, or 0 of a program that runs off its end. */
static uint32_t answer(const struct filter *f, const struct seccomp_data *d)
{
    uint32_t a = 0;
    for (size_t pc = 0; pc < f->n; pc++) {
        const struct sock_filter *i = &f->code[pc];
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            a = load(d, i->k);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            pc += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            return 0;
        }
    }
    return 0;
}

/* ---- what the rules say ---- */

struct rules {
    const struct sandbox_rule *v[1024];
    size_t n;
};

static int holds(const struct sandbox_test *t, const struct seccomp_data *d)
{
    uint32_t arg = (uint32_t)d->args[t->arg];
    switch (t->op) {
    case OP_MASKED:
        return (arg & t->mask) == t->value;
    case OP_NOT:
        return arg != t->value;
    case OP_SELF:
        return arg == (uint32_t)getpid();
    default:
        return 1;
    }
}

static int matches(const struct sandbox_rule *r, const struct seccomp_data *d)
{
    return r->nr == d->nr && holds(&r->test[0], d) && holds(&r->test[1], d);
}

/* 0: allowed, an errno, or NEITHER. */
static int said(const struct rules *all, const struct seccomp_data *d)
{
    int refused = NEITHER, leave = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct sandbox_rule *r = all->v[i];
        leave |= r->nr == d->nr && !r->refuse;
        if (matches(r, d) && !r->refuse)
            return 0;
    }
    for (size_t i = 0; i < all->n && refused == NEITHER; i++) {
        const struct sandbox_rule *r = all->v[i];
        if (r->refuse && matches(r, d) && !(leave && r->test[0].op == OP_NONE))
            refused = (int)r->refuse;
    }
    return refused;
}

static uint32_t wanted(const struct rules *all, const struct seccomp_data *d)
{
    int v = said(all, d);
    return v == 0 ? SECCOMP_RET_ALLOW : v > 0 ? SECCOMP_RET_ERRNO | (uint32_t)v : SECCOMP_RET_TRAP;
}

/* ---- both, side by side ---- */

static unsigned wrong;

static void compare(const struct filter *f, const struct rules *all, const struct seccomp_data *d)
{
    if (answer(f, d) == wanted(all, d) || wrong++)
        return;
    printf("# call %d (%llx %llx %llx): %x, not %x\n", d->nr, d->args[0], d->args[1], d->args[2],
           answer(f, d), wanted(all, d));
}

static struct seccomp_data call_of(int nr, uint64_t args)
{
    return (struct seccomp_data){
        .nr = nr, .arch = AUDIT_ARCH_X86_64, .args = {args, args, args, args, args, args}};
}

static void compare_numbers(const struct filter *f, const struct rules *all, uint64_t args)
{
    for (int nr = 0; nr < NUMBERS; nr++) {
        struct seccomp_data d = call_of(nr, args);
        compare(f, all, &d);
    }
}

/* Just what r names, that with each bit turned, and with more in the half that nobody looks at. */
static void compare_near(const struct filter *f, const struct rules *all,
                         const struct sandbox_rule *r)
{
    struct seccomp_data d = call_of(r->nr, 0);
    for (size_t i = 0; i < 2 && r->test[i].op != OP_NONE; i++)
        d.args[r->test[i].arg] = r->test[i].op == OP_SELF ? (uint32_t)getpid() : r->test[i].value;
    compare(f, all, &d);
    for (size_t i = 0; i < 2 && r->test[i].op != OP_NONE; i++)
        for (uint32_t bit = 0; bit < 64; bit++) {
            struct seccomp_data near = d;
            near.args[r->test[i].arg] ^= 1ull << bit;
            compare(f, all, &near);
        }
}

static void compare_all(const struct filter *f, const struct rules *all)
{
    compare_numbers(f, all, 0);
    compare_numbers(f, all, ~0ull);
    for (size_t i = 0; i < all->n; i++)
        compare_near(f, all, all->v[i]);
}

/* ---- the table's filters ---- */

static struct rules of_table(enum sandbox_kind kind, const char *const *profiles, size_t n)
{
    struct rules all = {.n = 0};
    for (size_t i = 0; i < sandbox_nrows; i++)
        for (size_t k = 0; k < sandbox_rows[i].nrules; k++)
            if (sandbox_row_counts(&sandbox_rows[i], kind, profiles, n))
                all.v[all.n++] = &sandbox_rows[i].rules[k];
    return all;
}

static void check_table(enum sandbox_kind kind, const char *const *profiles, size_t n)
{
    struct filter f;
    struct rules all = of_table(kind, profiles, n);
    filter_make(&f, kind, profiles, n);
    compare_all(&f, &all);
    filter_free(&f);
}

TEST(filters_of_each_kind_of_thread_do_what_the_table_says)
{
    for (int kind = SANDBOX_MAIN; kind <= SANDBOX_PLUGIN; kind++)
        check_table((enum sandbox_kind)kind, NULL, 0);
    CHECK_EQ(wrong, 0);
}

TEST(so_do_those_with_any_profile_and_with_all)
{
    const char *all[128];
    size_t n = 0;
    for (size_t i = 0; i < sandbox_nrows; i++)
        if (sandbox_rows[i].host != OF_HOST)
            all[n++] = sandbox_rows[i].profile;
    for (int kind = SANDBOX_MAIN; kind <= SANDBOX_PLUGIN; kind++) {
        check_table((enum sandbox_kind)kind, all, n);
        for (size_t i = 0; i < n; i++)
            check_table((enum sandbox_kind)kind, &all[i], 1);
    }
    CHECK_EQ(wrong, 0);
}

TEST(calls_in_another_architectures_way_end_the_process)
{
    struct filter f;
    struct seccomp_data read = call_of(SYS_read, 0), ia32 = read, x32 = read;
    ia32.arch = AUDIT_ARCH_I386;
    x32.nr |= 0x40000000;
    filter_make(&f, SANDBOX_VCPU, NULL, 0);
    CHECK_EQ(answer(&f, &read), SECCOMP_RET_ALLOW);
    CHECK_EQ(answer(&f, &ia32), SECCOMP_RET_KILL_PROCESS);
    CHECK_EQ(answer(&f, &x32), SECCOMP_RET_KILL_PROCESS);
    filter_free(&f);
}

/* ---- filters of any kind ---- */

static struct sandbox_test any_test(void)
{
    uint32_t mask = rand() % 2 ? 0xffffffff : 1u << rand() % 32;
    return (struct sandbox_test){.arg = (uint32_t)rand() % 6,
                                 .op = rand() % 4 ? OP_MASKED : OP_NOT,
                                 .mask = mask,
                                 .value = (uint32_t)rand() & mask};
}

static struct sandbox_rule any_rule(int numbers)
{
    struct sandbox_rule r = {.nr = rand() % numbers};
    r.refuse = rand() % 4 ? 0 : 1 + (uint32_t)rand() % 100;
    for (int i = 0; i < rand() % 3; i++)
        r.test[i] = any_test();
    return r;
}

static void check_any(size_t n, int numbers)
{
    struct sandbox_rule rules[1024];
    struct rules all = {.n = n};
    struct filter f = {0};
    for (size_t i = 0; i < n; i++) {
        rules[i] = any_rule(numbers);
        all.v[i] = &rules[i];
    }
    bpf_compile(&f, all.v, n);
    CHECK(f.n <= BPF_MAXINSNS);
    compare_all(&f, &all);
    filter_free(&f);
}

/* Of few numbers many rules each: their code is longer than a condition jumps. */
TEST(so_do_those_that_nobody_has_thought_of)
{
    static const int numbers[] = {1, 2, 7, 40, 450};
    srand(1);
    for (size_t n = 0; n < 500; n = n * 3 / 2 + 1)
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
            check_any(n, numbers[i]);
    CHECK_EQ(wrong, 0);
}

int main(void)
{
    RUN(filters_of_each_kind_of_thread_do_what_the_table_says);
    RUN(so_do_those_with_any_profile_and_with_all);
    RUN(calls_in_another_architectures_way_end_the_process);
    RUN(so_do_those_that_nobody_has_thought_of);
    return tap_done();
}
