/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's PCI: bridges, resets, errors and virtual functions. */
#include "pci_host_rig.h"

/* ---- bridges ---- */

TEST(assignment_numbers_buses_and_opens_windows)
{
    ERR_AUTO e = {0};
    struct bridge *port = add("port", NULL, PROPS("id", "rp"))->pub.self;
    struct probe *p = probe_of(add("probe", "rp", NULL));
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(pci_assign(vm, &windows, &e), 0);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_SECONDARY_BUS, 1), 1u);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_SUBORDINATE_BUS, 1), 1u);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0x56781234u);
    uint32_t bar = cfg_read(1, 0, 0, PCI_BASE_ADDRESS_0, 4);
    CHECK(bar >= 0xc0000000u && bar < 0xfe000000u);
    CHECK_EQ(space_read(vm->mmio, bar, 4), 0x55667788u);
    uint64_t pref = cfg_read(1, 0, 0, PCI_BASE_ADDRESS_2, 4) & ~0xfu;
    pref |= (uint64_t)cfg_read(1, 0, 0, PCI_BASE_ADDRESS_3, 4) << 32;
    CHECK(pref >= 0x100000000u);
    CHECK_EQ(p->bar_addr[2], pref);
    struct tn_pci_where w = {.struct_size = sizeof w};
    CHECK_EQ(p->pci->where(p->dev, &w), 0);
    CHECK_EQ(w.rid, 0x100u);
    CHECK_EQ(w.flags, TN_PCI_ON_EXPRESS);
    CHECK_EQ(cfg_read(1, 0, 0, PCI_INTERRUPT_LINE, 1), pci_root_gsi(1, 0));
    CHECK(port->routed & TN_BRIDGE_NUMBERS);
    cfg_write(0, 1, 0, PCI_MEMORY_BASE, 4, 0x0000fff0); /* closed */
    CHECK_EQ(space_read(vm->mmio, bar, 4), 0xffffffffu);
    CHECK_EQ(p->bar_addr[0], TN_ANYWHERE);
}

TEST(an_empty_bus_gets_no_window)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("hotplug", "off"));
    cfg_write(0, 1, 0, PCI_MEMORY_BASE, 4, 0xd000d000);
    cfg_write(0, 1, 0, PCI_PREF_MEMORY_BASE, 4, 0xe000e000);
    pci_assign(vm, &windows, &e);
    for (uint32_t reg = PCI_MEMORY_BASE; reg <= PCI_PREF_MEMORY_BASE; reg += 4) {
        uint32_t w = cfg_read(0, 1, 0, reg, 4);
        CHECK((w & 0xfff0) > (w >> 16 & 0xfff0));
    }
}

TEST(bridges_gate_dma_and_swizzle_pins)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("id", "rp", "addr", "2"));
    struct probe *p = probe_of(add("probe", "rp", PROPS("addr", "3")));
    const struct tn_dma *dma = TN_GET(p->dev, struct tn_dma, TN_DMA_1);
    struct tn_as *as = p->pci->dma(p->dev, TN_NO_PASID);
    uint32_t v = 1;
    pci_assign(vm, &windows, &e);
    cfg_write(1, 3, 0, PCI_COMMAND, 2, ALL_ON);
    CHECK_EQ(dma->read(as, 0, &v, 4), 0);
    cfg_write(0, 2, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK(dma->read(as, 0, &v, 4) < 0);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(wires, 1u << pci_root_gsi(2, 3));
}

