/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's PCI: INTx, MSI, MSI-X and descriptors that raise them. */
#include "pci_host_rig.h"

#define MAILBOX 0x8000u /* where messages go */

/* ---- the guest ---- */

static uint32_t mail(uint32_t n)
{
    return get_le32(ram->va + MAILBOX + 4 * n);
}

static void set_vector(uint32_t mem, uint32_t vec, uint32_t masked)
{
    space_write(vm->mmio, mem + TABLE + 16 * vec, MAILBOX + 4 * vec, 4);
    space_write(vm->mmio, mem + TABLE + 16 * vec + 4, 0, 4);
    space_write(vm->mmio, mem + TABLE + 16 * vec + 8, 0xcafe0000 + vec, 4);
    space_write(vm->mmio, mem + TABLE + 16 * vec + 12, masked, 4);
}

static void msix_enable(uint32_t slot, uint32_t flags)
{
    cfg_write(0, slot, 0, cap_at(0, slot, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2, flags);
}

/* ---- interrupts ---- */

TEST(intx_reaches_the_swizzled_gsi_and_obeys_its_switches)
{
    struct device *a = add("probe", NULL, PROPS("addr", "3")),
                  *b = add("probe", NULL, PROPS("addr", "b"));
    struct probe *p = probe_of(a), *q = probe_of(b);
    uint32_t bit = 1u << pci_root_gsi(3, 0);
    CHECK_EQ(pci_root_gsi(3, 0), 19u);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(wires, bit);
    q->pci->intx(q->dev, 1); /* slot 11 shares it */
    p->pci->intx(p->dev, 0);
    CHECK_EQ(wires, bit);
    q->pci->intx(q->dev, 0);
    CHECK_EQ(wires, 0);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(cfg_read(0, 3, 0, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    cfg_write(0, 3, 0, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    CHECK_EQ(wires, 0);
    CHECK_EQ(p->mode, TN_IRQ_NONE);
    cfg_write(0, 3, 0, PCI_COMMAND, 2, 0);
    CHECK_EQ(wires, bit);
    msix_enable(3, PCI_MSIX_FLAGS_ENABLE);
    CHECK_EQ(wires, 0);
    CHECK_EQ(p->mode, TN_IRQ_MSIX);
    CHECK_EQ(p->nvec, NVEC);
    pci_reset_all(vm, TN_RESET_COLD);
    CHECK_EQ(wires, 0);
    CHECK_EQ(p->mode, TN_IRQ_INTX);
}

TEST(msix_sends_pends_and_fires)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    p->pci->irq(p->dev, 0);
    CHECK_EQ(mail(0), 0);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    set_vector(0xe0000000, 1, 1);
    p->pci->irq(p->dev, 0);
    CHECK_EQ(mail(0), 0xcafe0000u);
    p->pci->irq(p->dev, 1);
    CHECK_EQ(mail(1), 0);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 2u);
    space_write(vm->mmio, 0xe0000000 + TABLE + 28, 0, 4);
    CHECK_EQ(mail(1), 0xcafe0001u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 0u);
    CHECK_EQ(p->masked, 0);
    space_write(vm->mmio, 0xe0000000 + TABLE + 12, 1, 4);
    CHECK_EQ(p->masked, 1);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    CHECK_EQ(p->masked, 3);
}

TEST(msix_structures_lie_above_the_bars_own_callbacks)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    uint32_t before = p->reads;
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE + 12, 4), 1u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 4), 0u);
    CHECK_EQ(p->reads, before);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE - 8, 8), 0x1122334455667788u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE + 16 * NVEC, 8), 0x1122334455667788u);
    CHECK_EQ(p->reads, before + 2);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xe4000000);
    CHECK_EQ(space_read(vm->mmio, 0xe4000000 + TABLE + 12, 4), 1u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE + 12, 4), 0xffffffffu);
}

TEST(msi_vectors_share_when_fewer_are_enabled)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    uint32_t cap = cap_at(0, 1, PCI_CAP_ID_MSI);
    cfg_write(0, 1, 0, cap + PCI_MSI_ADDRESS_LO, 4, MAILBOX);
    cfg_write(0, 1, 0, cap + PCI_MSI_DATA_64, 2, 0x4321);
    cfg_write(0, 1, 0, cap + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 1 << 4);
    CHECK_EQ(p->mode, TN_IRQ_MSI);
    CHECK_EQ(p->nvec, 2);
    p->pci->irq(p->dev, 1);
    CHECK_EQ(mail(0), 0x4321u);
    p->pci->irq(p->dev, 2);
    CHECK_EQ(mail(0), 0x4320u);
}

