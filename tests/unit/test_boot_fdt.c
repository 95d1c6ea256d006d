/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/fdt.h"
#include "boot/microvm_fdt.h"
#include "tap.h"
#include "util/alloc.h"
#include <libfdt.h>
#include <stdlib.h>
#include <unistd.h>

static uint32_t cell(const void *blob, const char *path, const char *prop, int i)
{
    int len, node = fdt_path_offset(blob, path);
    const fdt32_t *p = node < 0 ? NULL : fdt_getprop(blob, node, prop, &len);
    return p && len >= 4 * (i + 1) ? fdt32_to_cpu(p[i]) : 0xdeadbeef;
}

static const char *text(const void *blob, const char *path, const char *prop)
{
    int node = fdt_path_offset(blob, path);
    return node < 0 ? NULL : fdt_getprop(blob, node, prop, NULL);
}

TEST(tree_grows_to_what_is_put_in)
{
    struct fdt *t = fdt_tree_new();
    const char *why = NULL;
    uint8_t big[20000] = {0};
    size_t len;
    fdt_node(t, "%s", "");
    for (unsigned i = 0; i < 1000; i++) {
        fdt_node(t, "n@%x", i);
        fdt_u32(t, "reg", i);
        fdt_node_end(t);
    }
    fdt_node(t, "big");
    fdt_bytes(t, "data", big, sizeof big);
    fdt_node_end(t);
    fdt_node_end(t);
    const void *blob = fdt_tree_blob(t, &len, &why);
    CHECK(blob != NULL);
    CHECK_EQ(fdt_check_full(blob, len), 0);
    CHECK_EQ(cell(blob, "/n@3e7", "reg", 0), 999);
    CHECK(fdt_tree_blob(t, &len, &why) == blob);
    fdt_tree_free(t);
}

TEST(first_error_sticks_and_is_told)
{
    struct fdt *t = fdt_tree_new();
    const char *why = NULL;
    size_t len;
    fdt_node(t, "%s", "");
    fdt_node(t, "child");
    fdt_node_end(t);
    fdt_u32(t, "late", 1); /* a property behind a child */
    fdt_node_end(t);
    CHECK(fdt_tree_blob(t, &len, &why) == NULL);
    CHECK_STR(why, "FDT_ERR_BADSTATE");
    fdt_tree_free(t);
}

static struct fdt *example(void)
{
    static const uint32_t ids[] = {0, 1};
    static const struct fdt_device serial = {0x3f8, 8, 4, FDT_IRQ_EDGE_RISING};
    static const struct fdt_device rtc = {0x70, 2, 8, FDT_IRQ_EDGE_RISING};
    static const struct fdt_device virtio[] = {{0xfeb00000, 0x200, 16, FDT_IRQ_EDGE_RISING},
                                               {0xfeb00200, 0x200, 17, FDT_IRQ_LEVEL_HIGH}};
    const struct microvm_fdt d = {.cmdline = "console=ttyS0",
                                  .initrd_gpa = 0x1000000,
                                  .initrd_len = 0x123,
                                  .below_4g = 0x10000000,
                                  .above_4g = 0x20000000,
                                  .apic_ids = ids,
                                  .n_cpus = 2,
                                  .ioapic_base = 0xfec00000,
                                  .lapic_base = 0xfee00000,
                                  .serial = &serial,
                                  .rtc = &rtc,
                                  .virtio = virtio,
                                  .n_virtio = 2};
    return microvm_fdt_build(&d);
}

TEST(open_node_is_an_error)
{
    struct fdt *t = fdt_tree_new();
    const char *why = NULL;
    size_t len;
    fdt_node(t, "%s", "");
    CHECK(fdt_tree_blob(t, &len, &why) == NULL);
    CHECK_STR(why, "FDT_ERR_BADSTRUCTURE");
    fdt_tree_free(t);
}

TEST(microvm_tree_has_every_node)
{
    struct fdt *t = example();
    const char *why;
    size_t len;
    const void *b = fdt_tree_blob(t, &len, &why);
    CHECK(b != NULL);
    CHECK_EQ(fdt_check_full(b, len), 0);
    CHECK_STR(text(b, "/chosen", "bootargs"), "console=ttyS0");
    CHECK_EQ(cell(b, "/chosen", "linux,initrd-end", 1), 0x1000123);
    CHECK_EQ(cell(b, "/memory@0", "reg", 3), 0x10000000);
    CHECK_EQ(cell(b, "/memory@100000000", "reg", 0), 1);
    CHECK_STR(text(b, "/cpus/cpu@1", "device_type"), "cpu");
    CHECK_STR(text(b, "/ioapic@fec00000", "compatible"), "intel,ce4100-ioapic");
    CHECK_STR(text(b, "/lapic@fee00000", "compatible"), "intel,ce4100-lapic");
    CHECK_STR(text(b, "/virtio_mmio@feb00200", "compatible"), "virtio,mmio");
    CHECK_EQ(cell(b, "/virtio_mmio@feb00200", "interrupts", 0), 17);
    CHECK_EQ(cell(b, "/virtio_mmio@feb00200", "interrupts", 1), FDT_IRQ_LEVEL_HIGH);
    CHECK_EQ(cell(b, "/virtio_mmio@feb00000", "interrupt-parent", 0),
             cell(b, "/ioapic@fec00000", "phandle", 0));
    CHECK_EQ(cell(b, "/isa/serial@i3f8", "reg", 1), 0x3f8);
    CHECK_EQ(cell(b, "/isa/rtc@i70", "interrupts", 0), 8);
    fdt_tree_free(t);
}

TEST(dump_writes_the_blob)
{
    struct fdt *t = example();
    char path[] = "/tmp/test_boot_fdt.XXXXXX";
    AUTO_FREE char *error = NULL;
    const char *why;
    size_t len;
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    const void *b = fdt_tree_blob(t, &len, &why);
    CHECK_EQ(fdt_dump(b, len, path, &error), 0);
    AUTO_FREE char *back = xcalloc(1, len + 1);
    CHECK_EQ(read(fd, back, len + 1), len);
    CHECK(memcmp(back, b, len) == 0);
    unlink(path);
    close(fd);
    fdt_tree_free(t);
}

TEST(dump_names_a_path_that_cannot_be_written)
{
    AUTO_FREE char *error = NULL;
    CHECK(fdt_dump("x", 1, "/nonexistent/x.dtb", &error) < 0);
    CHECK_STR(error, "/nonexistent/x.dtb: No such file or directory");
}

int main(void)
{
    RUN(tree_grows_to_what_is_put_in);
    RUN(first_error_sticks_and_is_told);
    RUN(open_node_is_an_error);
    RUN(microvm_tree_has_every_node);
    RUN(dump_writes_the_blob);
    RUN(dump_names_a_path_that_cannot_be_written);
    return tap_done();
}
