/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport that refuses its device without a reason.
 * breaks: life/one-life
 * says: plugged of a bus answered */
#define IN_PLUGGED(s, e) return -EIO
#include "pair.h"
