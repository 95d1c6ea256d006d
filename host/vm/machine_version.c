/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine_version.h"

#include "cli/options.h"
#include "util/alloc.h"
#include <stdio.h>
#include <string.h>

#define V MACHINE_VERSION
static const uint32_t versions[] = {
    V(10, 0, 0), V(9, 2, 0),  V(9, 1, 0),  V(9, 0, 0),  V(8, 2, 0), V(8, 1, 0), V(8, 0, 0),
    V(7, 2, 0),  V(7, 1, 0),  V(7, 0, 0),  V(6, 2, 0),  V(6, 1, 0), V(6, 0, 0), V(5, 2, 0),
    V(5, 1, 0),  V(5, 0, 0),  V(4, 2, 0),  V(4, 1, 0),  V(4, 0, 1), V(4, 0, 0), V(3, 1, 0),
    V(3, 0, 0),  V(2, 12, 0), V(2, 11, 0), V(2, 10, 0), V(2, 9, 0), V(2, 8, 0), V(2, 7, 0),
    V(2, 6, 0),  V(2, 5, 0),  V(2, 4, 0),
};

static int is_q35(const struct machine_type *t)
{
    return t->family && strcmp(t->family, "pc-q35") == 0;
}

uint32_t machine_version_newest(const struct cli_options *cli)
{
    return cli && cli->as_qemu_7 ? V(7, 2, 0) : versions[0];
}

uint32_t machine_version_at(const struct machine_type *t, uint32_t newest, uint32_t i)
{
    for (uint32_t k = 0; t->family && k < ARRAY_SIZE(versions); k++) {
        if (versions[k] > newest)
            continue;
        if (versions[k] == V(4, 0, 1) && !is_q35(t))
            continue; /* a mistake of 4.0 that q35 alone had */
        if (i-- == 0)
            return versions[k];
    }
    return 0;
}

char *machine_version_name(const struct machine_type *t, uint32_t version)
{
    const uint32_t micro = version % 100;
    AUTO_FREE char *tail = micro ? xasprintf(".%u", micro) : xstrdup("");
    return t->family
               ? xasprintf("%s-%u.%u%s", t->family, version / 10000, version / 100 % 100, tail)
               : xstrdup(t->name);
}

static int has_name(const struct machine_type *t, const char *name, uint32_t newest,
                    uint32_t *version)
{
    for (uint32_t i = 0; (*version = machine_version_at(t, newest, i)); i++) {
        AUTO_FREE char *full = machine_version_name(t, *version);
        if (strcmp(full, name) == 0)
            return 1;
    }
    return 0;
}

const struct machine_type *machine_version_find(const char *name, uint32_t newest,
                                                uint32_t *version)
{
    for (const struct machine_type *const *t = machine_types; *t; t++) {
        if (has_name(*t, name, newest, version))
            return *t;
        *version = newest;
        if (strcmp((*t)->name, name) == 0)
            return *t;
    }
    return NULL;
}

int machine_version_deprecated(uint32_t version, uint32_t newest)
{
    return version < (newest > V(7, 2, 0) ? V(7, 1, 0) : V(2, 0, 0));
}

uint32_t machine_version_max_cpus(const struct machine_type *t, uint32_t version)
{
    return version < V(2, 8, 0) && t->max_cpus > 255 ? 255 : t->max_cpus;
}

/* ---- defaults that have changed ---- */

/* Newest first: what holds for an older one as well comes before what is its own. */
static const struct machine_compat compat[] = {
    {V(9, 0, 0), NULL, "pvpanic", "events", "3"},
    {V(9, 0, 0), NULL, "pvpanic-pci", "events", "3"},
    {V(8, 1, 0), NULL, "virtio-net-device", "host_uso", "off"},
    {V(8, 1, 0), NULL, "virtio-net-device", "guest_uso4", "off"},
    {V(8, 1, 0), NULL, "virtio-net-device", "guest_uso6", "off"},
    {V(7, 2, 0), "pc-q35", "ICH9-LPC", "noreboot", "on"},
    {V(7, 2, 0), NULL, "pcie-root-port", "x-pcie-err-unc-mask", "off"},
    {V(7, 1, 0), NULL, "virtio-blk-device", "queue_reset", "off"},
    {V(7, 1, 0), NULL, "virtio-net-device", "queue_reset", "off"},
    {V(7, 1, 0), NULL, "virtio-rng-device", "queue_reset", "off"},
    {V(7, 1, 0), NULL, "virtio-serial-device", "queue_reset", "off"},
    {V(7, 1, 0), NULL, "virtio-rng-pci", "vectors", "0"},
    {V(5, 1, 0), NULL, "virtio-blk-device", "num-queues", "1"},
    {V(4, 2, 0), NULL, "virtio-blk-device", "queue-size", "128"},
    {V(4, 2, 0), NULL, "virtio-blk-device", "seg-max-adjust", "off"},
    {V(4, 1, 0), NULL, "virtio-pci", "x-pcie-flr-init", "off"},
    {V(4, 1, 0), "pc-q35", "mch", "smbase-smram", "off"},
    {V(3, 1, 0), NULL, "pcie-root-port", "x-speed", "2_5"},
    {V(3, 1, 0), NULL, "pcie-root-port", "x-width", "1"},
    {V(3, 1, 0), NULL, "virtio-blk-device", "discard", "off"},
    {V(3, 1, 0), NULL, "virtio-blk-device", "write-zeroes", "off"},
    {V(2, 9, 0), "pc-q35", "mch", "extended-tseg-mbytes", "0"},
    {V(2, 8, 0), NULL, "fw_cfg_io", "x-file-slots", "16"},
};

const struct machine_compat *machine_compat_at(const struct machine *m, uint32_t i)
{
    for (size_t k = 0; k < ARRAY_SIZE(compat); k++) {
        const struct machine_compat *c = &compat[k];
        int applies = m->type->family && m->version <= c->up_to &&
                      (!c->family || strcmp(c->family, m->type->family) == 0);
        if (applies && i-- == 0)
            return c;
    }
    return NULL;
}
