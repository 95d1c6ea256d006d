/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of this plugin. */
#ifndef PIIX_H
#define PIIX_H
#include <tenon/class.h>

extern const struct tn_class i440fx_class, piix3_class, piix4_pm_class;

#endif
