/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware configuration device without a bus, from QEMU's docs/specs/fw_cfg. */
#include "fwcfg_chip.h"
#include "tap.h"
#include "util/bytes.h"
#include <errno.h>

#define RAM   0x8000
#define SLOTS 6

struct bench {
    struct fwcfg_chip chip;
    struct fwcfg_item items[SLOTS], files[SLOTS];
    uint8_t ram[RAM], text[5000], blob[16], table[64];
    uint32_t fills, wrote_off, wrote_len, writes;
    int64_t fill_result;
};

static uint8_t *ram(struct bench *b, uint64_t gpa, uint32_t len)
{
    return gpa < RAM && len <= RAM - gpa ? b->ram + gpa : NULL;
}

static int dma_read(void *opaque, uint64_t gpa, void *p, uint32_t len)
{
    const uint8_t *q = ram(opaque, gpa, len);
    if (!q)
        return -EFAULT;
    memcpy(p, q, len);
    return 0;
}

static int dma_write(void *opaque, uint64_t gpa, const void *p, uint32_t len)
{
    uint8_t *q = ram(opaque, gpa, len);
    if (!q)
        return -EFAULT;
    memcpy(q, p, len);
    return 0;
}

static const struct fwcfg_env env = {dma_read, dma_write};

static int64_t fill(void *opaque, void *p, uint32_t max)
{
    struct bench *b = opaque;
    memset(p, (int)++b->fills, max);
    return b->fill_result;
}

static void written(void *opaque, uint32_t off, uint32_t len, const void *p)
{
    struct bench *b = opaque;
    (void)p;
    b->writes++;
    b->wrote_off = off;
    b->wrote_len = len;
}

static const struct fwcfg_item_ops fill_ops = {.fill = fill};
static const struct fwcfg_item_ops write_ops = {.written = written};

/* Files: etc/blob (writable, key 0x20), etc/table (dynamic, 0x21), etc/text (5000 bytes, 0x22). */
enum { KEY_BLOB = 0x20, KEY_TABLE, KEY_TEXT };

static void start(struct bench *b, uint32_t flags)
{
    struct fwcfg_chip *c = &b->chip;
    for (uint32_t i = 0; i < sizeof b->text; i++)
        b->text[i] = (uint8_t)(i % 251);
    b->fill_result = 10;
    CHECK_EQ(fwcfg_chip_init(c, flags, b->items, SLOTS, b->files, SLOTS, &env, b), 0);
    CHECK_EQ(fwcfg_chip_add_number(c, FWCFG_KEY_RAM_SIZE, 0x123456789a, 8), 0);
    CHECK_EQ(fwcfg_chip_add_number(c, FWCFG_KEY_NB_CPUS, 4, 2), 0);
    CHECK_EQ(fwcfg_chip_add_file(c, "etc/text", b->text, 5000, 5000, NULL, b), 0);
    CHECK_EQ(fwcfg_chip_add_file(c, "etc/table", b->table, 0, 64, &fill_ops, b), 0);
    CHECK_EQ(fwcfg_chip_add_file(c, "etc/blob", b->blob, 16, 16, &write_ops, b), 0);
    fwcfg_chip_publish(c);
}

#define BENCH(b)          \
    struct bench b = {0}; \
    start(&b, FWCFG_FLAG_DMA)

static void choose(struct bench *b, uint32_t key)
{
    fwcfg_chip_port_write(&b->chip, FWCFG_PORT_SELECTOR, 2, key);
}

static uint32_t next_byte(struct bench *b)
{
    return (uint32_t)fwcfg_chip_port_read(&b->chip, FWCFG_PORT_DATA, 1);
}

/* n bytes from the data port, first byte lowest. */
static uint64_t next(struct bench *b, uint32_t n)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < n; i++)
        v |= (uint64_t)next_byte(b) << (8 * i);
    return v;
}

