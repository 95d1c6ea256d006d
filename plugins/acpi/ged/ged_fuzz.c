/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the Generic Event Device, 4 bytes a step. The wire is high exactly while an event is
 * pending. */
#include "ged.h"
#include <stdlib.h>

struct world {
    struct ged chip;
    uint32_t level;
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static void on_line(void *opaque, uint32_t level)
{
    require(level <= 1);
    ((struct world *)opaque)->level = level;
}

static void on_sleep(void *opaque, uint32_t slp_typ)
{
    (void)opaque;
    require(slp_typ <= 7);
}

static void on_reset(void *opaque)
{
    (void)opaque;
}

static const struct ged_env env = {on_line, on_sleep, on_reset};

static void step(struct ged *c, const uint8_t *p)
{
    uint32_t size = 1u << (p[2] & 3);
    switch (p[0] & 7) {
    case 0:
        ged_event(c, p[1]);
        break;
    case 1:
        ged_selector_read(c, p[1] & 7, size);
        break;
    case 2:
        ged_regs_read(c, p[1] & 7, size);
        break;
    case 3:
        ged_wake(c);
        break;
    case 4:
        p[1] ? ged_loaded(c) : ged_reset(c);
        break;
    default:
        ged_regs_write(c, p[1] & 3, p[2] & 1 ? 1 : size, p[3]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {0};
    ged_init(&w.chip, GED_EVT_POWER_DOWN | GED_EVT_MEM_HOTPLUG, &env, &w);
    for (; size >= 4; size -= 4, data += 4) {
        step(&w.chip, data);
        require(w.level == (w.chip.pending != 0));
        require(!(w.chip.sleep_ctl & GED_SLP_EN));
    }
    return 0;
}
