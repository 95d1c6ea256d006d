/* SPDX-License-Identifier: BSD-2-Clause */
/* The educational device without a bus, from QEMU's docs/specs/edu. */
#include "edu_chip.h"
#include "tap.h"
#include <errno.h>

#define RAM 8192

struct bench {
    struct edu_chip chip;
    uint32_t level, raises, computes, transfers, cancels, errors;
    uint64_t last_addr;
    uint8_t ram[RAM];
};

static void on_raise(void *opaque)
{
    struct bench *b = opaque;
    b->level = 1;
    b->raises++;
}

static void on_lower(void *opaque)
{
    ((struct bench *)opaque)->level = 0;
}

static void on_compute(void *opaque)
{
    ((struct bench *)opaque)->computes++;
}

static void on_transfer(void *opaque, uint64_t ns)
{
    (void)ns;
    ((struct bench *)opaque)->transfers++;
}

static void on_cancel(void *opaque)
{
    ((struct bench *)opaque)->cancels++;
}

static int on_read(void *opaque, uint64_t addr, void *p, uint32_t len)
{
    struct bench *b = opaque;
    b->last_addr = addr;
    if (addr >= RAM || len > RAM - addr)
        return -EFAULT;
    memcpy(p, b->ram + addr, len);
    return 0;
}

static int on_write(void *opaque, uint64_t addr, const void *p, uint32_t len)
{
    struct bench *b = opaque;
    b->last_addr = addr;
    if (addr >= RAM || len > RAM - addr)
        return -EFAULT;
    memcpy(b->ram + addr, p, len);
    return 0;
}

static void on_error(void *opaque, const char *what)
{
    (void)what;
    ((struct bench *)opaque)->errors++;
}

static const struct edu_env env = {on_raise,  on_lower, on_compute, on_transfer,
                                   on_cancel, on_read,  on_write,   on_error};

#define BENCH(b)          \
    struct bench b = {0}; \
    edu_chip_init(&b.chip, EDU_DMA_MASK_DEFAULT, &env, &b)

static uint32_t get(struct bench *b, uint32_t off)
{
    return (uint32_t)edu_chip_read(&b->chip, off, 4);
}

static void put(struct bench *b, uint32_t off, uint32_t value)
{
    edu_chip_write(&b->chip, off, 4, value);
}

/* Starts a transfer and lets its time come. */
static void transfer(struct bench *b, uint64_t src, uint64_t dst, uint64_t count, uint32_t cmd)
{
    edu_chip_write(&b->chip, EDU_DMA_SRC, 8, src);
    edu_chip_write(&b->chip, EDU_DMA_DST, 8, dst);
    edu_chip_write(&b->chip, EDU_DMA_COUNT, 8, count);
    put(b, EDU_DMA_CMD, cmd | EDU_DMA_CMD_START);
    CHECK_EQ(get(b, EDU_DMA_CMD), cmd | EDU_DMA_CMD_START);
    edu_chip_transfer(&b->chip);
    CHECK_EQ(get(b, EDU_DMA_CMD), cmd);
}

static uint32_t factorial_of(struct bench *b, uint32_t n)
{
    put(b, EDU_FACTORIAL, n);
    edu_chip_compute(&b->chip);
    return get(b, EDU_FACTORIAL);
}

TEST(identification_and_liveness)
{
    BENCH(b);
    CHECK_EQ(get(&b, EDU_ID), 0x010000ed);
    put(&b, EDU_ID, 0);
    CHECK_EQ(get(&b, EDU_ID), 0x010000ed);
    put(&b, EDU_LIVENESS, 0x12345678);
    CHECK_EQ(get(&b, EDU_LIVENESS), 0xedcba987);
}

TEST(low_registers_take_four_bytes_only)
{
    BENCH(b);
    CHECK_EQ(edu_chip_read(&b.chip, EDU_ID, 8), ~0ull);
    CHECK_EQ(edu_chip_read(&b.chip, EDU_ID, 1), 0xff);
    edu_chip_write(&b.chip, EDU_LIVENESS, 8, 1);
    edu_chip_write(&b.chip, EDU_LIVENESS, 2, 1);
    CHECK_EQ(get(&b, EDU_LIVENESS), 0);
    CHECK_EQ(edu_chip_read(&b.chip, EDU_DMA_SRC, 2), 0xffff);
    CHECK_EQ(get(&b, EDU_INT_RAISE), 0xffffffff);
    CHECK_EQ(get(&b, EDU_BUFFER), 0xffffffff);
}

