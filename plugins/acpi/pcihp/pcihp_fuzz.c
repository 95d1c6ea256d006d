/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the registers, 6 bytes a step. The guest ejects and refuses nothing that it may not. */
#include "pcihp.h"
#include "util/bytes.h"
#include <stdlib.h>

struct world {
    struct pcihp chip;
    uint32_t removable;
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static uint32_t removable(void *s)
{
    return ((struct world *)s)->removable;
}

static void eject(void *s, uint32_t slots)
{
    struct world *w = s;
    require(slots && !(slots & ~w->removable));
    for (uint32_t i = 0; i < 32; i++)
        if (slots >> i & 1)
            pcihp_removed(&w->chip, i);
    require(!(w->chip.down & slots));
}

static void refuse(void *s, uint32_t slots)
{
    require(slots && !(((struct world *)s)->chip.down & slots));
}

static void raised(void *s)
{
    struct world *w = s;
    require(w->chip.up || w->chip.down);
}

static const struct pcihp_ops ops = {removable, eject, refuse, raised};

static void step(struct pcihp *c, const uint8_t *p)
{
    static const uint32_t sizes[] = {1, 2, 4, 4};
    switch (p[0] & 7) {
    case 0:
        pcihp_plug(c, p[1] & 31);
        break;
    case 1:
        pcihp_ask(c, p[1] & 31);
        break;
    case 2:
        pcihp_reset(c);
        break;
    case 3:
        pcihp_read(c, p[1] & 31, sizes[p[0] >> 6]);
        break;
    default:
        pcihp_write(c, p[1] & 28, sizes[p[0] >> 6], p[1] & 1 ? get_le32(p + 2) : 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.removable = 0x7ffffff6};
    pcihp_init(&w.chip, &ops, &w);
    for (; size >= 6; size -= 6, data += 6)
        step(&w.chip, data);
    return 0;
}
