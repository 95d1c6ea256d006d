/* SPDX-License-Identifier: BSD-2-Clause */
/* State of one instance as tagged, versioned bytes, by its class's table. */
#ifndef TN_HOST_STATE_H
#define TN_HOST_STATE_H
#include "device.h"
#include "util/buf.h"
#include <tenon/state.h>

/* Appends the state of d to out. 0 or -errno with e. The device is quiesced. Main thread. */
int state_save(struct device *d, struct buf *out, struct tn_err *e);
/* Loads what state_save wrote (the whole buffer). Unknown fields are refused by name, missing ones keep their value only if
 * the saved version is older; truncated input is refused and the device reset. 0 or -errno with e. */
int state_load(struct device *d, const void *p, size_t len, struct tn_err *e);
/* The saved bytes as JSON text. */
int state_print(const void *p, size_t len, struct buf *json, struct tn_err *e);
extern const struct tn_stream stream_table; /* TN_STREAM_1 */

#endif
