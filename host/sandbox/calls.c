/* SPDX-License-Identifier: BSD-2-Clause */
/* Which system calls a thread may make, by name: for people. */
#include "profiles.h"
#include "sigsys.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    const char **v;
    size_t n;
};

static void add_row(struct names *l, const struct sandbox_row *row)
{
    for (size_t i = 0; i < row->nrules; i++) {
        const char *name = row->rules[i].refuse ? NULL : sigsys_name(row->rules[i].nr);
        if (!name)
            continue;
        l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
        l->v[l->n++] = name;
    }
}

size_t sandbox_calls(struct buf *out, enum sandbox_kind kind, const char *const *profiles, size_t n)
{
    struct names l = {0};
    size_t distinct = 0;
    for (size_t i = 0; i < sandbox_nrows; i++)
        if (sandbox_row_counts(&sandbox_rows[i], kind, profiles, n))
            add_row(&l, &sandbox_rows[i]);
    if (l.n)
        qsort(l.v, l.n, sizeof *l.v, by_text);
    for (size_t i = 0; i < l.n; i++)
        if (i == 0 || strcmp(l.v[i], l.v[i - 1]) != 0)
            buf_printf(out, "%s%s", distinct++ ? " " : "", l.v[i]);
    free(l.v);
    return distinct;
}
