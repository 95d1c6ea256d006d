/* SPDX-License-Identifier: BSD-2-Clause */
/* What a class's table says about memory: where the elements of a field are. Shared by save and
 * load. */
#ifndef TN_HOST_STATE_TABLE_H
#define TN_HOST_STATE_TABLE_H
#include "device.h"
#include "state_format.h"

/* The i-th field, by the table's own stride. */
const struct tn_field *state_field(const struct tn_state *st, uint32_t i);
/* A mistake of the class's author: a nameless field, an array of structs without a stride. 0 or
 * -EINVAL with e. */
int state_table_check(const struct tn_state *st, struct tn_err *e);
/* Most elements that the field's memory holds. */
uint32_t state_capacity(const struct tn_field *f);
/* How many it has now, in the struct s that the table describes; may be more than the capacity if s
 * is broken. */
uint32_t state_count(const struct tn_field *f, const void *s);
/* First element; NULL for a TN_SF_PTR that is. */
void *state_base(const struct tn_field *f, void *s);
/* Bytes from one element to the next. */
uint32_t state_stride(const struct tn_field *f);
/* The table of an instance of d's class; *none is filled and used for a class that has nothing to
 * save. */
const struct tn_state *state_of(const struct device *d, struct tn_state *none);

#endif
