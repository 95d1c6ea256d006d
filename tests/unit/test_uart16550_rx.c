/* SPDX-License-Identifier: BSD-2-Clause */
/* The receiver of the UART: FIFO, errors, time-outs, flow control (PC16550D 8.4, 8.5, 8.11). */
#include "uart16550_rig.h"

/* ---- 8.4, 8.5, 8.11 receiver ---- */

TEST(without_fifo_a_second_character_overruns_and_replaces_the_first)
{
    struct rig r;
    rig_init(&r);
    CHECK_EQ(uart16550_rx_room(&r.u), 1);
    receive(&r, "a");
    CHECK_EQ(uart16550_rx_room(&r.u), 0);
    receive(&r, "b");
    CHECK_EQ(in(&r, UART_LSR), 0x60 | UART_LSR_OE | UART_LSR_DR);
    CHECK_EQ(in(&r, UART_LSR), 0x60 | UART_LSR_DR);
    CHECK_EQ(in(&r, UART_RBR), 'b');
    CHECK_EQ(in(&r, UART_LSR), 0x60);
}

TEST(with_fifo_the_seventeenth_character_is_lost)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    receive(&r, "0123456789abcdefX");
    CHECK_EQ(in(&r, UART_LSR) & UART_LSR_OE, UART_LSR_OE);
    for (const char *s = "0123456789abcdef"; *s; s++)
        CHECK_EQ(in(&r, UART_RBR), *s);
    CHECK_EQ(in(&r, UART_LSR) & UART_LSR_DR, 0);
}

TEST(trigger_levels_are_1_4_8_14)
{
    static const uint32_t want[] = {1, 4, 8, 14};
    for (uint32_t t = 0; t < 4; t++) {
        struct rig r;
        rig_init(&r);
        out(&r, UART_FCR, (uint8_t)(UART_FCR_ENABLE | t << 6));
        out(&r, UART_IER, UART_IER_ERBFI);
        for (uint32_t n = 1; n <= want[t]; n++) {
            CHECK_EQ(r.irq, 0);
            receive(&r, "a");
        }
        CHECK_EQ(r.irq, 1);
        CHECK_EQ(in(&r, UART_IIR), 0xc4);
        in(&r, UART_RBR);
        CHECK_EQ(r.irq, 0);
    }
}

TEST(timeout_interrupts_after_four_character_times_without_activity)
{
    struct rig r;
    rig_init(&r);
    uint64_t ch = uart16550_char_ns(&r.u);
    out(&r, UART_FCR, UART_FCR_ENABLE | 0xc0);
    out(&r, UART_IER, UART_IER_ERBFI);
    receive(&r, "ab");
    step(&r, 4 * ch - 1);
    CHECK_EQ(r.irq, 0);
    step(&r, 1);
    CHECK_EQ(r.irq, 1);
    CHECK_EQ(in(&r, UART_IIR), 0xcc);
    CHECK_EQ(in(&r, UART_RBR), 'a');
    CHECK_EQ(r.irq, 0);
    step(&r, 4 * ch);
    CHECK_EQ(r.irq, 1);
    CHECK_EQ(in(&r, UART_RBR), 'b');
    step(&r, 100 * ch);
    CHECK_EQ(r.irq, 0);
    CHECK_EQ(r.deadline[0], 0);
}

TEST(activity_restarts_the_timeout)
{
    struct rig r;
    rig_init(&r);
    uint64_t ch = uart16550_char_ns(&r.u);
    out(&r, UART_FCR, UART_FCR_ENABLE | 0xc0);
    out(&r, UART_IER, UART_IER_ERBFI);
    receive(&r, "a");
    step(&r, 3 * ch);
    receive(&r, "b");
    step(&r, 2 * ch);
    CHECK_EQ(r.irq, 0);
    step(&r, 6 * ch);
    CHECK_EQ(iir(&r), UART_IIR_CTI);
}

TEST(no_timeout_without_fifo_or_with_the_interrupt_off)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, UART_IER_ERBFI);
    receive(&r, "a");
    CHECK_EQ(r.deadline[0], 0);
    out(&r, UART_IER, 0);
    out(&r, UART_FCR, UART_FCR_ENABLE | 0xc0);
    receive(&r, "a");
    CHECK_EQ(r.deadline[0], 0);
    out(&r, UART_IER, UART_IER_ERBFI);
    CHECK(r.deadline[0] != 0);
}

