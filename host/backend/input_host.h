/* SPDX-License-Identifier: BSD-2-Clause */
/* Which device gets keys and pointer events. */
#ifndef TN_HOST_INPUT_H
#define TN_HOST_INPUT_H
#include "core/vm.h"
#include <tenon/input.h>

struct inputs *inputs_new(struct vm *vm);
void inputs_free(struct inputs *i); /* NULL is fine */
extern const struct tn_input input_table; /* TN_INPUT_1 */

#endif