/* Runs a DMA operation with its structure at 0x100; returns the control field after it. */
static uint32_t dma(struct bench *b, uint32_t control, uint32_t len, uint64_t gpa)
{
    uint8_t *s = b->ram + 0x100;
    put_be32(s, control);
    put_be32(s + 4, len);
    put_be64(s + 8, gpa);
    fwcfg_chip_port_write(&b->chip, FWCFG_PORT_DMA + 4, 4, htobe32(0x100));
    return get_be32(s);
}

#define SELECT(key) ((uint32_t)(key) << FWCFG_DMA_SELECT_SHIFT | FWCFG_DMA_SELECT)

TEST(signature_and_id_identify_the_device)
{
    BENCH(b);
    choose(&b, FWCFG_KEY_SIGNATURE);
    CHECK_EQ(next(&b, 4), get_le32("QEMU"));
    CHECK_EQ(next_byte(&b), 0);
    choose(&b, FWCFG_KEY_ID);
    CHECK_EQ(next(&b, 4), FWCFG_ID_TRADITIONAL | FWCFG_ID_DMA);
    struct bench plain = {0};
    start(&plain, 0);
    choose(&plain, FWCFG_KEY_ID);
    CHECK_EQ(next(&plain, 4), FWCFG_ID_TRADITIONAL);
    CHECK_EQ(fwcfg_chip_port_read(&plain.chip, FWCFG_PORT_DMA, 4), 0xffffffff);
}

TEST(numbers_are_little_endian)
{
    BENCH(b);
    choose(&b, FWCFG_KEY_RAM_SIZE);
    CHECK_EQ(next(&b, 8), 0x123456789a);
    choose(&b, FWCFG_KEY_NB_CPUS);
    CHECK_EQ(next(&b, 2), 4);
    CHECK_EQ(next(&b, 2), 0);
}

TEST(selecting_rewinds_and_ignores_the_write_bit)
{
    BENCH(b);
    choose(&b, KEY_TEXT);
    CHECK_EQ(next(&b, 4), 0x03020100);
    choose(&b, KEY_TEXT | FWCFG_KEY_WRITE);
    CHECK_EQ(next(&b, 2), 0x0100);
}

TEST(an_unknown_key_reads_as_zero)
{
    BENCH(b);
    choose(&b, 0x23);
    CHECK_EQ(next(&b, 4), 0);
    choose(&b, FWCFG_KEY_ARCH | 1);
    CHECK_EQ(next(&b, 4), 0);
    choose(&b, 0xffff);
    CHECK_EQ(next(&b, 4), 0);
}

TEST(directory_is_sorted_by_name_with_big_endian_numbers)
{
    BENCH(b);
    uint8_t d[4 + 3 * 64];
    choose(&b, FWCFG_KEY_FILE_DIR);
    for (uint32_t i = 0; i < sizeof d; i++)
        d[i] = (uint8_t)next_byte(&b);
    CHECK_EQ(next_byte(&b), 0);
    CHECK_EQ(get_be32(d), 3);
    CHECK_STR((char *)d + 4 + 8, "etc/blob");
    CHECK_EQ(get_be32(d + 4), 16);
    CHECK_EQ(get_be16(d + 4 + 4), KEY_BLOB);
    CHECK_STR((char *)d + 4 + 64 + 8, "etc/table");
    CHECK_EQ(get_be32(d + 4 + 64), 10); /* made for the directory */
    CHECK_STR((char *)d + 4 + 128 + 8, "etc/text");
    CHECK_EQ(get_be32(d + 4 + 128), 5000);
    CHECK_EQ(get_be16(d + 4 + 128 + 4), KEY_TEXT);
}

