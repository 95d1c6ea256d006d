/* SPDX-License-Identifier: BSD-2-Clause */
/* Native hot-plug of a root port's slot: PCIe Base 6.0 6.7. The owner's callbacks are kept as text:
 * "I" and "i" interrupt up and down, "L" and "l" link up and down, "E" eject. */
#include "pci/pcie.h"
#include "pci/slot.h"
#include "tap.h"
#include <errno.h>

#define EXP    0x54
#define LNKCTL (EXP + 0x10)
#define LNKSTA (EXP + 0x12)
#define SLTCAP (EXP + 0x14)
#define SLTCTL (EXP + 0x18)
#define SLTSTA (EXP + 0x1a)

static const struct pci_ids ids = {.vendor = 0x1b36, .device = 0x000c, .class_rev = 0x06040000};

struct fixture {
    struct pci_config c;
    struct pcie_slot slot;
    char log[64];
    bool removes_at_once;
};

static void say(struct fixture *f, char what)
{
    size_t n = strlen(f->log);

    if (n + 1 < sizeof f->log)
        f->log[n] = what;
}

static void on_irq(void *s, bool level)
{
    say(s, level ? 'I' : 'i');
}

static void on_link(void *s, bool up)
{
    say(s, up ? 'L' : 'l');
}

static void on_eject(void *s)
{
    struct fixture *f = s;

    say(f, 'E');
    if (f->removes_at_once)
        pcie_slot_removed(&f->slot);
}

static const struct pcie_slot_ops ops = {.irq = on_irq, .link = on_link, .eject = on_eject};

#define SAID(f, text)                        \
    do {                                     \
        CHECK_STR((f)->log, text);           \
        memset((f)->log, 0, sizeof(f)->log); \
    } while (0)

static void make(struct fixture *f, uint32_t flags)
{
    struct pcie_port p = {
        .type = PCI_EXP_TYPE_ROOT_PORT, .speed = 1, .width = 1, .flags = PCIE_SLOT};

    *f = (struct fixture){0};
    pci_config_init(&f->c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids);
    pcie_cap_add(&f->c, EXP, &p);
    pcie_slot_init(&f->slot, &f->c, 5, flags, &ops, f);
}

static void wr(struct fixture *f, uint32_t off, uint32_t size, uint32_t v)
{
    struct pci_written w = pci_config_write(&f->c, off, size, v);

    pcie_slot_written(&f->slot, &w);
}

static uint32_t rd(struct fixture *f, uint32_t off)
{
    return pci_config_read(&f->c, off, 2);
}

#define ALL    (PCIE_SLOT_HOTPLUG | PCIE_SLOT_POWER)
#define ENABLE 0x1039 /* ABPE, PDCE, CCIE, HPIE, DLLSCE */
#define LIT    0x01c0 /* power on, power indicator on, attention indicator off */
#define DARK   0x07c0 /* power off, both indicators off */
#define BLINK  0x02c0 /* power on, power indicator blinking */

TEST(an_empty_slot_is_dark)
{
    struct fixture f;

    make(&f, ALL);
    CHECK_EQ(pci_config_read(&f.c, SLTCAP, 4), 5u << 19 | 0x2007b);
    CHECK_EQ(rd(&f, SLTCTL), DARK);
    CHECK_EQ(rd(&f, SLTSTA), 0);
    CHECK_EQ(rd(&f, LNKSTA), 0x0011);
    SAID(&f, "");
    pci_config_fini(&f.c);
}

TEST(a_slot_that_is_filled_at_start_is_lit)
{
    struct fixture f;

    make(&f, ALL);
    pcie_slot_plug(&f.slot, false);
    CHECK_EQ(rd(&f, SLTCTL), LIT);
    CHECK_EQ(rd(&f, SLTSTA), 0x40);
    CHECK_EQ(rd(&f, LNKSTA), 0x2011);
    SAID(&f, "L");
    pci_config_fini(&f.c);
}

