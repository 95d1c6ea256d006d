/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APIC without a bus, from the 82093AA datasheet. */
#include "ioapic_chip.h"
#include "tap.h"

#define LEVEL  IOAPIC_RTE_TRIGGER
#define MASKED IOAPIC_RTE_MASK

struct bench {
    struct ioapic_chip chip;
    uint32_t routes, commits, sent, arms;
    uint32_t ended; /* bit n: eoi_of(n) came */
    uint64_t addr;
    uint32_t data, route_pin, route_data, route_masked;
};

static void on_route(void *opaque, uint32_t pin, uint64_t addr, uint32_t data, uint32_t masked)
{
    struct bench *b = opaque;
    (void)addr;
    b->routes++;
    b->route_pin = pin;
    b->route_data = data;
    b->route_masked = masked;
}

static void on_commit(void *opaque)
{
    ((struct bench *)opaque)->commits++;
}

static void on_inject(void *opaque, uint64_t addr, uint32_t data)
{
    struct bench *b = opaque;
    b->sent++;
    b->addr = addr;
    b->data = data;
}

static void on_eoi_of(void *opaque, uint32_t pin)
{
    ((struct bench *)opaque)->ended |= 1u << pin;
}

static void on_arm(void *opaque, uint64_t ns)
{
    (void)ns;
    ((struct bench *)opaque)->arms++;
}

static const struct ioapic_env env = {on_route, on_commit, on_inject, on_eoi_of, on_arm};

static struct bench bench_with(uint32_t version, uint32_t flags)
{
    struct bench b = {0};
    ioapic_chip_init(&b.chip, version, flags, &env, NULL);
    return b;
}

/* The bench moves when it is returned: its address is known only here. */
#define BENCH(b, version, flags)                 \
    struct bench b = bench_with(version, flags); \
    b.chip.opaque = &b

static uint32_t get(struct bench *b, uint32_t index)
{
    ioapic_chip_write(&b->chip, IOAPIC_REGSEL, 4, index);
    return (uint32_t)ioapic_chip_read(&b->chip, IOAPIC_WIN, 4);
}

static void set(struct bench *b, uint32_t index, uint32_t value)
{
    ioapic_chip_write(&b->chip, IOAPIC_REGSEL, 4, index);
    ioapic_chip_write(&b->chip, IOAPIC_WIN, 4, value);
}

static void set_entry(struct bench *b, uint32_t pin, uint64_t rte)
{
    set(b, IOAPIC_REDIR + 2 * pin + 1, rte >> 32);
    set(b, IOAPIC_REDIR + 2 * pin, (uint32_t)rte);
}

static uint32_t low(struct bench *b, uint32_t pin)
{
    return get(b, IOAPIC_REDIR + 2 * pin);
}

static void pulse(struct bench *b, uint32_t pin)
{
    ioapic_chip_pin(&b->chip, pin, 1);
    ioapic_chip_pin(&b->chip, pin, 0);
}

/* Pin 10 ends its interrupt again and again while its wire stays high. */
static void storm(struct bench *b)
{
    set_entry(b, 10, LEVEL | 0x40);
    ioapic_chip_pin(&b->chip, 10, 1);
    for (int i = 0; i < 20000 && !(b->chip.deferred & 1u << 10); i++)
        ioapic_chip_eoi(&b->chip, 0x40);
}

TEST(identification_registers_read_as_in_the_datasheet)
{
    BENCH(b, 0x20, 0);
    CHECK_EQ(get(&b, IOAPIC_VER), 0x00170020);
    set(&b, IOAPIC_ID, 0xffffffff);
    CHECK_EQ(get(&b, IOAPIC_ID), 0x0f000000);
    CHECK_EQ(get(&b, IOAPIC_ARB), 0x0f000000);
    set(&b, IOAPIC_VER, 0);
    CHECK_EQ(get(&b, IOAPIC_VER), 0x00170020);
    CHECK_EQ(get(&b, 3), 0);
    CHECK_EQ(get(&b, IOAPIC_REDIR + 2 * IOAPIC_PINS), 0);
}

