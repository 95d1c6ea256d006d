/* SPDX-License-Identifier: BSD-2-Clause */
/* A seccomp filter as the kernel takes it: made once, put on any number of threads. */
#ifndef TN_HOST_SANDBOX_FILTER_H
#define TN_HOST_SANDBOX_FILTER_H
#include "sandbox.h"
#include <linux/filter.h>
#include <stddef.h>

struct filter {
    struct sock_filter *code; /* owned */
    size_t n;
};

/* The filter for threads of kind, of the host's rows and those of the n profiles. */
void filter_make(struct filter *f, enum sandbox_kind kind, const char *const *profiles, size_t n);
/* On the calling thread, and what it starts, for ever. 0 or -errno. */
int filter_install(const struct filter *f);
void filter_free(struct filter *f);

#endif
