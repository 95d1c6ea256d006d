/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/sriov.h"
#include "pci/caps.h"
#include "util/bytes.h"
#include <errno.h>

/* 9.3.3.12: 4 KiB, 8 KiB, 64 KiB, 256 KiB, 1 MiB and 4 MiB; bit n is 2^(n + 12) */
#define PAGE_SIZES    0x553u
#define CTRL_WMASK    (PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI)
#define BAR_REG(v, n) ((v)->cap + PCI_SRIOV_BAR + 4 * (n))

static uint8_t *reg(const struct sriov *v, uint32_t r)
{
    return v->c->bytes + v->cap + r;
}

static uint16_t control(const struct sriov *v)
{
    return get_le16(reg(v, PCI_SRIOV_CTRL));
}

static bool wide(const struct sriov *v, uint32_t n)
{
    return v->spec.bar_kind[n] & PCI_BAR_MEM64;
}

uint64_t sriov_bar_step(const struct sriov *v, uint32_t n)
{
    uint64_t page = (uint64_t)v->page << 12;

    return v->spec.bar_size[n] > page ? v->spec.bar_size[n] : page;
}

/* ---- declaration ---------------------------------------------------------------------- */

static bool bar_ok(const struct sriov_spec *s, uint32_t n)
{
    uint64_t size = s->bar_size[n];
    uint32_t kind = s->bar_kind[n] & ~(uint32_t)PCI_BAR_PREFETCH;

    if (!size)
        return true;
    if (n > 0 && s->bar_size[n - 1] && (s->bar_kind[n - 1] & PCI_BAR_MEM64))
        return false;
    if (size & (size - 1) || size < PCI_BAR_MEM_MIN)
        return false;
    return (kind == PCI_BAR_MEM32 && size <= 1u << 31) || (kind == PCI_BAR_MEM64 && n < 5);
}

static bool spec_ok(const struct sriov_spec *s)
{
    for (uint32_t n = 0; n < 6; n++)
        if (!bar_ok(s, n))
            return false;
    return s->total && s->first && (s->stride || s->total == 1) &&
           s->first + (uint32_t)s->stride * (s->total - 1) <= 0xffff;
}

/* Address bits below the step are read-only zeros; the type bits stay. */
static void set_mask(struct sriov *v, uint32_t n)
{
    uint64_t mask = ~(sriov_bar_step(v, n) - 1);
    uint32_t at = BAR_REG(v, n), low = get_le32(v->c->bytes + at);

    put_le32(v->c->wmask + at, (uint32_t)mask);
    put_le32(v->c->bytes + at, low & ((uint32_t)mask | ~(uint32_t)PCI_BASE_ADDRESS_MEM_MASK));
    if (!wide(v, n))
        return;
    put_le32(v->c->wmask + at + 4, (uint32_t)(mask >> 32));
    put_le32(v->c->bytes + at + 4, get_le32(v->c->bytes + at + 4) & (uint32_t)(mask >> 32));
}