TEST(only_versions_11_and_20_exist)
{
    struct ioapic_chip c;
    CHECK(ioapic_chip_init(&c, 0x12, 0, &env, NULL) < 0);
    CHECK_EQ(ioapic_chip_init(&c, 0x11, 0, &env, NULL), 0);
}

TEST(window_takes_dwords_only)
{
    BENCH(b, 0x20, 0);
    ioapic_chip_write(&b.chip, IOAPIC_REGSEL, 1, IOAPIC_ID);
    ioapic_chip_write(&b.chip, IOAPIC_WIN, 1, 0x0f000000);
    ioapic_chip_write(&b.chip, IOAPIC_WIN, 8, 0x0f000000);
    CHECK_EQ(ioapic_chip_read(&b.chip, IOAPIC_WIN, 4), 0);
    ioapic_chip_write(&b.chip, IOAPIC_REGSEL, 1, IOAPIC_VER);
    CHECK_EQ(ioapic_chip_read(&b.chip, IOAPIC_WIN, 2), 0);
    CHECK_EQ(ioapic_chip_read(&b.chip, 0x100 + IOAPIC_WIN, 4), 0x00170020);
}

TEST(reset_masks_every_entry_and_reports_every_route)
{
    BENCH(b, 0x20, 0);
    storm(&b);
    set(&b, IOAPIC_ID, 0x0f000000);
    get(&b, IOAPIC_VER);
    b.routes = b.commits = 0;
    ioapic_chip_reset(&b.chip);
    CHECK_EQ(ioapic_chip_read(&b.chip, IOAPIC_REGSEL, 4), 0);
    CHECK_EQ(get(&b, IOAPIC_ID), 0);
    CHECK_EQ(b.chip.deferred, 0);
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++)
        CHECK_EQ(low(&b, pin), MASKED);
    CHECK_EQ(b.routes, IOAPIC_PINS);
    CHECK_EQ(b.commits, 1);
    CHECK_EQ(b.route_masked, 1);
}

TEST(reserved_and_read_only_bits_of_an_entry_do_not_stick)
{
    BENCH(b, 0x20, 0);
    set(&b, IOAPIC_REDIR + 1, 0xffffffff);
    set(&b, IOAPIC_REDIR, 0xffffffff);
    CHECK_EQ(get(&b, IOAPIC_REDIR + 1), 0xff000000);
    CHECK_EQ(low(&b, 0), 0x0001afff);
}

TEST(edge_sends_once_per_rise)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 4, 0x31);
    ioapic_chip_pin(&b.chip, 4, 1);
    ioapic_chip_pin(&b.chip, 4, 1);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(b.addr, 0xfee00000);
    CHECK_EQ(b.data, 0x31);
    ioapic_chip_pin(&b.chip, 4, 0);
    CHECK_EQ(b.sent, 1);
    ioapic_chip_pin(&b.chip, 4, 1);
    CHECK_EQ(b.sent, 2);
    CHECK_EQ(low(&b, 4) & IOAPIC_RTE_REMOTE_IRR, 0);
}

TEST(edge_on_a_masked_pin_is_lost)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 4, MASKED | 0x31);
    pulse(&b, 4);
    ioapic_chip_pin(&b.chip, 4, 1);
    set_entry(&b, 4, 0x31);
    CHECK_EQ(b.sent, 0);
}

