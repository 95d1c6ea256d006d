/* SPDX-License-Identifier: BSD-2-Clause */
/* The slots of microvm for virtio-mmio: buses with room for one transport each, at QEMU's
 * addresses. Nothing is made for a slot that nobody uses. The pins are the upper ones of the I/O
 * APIC, with or without ACPI: the lower ones belong to devices of the ISA bus. */
#include "core/bus.h"
#include "machine_impl.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/irq.h>
#include <tenon/mmio-slot.h>

enum { SLOTS = 8, SLOT_SIZE = 0x200, FIRST_GSI = 16 };

#define GIB     ((uint64_t)1 << 30)
#define FURTHER (64 * GIB) /* for shared memory regions; 36 address bits reach some of it */

struct mmio_slot {
    struct tn_mmio_place place;
    struct tn_bus *bus;
};
struct mmio_slots {
    struct mmio_slot slot[SLOTS];
};

static int t_place(void *p, struct tn_mmio_place *out)
{
    const struct mmio_slot *s = p;
    uint32_t size = out->struct_size < sizeof *out ? out->struct_size : sizeof *out;
    memcpy(out, &s->place, size);
    out->struct_size = size;
    return 0;
}

static const struct tn_mmio_slot slot_table = {.struct_size = sizeof slot_table, .place = t_place};
static const struct tn_bus_type slot_type = {.struct_size = sizeof slot_type,
                                             .max_children = 1,
                                             .name = TN_MMIO_SLOT_BUS,
                                             .port_ops = TN_MMIO_SLOT_1};

/* RAM that is there, and that may come. */
static uint64_t above_ram(const struct machine *m)
{
    uint64_t top = m->map.ram_high_base + (m->maxmem > m->ram ? m->maxmem : m->ram);
    return (top + GIB - 1) & ~(GIB - 1);
}

int machine_mmio_slots(struct machine *m, struct tn_err *e)
{
    if (!m->type->mmio_slots)
        return 0;
    m->mmio = XNEW(struct mmio_slots);
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct mmio_slot *s = &m->mmio->slot[i];
        AUTO_FREE char *name = xasprintf("virtio-mmio-bus.%u", i);
        s->place = (struct tn_mmio_place){.struct_size = sizeof s->place,
                                          .index = i,
                                          .base = m->type->mmio_slots + i * SLOT_SIZE,
                                          .size = SLOT_SIZE,
                                          .gsi = FIRST_GSI + i,
                                          .line_flags = TN_LINE_LEVEL,
                                          .min = above_ram(m),
                                          .max = above_ram(m) + FURTHER - 1};
        s->bus = bus_new(m->vm, NULL, &slot_type, name, &slot_table, s, e);
        if (!s->bus)
            return -EINVAL;
    }
    return 0;
}

void machine_mmio_free(struct machine *m)
{
    for (uint32_t i = 0; m->mmio && i < SLOTS; i++)
        if (m->mmio->slot[i].bus)
            bus_free(m->mmio->slot[i].bus);
    free(m->mmio);
}

/* Without ACPI a guest may know of the transports by its command line alone (Linux,
 * Documentation/admin-guide: virtio_mmio.device=). */
char *machine_cmdline(const struct machine *m)
{
    BUF_AUTO text = {0};
    buf_printf(&text, "%s", m->cli->append ? m->cli->append : "");
    for (uint32_t i = 0; m->mmio && !m->acpi && m->auto_cmdline && i < SLOTS; i++) {
        const struct mmio_slot *s = &m->mmio->slot[SLOTS - 1 - i]; /* as they are filled */
        if (s->bus->nchildren)
            buf_printf(&text, "%svirtio_mmio.device=%" PRIu64 "@0x%" PRIx64 ":%u",
                       text.len ? " " : "", s->place.size, s->place.base, s->place.gsi);
    }
    return xstrdup(buf_cstr(&text));
}
