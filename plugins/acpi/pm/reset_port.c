/* SPDX-License-Identifier: BSD-2-Clause */
#include "reset_port.h"

#include <tenon/machine.h>
#include <tenon/region.h>

static void ask_reset(void *opaque, uint32_t kind)
{
    struct reset_port *p = opaque;
    const struct tn_machine *machine = TN_GET(p->dev, struct tn_machine, TN_MACHINE_1);
    (void)kind;
    machine->request(p->dev, TN_REQ_RESET, NULL);
}

static const struct reset_cf9_env env = {.reset = ask_reset};

static uint64_t port_read(void *self, uint64_t off, uint32_t size)
{
    struct reset_port *p = self;
    (void)off;
    (void)size;
    return reset_cf9_read(&p->chip);
}

static void port_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct reset_port *p = self;
    (void)off;
    (void)size;
    reset_cf9_write(&p->chip, (uint32_t)value);
}

static const struct tn_region_ops ops = {.struct_size = sizeof ops,
                                         .valid_min = 1,
                                         .valid_max = 1,
                                         .read = port_read,
                                         .write = port_write};

int reset_port_realize(struct reset_port *p, struct tn_dev *d, const char *name, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(d, struct tn_regions, TN_REGION_1);
    const struct tn_region_req port = {.struct_size = sizeof port,
                                       .space = TN_SPACE_PIO,
                                       .base = RESET_CF9_PORT,
                                       .size = 1,
                                       .name = name};
    struct tn_region *region;
    p->dev = d;
    reset_cf9_init(&p->chip, &env, p);
    return regions->add(d, &port, &ops, p, &region, e);
}

void reset_port_reset(struct reset_port *p)
{
    reset_cf9_reset(&p->chip);
}