TEST(level_waits_for_its_end_before_it_sends_again)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 10, LEVEL | 0x40);
    ioapic_chip_pin(&b.chip, 10, 1);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(b.data, IOAPIC_MSI_LEVEL | IOAPIC_MSI_ASSERT | 0x40);
    CHECK(low(&b, 10) & IOAPIC_RTE_REMOTE_IRR);
    ioapic_chip_pin(&b.chip, 10, 0);
    ioapic_chip_pin(&b.chip, 10, 1);
    CHECK_EQ(b.sent, 1);
    ioapic_chip_eoi(&b.chip, 0x40); /* still asserted: again */
    CHECK_EQ(b.sent, 2);
    ioapic_chip_pin(&b.chip, 10, 0);
    ioapic_chip_eoi(&b.chip, 0x40);
    CHECK_EQ(b.sent, 2);
    CHECK(!(low(&b, 10) & IOAPIC_RTE_REMOTE_IRR));
}

TEST(end_reports_every_level_pin_of_the_vector_and_no_other)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 16, LEVEL | 0x50);
    set_entry(&b, 17, LEVEL | MASKED | 0x50); /* an irqfd of a masked pin may be in service */
    set_entry(&b, 18, LEVEL | 0x51);
    set_entry(&b, 19, 0x50);
    ioapic_chip_eoi(&b.chip, 0x50);
    CHECK_EQ(b.ended, 1u << 16 | 1u << 17);
}

TEST(eoi_register_exists_from_version_20)
{
    for (uint32_t version = 0x11; version <= 0x20; version += 0x0f) {
        BENCH(b, version, 0);
        set_entry(&b, 10, LEVEL | 0x40);
        pulse(&b, 10);
        ioapic_chip_write(&b.chip, IOAPIC_EOIR, 1, 0x40);
        CHECK(low(&b, 10) & IOAPIC_RTE_REMOTE_IRR);
        ioapic_chip_write(&b.chip, IOAPIC_EOIR, 4, 0x40);
        CHECK_EQ(!(low(&b, 10) & IOAPIC_RTE_REMOTE_IRR), version == 0x20);
    }
}

TEST(unmasking_an_asserted_level_pin_sends)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 10, LEVEL | MASKED | 0x40);
    ioapic_chip_pin(&b.chip, 10, 1);
    CHECK_EQ(b.sent, 0);
    set(&b, IOAPIC_REDIR + 20, LEVEL | 0x40);
    CHECK_EQ(b.sent, 1);
    set(&b, IOAPIC_REDIR + 20, LEVEL | MASKED | 0x40);
    set(&b, IOAPIC_REDIR + 20, LEVEL | 0x40); /* not ended yet */
    CHECK_EQ(b.sent, 1);
}

TEST(an_interrupt_may_end_while_its_pin_is_masked)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 10, LEVEL | 0x40);
    ioapic_chip_pin(&b.chip, 10, 1);
    set(&b, IOAPIC_REDIR + 20, LEVEL | MASKED | 0x40);
    ioapic_chip_eoi(&b.chip, 0x40);
    CHECK_EQ(b.sent, 1);
    set(&b, IOAPIC_REDIR + 20, LEVEL | 0x40);
    CHECK_EQ(b.sent, 2);
}

TEST(switch_to_edge_and_back_ends_the_interrupt)
{
    BENCH(b, 0x11, 0);
    set_entry(&b, 10, LEVEL | 0x40);
    ioapic_chip_pin(&b.chip, 10, 1);
    set(&b, IOAPIC_REDIR + 20, MASKED | 0x40);
    CHECK_EQ(low(&b, 10), MASKED | 0x40);
    set(&b, IOAPIC_REDIR + 20, LEVEL | MASKED | 0x40);
    CHECK_EQ(b.sent, 1);
    set(&b, IOAPIC_REDIR + 20, LEVEL | 0x40);
    CHECK_EQ(b.sent, 2);
}

TEST(polarity_is_kept_but_does_not_invert_the_wire)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 10, LEVEL | IOAPIC_RTE_INTPOL | 0x40);
    CHECK_EQ(b.sent, 0);
    ioapic_chip_pin(&b.chip, 10, 1);
    CHECK_EQ(b.sent, 1);
    CHECK(low(&b, 10) & IOAPIC_RTE_INTPOL);
}

