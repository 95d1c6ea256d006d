/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI and MSI-X: PCI Local Bus 3.0 6.8, PCIe Base 6.0 6.1.4. What the owner is told is kept as
 * text:
 * "+n" enabled with n vectors, "-" disabled, "wV:A/D" wired, "xV" not delivered, "fV:D" fired,
 * "pV,N" polled. */
#include "pci/msi.h"
#include "tap.h"
#include <errno.h>
#include <stdarg.h>

static const struct pci_ids ids = {.vendor = 0x1af4, .device = 0x1041};

struct fixture {
    struct pci_config c;
    struct msi msi;
    struct msix msix;
    char log[512];
    int raise_in_poll; /* vector, or -1 */
};

static void note(struct fixture *f, const char *fmt, ...)
{
    size_t n = strlen(f->log);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->log + n, sizeof f->log - n, fmt, ap);
    va_end(ap);
}

static void on_mode(void *s, bool enabled, uint32_t nvec)
{
    if (enabled)
        note(s, "+%u ", nvec);
    else
        note(s, "- ");
}

static void on_rewire(void *s, uint32_t vec, const struct pci_msg *msg)
{
    if (msg)
        note(s, "w%u:%llx/%x ", vec, (unsigned long long)msg->addr, msg->data);
    else
        note(s, "x%u ", vec);
}

static void on_fire(void *s, uint32_t vec, const struct pci_msg *msg)
{
    note(s, "f%u:%x ", vec, msg->data);
}

static void on_poll(void *s, uint32_t vec, uint32_t n)
{
    struct fixture *f = s;
    struct pci_msg msg;

    note(f, "p%u,%u ", vec, n);
    if (f->raise_in_poll >= 0)
        msix_notify(&f->msix, (uint32_t)f->raise_in_poll, &msg);
}

static const struct pci_vec_ops ops = {
    .mode = on_mode, .rewire = on_rewire, .fire = on_fire, .poll = on_poll};

#define SAID(f, text)              \
    do {                           \
        CHECK_STR((f)->log, text); \
        (f)->log[0] = 0;           \
    } while (0)

static void wr(struct fixture *f, uint32_t off, uint32_t size, uint32_t v)
{
    struct pci_written w = pci_config_write(&f->c, off, size, v);

    if (f->msi.c)
        msi_written(&f->msi, &w);
    if (f->msix.c)
        msix_written(&f->msix, &w);
}

static uint32_t rd(struct fixture *f, uint32_t off, uint32_t size)
{
    return pci_config_read(&f->c, off, size);
}

static void make_msi(struct fixture *f, uint32_t n, uint32_t flags)
{
    *f = (struct fixture){.raise_in_poll = -1};
    pci_config_init(&f->c, 0, &ids);
    msi_init(&f->msi, &f->c, 0x40, n, flags, &ops, f);
}

TEST(msi_has_four_layouts)
{
    struct fixture f;

    make_msi(&f, 1, 0);
    wr(&f, 0x48, 4, 0xffffffff);
    wr(&f, 0x44, 4, 0xffffffff);
    CHECK_EQ(rd(&f, 0x40, 4), 0x00000005);
    CHECK_EQ(rd(&f, 0x44, 4), 0xfffffffc);
    CHECK_EQ(rd(&f, 0x48, 4), 0x0000ffff);
    pci_config_fini(&f.c);
    make_msi(&f, 4, MSI_64BIT);
    CHECK_EQ(rd(&f, 0x40, 4), 0x00840005);
    wr(&f, 0x48, 4, 0xffffffff);
    wr(&f, 0x4c, 4, 0xffffffff);
    wr(&f, 0x50, 4, 0xffffffff);
    CHECK_EQ(rd(&f, 0x48, 4), 0xffffffff);
    CHECK_EQ(rd(&f, 0x4c, 4), 0x0000ffff);
    CHECK_EQ(rd(&f, 0x50, 4), 0);
    pci_config_fini(&f.c);
    make_msi(&f, 2, MSI_MASKABLE);
    CHECK_EQ(rd(&f, 0x40, 4), 0x01020005);
    wr(&f, 0x4c, 4, 0xffffffff);
    wr(&f, 0x50, 4, 0xffffffff);
    CHECK_EQ(rd(&f, 0x4c, 4), 3);
    CHECK_EQ(rd(&f, 0x50, 4), 0);
    pci_config_fini(&f.c);
    make_msi(&f, 32, MSI_64BIT | MSI_MASKABLE);
    CHECK_EQ(rd(&f, 0x40, 4), 0x018a0005);
    wr(&f, 0x50, 4, 0xffffffff);
    CHECK_EQ(rd(&f, 0x50, 4), 0xffffffff);
    pci_config_fini(&f.c);
}

