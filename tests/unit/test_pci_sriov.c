/* SPDX-License-Identifier: BSD-2-Clause */
/* SR-IOV: PCIe Base 6.0 chapter 9. */
#include "pci/caps.h"
#include "pci/sriov.h"
#include "tap.h"
#include <errno.h>

#define CAP 0x100

static const struct pci_ids ids = {.vendor = 0x1b36, .device = 0x0010, .int_pin = 1};
static const struct sriov_spec nvme = {
    .total = 4,
    .first = 1,
    .stride = 1,
    .device = 0x0010,
    .bar_size = {0x4000},
    .bar_kind = {PCI_BAR_MEM64},
};

struct fixture {
    struct pci_config c;
    struct sriov v;
};

static void make(struct fixture *f, const struct sriov_spec *spec)
{
    pci_config_init(&f->c, PCI_FN_EXPRESS, &ids);
    sriov_init(&f->v, &f->c, 0, spec);
}

static uint32_t rd(struct fixture *f, uint32_t off, uint32_t size)
{
    return pci_config_read(&f->c, off, size);
}

static uint32_t wr(struct fixture *f, uint32_t off, uint32_t size, uint32_t v)
{
    struct pci_written w = pci_config_write(&f->c, off, size, v);

    return sriov_written(&f->v, &w);
}

TEST(the_capability_says_what_there_is)
{
    struct fixture f;

    make(&f, &nvme);
    CHECK_EQ(rd(&f, CAP, 4), 0x00010010);
    CHECK_EQ(rd(&f, CAP + 0x0c, 4), 0x00040004);
    CHECK_EQ(rd(&f, CAP + 0x14, 4), 0x00010001);
    CHECK_EQ(rd(&f, CAP + 0x18, 4), 0x00100000);
    CHECK_EQ(rd(&f, CAP + 0x1c, 4), 0x553);
    CHECK_EQ(rd(&f, CAP + 0x20, 4), 1);
    wr(&f, CAP + 0x24, 4, 0xffffffff);
    wr(&f, CAP + 0x28, 4, 0xffffffff);
    wr(&f, CAP + 0x2c, 4, 0xffffffff);
    CHECK_EQ(rd(&f, CAP + 0x24, 4), 0xffffc004);
    CHECK_EQ(rd(&f, CAP + 0x28, 4), 0xffffffff);
    CHECK_EQ(rd(&f, CAP + 0x2c, 4), 0);
    CHECK_EQ(sriov_vfs(&f.v), 0);
    pci_config_fini(&f.c);
}

TEST(impossible_specifications_are_refused)
{
    struct fixture f;
    struct sriov_spec none = nvme, crowd = nvme, same = nvme, io = nvme, odd = nvme, over = nvme;

    pci_config_init(&f.c, PCI_FN_EXPRESS, &ids);
    none.total = 0;
    crowd.total = 0xffff;
    crowd.stride = 2;
    same.stride = 0;
    io.bar_kind[0] = PCI_BAR_IO;
    odd.bar_size[0] = 0x3000;
    over.bar_size[1] = 0x1000;
    over.bar_kind[1] = PCI_BAR_MEM32;
    CHECK_EQ(sriov_init(&f.v, &f.c, 0, &none), -EINVAL);
    CHECK_EQ(sriov_init(&f.v, &f.c, 0, &crowd), -EINVAL);
    CHECK_EQ(sriov_init(&f.v, &f.c, 0, &same), -EINVAL);
    CHECK_EQ(sriov_init(&f.v, &f.c, 0, &io), -EINVAL);
    CHECK_EQ(sriov_init(&f.v, &f.c, 0, &odd), -EINVAL);
    CHECK_EQ(sriov_init(&f.v, &f.c, 0, &over), -EINVAL);
    CHECK_EQ(sriov_init(&f.v, &f.c, 0, &nvme), CAP);
    pci_config_fini(&f.c);
}

