/* SPDX-License-Identifier: BSD-2-Clause */
/* Which buses the strict host has; ISA is one without anything: no data, no tables. */
#include "stand_bus.h"
#include "parts.h"

const struct tn_bus_type isa_bus_type = {.struct_size = sizeof(struct tn_bus_type), .name = "ISA"};

static const struct tn_bus_type *const types[] = {&isa_bus_type, &pci_bus_type, &virtio_bus_type,
                                                  &slot_bus_type, &vserial_bus_type};

struct tn_bus *stand_bus(struct host *h, const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (bus_is(types[i], type))
            return bus_new(h, NULL, types[i], NULL, NULL, h);
    return NULL;
}