TEST(msi_refuses_odd_numbers)
{
    struct fixture f = {.raise_in_poll = -1};

    pci_config_init(&f.c, 0, &ids);
    CHECK_EQ(msi_init(&f.msi, &f.c, 0, 0, 0, &ops, &f), -EINVAL);
    CHECK_EQ(msi_init(&f.msi, &f.c, 0, 3, 0, &ops, &f), -EINVAL);
    CHECK_EQ(msi_init(&f.msi, &f.c, 0, 64, 0, &ops, &f), -EINVAL);
    CHECK_EQ(msi_init(&f.msi, &f.c, 0xf8, 1, 0, &ops, &f), -EINVAL);
    CHECK_EQ(msi_init(&f.msi, &f.c, 0, 32, 0, &ops, &f), 0x40);
    pci_config_fini(&f.c);
}

TEST(msi_sends_the_vector_in_the_low_bits)
{
    struct fixture f;
    struct pci_msg m = {0};

    make_msi(&f, 4, MSI_64BIT);
    CHECK_EQ(msi_notify(&f.msi, 0, &m), PCI_NOTIFY_NONE);
    wr(&f, 0x44, 4, 0xfee01000);
    wr(&f, 0x48, 4, 1);
    wr(&f, 0x4c, 2, 0x40f3);
    SAID(&f, "");
    wr(&f, 0x42, 2, 0x0021);
    SAID(&f, "+4 w0:1fee01000/40f0 w1:1fee01000/40f1 w2:1fee01000/40f2 w3:1fee01000/40f3 ");
    CHECK_EQ(msi_notify(&f.msi, 2, &m), PCI_NOTIFY_SEND);
    CHECK_EQ(m.addr, 0x1fee01000);
    CHECK_EQ(m.data, 0x40f2);
    CHECK_EQ(msi_notify(&f.msi, 4, &m), PCI_NOTIFY_NONE);
    wr(&f, 0x42, 2, 0x0011);
    SAID(&f, "+2 w0:1fee01000/40f2 w1:1fee01000/40f3 x2 x3 ");
    CHECK_EQ(msi_notify(&f.msi, 2, &m), PCI_NOTIFY_SEND); /* shares with 0 */
    CHECK_EQ(m.data, 0x40f2);
    wr(&f, 0x42, 2, 0);
    SAID(&f, "x0 x1 - ");
    pci_config_fini(&f.c);
}

TEST(msi_rewires_on_a_new_message_only)
{
    struct fixture f;

    make_msi(&f, 1, 0);
    wr(&f, 0x42, 2, 1);
    SAID(&f, "+1 w0:0/0 ");
    wr(&f, 0x48, 2, 0x41);
    SAID(&f, "w0:0/41 ");
    wr(&f, 0x48, 2, 0x41);
    wr(&f, 0x3c, 1, 5);
    SAID(&f, "");
    pci_config_fini(&f.c);
}

TEST(msi_size_is_limited_to_what_there_is)
{
    struct fixture f;

    make_msi(&f, 2, 0);
    wr(&f, 0x42, 2, 0x71);
    CHECK_EQ(rd(&f, 0x42, 2), 0x0013);
    SAID(&f, "+2 w0:0/0 w1:0/1 ");
    wr(&f, 0x42, 2, 0x21);
    CHECK_EQ(rd(&f, 0x42, 2), 0x0013);
    SAID(&f, "");
    pci_config_fini(&f.c);
}

