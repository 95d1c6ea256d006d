/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"

#include "profiles.h"
#include "util/alloc.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- which rules ---- */

struct rules {
    const struct sandbox_rule **v;
    size_t n;
};

static struct rules select_rules(enum sandbox_kind kind, const char *const *profiles, size_t n)
{
    struct rules all = {0};
    for (size_t i = 0; i < sandbox_nrows; i++) {
        const struct sandbox_row *row = &sandbox_rows[i];
        if (!sandbox_row_counts(row, kind, profiles, n))
            continue;
        all.v = xrealloc(all.v, (all.n + row->nrules) * sizeof *all.v);
        for (size_t k = 0; k < row->nrules; k++)
            all.v[all.n++] = &row->rules[k];
    }
    return all;
}

static int unconditional(const struct sandbox_rule *r)
{
    return !r->refuse && r->test[0].op == OP_NONE;
}

/* Whether another rule says all that r says: a refusal without a condition gives way to any leave,
 * a condition to none. */
static int covered(const struct rules *all, const struct sandbox_rule *r)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct sandbox_rule *o = all->v[i];
        if (o->nr != r->nr || o == r)
            continue;
        if (r->refuse && r->test[0].op == OP_NONE ? !o->refuse
                                                  : unconditional(o) && !unconditional(r))
            return 1;
    }
    return 0;
}

/* ---- to libseccomp, and from there to BPF ---- */

static struct scmp_arg_cmp to_cmp(const struct sandbox_test *t)
{
    switch (t->op) {
    case OP_NOT:
        return (struct scmp_arg_cmp){t->arg, SCMP_CMP_NE, t->value, 0};
    case OP_SELF:
        return (struct scmp_arg_cmp){t->arg, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    default:
        return (struct scmp_arg_cmp){t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value};
    }
}

static int add_rule(scmp_filter_ctx ctx, const struct sandbox_rule *r)
{
    struct scmp_arg_cmp cmp[ARRAY_SIZE(r->test)];
    unsigned n = 0;
    while (n < ARRAY_SIZE(r->test) && r->test[n].op != OP_NONE) {
        cmp[n] = to_cmp(&r->test[n]);
        n++;
    }
    int err = seccomp_rule_add_array(ctx, r->refuse ? SCMP_ACT_ERRNO(r->refuse) : SCMP_ACT_ALLOW,
                                     r->nr, n, cmp);
    return err == -EEXIST ? 0 : err; /* two rows may say the same */
}

static int add_rules(scmp_filter_ctx ctx, const struct rules *all)
{
    int err = 0;
    for (size_t i = 0; i < all->n && err == 0; i++)
        if (all->v[i]->nr >= 0 && !covered(all, all->v[i]))
            err = add_rule(ctx, all->v[i]);
    for (unsigned i = 0; sandbox_hot[i] != -1 && err == 0; i++)
        err = seccomp_syscall_priority(ctx, sandbox_hot[i], (uint8_t)(255 - i));
    return err;
}

static int read_code(int fd, struct filter *f)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    f->code = xcalloc(1, (size_t)st.st_size);
    f->n = (size_t)st.st_size / sizeof *f->code;
    return pread(fd, f->code, (size_t)st.st_size, 0) == st.st_size ? 0 : -EIO;
}

static int to_code(scmp_filter_ctx ctx, struct filter *f)
{
    AUTO_CLOSE int fd = memfd_create("sandbox", MFD_CLOEXEC);
    int err = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
    return err < 0 ? err : read_code(fd, f);
}

int filter_make(struct filter *f, enum sandbox_kind kind, const char *const *profiles, size_t n,
                struct tn_err *e)
{
    *f = (struct filter){0};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    if (!ctx)
        return err_set(e, ENOMEM, "sandbox: libseccomp cannot make a filter");
    struct rules all = select_rules(kind, profiles, n);
    int err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (err == 0)
        err = add_rules(ctx, &all);
    if (err == 0)
        err = to_code(ctx, f);
    free(all.v);
    seccomp_release(ctx);
    return err < 0
               ? err_set(e, -err, "sandbox: libseccomp cannot make a filter: %s", strerror(-err))
               : 0;
}

/* ---- the kernel ---- */

int filter_install(const struct filter *f)
{
    struct sock_fprog prog = {(unsigned short)f->n, f->code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* Speculation is not what this guards against: without the flag, kernels before 5.16 switch
     * store bypass off for the thread, and the guest on it is slower. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog) == 0)
        return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0 ? 0 : -errno;
}

void filter_free(struct filter *f)
{
    free(f->code);
    *f = (struct filter){0};
}
