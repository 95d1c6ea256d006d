/* SPDX-License-Identifier: BSD-2-Clause */
/* The edu device by MSI: factorial and DMA both ways, each ended by an interrupt. */
#include "edu.h"
#include "guest.h"

#define VECTOR 0x41
#define BYTES  256

static volatile uint32_t count;
static uint64_t bar;

static void on_msi(void)
{
    count++;
}

static void acknowledge(void)
{
    mmio_write32(bar + EDU_IRQ_ACK, mmio_read32(bar + EDU_IRQ_STATUS));
}

static void identity(void)
{
    ok_eq(mmio_read32(bar + EDU_ID) & 0xffff, 0x00ed, "edu identifies itself");
    mmio_write32(bar + EDU_LIVENESS, 0x12345678);
    ok_eq(mmio_read32(bar + EDU_LIVENESS), ~0x12345678u, "liveness register inverts");
}

static void factorial(void)
{
    mmio_write32(bar + EDU_STATUS, STATUS_WANT_IRQ);
    mmio_write32(bar + EDU_FACTORIAL, 10);
    ok(wait_count(&count, 1, 2000), "MSI announces the factorial");
    ok_eq(mmio_read32(bar + EDU_IRQ_STATUS), IRQ_FACTORIAL, "interrupt status says factorial");
    ok_eq(mmio_read32(bar + EDU_FACTORIAL), 3628800, "10! is right");
    acknowledge();
    ok_eq(mmio_read32(bar + EDU_IRQ_STATUS), 0, "acknowledging clears the status");
}

static bool dma(const void *from, const void *to, uint32_t command)
{
    uint32_t before = count;

    mmio_write32(bar + EDU_DMA_SRC, (uint32_t)(uint64_t)from);
    mmio_write32(bar + EDU_DMA_DST, (uint32_t)(uint64_t)to);
    mmio_write32(bar + EDU_DMA_COUNT, BYTES);
    mmio_write32(bar + EDU_DMA_CMD, command | DMA_START | DMA_WANT_IRQ);
    bool done = wait_count(&count, before + 1, 3000);
    bool right = mmio_read32(bar + EDU_IRQ_STATUS) == IRQ_DMA;
    acknowledge();
    return done && right;
}

static void dma_both_ways(void)
{
    static uint8_t out[BYTES], in[BYTES];
    const void *device = (const void *)EDU_BUFFER;

    for (uint32_t i = 0; i < BYTES; i++)
        out[i] = (uint8_t)(i * 3 + 1);
    ok(dma(out, device, 0), "DMA to the device ends with an MSI");
    ok(dma(device, in, DMA_FROM_DEVICE), "DMA from the device ends with an MSI");
    ok(memcmp(out, in, BYTES) == 0, "what went out came back");
}

int guest_main(void)
{
    struct pci_fn edu;

    print("# configuration by %s\n", pci_ecam() ? "ECAM" : "0xcf8");
    if (!ok(pci_find(EDU_VENDOR, EDU_DEVICE, &edu), "edu is found"))
        return 0;
    bar = pci_bar(edu, 0);
    pci_enable(edu);
    irq_handle(VECTOR, on_msi);
    if (!ok(bar && pci_msi(edu, VECTOR), "edu has BAR 0 and MSI"))
        return 0;
    identity();
    factorial();
    dma_both_ways();
    ok_eq(count, 3, "there were three interrupts, no more");
    return 0;
}