TEST(a_masked_msi_pends_and_fires_once)
{
    struct fixture f;
    struct pci_msg m;

    make_msi(&f, 2, MSI_MASKABLE);
    wr(&f, 0x4c, 4, 2);
    wr(&f, 0x42, 2, 0x11);
    SAID(&f, "+2 w0:0/0 ");
    CHECK_EQ(msi_notify(&f.msi, 1, &m), PCI_NOTIFY_PEND);
    CHECK_EQ(rd(&f, 0x50, 4), 2);
    wr(&f, 0x4c, 4, 3);
    SAID(&f, "x0 ");
    wr(&f, 0x4c, 4, 0);
    SAID(&f, "w0:0/0 w1:0/1 f1:1 ");
    CHECK_EQ(rd(&f, 0x50, 4), 0);
    wr(&f, 0x4c, 4, 1);
    msi_notify(&f.msi, 0, &m);
    pci_config_reset(&f.c, false);
    msi_reset(&f.msi);
    SAID(&f, "x0 x1 - ");
    CHECK_EQ(rd(&f, 0x50, 4), 0);
    pci_config_fini(&f.c);
}

TEST(msi_refresh_tells_everything)
{
    struct fixture f;

    make_msi(&f, 2, MSI_MASKABLE);
    wr(&f, 0x4c, 4, 1);
    wr(&f, 0x42, 2, 0x11);
    f.log[0] = 0;
    msi_refresh(&f.msi);
    SAID(&f, "+2 x0 w1:0/1 ");
    pci_config_fini(&f.c);
}

/* ---- MSI-X ---------------------------------------------------------------------------- */

static void make_msix(struct fixture *f, uint32_t n)
{
    *f = (struct fixture){.raise_in_poll = -1};
    pci_config_init(&f->c, 0, &ids);
    pci_bar_add(&f->c, 1, PCI_BAR_MEM32, 0x10000);
    msix_init(&f->msix, &f->c, 0x98, n, 1, 0, 1, 0x8800, &ops, f);
}

static void finish_msix(struct fixture *f)
{
    msix_fini(&f->msix);
    pci_config_fini(&f->c);
}

TEST(msix_capability_and_masked_table)
{
    struct fixture f;

    make_msix(&f, 65);
    CHECK_EQ(rd(&f, 0x98, 4), 0x00400011);
    CHECK_EQ(rd(&f, 0x9c, 4), 0x00000001);
    CHECK_EQ(rd(&f, 0xa0, 4), 0x00008801);
    CHECK_EQ(msix_table_len(&f.msix), 1040);
    CHECK_EQ(msix_pba_len(&f.msix), 16);
    for (uint32_t v = 0; v < 65; v++)
        CHECK_EQ(msix_table_read(&f.msix, 16 * v + 8, 8), 0x100000000);
    wr(&f, 0x98, 4, 0xffffffff);
    CHECK_EQ(rd(&f, 0x98, 4), 0xc0400011);
    finish_msix(&f);
}

TEST(msix_layout_is_checked)
{
    struct fixture f = {.raise_in_poll = -1};
    struct msix *m = &f.msix;
    struct pci_config *c = &f.c;

    pci_config_init(c, 0, &ids);
    pci_bar_add(c, 0, PCI_BAR_IO, 0x1000);
    pci_bar_add(c, 1, PCI_BAR_MEM32, 0x1000);
    pci_bar_add(c, 2, PCI_BAR_MEM64, 0x1000);
    CHECK_EQ(msix_init(m, c, 0, 0, 1, 0, 1, 0x800, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 2049, 2, 0, 1, 0x800, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 1, 0, 0, 1, 0x800, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 1, 3, 0, 1, 0x800, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 1, 1, 4, 1, 0x800, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 1, 1, 0, 1, 8, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 1, 1, 0x1000, 2, 8, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 257, 1, 0, 2, 8, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 1, 1, UINT64_MAX - 7, 2, 8, &ops, &f), -EINVAL);
    CHECK_EQ(msix_init(m, c, 0, 1, 7, 0, 2, 8, &ops, &f), -EINVAL);
    CHECK_EQ(rd(&f, 0x34, 1), 0);
    CHECK_EQ(msix_init(m, c, 0, 256, 1, 0, 2, 0xfe0, &ops, &f), 0x40);
    finish_msix(&f);
}