TEST(destination_and_mode_make_the_message)
{
    BENCH(b, 0x20, 0);
    uint64_t rte = 0x81fe000000000000u; /* bits 55:49 are reserved here */
    set_entry(&b, 1, rte | IOAPIC_RTE_DESTMOD | IOAPIC_DM_LOWEST << 8 | 0x99);
    pulse(&b, 1);
    CHECK_EQ(b.addr, 0xfee81004);
    CHECK_EQ(b.data, 0x199);
}

TEST(extended_destination_goes_to_address_bits_11_to_5)
{
    BENCH(b, 0x20, IOAPIC_FLAG_EXT_DEST);
    set_entry(&b, 1, 0x8103000000000000u | 0x99); /* bit 48 stays reserved */
    CHECK_EQ(get(&b, IOAPIC_REDIR + 3), 0x81020000);
    pulse(&b, 1);
    CHECK_EQ(b.addr, 0xfee81020);
}

TEST(nmi_is_edge_even_if_programmed_as_level)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 1, LEVEL | IOAPIC_DM_NMI << 8);
    pulse(&b, 1);
    pulse(&b, 1);
    CHECK_EQ(b.sent, 2);
    CHECK_EQ(b.data, IOAPIC_DM_NMI << 8);
}

TEST(lowest_priority_may_be_level)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 1, LEVEL | IOAPIC_DM_LOWEST << 8 | 0x40);
    pulse(&b, 1);
    CHECK_EQ(b.data, IOAPIC_MSI_LEVEL | IOAPIC_MSI_ASSERT | 0x140);
    CHECK(low(&b, 1) & IOAPIC_RTE_REMOTE_IRR);
}

TEST(reserved_delivery_modes_send_nothing)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 1, 3u << 8 | 0x40);
    pulse(&b, 1);
    set_entry(&b, 1, 6u << 8 | LEVEL | 0x40);
    pulse(&b, 1);
    CHECK_EQ(b.sent, 0);
    CHECK_EQ(b.route_masked, 1);
}

TEST(a_route_is_reported_only_if_the_message_changed)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 7, LEVEL | 0x40);
    CHECK_EQ(b.route_pin, 7);
    CHECK_EQ(b.route_masked, 0);
    CHECK_EQ(b.route_data, IOAPIC_MSI_LEVEL | IOAPIC_MSI_ASSERT | 0x40);
    CHECK_EQ(b.routes, b.commits);
    uint32_t before = b.routes;
    set_entry(&b, 7, LEVEL | IOAPIC_RTE_INTPOL | 0x40);
    CHECK_EQ(b.routes, before);
    set_entry(&b, 7, LEVEL | MASKED | 0x40);
    CHECK_EQ(b.routes, before + 1);
    CHECK_EQ(b.route_masked, 1);
    CHECK_EQ(b.route_data & 0xff, 0x40);
}

TEST(a_storm_of_ends_is_slowed_down)
{
    BENCH(b, 0x20, 0);
    storm(&b);
    CHECK_EQ(b.arms, 1);
    CHECK_EQ(b.sent, 10000);
    uint32_t before = b.sent;
    ioapic_chip_eoi(&b.chip, 0x40);
    CHECK_EQ(b.sent, before);
    ioapic_chip_resume(&b.chip);
    CHECK_EQ(b.sent, before + 1);
    ioapic_chip_resume(&b.chip);
    CHECK_EQ(b.sent, before + 1);
}

TEST(two_storms_resume_together)
{
    BENCH(b, 0x20, 0);
    storm(&b);
    set_entry(&b, 11, LEVEL | 0x41);
    ioapic_chip_pin(&b.chip, 11, 1);
    for (int i = 0; i < 10000; i++)
        ioapic_chip_eoi(&b.chip, 0x41);
    CHECK_EQ(b.arms, 1);
    uint32_t before = b.sent;
    ioapic_chip_resume(&b.chip);
    CHECK_EQ(b.sent, before + 2);
}