TEST(factorial_is_there_when_computing_clears)
{
    BENCH(b);
    put(&b, EDU_FACTORIAL, 10);
    CHECK_EQ(b.computes, 1);
    CHECK_EQ(get(&b, EDU_STATUS), EDU_STATUS_COMPUTING);
    put(&b, EDU_FACTORIAL, 3); /* busy: ignored */
    CHECK_EQ(b.computes, 1);
    edu_chip_compute(&b.chip);
    CHECK_EQ(get(&b, EDU_FACTORIAL), 3628800);
    CHECK_EQ(get(&b, EDU_STATUS), 0);
    CHECK_EQ(b.raises, 0);
    edu_chip_compute(&b.chip); /* nothing under way */
    CHECK_EQ(get(&b, EDU_FACTORIAL), 3628800);
}

TEST(factorials_are_modulo_two_to_the_32)
{
    BENCH(b);
    CHECK_EQ(factorial_of(&b, 0), 1);
    CHECK_EQ(factorial_of(&b, 1), 1);
    CHECK_EQ(factorial_of(&b, 12), 479001600);
    CHECK_EQ(factorial_of(&b, 13), 1932053504);
    CHECK_EQ(factorial_of(&b, 33), 0x80000000);
    CHECK_EQ(factorial_of(&b, 34), 0);
    CHECK_EQ(factorial_of(&b, 0xffffffff), 0);
}

TEST(factorial_interrupts_if_asked)
{
    BENCH(b);
    put(&b, EDU_STATUS, 0xffffffff);
    CHECK_EQ(get(&b, EDU_STATUS), EDU_STATUS_IRQ);
    factorial_of(&b, 4);
    CHECK_EQ(get(&b, EDU_INT_STATUS), EDU_INT_FACTORIAL);
    CHECK_EQ(b.level, 1);
    put(&b, EDU_STATUS, 0);
    CHECK_EQ(get(&b, EDU_STATUS), 0);
}

TEST(interrupts_are_raised_and_acknowledged_by_bit)
{
    BENCH(b);
    put(&b, EDU_INT_RAISE, 0);
    CHECK_EQ(b.raises, 0);
    put(&b, EDU_INT_RAISE, 0x5);
    put(&b, EDU_INT_RAISE, 0x8);
    CHECK_EQ(b.raises, 2); /* an MSI each */
    CHECK_EQ(get(&b, EDU_INT_STATUS), 0xd);
    put(&b, EDU_INT_ACK, 0x5);
    CHECK_EQ(b.level, 1);
    put(&b, EDU_INT_ACK, 0xffffffff);
    CHECK_EQ(b.level, 0);
    CHECK_EQ(get(&b, EDU_INT_STATUS), 0);
}

TEST(dma_goes_to_the_buffer_and_back)
{
    BENCH(b);
    for (uint32_t i = 0; i < 100; i++)
        b.ram[0x100 + i] = (uint8_t)(i + 1);
    transfer(&b, 0x100, EDU_BUFFER + 8, 100, 0);
    CHECK_EQ(b.raises, 0);
    transfer(&b, EDU_BUFFER + 8, 0x1000, 100, EDU_DMA_CMD_TO_MEMORY | EDU_DMA_CMD_IRQ);
    CHECK_EQ(memcmp(b.ram + 0x100, b.ram + 0x1000, 100), 0);
    CHECK_EQ(get(&b, EDU_INT_STATUS), EDU_INT_DMA);
    CHECK_EQ(b.errors, 0);
}

TEST(dma_takes_the_whole_buffer_and_no_byte_more)
{
    BENCH(b);
    transfer(&b, 0, EDU_BUFFER, EDU_BUFFER_SIZE, 0);
    transfer(&b, 0, EDU_BUFFER + EDU_BUFFER_SIZE, 0, 0); /* nothing at the end */
    CHECK_EQ(b.errors, 0);
    transfer(&b, 0, EDU_BUFFER, EDU_BUFFER_SIZE + 1, 0);
    transfer(&b, 0, EDU_BUFFER + 1, EDU_BUFFER_SIZE, 0);
    transfer(&b, 0, EDU_BUFFER - 1, 1, 0);
    transfer(&b, 0, EDU_BUFFER + EDU_BUFFER_SIZE, 1, 0);
    transfer(&b, 0, EDU_BUFFER, ~0ull, 0);
    transfer(&b, 0, ~0ull, 2, 0);
    transfer(&b, 0, 0, EDU_BUFFER + 1, EDU_DMA_CMD_TO_MEMORY);
    CHECK_EQ(b.errors, 7);
}

TEST(a_transfer_that_cannot_be_still_ends_with_its_interrupt)
{
    BENCH(b);
    transfer(&b, 0, 0, 1, EDU_DMA_CMD_IRQ);
    CHECK_EQ(b.errors, 1);
    CHECK_EQ(get(&b, EDU_INT_STATUS), EDU_INT_DMA);
    transfer(&b, RAM - 1, EDU_BUFFER, 2, 0); /* not all of it is memory */
    CHECK_EQ(b.errors, 2);
}