TEST(break_is_a_nul_with_bi_that_shows_at_the_top_of_the_fifo)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    out(&r, UART_IER, UART_IER_ELSI);
    receive(&r, "a");
    uart16550_receive_break(&r.u);
    CHECK_EQ(r.irq, 0);
    CHECK_EQ(in(&r, UART_LSR), UART_LSR_FIFOE | 0x60 | UART_LSR_DR);
    CHECK_EQ(in(&r, UART_RBR), 'a');
    CHECK_EQ(r.irq, 1);
    CHECK_EQ(iir(&r), UART_IIR_RLS);
    CHECK_EQ(in(&r, UART_LSR), UART_LSR_FIFOE | 0x60 | UART_LSR_BI | UART_LSR_DR);
    CHECK_EQ(r.irq, 0);
    CHECK_EQ(in(&r, UART_LSR), 0x60 | UART_LSR_DR);
    CHECK_EQ(in(&r, UART_RBR), 0);
}

TEST(parity_and_framing_errors_travel_with_their_character)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    uart16550_receive_error(&r.u, 'p', UART_LSR_PE);
    uart16550_receive_error(&r.u, 'f', UART_LSR_FE | 0xe3);
    CHECK_EQ(in(&r, UART_LSR) & 0x9e, UART_LSR_FIFOE | UART_LSR_PE);
    CHECK_EQ(in(&r, UART_RBR), 'p');
    CHECK_EQ(in(&r, UART_LSR) & 0x9e, UART_LSR_FIFOE | UART_LSR_FE);
    CHECK_EQ(in(&r, UART_RBR), 'f');
    CHECK_EQ(in(&r, UART_LSR) & 0x9e, 0);
}

TEST(without_fifo_lsr_bit_7_is_zero)
{
    struct rig r;
    rig_init(&r);
    uart16550_receive_error(&r.u, 'p', UART_LSR_PE);
    CHECK_EQ(in(&r, UART_LSR), 0x60 | UART_LSR_PE | UART_LSR_DR);
}

TEST(back_end_is_asked_for_more_when_the_fifo_is_empty)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    const char *text = "the quick brown fox jumps over the lazy dog";
    receive(&r, "0123456789abcdef");
    r.feed = text;
    for (int i = 0; i < 16; i++)
        in(&r, UART_RBR);
    CHECK_EQ(r.accepts, 1);
    while (in(&r, UART_LSR) & UART_LSR_DR)
        CHECK_EQ(in(&r, UART_RBR), *text++);
    CHECK_EQ(*text, 0);
    CHECK_EQ(in(&r, UART_LSR) & UART_LSR_OE, 0);
}

TEST(changing_fifo_enable_clears_both_fifos)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    receive(&r, "abc");
    out(&r, UART_FCR, 0xc0);
    CHECK_EQ(in(&r, UART_LSR), 0x60);
    CHECK_EQ(in(&r, UART_IIR), 0x01);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    CHECK_EQ(in(&r, UART_IIR), 0xc1);
    CHECK_EQ(uart16550_rx_room(&r.u), 16);
}

TEST(receiver_fifo_reset_also_withdraws_the_interrupt)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    out(&r, UART_IER, UART_IER_ERBFI);
    receive(&r, "0123456789abcdef");
    CHECK_EQ(r.irq, 1);
    out(&r, UART_FCR, UART_FCR_ENABLE | UART_FCR_RX_RESET);
    CHECK_EQ(r.irq, 0);
    CHECK_EQ(r.accepts, 1);
}

int main(void)
{
    RUN(without_fifo_a_second_character_overruns_and_replaces_the_first);
    RUN(with_fifo_the_seventeenth_character_is_lost);
    RUN(trigger_levels_are_1_4_8_14);
    RUN(timeout_interrupts_after_four_character_times_without_activity);
    RUN(activity_restarts_the_timeout);
    RUN(no_timeout_without_fifo_or_with_the_interrupt_off);
    RUN(break_is_a_nul_with_bi_that_shows_at_the_top_of_the_fifo);
    RUN(parity_and_framing_errors_travel_with_their_character);
    RUN(without_fifo_lsr_bit_7_is_zero);
    RUN(back_end_is_asked_for_more_when_the_fifo_is_empty);
    RUN(changing_fifo_enable_clears_both_fifos);
    RUN(receiver_fifo_reset_also_withdraws_the_interrupt);
    return tap_done();
}