TEST(bars_below_bridges_do_not_overlap_and_are_aligned)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("id", "r0"));
    add("port", NULL, PROPS("id", "r1"));
    add("port", "r1", PROPS("id", "r2"));
    const char *const bus[] = {"pcie.0", "r0", "r1", "r2", "r2"};
    struct probe *p[5];
    for (int i = 0; i < 5; i++)
        p[i] = probe_of(add("probe", bus[i], NULL));
    CHECK_EQ(pci_assign(vm, &windows, &e), 0);
    for (int i = 0; i < 5; i++)
        for (int n = 0; n < 3; n++) {
            const uint64_t size[] = {0x1000, 16, 0x4000};
            CHECK(p[i]->bar_addr[n] != TN_ANYWHERE && p[i]->bar_addr[n] != 0);
            CHECK_EQ(p[i]->bar_addr[n] % size[n], 0);
            for (int k = 0; k < i; k++)
                CHECK(p[k]->bar_addr[n] + size[n] <= p[i]->bar_addr[n] ||
                      p[i]->bar_addr[n] + size[n] <= p[k]->bar_addr[n]);
        }
    for (uint32_t slot = 1; slot <= 2; slot++) {
        uint32_t w = cfg_read(0, slot, 0, PCI_MEMORY_BASE, 4);
        uint64_t first = (uint64_t)(w & 0xfff0) << 16, last = (w & 0xfff00000u) | 0xfffff;
        CHECK(first <= last && (p[0]->bar_addr[0] < first || p[0]->bar_addr[0] > last));
        CHECK(p[slot]->bar_addr[0] >= first && p[slot]->bar_addr[0] <= last);
    }
    CHECK_EQ(cfg_read(0, 2, 0, PCI_SUBORDINATE_BUS, 1), 3u);
    CHECK_EQ(cfg_read(3, 1, 0, 0, 4), 0x56781234u);
}

TEST(an_extra_root_has_its_numbers_and_a_share_of_the_windows)
{
    ERR_AUTO e = {0}, e2 = {0};
    struct root *r = add("root", NULL, NULL)->pub.self;
    const struct tn_pci_bus *buses = TN_GET(r->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    add("port", "extra", PROPS("id", "rp"));
    struct probe *p = probe_of(add("probe", "rp", NULL)),
                 *q = probe_of(add("probe", "pcie.0", NULL));
    CHECK(!try_add(&e, "root", NULL, NULL));
    CHECK(strstr(err_text(&e), "bus number 64 is that of 'extra'"));
    CHECK_EQ(pci_assign(vm, &windows, &e2), 0);
    CHECK_EQ(cfg_read(64, 1, 0, PCI_SECONDARY_BUS, 1), 65u);
    CHECK_EQ(cfg_read(65, 0, 0, 0, 4), 0x56781234u);
    CHECK_EQ(space_read(vm->mmio, ecam(65, 0, 0, 0), 4), 0x56781234u);
    CHECK(p->bar_addr[0] != TN_ANYWHERE && q->bar_addr[0] < p->bar_addr[0]);
    uint32_t v[3];
    buses->numbers(pci_root_bus(vm), v);
    CHECK_EQ(v[2], 63u);
    buses->numbers(r->bus, v);
    CHECK_EQ(v[1], 64u);
    CHECK_EQ(v[2], 255u);
}

/* ---- resets ---- */

TEST(a_function_is_absent_while_its_level_reset_takes)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    uint32_t resumes = p->resumes, ctl = cap_at(0, 1, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
    cfg_write(0, 1, 0, ctl, 2, PCI_EXP_DEVCTL_BCR_FLR);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 4), 0xffffffffu);
    run_loop();
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_COMMAND, 2), 0u);
    CHECK_EQ(p->resets, 1);
    CHECK_EQ(p->in_reset_kind, TN_RESET_FLR);
    CHECK_EQ(p->quiesces, 1);
    CHECK_EQ(p->resumes, resumes + 1);
}

TEST(a_bus_reset_takes_until_the_bit_is_cleared)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp"))->pub.self;
    struct probe *p = probe_of(add("probe", "rp", NULL));
    pci_assign(vm, &windows, &e);
    cfg_write(0, 1, 0, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET);
    CHECK_EQ(b->in_reset, 1);
    run_loop();
    CHECK_EQ(p->in_reset_kind, TN_RESET_BUS);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0xffffffffu);
    cfg_write(0, 1, 0, PCI_BRIDGE_CONTROL, 2, 0);
    CHECK_EQ(b->in_reset, 0);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0x56781234u);
}

TEST(a_function_that_is_gone_answers_nothing)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    p->pci->intx(p->dev, 1);
    p->pci->gone(p->dev, 1);
    CHECK_EQ(wires, 0);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(wires, 0);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 4), 0xffffffffu);
    run_loop();
    CHECK_EQ(p->bar_addr[0], TN_ANYWHERE);
    p->pci->gone(p->dev, 0);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 4), 0x55667788u);
}

