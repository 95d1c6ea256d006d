/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TENON_CHECK_GROUPS_H
#define TENON_CHECK_GROUPS_H
#include "check.h"

extern const struct check_group group_life; /* group_life.c */

#endif