TEST(enabling_creates_the_number_that_was_written)
{
    struct fixture f;

    make(&f, &nvme);
    CHECK_EQ(wr(&f, CAP + 0x10, 2, 3), 0);
    CHECK_EQ(wr(&f, CAP + 0x08, 2, 1), SRIOV_VFS);
    CHECK_EQ(sriov_vfs(&f.v), 3);
    CHECK_EQ(wr(&f, CAP + 0x10, 2, 1), 0); /* fixed while enabled */
    CHECK_EQ(rd(&f, CAP + 0x10, 2), 3);
    CHECK_EQ(wr(&f, CAP + 0x08, 2, 0), SRIOV_VFS);
    CHECK_EQ(sriov_vfs(&f.v), 0);
    CHECK_EQ(wr(&f, CAP + 0x10, 2, 5), 0); /* more than there are */
    CHECK_EQ(rd(&f, CAP + 0x10, 2), 3);
    CHECK_EQ(sriov_rid(&f.v, 0x0100, 0), 0x0101);
    CHECK_EQ(sriov_rid(&f.v, 0x0100, 3), 0x0104);
    pci_config_fini(&f.c);
}

TEST(bars_follow_each_other_under_memory_enable)
{
    struct fixture f;

    make(&f, &nvme);
    wr(&f, CAP + 0x24, 4, 0xfe000000);
    wr(&f, CAP + 0x10, 2, 2);
    CHECK_EQ(wr(&f, CAP + 0x08, 2, 1), SRIOV_VFS);
    CHECK_EQ(sriov_bar_addr(&f.v, 0, 0), PCI_BAR_UNMAPPED);
    CHECK_EQ(wr(&f, CAP + 0x08, 2, 9), SRIOV_BARS);
    CHECK_EQ(sriov_bar_addr(&f.v, 0, 0), 0xfe000000);
    CHECK_EQ(sriov_bar_addr(&f.v, 1, 0), 0xfe004000);
    CHECK_EQ(sriov_bar_addr(&f.v, 2, 0), PCI_BAR_UNMAPPED);
    CHECK_EQ(sriov_bar_addr(&f.v, 0, 1), PCI_BAR_UNMAPPED);
    CHECK_EQ(sriov_bar_addr(&f.v, 0, 6), PCI_BAR_UNMAPPED);
    CHECK_EQ(wr(&f, CAP + 0x28, 4, 0x38), SRIOV_BARS);
    CHECK_EQ(sriov_bar_addr(&f.v, 1, 0), 0x38fe004000);
    wr(&f, CAP + 0x28, 4, 0xffffffff);
    CHECK_EQ(wr(&f, CAP + 0x24, 4, 0xffffc000), SRIOV_BARS); /* the second would wrap */
    CHECK_EQ(sriov_bar_addr(&f.v, 0, 0), PCI_BAR_UNMAPPED);
    pci_config_fini(&f.c);
}

TEST(the_page_size_spaces_small_bars)
{
    struct fixture f;
    struct sriov_spec small = nvme;

    small.bar_size[0] = 0x1000;
    make(&f, &small);
    CHECK_EQ(sriov_bar_step(&f.v, 0), 0x1000);
    wr(&f, CAP + 0x24, 4, 0xfe001000);
    wr(&f, CAP + 0x20, 4, 0x10);
    CHECK_EQ(sriov_bar_step(&f.v, 0), 0x10000);
    CHECK_EQ(rd(&f, CAP + 0x24, 4), 0xfe000004);
    wr(&f, CAP + 0x24, 4, 0xffffffff);
    CHECK_EQ(rd(&f, CAP + 0x24, 4), 0xffff0004);
    wr(&f, CAP + 0x20, 4, 0x03); /* two sizes are none */
    CHECK_EQ(rd(&f, CAP + 0x20, 4), 0x10);
    wr(&f, CAP + 0x20, 4, 0);
    CHECK_EQ(rd(&f, CAP + 0x20, 4), 0x10);
    wr(&f, CAP + 0x10, 2, 1);
    wr(&f, CAP + 0x08, 2, 1);
    wr(&f, CAP + 0x20, 4, 1); /* fixed while enabled */
    wr(&f, CAP + 0x08, 2, 0);
    wr(&f, CAP + 0x24, 4, 0xfe000000);
    wr(&f, CAP + 0x10, 2, 2);
    wr(&f, CAP + 0x08, 2, 9);
    CHECK_EQ(sriov_bar_addr(&f.v, 1, 0), 0xfe010000);
    CHECK_EQ(rd(&f, CAP + 0x20, 4), 0x10);
    pci_config_fini(&f.c);
}

