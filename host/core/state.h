/* SPDX-License-Identifier: BSD-2-Clause */
/* State of one instance as tagged, versioned bytes, by its class's table. */
#ifndef TN_HOST_STATE_H
#define TN_HOST_STATE_H
#include "device.h"
#include "util/buf.h"
#include <tenon/state.h>

/* Appends the state of d to out. 0, or -errno with e and out is as before. The device is quiesced.
 * Main thread. */
int state_save(struct device *d, struct buf *out, struct tn_err *e);
/* Loads what state_save wrote (the whole buffer). What does not fit the class's table is refused
 * before anything is written: truncated or damaged input, an unknown field or subsection (by name),
 * a missing field (unless the saved version is older than the field), another type or number of
 * elements. If a callback of the class refuses later, the device is reset. 0 or -errno with e. The
 * device is quiesced. Main thread. */
int state_load(struct device *d, const void *p, size_t len, struct tn_err *e);
/* The same of something that is no device: a struct s of the host's, by its table. Callbacks of the
 * table run without a lock. Main thread. */
int state_write(const struct tn_state *st, void *s, struct buf *out, struct tn_err *e);
int state_read(const struct tn_state *st, void *s, const void *p, size_t len, struct tn_err *e);
/* Would state_load take these bytes, as far as the class's table can say? Changes nothing. Main
 * thread. */
int state_fits(struct device *d, const void *p, size_t len, struct tn_err *e);
/* Appends the saved bytes to json as one JSON object; needs no device. 0 or -EINVAL with e. Any
 * thread. */
int state_print(const void *p, size_t len, struct buf *json, struct tn_err *e);
extern const struct tn_stream stream_table; /* TN_STREAM_1 */

#endif
