/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue from end to end: virtio-rng by PCI with MSI-X, or with transport=mmio by a virtio-mmio
 * window with a pin. mmio= first window, windows= how many, step= apart, pin= of the first;
 * level=1: the pins are level-triggered. */
#include "guest.h"
#include "virtio.h"

#define VECTOR 0x45
#define BYTES  64

static struct virtq_desc desc[QUEUE_SIZE] __attribute__((aligned(16)));
static volatile struct virtq_avail avail __attribute__((aligned(4)));
static volatile struct virtq_used used __attribute__((aligned(4)));
static uint8_t buffer[BYTES];

static volatile uint32_t interrupts;
static uint64_t notify_at, mmio; /* mmio 0: PCI */

static void on_interrupt(void)
{
    if (mmio)
        mmio_write32(mmio + MMIO_INT_ACK, mmio_read32(mmio + MMIO_INT_STATUS));
    interrupts++;
}

/* 2.7.13: offers the buffer and tells the device. */
static void request(void)
{
    memset(buffer, 0, BYTES);
    desc[0] = (struct virtq_desc){(uint64_t)buffer, BYTES, DESC_WRITE, 0};
    avail.ring[avail.idx % QUEUE_SIZE] = 0;
    __asm__ volatile("" : : : "memory"); /* x86 keeps stores in order */
    avail.idx++;
    __asm__ volatile("" : : : "memory"); /* x86 keeps stores in order */
    if (mmio)
        mmio_write32(notify_at, 0);
    else
        mmio_write16(notify_at, 0);
}

static bool any_random(void)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < BYTES; i++)
        sum |= buffer[i];
    return sum;
}

/* Address of what a vendor capability of this type points to; also where the capability is. */
static uint64_t find_region(struct pci_fn f, uint8_t type, uint32_t *cap)
{
    uint32_t at = pci_read(f, 0x34, 1) & 0xfc;

    for (; at; at = pci_read(f, at + 1, 1) & 0xfc) {
        if (pci_read(f, at, 1) != 0x09 || pci_read(f, at + VCAP_TYPE, 1) != type)
            continue;
        *cap = at;
        return pci_bar(f, pci_read(f, at + VCAP_BAR, 1)) + pci_read(f, at + VCAP_OFFSET, 4);
    }
    return 0;
}