/* ---- errors and virtual functions ---- */

TEST(errors_go_up_to_the_root_port)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp"))->pub.self;
    struct probe *p = probe_of(add("probe", "rp", NULL));
    pci_assign(vm, &windows, &e);
    CHECK_EQ(p->pci->aer(p->dev, TN_AER_FATAL, PCI_ERR_UNC_MALF_TLP, NULL), 0);
    CHECK_EQ(b->messages, 0); /* reporting is off */
    cfg_write(1, 0, 0, cap_at(1, 0, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FERE);
    CHECK_EQ(p->pci->aer(p->dev, TN_AER_FATAL, PCI_ERR_UNC_MALF_TLP, NULL), 0);
    CHECK_EQ(b->message, TN_AER_FATAL);
    CHECK_EQ(b->message_rid, 0x100u);
}

static uint32_t ext_at(uint32_t slot, uint32_t id)
{
    uint32_t off = 0x100;
    while (off && (space_read(vm->mmio, ecam(0, slot, 0, off), 4) & 0xffff) != id)
        off = (uint32_t)space_read(vm->mmio, ecam(0, slot, 0, off), 4) >> 20;
    return off;
}

TEST(virtual_functions_come_and_go_with_vf_enable)
{
    struct pf *p = add("physical", NULL, NULL)->pub.self;
    uint64_t cap = ecam(0, 1, 0, ext_at(1, PCI_EXT_CAP_ID_SRIOV));
    space_write(vm->mmio, cap + PCI_SRIOV_BAR, 0xe8000000, 4);
    space_write(vm->mmio, cap + PCI_SRIOV_NUM_VF, 3, 2);
    CHECK_EQ(cfg_read(0, 1, 1, 0, 4), 0xffffffffu);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, 2);
    run_loop();
    CHECK_EQ(p->enabled, 3);
    CHECK_EQ(p->set_up, 3);
    CHECK_EQ(cfg_read(0, 1, 3, PCI_CLASS_REVISION, 4), 0xff000000u);
    CHECK_EQ(cfg_read(0, 1, 4, PCI_CLASS_REVISION, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe8002000, 1), 0xf2u);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE, 2); /* memory space off */
    CHECK_EQ(space_read(vm->mmio, 0xe8002000, 1), 0xffu);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, 0, 2);
    CHECK_EQ(cfg_read(0, 1, 1, PCI_CLASS_REVISION, 4), 0xffffffffu); /* at once */
    run_loop();
    CHECK_EQ(p->enabled, 0);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE, 2);
    run_loop();
    CHECK_EQ(p->enabled, 3);
    pci_reset_all(vm, TN_RESET_COLD);
    run_loop();
    CHECK_EQ(p->enabled, 0);
}

static int count(void *o, struct device *d, uint32_t rid)
{
    uint32_t *n = o;
    (void)d;
    if (rid < n[1])
        return 1;
    n[1] = rid;
    n[0]++;
    return 0;
}

TEST(each_function_is_visited_in_order)
{
    ERR_AUTO e = {0};
    uint32_t n[2] = {0, 0};
    add("port", NULL, PROPS("id", "rp"));
    add("probe", NULL, NULL);
    add("probe", "rp", NULL);
    pci_assign(vm, &windows, &e);
    pci_each(vm, count, n);
    CHECK(n[0] >= 2);
}

int main(void)
{
    RUN(assignment_numbers_buses_and_opens_windows);
    RUN(an_empty_bus_gets_no_window);
    RUN(bridges_gate_dma_and_swizzle_pins);
    RUN(bars_below_bridges_do_not_overlap_and_are_aligned);
    RUN(an_extra_root_has_its_numbers_and_a_share_of_the_windows);
    RUN(a_function_is_absent_while_its_level_reset_takes);
    RUN(a_bus_reset_takes_until_the_bit_is_cleared);
    RUN(a_function_that_is_gone_answers_nothing);
    RUN(errors_go_up_to_the_root_port);
    RUN(virtual_functions_come_and_go_with_vf_enable);
    RUN(each_function_is_visited_in_order);
    return tap_done();
}