TEST(a_dynamic_item_is_made_at_each_selection)
{
    BENCH(b);
    choose(&b, KEY_TABLE);
    CHECK_EQ(next(&b, 2), 0x0101);
    choose(&b, KEY_TABLE);
    CHECK_EQ(next(&b, 8), 0x0202020202020202);
    CHECK_EQ(next(&b, 4), 0x0202);
    b.fill_result = -5;
    choose(&b, KEY_TABLE);
    CHECK_EQ(next(&b, 4), 0);
    b.fill_result = 1000; /* more than there is room for */
    choose(&b, KEY_TABLE);
    CHECK_EQ(fwcfg_chip_file(&b.chip, "etc/table")->size, 64);
}

TEST(adding_checks_names_keys_and_room)
{
    BENCH(b);
    struct fwcfg_item items[3], files[1];
    struct fwcfg_chip c;
    char name[FWCFG_NAME_MAX + 1] = {0};
    memset(name, 'x', FWCFG_NAME_MAX);
    CHECK_EQ(fwcfg_chip_init(&c, 0, items, 1, files, 1, &env, NULL), -EINVAL);
    CHECK_EQ(fwcfg_chip_init(&c, 0, items, 3, files, 1, &env, NULL), 0);
    CHECK_EQ(fwcfg_chip_add_number(&c, FWCFG_KEY_ID, 0, 4), -EEXIST);
    CHECK_EQ(fwcfg_chip_add_number(&c, FWCFG_KEY_FILE_FIRST, 0, 4), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_number(&c, FWCFG_KEY_FILE_DIR, 0, 4), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_number(&c, FWCFG_KEY_NB_CPUS, 0, 9), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_item(&c, FWCFG_KEY_ARCH | 3, NULL, 9, 9, NULL, NULL), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_item(&c, FWCFG_KEY_ARCH | 3, b.blob, 17, 16, NULL, NULL), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_item(&c, FWCFG_KEY_ARCH | 0x3fff, b.blob, 16, 16, NULL, NULL), 0);
    CHECK_EQ(fwcfg_chip_add_number(&c, FWCFG_KEY_WRITE, 0, 4), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_number(&c, FWCFG_KEY_ARCH | FWCFG_KEY_WRITE, 0, 4), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_number(&c, FWCFG_KEY_NB_CPUS, 1, 2), -ENOSPC);
    CHECK_EQ(fwcfg_chip_add_file(&c, name, NULL, 0, 0, NULL, NULL), -ENAMETOOLONG);
    CHECK_EQ(fwcfg_chip_add_file(&c, "", NULL, 0, 0, NULL, NULL), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_file(&c, "a", NULL, 2, 1, NULL, NULL), -EINVAL);
    CHECK_EQ(fwcfg_chip_add_file(&c, "a", NULL, 0, 9, NULL, NULL), -EINVAL);
    name[FWCFG_NAME_MAX - 1] = 0; /* the longest that fits */
    CHECK_EQ(fwcfg_chip_add_file(&c, name, NULL, 0, 0, NULL, NULL), 0);
    CHECK_EQ(fwcfg_chip_add_file(&c, name, NULL, 0, 0, NULL, NULL), -EEXIST);
    CHECK_EQ(fwcfg_chip_add_file(&c, "b", NULL, 0, 0, NULL, NULL), -ENOSPC);
}

TEST(architecture_keys_and_constant_bytes)
{
    BENCH(b);
    memcpy(b.table, "e820 and more", 13);
    CHECK_EQ(fwcfg_chip_add_item(&b.chip, FWCFG_KEY_ARCH | 3, b.table, 4, 64, NULL, NULL), 0);
    choose(&b, FWCFG_KEY_ARCH | 3);
    CHECK_EQ(next(&b, 5), get_le32("e820"));
}

TEST(a_new_file_shows_when_published_and_sorts_in)
{
    BENCH(b);
    CHECK_EQ(fwcfg_chip_add_file(&b.chip, "etc/early", b.blob, 4, 4, NULL, NULL), 0);
    choose(&b, 0x23);
    CHECK_EQ(b.chip.selected, FWCFG_KEY_NONE);
    choose(&b, KEY_TEXT);
    CHECK_EQ(next(&b, 2), 0x0100);
    fwcfg_chip_publish(&b.chip);
    CHECK_EQ(b.chip.selected, FWCFG_KEY_SIGNATURE);
    CHECK_EQ(fwcfg_chip_file(&b.chip, "etc/early")->key, 0x21);
    CHECK_EQ(fwcfg_chip_file(&b.chip, "etc/text")->key, 0x23);
}

