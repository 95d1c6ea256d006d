/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's PCI: hot-plug, and everything at once. */
#include "pci_host_rig.h"

/* ---- hot-plug ---- */

TEST(the_root_bus_has_no_hot_plug)
{
    ERR_AUTO e = {0}, e2 = {0};
    struct device *d = add("probe", NULL, PROPS("id", "x"));
    vm->cold = 0;
    CHECK(!try_add(&e, "probe", NULL, NULL));
    CHECK_STR(err_text(&e), "Bus 'pcie.0' does not support hotplugging");
    CHECK(device_unplug(d, &e2) < 0);
    CHECK_STR(err_text(&e2), "Bus 'pcie.0' does not support hotplugging");
}

TEST(a_slot_is_filled_and_emptied_through_its_owner)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp", "one-slot", "on"))->pub.self;
    const struct tn_hotplug *plug = TN_GET(b->dev, struct tn_hotplug, TN_HOTPLUG_1);
    pci_assign(vm, &windows, &e);
    vm->cold = 0;
    struct device *f1 = add("probe", "rp", PROPS("id", "f1", "addr", "0.1"));
    CHECK_EQ(b->plugged, 0);
    CHECK_EQ(cfg_read(1, 0, 1, 0, 4), 0xffffffffu); /* not before function 0 is */
    struct device *f0 = add("probe", "rp", PROPS("id", "f0", "multifunction", "on"));
    CHECK_EQ(b->plugged, 1);
    CHECK_EQ(b->cold_plugged, 0);
    CHECK_EQ(cfg_read(1, 0, 1, 0, 4), 0x56781234u);
    CHECK_EQ(plug->slots(b->dev, b->bus), 1u);
    CHECK(!try_add(&e, "probe", "rp", PROPS("addr", "0.2")));
    CHECK_STR(err_text(&e), "PCI: slot 0 function 0 already occupied by probe, new func probe "
                            "cannot be exposed to guest.");
    CHECK_EQ(device_unplug(f1, NULL), 0);
    CHECK_EQ(b->asked, 1);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0x56781234u);
    CHECK_EQ(plug->eject(b->dev, b->bus, 0), 0);
    run_loop();
    CHECK_EQ(b->gone_slots, 1);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0xffffffffu);
    CHECK(!device_find(vm, TN_K_DEVICE, "f0"));
    CHECK(!device_find(vm, TN_K_DEVICE, "f1"));
    CHECK_EQ(plug->slots(b->dev, b->bus), 0);
    add("probe", "rp", PROPS("id", "f0"));
    CHECK_EQ(b->plugged, 2);
    (void)f0;
}

struct interlude {
    struct bridge *port;
    struct probe *slow;
    uint32_t rounds;
};

static void eject_meanwhile(void *o)
{
    struct interlude *i = o;
    const struct tn_hotplug *plug = TN_GET(i->port->dev, struct tn_hotplug, TN_HOTPLUG_1);
    if (i->rounds++ == 0)
        plug->eject(i->port->dev, i->port->bus, 1);
    if (i->rounds < 5)
        bh_kick(meanwhile);
    else
        i->slow->dev->core->quiesced(i->slow->dev, 0);
}

TEST(an_ejected_function_goes_after_the_machine_has_come_to_rest)
{
    ERR_AUTO e = {0};
    struct interlude i = {.port = add("port", NULL, PROPS("id", "rp"))->pub.self};
    i.slow = probe_of(add("probe", NULL, PROPS("slow", "on")));
    add("probe", "rp", PROPS("id", "x", "addr", "1"));
    meanwhile = bh_new(vm->main, NULL, 0, eject_meanwhile, &i);
    int err = devices_quiesce(vm, TN_Q_SAVE, &e);
    bh_del(meanwhile);
    meanwhile = NULL;
    CHECK_EQ(err, 0);
    CHECK_EQ(i.rounds, 5);
    CHECK(device_find(vm, TN_K_DEVICE, "x"));
    devices_resume(vm);
    for (int n = 0; n < 100 && device_find(vm, TN_K_DEVICE, "x"); n++)
        loop_once(vm->main, 1000000);
    CHECK(!device_find(vm, TN_K_DEVICE, "x"));
    CHECK_EQ(i.port->gone_slots, 1);
}

TEST(a_port_has_one_slot)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("id", "rp", "one-slot", "on"));
    CHECK(!try_add(&e, "probe", "rp", PROPS("addr", "1")));
    CHECK_STR(
        err_text(&e),
        "PCI: slot 1 is not valid for probe, parent device only allows plugging into slot 0.");
}