TEST(a_reset_removes_virtual_functions)
{
    struct fixture f;

    make(&f, &nvme);
    wr(&f, CAP + 0x24, 4, 0xfe000000);
    wr(&f, CAP + 0x10, 2, 4);
    wr(&f, CAP + 0x08, 2, 9);
    CHECK_EQ(sriov_vfs(&f.v), 4);
    pci_config_reset(&f.c, false);
    CHECK_EQ(sriov_written(&f.v, NULL), SRIOV_VFS | SRIOV_BARS);
    CHECK_EQ(sriov_vfs(&f.v), 0);
    CHECK_EQ(rd(&f, CAP + 0x10, 2), 0);
    pci_config_fini(&f.c);
}

TEST(a_restored_state_has_its_virtual_functions)
{
    struct fixture a, b;
    uint8_t state[4096];

    make(&a, &nvme);
    make(&b, &nvme);
    wr(&a, CAP + 0x24, 4, 0xfe000000);
    wr(&a, CAP + 0x10, 2, 2);
    wr(&a, CAP + 0x08, 2, 9);
    memcpy(state, a.c.bytes, sizeof state);
    CHECK_EQ(pci_config_restore(&b.c, state, sizeof state, NULL), 0);
    CHECK_EQ(sriov_written(&b.v, NULL), SRIOV_VFS | SRIOV_BARS);
    CHECK_EQ(sriov_vfs(&b.v), 2);
    CHECK_EQ(sriov_bar_addr(&b.v, 1, 0), 0xfe004000);
    state[CAP + 0x10] = 0xff; /* hostile */
    CHECK_EQ(pci_config_restore(&b.c, state, sizeof state, NULL), 0);
    sriov_written(&b.v, NULL);
    CHECK_EQ(sriov_vfs(&b.v), 2);
    pci_config_fini(&a.c);
    pci_config_fini(&b.c);
}

TEST(a_virtual_function_borrows_from_its_pf)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_EXPRESS | PCI_FN_VF, &ids);
    CHECK_EQ(pci_config_read(&c, 0, 4), 0xffffffff);
    CHECK_EQ(pci_config_read(&c, 0x3d, 1), 0);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_IO, 0x20), -EINVAL);
    CHECK_EQ(pci_rom_add(&c, 0x800), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM64, 0x4000), 0);
    pci_pm_add(&c, 0x40, true, 0);
    pci_config_write(&c, 0x10, 4, 0xffffffff);
    CHECK_EQ(pci_config_read(&c, 0x10, 4), 0);
    CHECK_EQ(pci_config_write(&c, 4, 2, 0xffff).changes, PCI_CHANGED_MASTER);
    CHECK_EQ(pci_config_read(&c, 4, 2), 4);
    CHECK_EQ(pci_bar_addr(&c, 0), PCI_BAR_UNMAPPED);
    CHECK_EQ(pci_bar_place(&c, 0, 0xfe004000), 1);
    CHECK_EQ(pci_bar_addr(&c, 0), 0xfe004000);
    CHECK_EQ(pci_config_write(&c, 0x44, 2, 3).changes, PCI_CHANGED_POWER | 1);
    CHECK_EQ(pci_bar_addr(&c, 0), PCI_BAR_UNMAPPED);
    CHECK_EQ(pci_bar_place(&c, 7, 0), 0);
    pci_config_fini(&c);
}

int main(void)
{
    RUN(the_capability_says_what_there_is);
    RUN(impossible_specifications_are_refused);
    RUN(enabling_creates_the_number_that_was_written);
    RUN(bars_follow_each_other_under_memory_enable);
    RUN(the_page_size_spaces_small_bars);
    RUN(a_reset_removes_virtual_functions);
    RUN(a_restored_state_has_its_virtual_functions);
    RUN(a_virtual_function_borrows_from_its_pf);
    return tap_done();
}
