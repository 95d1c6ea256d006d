/* SPDX-License-Identifier: BSD-2-Clause */
/* The halves of TN_STREAM_1: a save's in state_save.c, a load's in state_load.c. All with the
 * device's lock. */
#ifndef TN_HOST_STATE_STREAM_H
#define TN_HOST_STATE_STREAM_H
#include <tenon/state.h>

int save_put(struct tn_save *o, const char *name, uint32_t type, const void *p, uint32_t count);
int save_put_sub(struct tn_save *o, const char *name, const struct tn_state *st, const void *s);
int save_put_dev(struct tn_save *o, const char *name, struct tn_dev *d);

int load_get(struct tn_load *i, const char *name, uint32_t type, void *p, uint32_t count);
int64_t load_get_count(struct tn_load *i, const char *name);
int load_get_sub(struct tn_load *i, const char *name, const struct tn_state *st, void *s);
int load_get_dev(struct tn_load *i, const char *name, struct tn_dev **d);

#endif