TEST(a_device_that_lets_go_is_no_storm)
{
    BENCH(b, 0x20, 0);
    set_entry(&b, 10, LEVEL | 0x40);
    for (int i = 0; i < 20000; i++) {
        ioapic_chip_pin(&b.chip, 10, 1);
        ioapic_chip_pin(&b.chip, 10, 0);
        ioapic_chip_pin(&b.chip, 10, 1);
        ioapic_chip_eoi(&b.chip, 0x40);
    }
    CHECK_EQ(b.arms, 0);
}

TEST(release_during_a_storm_lets_the_next_interrupt_through)
{
    BENCH(b, 0x20, 0);
    storm(&b);
    uint32_t before = b.sent;
    pulse(&b, 10); /* the wire was high: only falls */
    ioapic_chip_pin(&b.chip, 10, 1);
    CHECK_EQ(b.sent, before + 1);
    ioapic_chip_resume(&b.chip);
    CHECK_EQ(b.sent, before + 1);
}

TEST(pins_beyond_the_chip_are_ignored)
{
    BENCH(b, 0x20, 0);
    ioapic_chip_pin(&b.chip, IOAPIC_PINS, 1);
    ioapic_chip_pin(&b.chip, 0xffffffff, 1);
    CHECK_EQ(b.chip.wires, 0);
}

TEST(load_drops_impossible_bits_and_restores_routes)
{
    BENCH(b, 0x20, 0);
    b.chip.rte[3] = ~0ull & ~(uint64_t)LEVEL;
    b.chip.wires = b.chip.deferred = ~0u;
    b.chip.id = 0xff;
    ioapic_chip_loaded(&b.chip);
    CHECK_EQ(b.routes, IOAPIC_PINS);
    CHECK_EQ(b.commits, 1);
    CHECK_EQ(b.arms, 1);
    CHECK_EQ(low(&b, 3), 0x00012fff);
    CHECK_EQ(b.chip.wires, 0xffffff);
    CHECK_EQ(get(&b, IOAPIC_ID), 0x0f000000);
}

int main(void)
{
    RUN(identification_registers_read_as_in_the_datasheet);
    RUN(only_versions_11_and_20_exist);
    RUN(window_takes_dwords_only);
    RUN(reset_masks_every_entry_and_reports_every_route);
    RUN(reserved_and_read_only_bits_of_an_entry_do_not_stick);
    RUN(edge_sends_once_per_rise);
    RUN(edge_on_a_masked_pin_is_lost);
    RUN(level_waits_for_its_end_before_it_sends_again);
    RUN(end_reports_every_level_pin_of_the_vector_and_no_other);
    RUN(eoi_register_exists_from_version_20);
    RUN(unmasking_an_asserted_level_pin_sends);
    RUN(an_interrupt_may_end_while_its_pin_is_masked);
    RUN(switch_to_edge_and_back_ends_the_interrupt);
    RUN(polarity_is_kept_but_does_not_invert_the_wire);
    RUN(destination_and_mode_make_the_message);
    RUN(extended_destination_goes_to_address_bits_11_to_5);
    RUN(nmi_is_edge_even_if_programmed_as_level);
    RUN(lowest_priority_may_be_level);
    RUN(reserved_delivery_modes_send_nothing);
    RUN(a_route_is_reported_only_if_the_message_changed);
    RUN(a_storm_of_ends_is_slowed_down);
    RUN(two_storms_resume_together);
    RUN(a_device_that_lets_go_is_no_storm);
    RUN(release_during_a_storm_lets_the_next_interrupt_through);
    RUN(pins_beyond_the_chip_are_ignored);
    RUN(load_drops_impossible_bits_and_restores_routes);
    return tap_done();
}