TEST(a_removed_file_is_empty_and_moves_no_other_until_published)
{
    BENCH(b);
    CHECK_EQ(fwcfg_chip_remove_file(&b.chip, "etc/none"), -ENOENT);
    CHECK_EQ(fwcfg_chip_remove_file(&b.chip, ""), -ENOENT);
    choose(&b, KEY_TABLE);
    CHECK_EQ(fwcfg_chip_remove_file(&b.chip, "etc/table"), 0);
    CHECK_EQ(fwcfg_chip_remove_file(&b.chip, "etc/table"), -ENOENT);
    CHECK_EQ(next(&b, 4), 0);
    choose(&b, FWCFG_KEY_FILE_DIR);
    CHECK_EQ(b.fills, 1); /* not asked again */
    choose(&b, KEY_TEXT);
    CHECK_EQ(next(&b, 2), 0x0100);
    CHECK_EQ(fwcfg_chip_add_file(&b.chip, "etc/new", b.blob, 4, 4, NULL, NULL), 0);
    CHECK_EQ(fwcfg_chip_remove_file(&b.chip, "etc/new"), 0); /* nobody saw it */
    fwcfg_chip_publish(&b.chip);
    choose(&b, KEY_TABLE);
    CHECK_EQ(next(&b, 2), 0x0100);
    choose(&b, FWCFG_KEY_FILE_DIR);
    CHECK_EQ(next(&b, 4), htobe32(2));
}

TEST(dma_register_reads_as_the_signature)
{
    BENCH(b);
    CHECK_EQ(fwcfg_chip_port_read(&b.chip, FWCFG_PORT_DMA, 4), htobe32(0x51454d55));
    CHECK_EQ(fwcfg_chip_port_read(&b.chip, FWCFG_PORT_DMA + 4, 4), htobe32(0x20434647));
    CHECK_EQ(fwcfg_chip_mmio_read(&b.chip, FWCFG_MMIO_DMA, 8), htobe64(0x51454d5520434647));
    CHECK_EQ(fwcfg_chip_port_read(&b.chip, FWCFG_PORT_DMA + 7, 1), 'G');
    CHECK_EQ(fwcfg_chip_port_read(&b.chip, FWCFG_PORT_DMA + 6, 4), 0xffffffff);
}

TEST(dma_reads_an_item_in_pieces_and_goes_on_with_zeros)
{
    BENCH(b);
    memset(b.ram + 0x1000, 0xee, 0x3000);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT) | FWCFG_DMA_READ, 100, 0x1000), 0);
    CHECK_EQ(memcmp(b.ram + 0x1000, b.text, 100), 0);
    CHECK_EQ(b.ram[0x1000 + 100], 0xee);
    CHECK_EQ(dma(&b, FWCFG_DMA_READ, 0x2000, 0x1000), 0);
    CHECK_EQ(memcmp(b.ram + 0x1000, b.text + 100, 4900), 0);
    CHECK_EQ(b.ram[0x1000 + 4900], 0);
    CHECK_EQ(b.ram[0x2fff], 0);
    CHECK_EQ(b.ram[0x3000], 0xee);
}

TEST(dma_skips)
{
    BENCH(b);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT) | FWCFG_DMA_SKIP, 300, 0), 0);
    CHECK_EQ(dma(&b, FWCFG_DMA_READ, 1, 0x1000), 0);
    CHECK_EQ(b.ram[0x1000], 300 % 251);
    CHECK_EQ(dma(&b, FWCFG_DMA_SKIP, 0xffffffff, 0), 0);
    CHECK_EQ(dma(&b, FWCFG_DMA_SKIP, 0xffffffff, 0), 0);
    CHECK_EQ(next_byte(&b), 0);
}

