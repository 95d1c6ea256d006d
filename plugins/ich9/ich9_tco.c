/* SPDX-License-Identifier: BSD-2-Clause */
#include "ich9_tco.h"

#include "ich9_regs.h"
#include <errno.h>

static uint64_t now(void *owner)
{
    struct ich9_tco *t = owner;
    return t->loop->now(t->dev, TN_CLK_VM);
}

static void arm(void *owner, uint64_t ns)
{
    struct ich9_tco *t = owner;
    if (ns)
        t->loop->arm(t->timer, ns);
    else
        t->loop->disarm(t->timer);
}

/* 10.1.41: software may set the bit; the strap it may not override. */
static int no_reboot(void *owner)
{
    const struct ich9_tco *t = owner;
    return t->noreboot || (*t->gcs & ICH9_GCS_NO_REBOOT);
}

static void bite(void *owner)
{
    struct ich9_tco *t = owner;
    TN_GET(t->dev, struct tn_machine, TN_MACHINE_1)->request(t->dev, TN_REQ_WATCHDOG, NULL);
}

static const struct tco_env env = {now, arm, no_reboot, bite};

static void fires(void *self)
{
    struct ich9_tco *t = self;
    tco_expired(&t->chip);
}

static uint64_t read_port(void *self, uint64_t off, uint32_t size)
{
    const struct ich9_tco *t = self;
    return tco_read(&t->chip, (uint32_t)off, size);
}

static void write_port(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct ich9_tco *t = self;
    tco_write(&t->chip, (uint32_t)off, size, (uint32_t)value);
}

static const struct tn_region_ops ops = {.struct_size = sizeof ops,
                                         .valid_min = 1,
                                         .valid_max = 4,
                                         .impl_min = 1,
                                         .impl_max = 2,
                                         .read = read_port,
                                         .write = write_port};

int ich9_tco_realize(struct ich9_tco *t, struct tn_dev *d, const uint8_t *gcs, struct tn_err *e)
{
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_PIO,
                                    .base = ICH9_PMBASE_RESET + ICH9_TCO,
                                    .size = TCO_LEN,
                                    .name = "ich9-tco"};
    t->dev = d;
    t->gcs = gcs;
    t->loop = TN_GET(d, struct tn_loop, TN_LOOP_1);
    t->regions = TN_GET(d, struct tn_regions, TN_REGION_1);
    t->timer = t->loop->timer(d, NULL, 0, TN_CLK_VM, fires, t);
    if (!t->timer)
        return tn_fail(d, e, ENOMEM, "no memory for a timer");
    tco_init(&t->chip, &env, t);
    return t->regions->add(d, &q, &ops, t, &t->ports, e);
}

void ich9_tco_place(struct ich9_tco *t, uint32_t base, uint32_t on)
{
    if (on)
        t->regions->move(t->ports, base);
    t->regions->enable(t->ports, on);
}