TEST(each_control_write_completes_a_command)
{
    struct fixture f;

    make(&f, ALL);
    wr(&f, SLTCTL, 2, DARK | ENABLE);
    CHECK_EQ(rd(&f, SLTSTA), 0x10);
    SAID(&f, "I");
    wr(&f, SLTSTA, 2, 0x10);
    CHECK_EQ(rd(&f, SLTSTA), 0);
    SAID(&f, "i");
    wr(&f, SLTCTL + 1, 1, (DARK | ENABLE) >> 8);
    CHECK_EQ(rd(&f, SLTSTA), 0x10);
    SAID(&f, "I");
    wr(&f, SLTSTA, 2, 0x10);
    SAID(&f, "i");
    wr(&f, SLTCAP, 2, 0xffff);
    SAID(&f, "");
    pci_config_fini(&f.c);
}

TEST(hot_plug_presses_the_button_and_waits_for_power)
{
    struct fixture f;

    make(&f, ALL);
    wr(&f, SLTCTL, 2, DARK | ENABLE);
    wr(&f, SLTSTA, 2, 0xffff);
    SAID(&f, "Ii");
    pcie_slot_plug(&f.slot, true);
    CHECK_EQ(rd(&f, SLTSTA), 0x49);
    CHECK_EQ(rd(&f, LNKSTA), 0x0011);
    SAID(&f, "I");
    wr(&f, SLTSTA, 2, 0x09);
    SAID(&f, "i");
    wr(&f, SLTCTL, 2, BLINK | ENABLE);
    CHECK_EQ(rd(&f, SLTSTA), 0x150);
    CHECK_EQ(rd(&f, LNKSTA), 0x2011);
    SAID(&f, "LI");
    wr(&f, SLTSTA, 2, 0x110);
    wr(&f, SLTCTL, 2, LIT | ENABLE);
    SAID(&f, "iI");
    pci_config_fini(&f.c);
}

static void boot_with_device(struct fixture *f)
{
    make(f, ALL);
    pcie_slot_plug(&f->slot, false);
    wr(f, SLTCTL, 2, LIT | ENABLE);
    wr(f, SLTSTA, 2, 0xffff);
    memset(f->log, 0, sizeof f->log);
}

TEST(unplug_asks_and_the_guest_releases)
{
    struct fixture f;

    boot_with_device(&f);
    CHECK_EQ(pcie_slot_unplug_request(&f.slot), 0);
    CHECK_EQ(rd(&f, SLTSTA), 0x41);
    SAID(&f, "I");
    wr(&f, SLTSTA, 2, 0x01);
    wr(&f, SLTCTL, 2, BLINK | ENABLE);
    wr(&f, SLTSTA, 2, 0x10);
    SAID(&f, "iIi");
    CHECK_EQ(pcie_slot_unplug_request(&f.slot), -EBUSY);
    wr(&f, SLTCTL, 2, BLINK | 0x400 | ENABLE); /* power off first, as Linux does */
    CHECK_EQ(rd(&f, SLTSTA), 0x150);
    SAID(&f, "lI");
    wr(&f, SLTSTA, 2, 0x110);
    wr(&f, SLTCTL, 2, DARK | ENABLE);
    SAID(&f, "iIE");
    wr(&f, SLTSTA, 2, 0x10);
    wr(&f, SLTCTL, 2, DARK | ENABLE);
    wr(&f, SLTSTA, 2, 0x10);
    SAID(&f, "iIi"); /* no second eject */
    pcie_slot_removed(&f.slot);
    CHECK_EQ(rd(&f, SLTSTA), 0x08);
    SAID(&f, "I");
    CHECK_EQ(pcie_slot_unplug_request(&f.slot), -ENODEV);
    pcie_slot_removed(&f.slot);
    SAID(&f, "");
    pci_config_fini(&f.c);
}

TEST(a_dark_slot_is_released_without_asking)
{
    struct fixture f;

    make(&f, ALL);
    pcie_slot_plug(&f.slot, true);
    SAID(&f, "");
    CHECK_EQ(pcie_slot_unplug_request(&f.slot), 0);
    SAID(&f, "E");
    CHECK_EQ(pcie_slot_unplug_request(&f.slot), 0);
    SAID(&f, "");
    pcie_slot_removed(&f.slot);
    CHECK_EQ(rd(&f, SLTSTA) & 0x40, 0);
    pci_config_fini(&f.c);
}