TEST(messages_and_dma_need_bus_mastering)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    const struct tn_dma *dma = TN_GET(p->dev, struct tn_dma, TN_DMA_1);
    struct tn_as *as = p->pci->dma(p->dev, TN_NO_PASID);
    uint32_t v = 0x11223344;
    enable_at(1, 0xe0000000, 0xc000);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    CHECK_EQ(dma->write(as, 0x2000, &v, 4), 0);
    CHECK_EQ(get_le32(ram->va + 0x2000), v);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK(dma->write(as, 0x3000, &v, 4) < 0);
    p->pci->irq(p->dev, 0);
    CHECK_EQ(mail(0), 0);
    CHECK(!p->pci->dma(p->dev, 1));
}

TEST(irqfds_raise_vectors_and_pend_while_masked)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    uint64_t one = 1;
    ERR_AUTO e = {0};
    enable_at(1, 0xe0000000, 0xc000);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    set_vector(0xe0000000, 1, 1);
    int lent = p->pci->irqfd(p->dev, 0), mine = eventfd(0, EFD_CLOEXEC); /* a blocking one */
    CHECK(lent >= 0);
    CHECK_EQ(p->pci->irqfd(p->dev, 0), lent);
    CHECK(p->pci->irqfd(p->dev, NVEC) < 0);
    CHECK_EQ(p->pci->irqfd_adopt(p->dev, 1, mine, &e), 0);
    CHECK_EQ(write(lent, &one, 8), 8);
    CHECK_EQ(write(mine, &one, 8), 8);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8),
             2u); /* looked at, before the loop has been */
    run_loop();
    CHECK_EQ(mail(0), 0xcafe0000u);
    CHECK_EQ(mail(1), 0);
    space_write(vm->mmio, 0xe0000000 + TABLE + 28, 0, 4);
    CHECK_EQ(mail(1), 0xcafe0001u);
    CHECK_EQ(p->pci->irqfd_adopt(p->dev, 0, mine, &e), 0); /* a queue takes another vector */
    memset(ram->va + MAILBOX, 0, 8);
    CHECK_EQ(write(mine, &one, 8), 8);
    run_loop();
    CHECK_EQ(mail(0), 0xcafe0000u);
    CHECK_EQ(p->pci->irqfd_adopt(p->dev, ~0u, mine, &e), 0);
    CHECK(p->pci->irqfd_adopt(p->dev, ~0u, mine, &e) < 0);
    close(mine);
}

TEST(kvm_watches_the_irqfds_of_delivered_vectors)
{
    ERR_AUTO e = {0};
    if (access("/dev/kvm", R_OK | W_OK) != 0 || !(vm->kvm = kvm_new(vm, &e)))
        SKIP("no KVM");
    struct probe *p = probe_of(add("probe", NULL, NULL));
    uint64_t n = 1;
    enable_at(1, 0xe0000000, 0xc000);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    int fd = p->pci->irqfd(p->dev, 0);
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK(read(fd, &n, 8) < 0 && errno == EAGAIN); /* taken */
    space_write(vm->mmio, 0xe0000000 + TABLE + 12, 1, 4);
    n = 1;
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK_EQ(read(fd, &n, 8), 8); /* left to us */
    n = 1;
    CHECK_EQ(write(fd, &n, 8), 8);
    run_loop();
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 1u);
    space_write(vm->mmio, 0xe0000000 + TABLE + 12, 0, 4);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 0u);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY); /* no bus master: no message */
    n = 1;
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK_EQ(read(fd, &n, 8), 8);
}

int main(void)
{
    RUN(intx_reaches_the_swizzled_gsi_and_obeys_its_switches);
    RUN(msix_sends_pends_and_fires);
    RUN(msix_structures_lie_above_the_bars_own_callbacks);
    RUN(msi_vectors_share_when_fewer_are_enabled);
    RUN(messages_and_dma_need_bus_mastering);
    RUN(irqfds_raise_vectors_and_pend_while_masked);
    RUN(kvm_watches_the_irqfds_of_delivered_vectors);
    return tap_done();
}