static void declare_bar(struct sriov *v, uint32_t n)
{
    uint32_t kind = v->spec.bar_kind[n];

    pci_config_reg(v->c, BAR_REG(v, n), 4,
                   (kind & PCI_BAR_MEM64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
                       (kind & PCI_BAR_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0),
                   0, 0);
    set_mask(v, n);
}

static void declare(struct sriov *v)
{
    const struct sriov_spec *s = &v->spec;

    put_le16(reg(v, PCI_SRIOV_INITIAL_VF), s->total);
    put_le16(reg(v, PCI_SRIOV_TOTAL_VF), s->total);
    put_le16(reg(v, PCI_SRIOV_VF_OFFSET), s->first);
    put_le16(reg(v, PCI_SRIOV_VF_STRIDE), s->stride);
    put_le16(reg(v, PCI_SRIOV_VF_DID), s->device);
    put_le32(reg(v, PCI_SRIOV_SUP_PGSIZE), PAGE_SIZES);
    pci_config_reg(v->c, v->cap + PCI_SRIOV_CTRL, 2, 0, CTRL_WMASK, 0);
    pci_config_reg(v->c, v->cap + PCI_SRIOV_NUM_VF, 2, 0, 0xffff, 0);
    pci_config_reg(v->c, v->cap + PCI_SRIOV_SYS_PGSIZE, 4, 1, PAGE_SIZES, 0);
    for (uint32_t n = 0; n < 6; n++)
        if (s->bar_size[n])
            declare_bar(v, n);
}

int sriov_init(struct sriov *v, struct pci_config *c, uint32_t at, const struct sriov_spec *spec)
{
    int off;

    if (!spec_ok(spec))
        return -EINVAL;
    off = pci_ext_cap_add(c, PCI_EXT_CAP_ID_SRIOV, 1, at, PCI_EXT_CAP_SRIOV_SIZEOF);
    if (off < 0)
        return off;
    *v = (struct sriov){.c = c, .cap = (uint32_t)off, .spec = *spec, .page = 1};
    declare(v);
    sriov_written(v, NULL);
    return off;
}

/* ---- what the registers say ----------------------------------------------------------- */

/* The number cannot change while VFs are enabled, nor exceed what there is (9.3.3.7). */
static void settle_number(struct sriov *v)
{
    uint16_t num = get_le16(reg(v, PCI_SRIOV_NUM_VF));

    if (v->vfs || num > v->spec.total)
        put_le16(reg(v, PCI_SRIOV_NUM_VF), v->num_vfs);
    else
        v->num_vfs = num;
}

/* One supported size, and only while VFs are disabled; BARs are then sized by it (9.3.3.13). */
static void settle_page(struct sriov *v)
{
    uint32_t page = get_le32(reg(v, PCI_SRIOV_SYS_PGSIZE));

    if (v->vfs || !page || page & (page - 1)) {
        put_le32(reg(v, PCI_SRIOV_SYS_PGSIZE), v->page);
        return;
    }
    v->page = page;
    for (uint32_t n = 0; n < 6; n++)
        if (v->spec.bar_size[n])
            set_mask(v, n);
}

static uint64_t base(const struct sriov *v, uint32_t n)
{
    uint64_t step = sriov_bar_step(v, n), top = wide(v, n) ? UINT64_MAX : UINT32_MAX, addr, len;
    const uint8_t *p = v->c->bytes + BAR_REG(v, n);

    if (!v->spec.bar_size[n] || !v->vfs || v->c->absent || pci_config_power(v->c) ||
        !(control(v) & PCI_SRIOV_CTRL_MSE))
        return PCI_BAR_UNMAPPED;
    addr = (wide(v, n) ? get_le64(p) : get_le32(p)) & ~(step - 1);
    if (__builtin_mul_overflow(step, (uint64_t)v->vfs, &len) || len > top - addr)
        return PCI_BAR_UNMAPPED;
    return addr || v->c->flags & PCI_FN_ZERO_BAR ? addr : PCI_BAR_UNMAPPED;
}

static uint32_t update_bars(struct sriov *v)
{
    uint32_t changed = 0;

    for (uint32_t n = 0; n < 6; n++) {
        uint64_t addr = base(v, n);

        if (addr != v->bar[n])
            changed = SRIOV_BARS;
        v->bar[n] = addr;
    }
    return changed;
}

uint32_t sriov_written(struct sriov *v, const struct pci_written *w)
{
    uint32_t changed = 0;
    uint16_t vfs;

    if (w && w->old == w->now && !w->changes)
        return 0;
    if (!w) /* a reset or a restore counts as it is */
        v->vfs = 0;
    settle_number(v);
    settle_page(v);
    vfs = control(v) & PCI_SRIOV_CTRL_VFE ? v->num_vfs : 0;
    if (vfs != v->vfs || !w)
        changed = SRIOV_VFS;
    v->vfs = vfs;
    return changed | update_bars(v);
}

uint32_t sriov_vfs(const struct sriov *v)
{
    return v->vfs;
}

uint64_t sriov_bar_addr(const struct sriov *v, uint32_t vf, uint32_t n)
{
    if (n >= 6 || vf >= v->vfs || v->bar[n] == PCI_BAR_UNMAPPED)
        return PCI_BAR_UNMAPPED;
    return v->bar[n] + vf * sriov_bar_step(v, n);
}

uint32_t sriov_rid(const struct sriov *v, uint32_t pf, uint32_t vf)
{
    return (pf + v->spec.first + vf * v->spec.stride) & 0xffff;
}
