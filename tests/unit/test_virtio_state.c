/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of virtio's transports: as test_isa_state.c. What the driver had negotiated and set up
 * is there in the new machine. */
#include "state_rig.h"

#define PCI_DEVICE  "virtio-rng-pci,addr=5"
#define MMIO_DEVICE "virtio-rng-device"

enum {
    BAR_AT = 0xe0000000u,
    WINDOW_AT = 0xfeb00e00u,
    LINE = 23,
    FEATURES_OK = 0x0b,
    DRIVER_OK = 0x0f
};

static void set(uint64_t at, uint32_t v, uint32_t size)
{
    space_write(vm->mmio, at, v, size);
}

static uint32_t get(uint64_t at, uint32_t size)
{
    return (uint32_t)space_read(vm->mmio, at, size);
}

/* Configuration space is the host's: as firmware would place BAR 4, and switch bus mastering on. */
static void place(void)
{
    static const struct {
        uint32_t reg, v;
    } config[] = {{0x20, BAR_AT}, {0x24, 0}, {0x04, 7}};
    for (uint32_t i = 0; i < ARRAY_SIZE(config); i++) {
        space_write(vm->pio, 0xcf8, 0x80000000u | 5u << 11 | config[i].reg, 4);
        space_write(vm->pio, 0xcfc, config[i].v, 4);
    }
}

TEST(virtio_pci_keeps_what_the_driver_set_up)
{
    start_on("q35", PCI_DEVICE);
    place();
    set(BAR_AT + 0x14, 3, 1);
    set(BAR_AT + 0x08, 1, 4), set(BAR_AT + 0x0c, 0x101, 4);
    set(BAR_AT + 0x14, FEATURES_OK, 1);
    set(BAR_AT + 0x16, 0, 2), set(BAR_AT + 0x18, 8, 2), set(BAR_AT + 0x1a, 1, 2);
    set(BAR_AT + 0x20, 0x1000, 4), set(BAR_AT + 0x28, 0x2000, 4), set(BAR_AT + 0x30, 0x3000, 4);
    set(BAR_AT + 0x1c, 1, 2);
    set(BAR_AT + 0x10, 0, 2);
    set(BAR_AT + 0x14, DRIVER_OK, 1);
    CHECK_EQ(get(BAR_AT + 0x14, 1), DRIVER_OK);
    move_on("q35", PCI_DEVICE, "virtio-pci");
    place();
    CHECK_EQ(get(BAR_AT + 0x14, 1), DRIVER_OK);
    CHECK_EQ(get(BAR_AT + 0x0c, 4), 0x101);
    CHECK_EQ(get(BAR_AT + 0x10, 2), 0);
    CHECK_EQ(get(BAR_AT + 0x18, 2), 8);
    CHECK_EQ(get(BAR_AT + 0x1a, 2), 1);
    CHECK_EQ(get(BAR_AT + 0x1c, 2), 1);
    CHECK_EQ(get(BAR_AT + 0x28, 4), 0x2000);
    end();
}

TEST(virtio_mmio_keeps_its_queue_and_its_line)
{
    start_on("microvm", MMIO_DEVICE);
    set(WINDOW_AT + 0x70, 3, 4);
    set(WINDOW_AT + 0x24, 1, 4), set(WINDOW_AT + 0x20, 1, 4);
    set(WINDOW_AT + 0x70, FEATURES_OK, 4);
    set(WINDOW_AT + 0x38, 8, 4), set(WINDOW_AT + 0x44, 1, 4);
    set(WINDOW_AT + 0x70, DRIVER_OK, 4);
    move_on("microvm", MMIO_DEVICE, "virtio-mmio");
    CHECK_EQ(get(WINDOW_AT + 0x70, 4) & DRIVER_OK, DRIVER_OK);
    CHECK_EQ(get(WINDOW_AT + 0x44, 4), 1);
    CHECK_EQ(wire[LINE], get(WINDOW_AT + 0x60, 4) != 0);
    end();
}

TEST(a_state_of_more_queues_is_refused)
{
    BUF_AUTO state = {0};
    ERR_AUTO e = {0};
    start_on("q35", "virtio-serial-pci,addr=5,max_ports=4");
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    CHECK_EQ(state_save(find("virtio-pci"), &state, &e), 0);
    end();
    start_on("q35", PCI_DEVICE);
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    CHECK_EQ(state_load(find("virtio-pci"), state.data, state.len, &e), -EINVAL);
    devices_resume(vm);
    end();
}

int main(void)
{
    RUN(virtio_pci_keeps_what_the_driver_set_up);
    RUN(virtio_mmio_keeps_its_queue_and_its_line);
    RUN(a_state_of_more_queues_is_refused);
    return tap_done();
}