TEST(the_owner_may_remove_inside_eject)
{
    struct fixture f;

    boot_with_device(&f);
    f.removes_at_once = true;
    wr(&f, SLTCTL, 2, DARK | ENABLE);
    SAID(&f, "lIE");
    CHECK_EQ(rd(&f, SLTSTA), 0x118);
    pcie_slot_plug(&f.slot, true);
    CHECK_EQ(rd(&f, SLTSTA), 0x159);
    CHECK_EQ(pcie_slot_unplug_request(&f.slot), 0);
    SAID(&f, "E");
    CHECK_EQ(rd(&f, SLTSTA) & 0x40, 0);
    pci_config_fini(&f.c);
}

TEST(writing_a_dark_control_again_ejects_nothing)
{
    struct fixture f;

    make(&f, ALL);
    pcie_slot_plug(&f.slot, true);
    wr(&f, SLTCTL, 2, DARK);
    SAID(&f, "");
    wr(&f, SLTCTL, 2, LIT);
    SAID(&f, "L");
    wr(&f, SLTCTL, 2, DARK);
    SAID(&f, "lE");
    pci_config_fini(&f.c);
}

TEST(a_surprise_removal_takes_the_link_down)
{
    struct fixture f;

    boot_with_device(&f);
    pcie_slot_removed(&f.slot);
    CHECK_EQ(rd(&f, SLTSTA), 0x108);
    CHECK_EQ(rd(&f, LNKSTA), 0x0011);
    SAID(&f, "lI");
    pci_config_fini(&f.c);
}

TEST(interrupts_need_both_enables)
{
    struct fixture f;

    boot_with_device(&f);
    wr(&f, SLTCTL, 2, LIT | 0x0001);
    pcie_slot_unplug_request(&f.slot);
    SAID(&f, "");
    wr(&f, SLTCTL, 2, LIT | 0x0021);
    SAID(&f, "I");
    wr(&f, SLTCTL, 2, LIT | 0x0020);
    SAID(&f, "i");
    wr(&f, LNKCTL, 2, 0x10);
    SAID(&f, "l");
    wr(&f, SLTCTL, 2, LIT | 0x1020);
    SAID(&f, "I");
    pci_config_fini(&f.c);
}

TEST(link_disable_takes_the_link_down)
{
    struct fixture f;

    boot_with_device(&f);
    wr(&f, LNKCTL, 2, 0x10);
    CHECK_EQ(rd(&f, LNKSTA), 0x0011);
    CHECK_EQ(rd(&f, SLTSTA), 0x140);
    SAID(&f, "lI");
    wr(&f, LNKCTL, 2, 0);
    CHECK_EQ(rd(&f, LNKSTA), 0x2011);
    SAID(&f, "L");
    pci_config_fini(&f.c);
}

TEST(without_a_power_controller_the_indicator_releases)
{
    struct fixture f;

    make(&f, PCIE_SLOT_HOTPLUG);
    pcie_slot_plug(&f.slot, true);
    SAID(&f, "L");
    wr(&f, SLTCTL, 2, 0x01c0);
    CHECK_EQ(rd(&f, SLTCTL), 0x01c0);
    wr(&f, SLTCTL, 2, 0x07c0);
    CHECK_EQ(rd(&f, SLTCTL), 0x03c0);
    SAID(&f, "E");
    pci_config_fini(&f.c);
}

TEST(the_interlock_toggles)
{
    struct fixture f;

    make(&f, ALL);
    wr(&f, SLTCTL, 2, DARK | 0x0800);
    CHECK_EQ(rd(&f, SLTCTL), DARK);
    CHECK_EQ(rd(&f, SLTSTA), 0x90);
    wr(&f, SLTCTL, 2, DARK | 0x0800);
    CHECK_EQ(rd(&f, SLTSTA), 0x10);
    pci_config_fini(&f.c);
}