TEST(dma_addresses_are_cut_to_the_mask)
{
    BENCH(b);
    b.ram[0x40] = 0x77;
    transfer(&b, 0xf0000040, EDU_BUFFER, 1, 0);
    CHECK_EQ(b.last_addr, 0x40);
    CHECK_EQ(b.chip.buffer[0], 0x77);
    CHECK_EQ(b.errors, 1);
    b.last_addr = 0;
    transfer(&b, EDU_DMA_MASK_DEFAULT, EDU_BUFFER, 2, 0); /* runs out of the mask */
    CHECK_EQ(b.last_addr, 0);
    CHECK_EQ(b.errors, 2);
    b.chip.dma_mask = 0xfff;
    transfer(&b, 0xffe, EDU_BUFFER, 2, 0); /* up to the last address */
    CHECK_EQ(b.last_addr, 0xffe);
    CHECK_EQ(b.errors, 2);
    b.last_addr = 0;
    b.chip.dma_mask = ~0ull;
    transfer(&b, ~0ull, EDU_BUFFER, 2, 0); /* wraps */
    CHECK_EQ(b.last_addr, 0);
    CHECK_EQ(b.errors, 3);
}

TEST(dma_registers_hold_still_during_a_transfer)
{
    BENCH(b);
    edu_chip_write(&b.chip, EDU_DMA_SRC, 8, 0x123456789abc);
    CHECK_EQ(edu_chip_read(&b.chip, EDU_DMA_SRC, 8), 0x123456789abc);
    CHECK_EQ(get(&b, EDU_DMA_SRC), 0x56789abc);
    put(&b, EDU_DMA_CMD, EDU_DMA_CMD_IRQ); /* no start: ignored */
    CHECK_EQ(get(&b, EDU_DMA_CMD), 0);
    put(&b, EDU_DMA_CMD, 0xffffffff);
    CHECK_EQ(get(&b, EDU_DMA_CMD), EDU_DMA_CMD_BITS);
    put(&b, EDU_DMA_SRC, 1);
    put(&b, EDU_DMA_DST, 1);
    put(&b, EDU_DMA_COUNT, 1);
    put(&b, EDU_DMA_CMD, EDU_DMA_CMD_START);
    CHECK_EQ(b.transfers, 1);
    CHECK_EQ(get(&b, EDU_DMA_SRC), 0x56789abc);
    CHECK_EQ(get(&b, EDU_DMA_DST), 0);
    CHECK_EQ(get(&b, EDU_DMA_COUNT), 0);
    CHECK_EQ(get(&b, EDU_DMA_CMD), EDU_DMA_CMD_BITS);
}

TEST(reset_cancels_and_lowers)
{
    BENCH(b);
    put(&b, EDU_INT_RAISE, 1);
    put(&b, EDU_FACTORIAL, 5);
    put(&b, EDU_DMA_CMD, EDU_DMA_CMD_START | EDU_DMA_CMD_IRQ);
    edu_chip_reset(&b.chip);
    CHECK_EQ(b.level, 0);
    CHECK_EQ(b.cancels, 1);
    edu_chip_compute(&b.chip); /* came too late */
    edu_chip_transfer(&b.chip);
    CHECK_EQ(b.level, 0);
    CHECK_EQ(get(&b, EDU_FACTORIAL), 0);
    CHECK_EQ(b.chip.dma_mask, EDU_DMA_MASK_DEFAULT);
}

TEST(load_starts_what_was_under_way)
{
    BENCH(b);
    b.chip.status = ~0u;
    b.chip.dma_cmd = ~0ull;
    b.chip.int_status = 1;
    edu_chip_loaded(&b.chip);
    CHECK_EQ(b.computes, 1);
    CHECK_EQ(b.transfers, 1);
    CHECK_EQ(b.level, 1);
    CHECK_EQ(get(&b, EDU_STATUS), EDU_STATUS_COMPUTING | EDU_STATUS_IRQ);
    CHECK_EQ(edu_chip_read(&b.chip, EDU_DMA_CMD, 8), EDU_DMA_CMD_BITS);
}

int main(void)
{
    RUN(identification_and_liveness);
    RUN(low_registers_take_four_bytes_only);
    RUN(factorial_is_there_when_computing_clears);
    RUN(factorials_are_modulo_two_to_the_32);
    RUN(factorial_interrupts_if_asked);
    RUN(interrupts_are_raised_and_acknowledged_by_bit);
    RUN(dma_goes_to_the_buffer_and_back);
    RUN(dma_takes_the_whole_buffer_and_no_byte_more);
    RUN(a_transfer_that_cannot_be_still_ends_with_its_interrupt);
    RUN(dma_addresses_are_cut_to_the_mask);
    RUN(dma_registers_hold_still_during_a_transfer);
    RUN(reset_cancels_and_lowers);
    RUN(load_starts_what_was_under_way);
    return tap_done();
}