TEST(a_bridge_goes_with_all_below_it)
{
    ERR_AUTO e = {0};
    struct device *port = add("port", NULL, PROPS("id", "rp"));
    add("port", "rp", PROPS("id", "below"));
    add("probe", "below", PROPS("id", "deep"));
    pci_assign(vm, &windows, &e);
    CHECK_EQ(cfg_read(2, 0, 0, 0, 4), 0x56781234u);
    device_free(port);
    CHECK(!device_find(vm, TN_K_DEVICE, "deep"));
    CHECK_EQ(cfg_read(2, 0, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
}

/* ---- many at once ---- */

struct hammer {
    struct probe *p;
    uint32_t stop, rounds;
};

static void *raise_vectors(void *o)
{
    struct hammer *h = o;
    while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
        uint32_t n = __atomic_fetch_add(&h->rounds, 1, __ATOMIC_RELAXED);
        h->p->pci->irq(h->p->dev, n % NVEC);
        h->p->pci->intx(h->p->dev, n & 1);
    }
    return NULL;
}

static void *touch_registers(void *o)
{
    struct hammer *h = o;
    while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
        uint32_t n = __atomic_fetch_add(&h->rounds, 1, __ATOMIC_RELAXED),
                 at = 0xe0000000 + (n & 3) * 0x100000;
        space_write(vm->mmio, ecam(1, 0, 0, PCI_BASE_ADDRESS_0), at, 4);
        space_write(vm->mmio, ecam(1, 0, 0, PCI_COMMAND), n & 7, 2);
        space_write(vm->mmio, at + TABLE + 12, n & 1, 4);
        space_read(vm->mmio, at, 4);
        space_write(vm->mmio, ecam(0, 1, 0, PCI_MEMORY_BASE), n & 1 ? 0xeff0e000 : 0x0000fff0, 4);
    }
    return NULL;
}

TEST(functions_come_and_go_under_accesses_and_interrupts)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp"))->pub.self;
    const struct tn_hotplug *plug = TN_GET(b->dev, struct tn_hotplug, TN_HOTPLUG_1);
    struct hammer guest = {0};
    pthread_t cpu[2], dev;
    pci_assign(vm, &windows, &e);
    vm->cold = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&cpu[i], NULL, touch_registers, &guest);
    for (int i = 0; i < 20; i++) {
        struct hammer h = {.p = probe_of(add("probe", "rp", NULL))};
        pthread_create(&dev, NULL, raise_vectors, &h);
        usleep(500);
        __atomic_store_n(&h.stop, 1, __ATOMIC_RELEASE);
        pthread_join(dev, NULL);
        plug->eject(b->dev, b->bus, 0);
        run_loop();
    }
    __atomic_store_n(&guest.stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        pthread_join(cpu[i], NULL);
    CHECK_EQ(b->gone_slots, 20);
    CHECK_EQ(wires, 0);
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* Anything anywhere: resets, moved BARs, VF Enable, bus numbers in circles. Nothing is expected but
 * that it goes on. */
TEST(random_configuration_writes_break_nothing)
{
    ERR_AUTO e = {0};
    uint64_t seed = 1;
    add("port", NULL, PROPS("id", "r0"));
    add("port", "r0", PROPS("id", "r1"));
    add("probe", "r1", NULL);
    add("probe", NULL, NULL);
    add("physical", "r0", PROPS("addr", "7"));
    pci_assign(vm, &windows, &e);
    for (uint32_t i = 0; i < 40000; i++) {
        uint32_t r = next_random(&seed), off = r & 1 ? r >> 8 & 0xff : r >> 8 & 0xfff;
        uint32_t size = 1u << (r >> 1 & 1) << (r >> 2 & 1), slot = r >> 3 & 3;
        uint64_t at = ecam(r >> 5 & 3, slot == 3 ? 7 : slot, 0, off & ~(size - 1));
        uint32_t v = next_random(&seed) & (r >> 30 ? 0xffffffffu : 0x07ff0307u);
        space_write(vm->mmio, at, v, size);
        space_read(vm->mmio, at, size);
        space_read(vm->mmio, v, 4);
        if (i % 64 == 0)
            run_loop();
        if (i % 5000 == 0)
            pci_reset_all(vm, i % 10000 ? TN_RESET_WARM : TN_RESET_COLD);
        if (i % 2500 == 0)
            pci_assign(vm, &windows, &e);
    }
    run_loop();
    pci_reset_all(vm, TN_RESET_COLD);
    run_loop();
    CHECK_EQ(pci_assign(vm, &windows, &e), 0);
    CHECK_EQ(cfg_read(0, 2, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(2, 0, 0, 0, 4), 0x56781234u);
}

int main(void)
{
    RUN(the_root_bus_has_no_hot_plug);
    RUN(a_slot_is_filled_and_emptied_through_its_owner);
    RUN(an_ejected_function_goes_after_the_machine_has_come_to_rest);
    RUN(a_port_has_one_slot);
    RUN(a_bridge_goes_with_all_below_it);
    RUN(functions_come_and_go_under_accesses_and_interrupts);
    RUN(random_configuration_writes_break_nothing);
    return tap_done();
}
