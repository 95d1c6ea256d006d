/* SPDX-License-Identifier: BSD-2-Clause */
/* AML that processors and memory modules, which come and go, have in common. */
#ifndef TN_ACPI_PLUG_AML_H
#define TN_ACPI_PLUG_AML_H
#include "aml/aml.h"

/* Values of Notify() (ACPI 6.3, 5.6.6), of _STA for what is there (6.3.7), of Acquire() */
enum { NOTIFY_DEVICE_CHECK = 1, NOTIFY_EJECT_REQUEST = 3, STA_ALL = 0xf, WAIT_FOR_EVER = 0xffff };

/* Store(v, to) */
void plug_store_int(struct buf *a, uint64_t v, const char *to);
/* Store(ArgN, to) */
void plug_store_arg(struct buf *a, uint32_t arg, const char *to);
/* What every access begins with: Acquire(lock), Store(Arg0, selector). */
void plug_select(struct buf *a, const char *lock, const char *selector);
/* Method(name, 1): selects slot Arg0, and returns _STA by whether flag is set. */
void plug_status_method(struct buf *a, const char *name, const char *lock, const char *selector,
                        const char *flag);
/* Method(name, 1): selects slot Arg0, and sets flag. */
void plug_eject_method(struct buf *a, const char *name, const char *lock, const char *selector,
                       const char *flag);
/* Method(name, args): calls of(slot, Arg0, Arg1, ...) with pass arguments of its own, and returns
 * what that gives if gives. */
void plug_forward_method(struct buf *a, const char *name, uint32_t args, const char *of,
                         uint32_t slot, uint32_t pass, int gives);

#endif