static bool accept_features(uint64_t c)
{
    mmio_write8(c + COMMON_STATUS, 0);
    mmio_write8(c + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    mmio_write32(c + COMMON_DRV_FEAT_SEL, 0);
    mmio_write32(c + COMMON_DRV_FEAT, 0);
    mmio_write32(c + COMMON_DRV_FEAT_SEL, 1);
    mmio_write32(c + COMMON_DRV_FEAT, FEATURE_VERSION_1);
    mmio_write8(c + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    return mmio_read8(c + COMMON_STATUS) & STATUS_FEATURES_OK;
}

static void write64(uint64_t at, const volatile void *p)
{
    mmio_write32(at, (uint32_t)(uint64_t)p);
    mmio_write32(at + 4, 0);
}

static bool set_up_queue(uint64_t c)
{
    mmio_write16(c + COMMON_Q_SELECT, 0);
    mmio_write16(c + COMMON_Q_SIZE, QUEUE_SIZE);
    mmio_write16(c + COMMON_Q_MSIX_VECTOR, 0);
    write64(c + COMMON_Q_DESC, desc);
    write64(c + COMMON_Q_DRIVER, &avail);
    write64(c + COMMON_Q_DEVICE, &used);
    mmio_write16(c + COMMON_Q_ENABLE, 1);
    mmio_write8(c + COMMON_STATUS,
                STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    return mmio_read16(c + COMMON_Q_MSIX_VECTOR) == 0 &&
           mmio_read8(c + COMMON_STATUS) & STATUS_DRIVER_OK;
}

static bool start_pci(struct pci_fn *f)
{
    uint32_t cap = 0;

    if (!ok(pci_find(VIRTIO_VENDOR, VIRTIO_RNG_PCI, f) ||
                pci_find(VIRTIO_VENDOR, VIRTIO_RNG_PCI_TRANS, f),
            "virtio-rng-pci is found"))
        return false;
    uint64_t common = find_region(*f, VCAP_COMMON, &cap);
    uint64_t notify = find_region(*f, VCAP_NOTIFY, &cap);
    uint32_t multiplier = pci_read(*f, cap + VCAP_NOTIFY_MULT, 4);
    pci_enable(*f);
    if (!ok(common && notify && pci_msix(*f, 0, VECTOR), "it has its regions and MSI-X") ||
        !ok(accept_features(common), "it accepts VERSION_1"))
        return false;
    ok(set_up_queue(common), "its queue is set up");
    notify_at = notify + mmio_read16(common + COMMON_Q_NOTIFY_OFF) * multiplier;
    return true;
}

/* The window that holds virtio-rng; its pin is the first one's plus its index. */
static bool find_window(uint32_t *pin)
{
    uint64_t at = arg_num("mmio", 0xfeb00000), step = arg_num("step", 0x200);

    for (uint32_t i = 0; i < arg_num("windows", 8); i++, at += step) {
        if (mmio_read32(at + MMIO_MAGIC) != MMIO_MAGIC_VALUE ||
            mmio_read32(at + MMIO_DEVICE_ID) != VIRTIO_RNG_TYPE)
            continue;
        mmio = at;
        *pin = (uint32_t)arg_num("pin", 16) + i;
        return true;
    }
    return false;
}

static void set_up_mmio_queue(void)
{
    mmio_write32(mmio + MMIO_Q_SEL, 0);
    mmio_write32(mmio + MMIO_Q_NUM, QUEUE_SIZE);
    write64(mmio + MMIO_Q_DESC, desc);
    write64(mmio + MMIO_Q_DRIVER, &avail);
    write64(mmio + MMIO_Q_DEVICE, &used);
    mmio_write32(mmio + MMIO_Q_READY, 1);
    mmio_write32(mmio + MMIO_STATUS,
                 STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    notify_at = mmio + MMIO_Q_NOTIFY;
}

static bool start_mmio(void)
{
    uint32_t pin = 0;

    if (!ok(find_window(&pin), "virtio-rng is in a virtio-mmio window") ||
        !ok_eq(mmio_read32(mmio + MMIO_VERSION), 2, "the window is version 2"))
        return false;
    mmio_write32(mmio + MMIO_STATUS, 0);
    mmio_write32(mmio + MMIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    mmio_write32(mmio + MMIO_DRV_FEAT_SEL, 1);
    mmio_write32(mmio + MMIO_DRV_FEAT, FEATURE_VERSION_1);
    mmio_write32(mmio + MMIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    ok(mmio_read32(mmio + MMIO_STATUS) & STATUS_FEATURES_OK, "it accepts VERSION_1");
    ioapic_route(pin, VECTOR, arg_num("level", 0) ? RTE_LEVEL : 0);
    set_up_mmio_queue();
    return true;
}

static void several_requests(void)
{
    uint32_t done = 0;

    while (done < 20) {
        request();
        if (!wait_count(&interrupts, done + 1, 2000) || used.idx != done + 1 || !any_random())
            break;
        done++;
    }
    ok_eq(done, 20, "requests that were answered, with an interrupt each");
    ok(used.ring[0].len > 0 && used.ring[0].len <= BYTES, "the used length is right");
}

static void masked_vector(struct pci_fn f)
{
    uint32_t before = interrupts;

    pci_msix_mask(f, 0, true);
    request();
    ok(!wait_count(&interrupts, before + 1, 50), "a masked vector is silent");
    ok(used.idx == 21, "though the request was answered");
    ok(pci_msix_pending(f, 0), "its pending bit is set");
    pci_msix_mask(f, 0, false);
    ok(wait_count(&interrupts, before + 1, 500), "and it comes when unmasked");
    ok(!pci_msix_pending(f, 0), "the pending bit is clear then");
}

int guest_main(void)
{
    const char *transport = arg("transport");
    bool by_mmio = transport && streq(transport, "mmio");
    struct pci_fn f = {0};

    irq_handle(VECTOR, on_interrupt);
    if (by_mmio ? !start_mmio() : !start_pci(&f))
        return 0;
    several_requests();
    if (!by_mmio)
        masked_vector(f);
    return 0;
}
