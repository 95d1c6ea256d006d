/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"

#include "bpf.h"
#include "profiles.h"
#include "util/alloc.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void filter_make(struct filter *f, enum sandbox_kind kind, const char *const *profiles, size_t n)
{
    AUTO_FREE const struct sandbox_rule **rules = NULL;
    size_t all = 0;
    for (size_t i = 0; i < sandbox_nrows; i++) {
        const struct sandbox_row *row = &sandbox_rows[i];
        if (!sandbox_row_counts(row, kind, profiles, n))
            continue;
        rules = xrealloc(rules, (all + row->nrules) * sizeof *rules);
        for (size_t k = 0; k < row->nrules; k++)
            rules[all++] = &row->rules[k];
    }
    *f = (struct filter){0};
    bpf_compile(f, rules, all);
}

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
