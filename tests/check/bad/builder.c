/* SPDX-License-Identifier: BSD-2-Clause */
/* A builder that fails and does not say why.
 * breaks: inject/builders
 * says: did not fill e */
#include <tenon/acpi.h>
static int build(void *s, const struct tn_acpi_build *b, struct tn_acpi_out *o, struct tn_err *e)
{
    (void)s, (void)e;
    return b->aml(o, TN_SCOPE_SB, "", 1);
}
#define IN_REALIZE(s, e)                                                      \
    if (TN_GET(s->d, struct tn_acpi, TN_ACPI_1)->builder(s->d, build, s) < 0) \
    return tn_fail(s->d, e, ENOMEM, "no memory for tables")
#define NEEDS TN_LOOP_1, TN_IRQ_1, TN_REGION_1, TN_ACPI_1, NULL
#define WANTS NULL
#include "device.h"
