/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport without the bus that its composition names.
 * breaks: life/one-life
 * says: made no bus */
#define BUS_CREATE(s, e) ((void)(bus_ = NULL), 0)
#include "pair.h"
