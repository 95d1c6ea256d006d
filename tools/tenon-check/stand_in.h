/* SPDX-License-Identifier: BSD-2-Clause */
/* Stand-ins for back ends, and what a test can make them do. */
#ifndef TENON_CHECK_STAND_IN_H
#define TENON_CHECK_STAND_IN_H
#include "host.h"

/* The n-th stand-in for a property of type TN_P_*, the newest first; NULL. */
void *stand_in_of(struct host *h, uint32_t type, uint32_t n);

/* TN_P_CHARDEV: struct tn_chr; host_chardev.c */
void *stand_in_chr(struct host *h);
void chr_type(struct tn_chr *c, const uint8_t *p,
              uint32_t n);                     /* input, as much as there is room for */
void chr_event(struct tn_chr *c, uint32_t ev); /* TN_CHR_* */

#endif
