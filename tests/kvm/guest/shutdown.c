/* SPDX-License-Identifier: BSD-2-Clause */
/* Powers off by ACPI S5, as FADT and \_S5 say. The guest ends here only if that does not work. */
#include "guest.h"

int guest_main(void)
{
    ok(acpi_fadt() != NULL, "there is an FADT");
    ok(acpi_s5_type() >= 0, "the DSDT declares S5");
    print("1..2\n");
    acpi_power_off();
    panic("the machine is still on");
}