TEST(dma_address_takes_both_halves_once)
{
    BENCH(b);
    b.ram[0x103] = FWCFG_DMA_READ;
    fwcfg_chip_port_write(&b.chip, FWCFG_PORT_DMA, 4, htobe32(1)); /* 4 GiB: no memory there */
    fwcfg_chip_port_write(&b.chip, FWCFG_PORT_DMA + 4, 4, htobe32(0x100));
    CHECK_EQ(b.ram[0x103], FWCFG_DMA_READ);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT), 0, 0), 0); /* the high half is gone */
    b.ram[0x103] = 0x80;
    fwcfg_chip_mmio_write(&b.chip, FWCFG_MMIO_DMA, 8, htobe64(0x100));
    CHECK_EQ(b.ram[0x103], 0);
}

TEST(dma_to_what_is_no_memory_sets_the_error_bit)
{
    BENCH(b);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT) | FWCFG_DMA_READ, 4, RAM - 2), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT) | FWCFG_DMA_READ, 0xffffffff, 0x1000), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT) | FWCFG_DMA_READ, 0x1000, ~0ull - 0xfff), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT) | FWCFG_DMA_READ, 0x2000, ~0ull - 0xfff), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, FWCFG_DMA_READ, 0, ~0ull), 0);
    fwcfg_chip_mmio_write(&b.chip, FWCFG_MMIO_DMA, 8, htobe64(~0ull - 3)); /* wraps: nothing */
}

TEST(dma_writes_a_writable_item)
{
    BENCH(b);
    memcpy(b.ram + 0x1000, "0123456789abcdef", 16);
    CHECK_EQ(dma(&b, SELECT(KEY_BLOB) | FWCFG_DMA_SKIP, 4, 0), 0);
    CHECK_EQ(dma(&b, FWCFG_DMA_WRITE, 12, 0x1000), 0);
    CHECK_EQ(memcmp(b.blob, "\0\0\0\0000123456789ab", 16), 0);
    CHECK_EQ(b.writes, 1);
    CHECK_EQ(b.wrote_off, 4);
    CHECK_EQ(b.wrote_len, 12);
}

TEST(a_write_past_the_end_is_dropped_entirely)
{
    BENCH(b);
    memset(b.ram + 0x1000, 0xaa, 32);
    CHECK_EQ(dma(&b, SELECT(KEY_BLOB) | FWCFG_DMA_WRITE, 17, 0x1000), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, FWCFG_DMA_SKIP, 16, 0), 0);
    CHECK_EQ(dma(&b, FWCFG_DMA_WRITE, 1, 0x1000), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, FWCFG_DMA_SKIP, 16, 0), 0);
    CHECK_EQ(dma(&b, FWCFG_DMA_WRITE, 0xffffffff, 0x1000), FWCFG_DMA_ERROR);
    CHECK_EQ(b.blob[0], 0);
    CHECK_EQ(b.writes, 0);
}

TEST(read_only_items_and_the_data_port_refuse_writes)
{
    BENCH(b);
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT) | FWCFG_DMA_WRITE, 1, 0x1000), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, SELECT(FWCFG_KEY_RAM_SIZE) | FWCFG_DMA_WRITE, 1, 0x1000), FWCFG_DMA_ERROR);
    CHECK_EQ(dma(&b, SELECT(0x3f) | FWCFG_DMA_WRITE, 1, 0x1000), FWCFG_DMA_ERROR);
    choose(&b, KEY_BLOB);
    fwcfg_chip_port_write(&b.chip, FWCFG_PORT_DATA, 1, 0xff);
    CHECK_EQ(b.blob[0], 0);
    CHECK_EQ(next_byte(&b), 0);
}

