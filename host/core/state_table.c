/* SPDX-License-Identifier: BSD-2-Clause */
#include "state_table.h"

#include <errno.h>
#include <string.h>

const struct tn_field *state_field(const struct tn_state *st, uint32_t i)
{
    return (const struct tn_field *)(const void *)((const char *)st->fields +
                                                   (uint64_t)i * st->field_stride);
}

uint32_t state_capacity(const struct tn_field *f)
{
    return f->flags & TN_SF_COUNT_AT ? f->max : f->count;
}

uint32_t state_count(const struct tn_field *f, const void *s)
{
    uint32_t n = f->count;
    if (f->flags & TN_SF_COUNT_AT)
        memcpy(&n, (const char *)s + f->count, sizeof n);
    return n;
}

void *state_base(const struct tn_field *f, void *s)
{
    void *p = (char *)s + f->offset;
    if (f->flags & TN_SF_PTR)
        memcpy(&p, p, sizeof p);
    return p;
}

uint32_t state_stride(const struct tn_field *f)
{
    if (f->stride)
        return f->stride;
    return f->type == TN_S_TIMER ? (uint32_t)sizeof(struct tn_timer *) : state_size(f->type);
}

static int field_check(const struct tn_state *st, const struct tn_field *f, struct tn_err *e)
{
    if (!f->name || !state_name_ok(f->name))
        return err_set(e, EINVAL, "state '%s' has a field without a legal name", st->name);
    if (f->type < TN_S_U8 || f->type > TN_S_SUB || (f->type == TN_S_SUB && !f->sub))
        return err_set(e, EINVAL, "field '%s' of state '%s' has no legal type", f->name, st->name);
    if (f->type == TN_S_SUB && !f->stride && state_capacity(f) > 1)
        return err_set(e, EINVAL,
                       "field '%s' of state '%s' is an array of structs without a stride", f->name,
                       st->name);
    return 0;
}

int state_table_check(const struct tn_state *st, struct tn_err *e)
{
    if (!st->name || !state_name_ok(st->name))
        return err_set(e, EINVAL, "a state has no legal name");
    for (uint32_t i = 0; i < st->nfields; i++) {
        int r = field_check(st, state_field(st, i), e);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct tn_state *state_of(const struct device *d, struct tn_state *none)
{
    if (d->pub.cls->state)
        return d->pub.cls->state;
    *none = (struct tn_state){.struct_size = sizeof *none,
                              .name = d->pub.cls->name,
                              .field_stride = sizeof(struct tn_field)};
    return none;
}