TEST(msix_sends_pends_or_drops)
{
    struct fixture f;
    struct pci_msg m = {0};

    make_msix(&f, 2);
    CHECK_EQ(msix_notify(&f.msix, 0, &m), PCI_NOTIFY_NONE);
    CHECK(!msix_pending(&f.msix, 0));
    wr(&f, 0x9b, 1, 0x80);
    SAID(&f, "+2 ");
    CHECK_EQ(msix_notify(&f.msix, 0, &m), PCI_NOTIFY_PEND);
    CHECK_EQ(msix_notify(&f.msix, 2, &m), PCI_NOTIFY_NONE);
    CHECK(msix_pending(&f.msix, 0));
    CHECK_EQ(msix_pba_read(&f.msix, 0, 8), 1);
    SAID(&f, "p0,2 ");
    msix_table_write(&f.msix, 0, 8, 0x1fee00003);
    msix_table_write(&f.msix, 8, 4, 0x12345678);
    SAID(&f, "");
    msix_table_write(&f.msix, 12, 4, 0);
    SAID(&f, "w0:1fee00000/12345678 f0:12345678 ");
    CHECK(!msix_pending(&f.msix, 0));
    CHECK_EQ(msix_notify(&f.msix, 0, &m), PCI_NOTIFY_SEND);
    CHECK_EQ(m.addr, 0x1fee00000);
    CHECK_EQ(m.data, 0x12345678);
    finish_msix(&f);
}

TEST(msix_eight_byte_write_of_data_and_mask_is_one_change)
{
    struct fixture f;

    make_msix(&f, 2);
    wr(&f, 0x9a, 2, 0x8000);
    f.log[0] = 0;
    msix_table_write(&f.msix, 16 + 8, 8, 0x55);
    SAID(&f, "w1:0/55 ");
    msix_table_write(&f.msix, 16 + 8, 8, 0x66);
    SAID(&f, "w1:0/66 ");
    msix_table_write(&f.msix, 16 + 8, 8, 0x66);
    SAID(&f, "");
    msix_table_write(&f.msix, 16 + 8, 8, 0xffffffff00000077);
    SAID(&f, "x1 ");
    CHECK_EQ(msix_table_read(&f.msix, 16 + 12, 4), 1);
    finish_msix(&f);
}

TEST(msix_function_mask_holds_all_vectors)
{
    struct fixture f;
    struct pci_msg m;

    make_msix(&f, 3);
    msix_table_write(&f.msix, 0x08, 8, 0x10);
    msix_table_write(&f.msix, 0x28, 8, 0x12);
    wr(&f, 0x9a, 2, 0xc000);
    SAID(&f, "+3 ");
    CHECK_EQ(msix_notify(&f.msix, 2, &m), PCI_NOTIFY_PEND);
    wr(&f, 0x9a, 2, 0x8000);
    SAID(&f, "w0:0/10 w2:0/12 f2:12 ");
    CHECK(msix_message(&f.msix, 0, &m));
    CHECK(!msix_message(&f.msix, 1, &m));
    CHECK(!msix_message(&f.msix, 3, NULL));
    wr(&f, 0x9a, 2, 0xc000);
    SAID(&f, "x0 x2 ");
    wr(&f, 0x9a, 2, 0x8000);
    SAID(&f, "w0:0/10 w2:0/12 ");
    wr(&f, 0x9a, 2, 0);
    SAID(&f, "x0 x2 - ");
    finish_msix(&f);
}

