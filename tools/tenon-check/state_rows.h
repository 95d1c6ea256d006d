/* SPDX-License-Identifier: BSD-2-Clause */
/* Between host_state.c (saving) and host_load.c. */
#ifndef TENON_CHECK_STATE_ROWS_H
#define TENON_CHECK_STATE_ROWS_H
#include "state_tree.h"

static inline const struct tn_field *state_row(const struct tn_state *st, uint32_t i)
{
    return (const struct tn_field *)(const void *)((const char *)st->fields +
                                                   (size_t)i * st->field_stride);
}
uint32_t field_stride(const struct tn_field *f); /* bytes from one element to the next */
char *field_base(const struct tn_field *f, void *s);
uint32_t field_count(const struct tn_field *f, const void *s);

int stream_put(struct tn_save *o, const char *name, uint32_t type, const void *p, uint32_t count);
int stream_put_sub(struct tn_save *o, const char *name, const struct tn_state *st, const void *s);
int stream_put_dev(struct tn_save *o, const char *name, struct tn_dev *pub);

#endif
