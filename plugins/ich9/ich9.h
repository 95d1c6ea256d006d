/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of this plugin. */
#ifndef ICH9_H
#define ICH9_H
#include <tenon/class.h>

extern const struct tn_class ich9_lpc_class, mch_class;

#endif