TEST(msix_takes_aligned_dwords_and_qwords_only)
{
    struct fixture f;

    make_msix(&f, 2);
    msix_table_write(&f.msix, 0, 2, 0xffff);
    msix_table_write(&f.msix, 4, 8, UINT64_MAX);
    msix_table_write(&f.msix, 2, 4, UINT32_MAX);
    msix_table_write(&f.msix, 32, 4, UINT32_MAX);
    msix_table_write(&f.msix, UINT64_MAX - 3, 4, UINT32_MAX);
    CHECK_EQ(msix_table_read(&f.msix, 0, 8), 0);
    CHECK_EQ(msix_table_read(&f.msix, 0, 2), 0xffff);
    CHECK_EQ(msix_table_read(&f.msix, 4, 8), UINT64_MAX);
    CHECK_EQ(msix_table_read(&f.msix, 32, 4), 0xffffffff);
    CHECK_EQ(msix_pba_read(&f.msix, 8, 8), UINT64_MAX);
    CHECK_EQ(msix_pba_read(&f.msix, 4, 4), 0);
    CHECK_EQ(msix_pba_read(&f.msix, 0, 1), 0xff);
    SAID(&f, "");
    finish_msix(&f);
}

TEST(msix_pending_bits_are_looked_up_when_read)
{
    struct fixture f;

    make_msix(&f, 70);
    wr(&f, 0x9a, 2, 0x8000);
    f.log[0] = 0;
    f.raise_in_poll = 66;
    CHECK_EQ(msix_pba_read(&f.msix, 8, 4), 4);
    SAID(&f, "p64,6 ");
    CHECK_EQ(msix_pba_read(&f.msix, 4, 4), 0);
    SAID(&f, "p32,32 ");
    msix_clear_pending(&f.msix, 66);
    CHECK(!msix_pending(&f.msix, 66));
    finish_msix(&f);
}

TEST(msix_reset_masks_and_forgets)
{
    struct fixture f;
    struct pci_msg m;

    make_msix(&f, 2);
    msix_table_write(&f.msix, 8, 8, 0x10);
    wr(&f, 0x9a, 2, 0x8000);
    msix_notify(&f.msix, 1, &m);
    f.log[0] = 0;
    pci_config_reset(&f.c, false);
    msix_reset(&f.msix);
    SAID(&f, "x0 - ");
    CHECK_EQ(msix_table_read(&f.msix, 8, 8), 0x100000000);
    CHECK(!msix_pending(&f.msix, 1));
    finish_msix(&f);
}

TEST(msix_refresh_tells_everything_and_fires_what_pends)
{
    struct fixture f;

    make_msix(&f, 2);
    msix_table_write(&f.msix, 8, 8, 0x10);
    pci_config_set(&f.c, 0x9a, 2, 0x8001);
    f.msix.pba[0] = 3;
    msix_refresh(&f.msix);
    SAID(&f, "+2 w0:0/10 f0:10 x1 ");
    CHECK(msix_pending(&f.msix, 1));
    finish_msix(&f);
}

int main(void)
{
    RUN(msi_has_four_layouts);
    RUN(msi_refuses_odd_numbers);
    RUN(msi_sends_the_vector_in_the_low_bits);
    RUN(msi_rewires_on_a_new_message_only);
    RUN(msi_size_is_limited_to_what_there_is);
    RUN(a_masked_msi_pends_and_fires_once);
    RUN(msi_refresh_tells_everything);
    RUN(msix_capability_and_masked_table);
    RUN(msix_layout_is_checked);
    RUN(msix_sends_pends_or_drops);
    RUN(msix_eight_byte_write_of_data_and_mask_is_one_change);
    RUN(msix_function_mask_holds_all_vectors);
    RUN(msix_takes_aligned_dwords_and_qwords_only);
    RUN(msix_pending_bits_are_looked_up_when_read);
    RUN(msix_reset_masks_and_forgets);
    RUN(msix_refresh_tells_everything_and_fires_what_pends);
    return tap_done();
}