TEST(a_slot_without_hot_plug_has_no_controls)
{
    struct fixture f;

    make(&f, 0);
    CHECK_EQ(pci_config_read(&f.c, SLTCAP, 4), 5u << 19);
    pcie_slot_plug(&f.slot, false);
    SAID(&f, "L");
    wr(&f, SLTCTL, 2, 0xffff);
    CHECK_EQ(rd(&f, SLTCTL), 0);
    CHECK_EQ(rd(&f, SLTSTA), 0x40);
    SAID(&f, "");
    CHECK_EQ(pcie_slot_unplug_request(&f.slot), -ENOTSUP);
    pci_config_fini(&f.c);
}

TEST(reset_lights_what_is_there)
{
    struct fixture f;

    boot_with_device(&f);
    pcie_slot_unplug_request(&f.slot);
    wr(&f, SLTCTL, 2, DARK | ENABLE);
    memset(f.log, 0, sizeof f.log);
    pci_config_reset(&f.c, false);
    pcie_slot_reset(&f.slot);
    SAID(&f, "Li");
    CHECK_EQ(rd(&f, SLTCTL), LIT);
    CHECK_EQ(rd(&f, SLTSTA), 0x40);
    pcie_slot_removed(&f.slot);
    pci_config_reset(&f.c, false);
    pcie_slot_reset(&f.slot);
    CHECK_EQ(rd(&f, SLTCTL), DARK);
    CHECK_EQ(rd(&f, SLTSTA), 0);
    pci_config_fini(&f.c);
}

TEST(a_restored_state_is_taken_over)
{
    struct fixture a, b;

    boot_with_device(&a);
    pcie_slot_unplug_request(&a.slot);
    make(&b, ALL);
    CHECK_EQ(pci_config_restore(&b.c, a.c.bytes, 4096, NULL), 0);
    pcie_slot_refresh(&b.slot);
    SAID(&b, "LI");
    CHECK_EQ(rd(&b, SLTCTL), LIT | ENABLE);
    wr(&b, SLTCTL, 2, DARK | ENABLE);
    SAID(&b, "lE");
    pci_config_fini(&a.c);
    pci_config_fini(&b.c);
}

TEST(a_slot_needs_a_downstream_port)
{
    struct fixture f = {0};
    struct pcie_port p = {.type = PCI_EXP_TYPE_UPSTREAM, .speed = 1, .width = 1};

    pci_config_init(&f.c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids);
    CHECK_EQ(pcie_slot_init(&f.slot, &f.c, 5, ALL, &ops, &f), -EINVAL);
    pcie_cap_add(&f.c, EXP, &p);
    CHECK_EQ(pcie_slot_init(&f.slot, &f.c, 5, ALL, &ops, &f), -EINVAL);
    pci_config_fini(&f.c);
    make(&f, ALL);
    CHECK_EQ(pcie_slot_init(&f.slot, &f.c, 0x2000, ALL, &ops, &f), -EINVAL);
    pci_config_fini(&f.c);
}

int main(void)
{
    RUN(an_empty_slot_is_dark);
    RUN(a_slot_that_is_filled_at_start_is_lit);
    RUN(each_control_write_completes_a_command);
    RUN(hot_plug_presses_the_button_and_waits_for_power);
    RUN(unplug_asks_and_the_guest_releases);
    RUN(a_dark_slot_is_released_without_asking);
    RUN(the_owner_may_remove_inside_eject);
    RUN(writing_a_dark_control_again_ejects_nothing);
    RUN(a_surprise_removal_takes_the_link_down);
    RUN(interrupts_need_both_enables);
    RUN(link_disable_takes_the_link_down);
    RUN(without_a_power_controller_the_indicator_releases);
    RUN(the_interlock_toggles);
    RUN(a_slot_without_hot_plug_has_no_controls);
    RUN(reset_lights_what_is_there);
    RUN(a_restored_state_is_taken_over);
    RUN(a_slot_needs_a_downstream_port);
    return tap_done();
}
