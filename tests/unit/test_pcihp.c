/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of ACPI PCI hot-plug. */
#include "pcihp.h"
#include "tap.h"

static uint32_t ejected, refused, raised, can_go = ~1u;

static uint32_t removable(void *s)
{
    (void)s;
    return can_go;
}
static void eject(void *s, uint32_t slots)
{
    (void)s;
    ejected |= slots;
}
static void refuse(void *s, uint32_t slots)
{
    (void)s;
    refused |= slots;
}
static void raise_event(void *s)
{
    (void)s;
    raised++;
}
static const struct pcihp_ops ops = {removable, eject, refuse, raise_event};

static struct pcihp fresh(void)
{
    struct pcihp c;
    ejected = refused = raised = 0;
    pcihp_init(&c, &ops, NULL);
    return c;
}

TEST(a_slot_that_is_filled_is_announced_once)
{
    struct pcihp c = fresh();
    pcihp_plug(&c, 5);
    CHECK_EQ(raised, 1);
    CHECK_EQ(pcihp_read(&c, PCIHP_UP, 4), 1u << 5);
    CHECK_EQ(pcihp_read(&c, PCIHP_UP, 4), 0);
}

TEST(a_slot_is_asked_for_until_it_is_empty_over_resets_too)
{
    struct pcihp c = fresh();
    pcihp_ask(&c, 5);
    CHECK_EQ(raised, 1);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 4), 1u << 5);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 4), 1u << 5);
    pcihp_reset(&c);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 4), 1u << 5);
    pcihp_write(&c, PCIHP_EJECT, 4, 1u << 5);
    CHECK_EQ(ejected, 1u << 5);
    pcihp_removed(&c, 5);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 4), 0);
}

TEST(a_slot_that_cannot_be_emptied_is_not_ejected)
{
    struct pcihp c = fresh();
    pcihp_write(&c, PCIHP_EJECT, 4, 1);
    CHECK_EQ(ejected, 0);
    CHECK_EQ(pcihp_read(&c, PCIHP_RMV, 4), can_go);
}

TEST(a_refusal_takes_the_request_back)
{
    struct pcihp c = fresh();
    pcihp_ask(&c, 3);
    pcihp_write(&c, PCIHP_REFUSE, 4, ~0u);
    CHECK_EQ(refused, 1u << 3);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 4), 0);
}

TEST(any_other_bus_number_selects_nothing)
{
    struct pcihp c = fresh();
    pcihp_ask(&c, 3);
    pcihp_write(&c, PCIHP_SELECT, 4, 1);
    CHECK_EQ(pcihp_read(&c, PCIHP_SELECT, 4), 1);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 4), 0);
    pcihp_write(&c, PCIHP_EJECT, 4, 1u << 3);
    CHECK_EQ(ejected, 0);
    pcihp_reset(&c);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 4), 1u << 3);
}

TEST(accesses_other_than_dwords_do_nothing)
{
    struct pcihp c = fresh();
    pcihp_ask(&c, 3);
    CHECK_EQ(pcihp_read(&c, PCIHP_DOWN, 2), UINT32_MAX);
    pcihp_write(&c, PCIHP_EJECT, 1, 8);
    CHECK_EQ(ejected, 0);
}

int main(void)
{
    RUN(a_slot_that_is_filled_is_announced_once);
    RUN(a_slot_is_asked_for_until_it_is_empty_over_resets_too);
    RUN(a_slot_that_cannot_be_emptied_is_not_ejected);
    RUN(a_refusal_takes_the_request_back);
    RUN(any_other_bus_number_selects_nothing);
    RUN(accesses_other_than_dwords_do_nothing);
    return tap_done();
}