TEST(mmio_data_keeps_the_order_of_bytes_and_the_selector_is_big_endian)
{
    BENCH(b);
    fwcfg_chip_mmio_write(&b.chip, FWCFG_MMIO_SELECTOR, 2, htobe16(FWCFG_KEY_SIGNATURE));
    CHECK_EQ(fwcfg_chip_mmio_read(&b.chip, FWCFG_MMIO_DATA, 8), get_le32("QEMU"));
    fwcfg_chip_mmio_write(&b.chip, FWCFG_MMIO_SELECTOR, 2, htobe16(KEY_TEXT));
    CHECK_EQ(fwcfg_chip_mmio_read(&b.chip, FWCFG_MMIO_DATA, 8), 0x0706050403020100);
    CHECK_EQ(fwcfg_chip_mmio_read(&b.chip, FWCFG_MMIO_DATA, 2), 0x0908);
    CHECK_EQ(fwcfg_chip_mmio_read(&b.chip, FWCFG_MMIO_SELECTOR, 2), 0xffff);
    fwcfg_chip_mmio_write(&b.chip, FWCFG_MMIO_SELECTOR, 4, 0);
    fwcfg_chip_mmio_write(&b.chip, FWCFG_MMIO_DATA, 2, 0);
    CHECK_EQ(fwcfg_chip_mmio_read(&b.chip, FWCFG_MMIO_DATA, 1), 0x0a);
}

TEST(other_widths_and_places_are_no_registers)
{
    BENCH(b);
    choose(&b, KEY_TEXT);
    CHECK_EQ(fwcfg_chip_port_read(&b.chip, FWCFG_PORT_DATA, 2), 0xffff);
    CHECK_EQ(fwcfg_chip_port_read(&b.chip, 2, 1), 0xff);
    fwcfg_chip_port_write(&b.chip, FWCFG_PORT_SELECTOR, 1, KEY_BLOB);
    fwcfg_chip_port_write(&b.chip, FWCFG_PORT_SELECTOR, 4, KEY_BLOB);
    CHECK_EQ(next(&b, 2), 0x0100);
}

TEST(reset_and_load_keep_to_what_was_selected)
{
    BENCH(b);
    choose(&b, KEY_TEXT);
    next(&b, 5);
    fwcfg_chip_loaded(&b.chip);
    CHECK_EQ(next_byte(&b), 5);
    fwcfg_chip_port_write(&b.chip, FWCFG_PORT_DMA, 4, htobe32(1));
    fwcfg_chip_reset(&b.chip);
    CHECK_EQ(next(&b, 4), get_le32("QEMU"));
    CHECK_EQ(dma(&b, SELECT(KEY_TEXT), 0, 0), 0);
}

int main(void)
{
    RUN(signature_and_id_identify_the_device);
    RUN(numbers_are_little_endian);
    RUN(selecting_rewinds_and_ignores_the_write_bit);
    RUN(an_unknown_key_reads_as_zero);
    RUN(directory_is_sorted_by_name_with_big_endian_numbers);
    RUN(a_dynamic_item_is_made_at_each_selection);
    RUN(adding_checks_names_keys_and_room);
    RUN(architecture_keys_and_constant_bytes);
    RUN(a_new_file_shows_when_published_and_sorts_in);
    RUN(a_removed_file_is_empty_and_moves_no_other_until_published);
    RUN(dma_register_reads_as_the_signature);
    RUN(dma_reads_an_item_in_pieces_and_goes_on_with_zeros);
    RUN(dma_skips);
    RUN(dma_address_takes_both_halves_once);
    RUN(dma_to_what_is_no_memory_sets_the_error_bit);
    RUN(dma_writes_a_writable_item);
    RUN(a_write_past_the_end_is_dropped_entirely);
    RUN(read_only_items_and_the_data_port_refuse_writes);
    RUN(mmio_data_keeps_the_order_of_bytes_and_the_selector_is_big_endian);
    RUN(other_widths_and_places_are_no_registers);
    RUN(reset_and_load_keep_to_what_was_selected);
    return tap_done();
}
