/* SPDX-License-Identifier: BSD-2-Clause */
/* The PC16550D chip against its data sheet; section numbers in the case groups. */
#include "uart16550_rig.h"

/* ---- 7.0 reset, 8.0 registers ---- */

TEST(reset_values_are_those_of_the_master_reset_table)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, 0x0f);
    out(&r, UART_FCR, 0xc1);
    out(&r, UART_MCR, 0x1f);
    out(&r, UART_SCR, 0x5a);
    uart16550_reset(&r.u);
    CHECK_EQ(in(&r, UART_IER), 0);
    CHECK_EQ(in(&r, UART_IIR), 0x01);
    CHECK_EQ(in(&r, UART_LCR), 0);
    CHECK_EQ(in(&r, UART_MCR), 0);
    CHECK_EQ(in(&r, UART_LSR), 0x60);
    CHECK_EQ(in(&r, UART_MSR), 0xb0);
    CHECK_EQ(in(&r, UART_SCR), 0x5a);
    CHECK_EQ(r.irq, 0);
}

TEST(scratchpad_keeps_any_byte_and_reserved_bits_read_zero)
{
    struct rig r;
    rig_init(&r);
    for (uint32_t v = 0; v < 256; v++) {
        out(&r, UART_SCR, (uint8_t)v);
        CHECK_EQ(in(&r, UART_SCR), v);
    }
    out(&r, UART_IER, 0xff);
    CHECK_EQ(in(&r, UART_IER), 0x0f);
    out(&r, UART_MCR, 0xef);
    CHECK_EQ(in(&r, UART_MCR), 0x0f);
    out(&r, UART_LSR, 0x00);
    CHECK_EQ(in(&r, UART_LSR), 0x60);
}

TEST(dlab_switches_the_first_two_registers_to_the_divisor)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, 0x05);
    out(&r, UART_LCR, 0x83);
    out(&r, UART_DLL, 0x34);
    out(&r, UART_DLM, 0x12);
    CHECK_EQ(in(&r, UART_DLL), 0x34);
    CHECK_EQ(in(&r, UART_DLM), 0x12);
    out(&r, UART_LCR, 0x03);
    CHECK_EQ(in(&r, UART_IER), 0x05);
    CHECK_EQ(r.nsent, 0);
}

/* ---- 8.1, 8.3 line settings ---- */

TEST(line_settings_reach_the_back_end_once_per_change)
{
    struct rig r;
    rig_init(&r);
    CHECK_EQ(r.params_calls, 1);
    CHECK_EQ(r.params.baud, 115200);
    CHECK_EQ(r.params.data_bits, 8);
    CHECK_EQ(r.params.parity, 'N');
    CHECK_EQ(r.params.stop_bits, 1);
    out(&r, UART_LCR, 0x83);
    out(&r, UART_DLL, 0x80);
    out(&r, UART_DLM, 0x01);
    CHECK_EQ(r.params_calls, 1);
    out(&r, UART_LCR, 0x1e);
    CHECK_EQ(r.params_calls, 2);
    CHECK_EQ(r.params.baud, 300);
    CHECK_EQ(r.params.data_bits, 7);
    CHECK_EQ(r.params.parity, 'E');
    CHECK_EQ(r.params.stop_bits, 2);
    out(&r, UART_LCR, 0x1e);
    CHECK_EQ(r.params_calls, 2);
}

TEST(all_parities_are_told_apart)
{
    struct rig r;
    rig_init(&r);
    static const char want[] = {'O', 'E', 'M', 'S'};
    for (uint32_t i = 0; i < 4; i++) {
        out(&r, UART_LCR, (uint8_t)(0x0b | i << 4));
        CHECK_EQ(r.params.parity, want[i]);
    }
}

TEST(divisor_zero_sets_no_speed_and_divides_nothing)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_LCR, 0x83);
    out(&r, UART_DLL, 0);
    out(&r, UART_LCR, 0x03);
    CHECK_EQ(r.params_calls, 1);
    CHECK(uart16550_char_ns(&r.u) > 0);
}

TEST(character_time_counts_start_data_parity_and_stop_bits)
{
    struct rig r;
    rig_init(&r);
    CHECK_EQ(uart16550_char_ns(&r.u), 10 * 1000000000ull / 115200);
    out(&r, UART_LCR, 0x0f); /* 8 data, parity, 2 stop */
    CHECK_EQ(uart16550_char_ns(&r.u), 12 * 1000000000ull / 115200);
    out(&r, UART_LCR, 0x04); /* 5 data, 1.5 stop: 7.5 bits */
    CHECK_EQ(uart16550_char_ns(&r.u), 15 * 1000000000ull / 230400);
}

TEST(break_control_is_passed_on_but_not_through_the_loop)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_LCR, 0x43);
    CHECK_EQ(r.break_on, 1);
    out(&r, UART_LCR, 0x43);
    CHECK_EQ(r.breaks, 1);
    out(&r, UART_MCR, UART_MCR_LOOP);
    CHECK_EQ(r.break_on, 0);
    out(&r, UART_MCR, 0);
    CHECK_EQ(r.break_on, 1);
    out(&r, UART_LCR, 0x03);
    CHECK_EQ(r.break_on, 0);
}

/* ---- transmitter ---- */

TEST(a_character_goes_out_at_once_with_one_call)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_THR, 'x');
    CHECK_EQ(r.nsent, 1);
    CHECK_EQ(r.sent[0], 'x');
    CHECK_EQ(r.tx_calls, 1);
    CHECK_EQ(in(&r, UART_LSR), 0x60);
    CHECK_EQ(r.raised, 0);
}

TEST(text_of_a_guest_that_never_programmed_lcr_passes_whole)
{
    struct rig r;
    rig_flags(&r, 0);
    out(&r, UART_THR, 'z');
    CHECK_EQ(r.sent[0], 'z');
}

TEST(full_back_end_keeps_thre_clear_and_loses_nothing)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    r.tx_limit = 0;
    for (int i = 0; i < 16; i++)
        out(&r, UART_THR, (uint8_t)('a' + i));
    CHECK_EQ(r.tx_calls, 1);
    CHECK_EQ(in(&r, UART_LSR) & 0x60, 0);
    r.tx_limit = 5;
    uart16550_tx_ready(&r.u);
    CHECK_EQ(r.nsent, 5);
    CHECK_EQ(in(&r, UART_LSR) & 0x60, 0);
    r.tx_limit = 100;
    uart16550_tx_ready(&r.u);
    CHECK_EQ(r.nsent, 16);
    CHECK(memcmp(r.sent, "abcdefghijklmnop", 16) == 0);
    CHECK_EQ(in(&r, UART_LSR) & 0x60, 0x60);
}

TEST(ring_wrap_in_the_transmit_fifo_keeps_the_order)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    for (int round = 0; round < 5; round++) {
        r.nsent = 0;
        r.tx_limit = 0;
        for (int i = 0; i < 11; i++)
            out(&r, UART_THR, (uint8_t)i);
        r.tx_limit = 100;
        uart16550_tx_ready(&r.u);
        CHECK_EQ(r.nsent, 11);
        for (int i = 0; i < 11; i++)
            CHECK_EQ(r.sent[i], i);
    }
}

TEST(transmit_fifo_reset_drops_what_waits)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    r.tx_limit = 0;
    out(&r, UART_THR, 'a');
    out(&r, UART_FCR, UART_FCR_ENABLE | UART_FCR_TX_RESET);
    CHECK_EQ(in(&r, UART_LSR) & 0x60, 0x60);
    r.tx_limit = 10;
    uart16550_tx_ready(&r.u);
    CHECK_EQ(r.nsent, 0);
}

TEST(pacing_keeps_temt_clear_for_the_time_of_the_character)
{
    struct rig r;
    rig_flags(&r, UART16550_PACE);
    out(&r, UART_LCR, 0x83);
    out(&r, UART_DLL, 1);
    out(&r, UART_LCR, 0x03);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    out(&r, UART_THR, 'a');
    out(&r, UART_THR, 'b');
    CHECK_EQ(r.nsent, 1);
    CHECK_EQ(in(&r, UART_LSR) & 0x60, 0);
    step(&r, uart16550_char_ns(&r.u));
    CHECK_EQ(r.nsent, 2);
    CHECK_EQ(in(&r, UART_LSR) & 0x60, 0x20);
    step(&r, uart16550_char_ns(&r.u));
    CHECK_EQ(in(&r, UART_LSR) & 0x60, 0x60);
}

/* ---- 8.6, 8.7 transmitter interrupt ---- */

TEST(enabling_etbei_over_an_empty_register_interrupts)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, UART_IER_ETBEI);
    CHECK_EQ(r.irq, 1);
    CHECK_EQ(iir(&r), UART_IIR_THRE);
    CHECK_EQ(r.irq, 0);
    CHECK_EQ(iir(&r), UART_IIR_NONE);
    out(&r, UART_IER, UART_IER_ETBEI);
    CHECK_EQ(r.irq, 0);
    out(&r, UART_IER, 0);
    out(&r, UART_IER, UART_IER_ETBEI);
    CHECK_EQ(r.irq, 1);
}

TEST(iir_read_clears_thre_only_if_it_is_the_source_shown)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, UART_IER_ETBEI | UART_IER_ERBFI);
    receive(&r, "a");
    CHECK_EQ(iir(&r), UART_IIR_RDA);
    CHECK_EQ(in(&r, UART_RBR), 'a');
    CHECK_EQ(iir(&r), UART_IIR_THRE);
    CHECK_EQ(iir(&r), UART_IIR_NONE);
}

TEST(writing_thr_instead_of_reading_iir_makes_a_new_edge_each_time)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, UART_IER_ETBEI);
    for (uint32_t i = 1; i < 10; i++) {
        CHECK_EQ(r.raised, i);
        out(&r, UART_THR, 'a');
    }
}

TEST(burst_of_a_driver_that_reads_iir_costs_one_edge)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    out(&r, UART_IER, UART_IER_ETBEI);
    for (uint32_t i = 1; i < 10; i++) {
        CHECK_EQ(r.raised, i);
        CHECK_EQ(iir(&r), UART_IIR_THRE);
        CHECK_EQ(r.irq, 0);
        for (int k = 0; k < 16; k++)
            out(&r, UART_THR, 'a');
    }
    CHECK_EQ(r.nsent, 9 * 16);
}

TEST(thre_interrupt_comes_when_a_stuck_back_end_drains)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    out(&r, UART_IER, UART_IER_ETBEI);
    r.tx_limit = 0;
    out(&r, UART_THR, 'a');
    CHECK_EQ(r.irq, 0);
    CHECK_EQ(iir(&r), UART_IIR_NONE);
    r.tx_limit = 1;
    uart16550_tx_ready(&r.u);
    CHECK_EQ(r.irq, 1);
    CHECK_EQ(iir(&r), UART_IIR_THRE);
}

/* ---- 8.6 priorities ---- */

TEST(interrupts_show_in_the_order_of_table_iv)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, 0x0f);
    uart16550_set_modem(&r.u, 0);
    uart16550_receive_error(&r.u, 'p', UART_LSR_PE);
    CHECK_EQ(iir(&r), UART_IIR_RLS);
    in(&r, UART_LSR);
    CHECK_EQ(iir(&r), UART_IIR_RDA);
    in(&r, UART_RBR);
    CHECK_EQ(iir(&r), UART_IIR_THRE);
    CHECK_EQ(iir(&r), UART_IIR_MS);
    CHECK_EQ(r.irq, 1);
    in(&r, UART_MSR);
    CHECK_EQ(iir(&r), UART_IIR_NONE);
    CHECK_EQ(r.irq, 0);
}

/* ---- life ---- */

TEST(reset_stops_timers_and_lowers_the_line)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    out(&r, UART_IER, UART_IER_ERBFI);
    receive(&r, "a");
    CHECK_EQ(r.irq, 1);
    uart16550_reset(&r.u);
    CHECK_EQ(r.irq, 0);
    CHECK_EQ(r.disarmed, 1);
    uart16550_timer(&r.u, UART16550_TIMER_RX);
    CHECK_EQ(r.irq, 0);
}

TEST(loaded_state_continues_where_it_was)
{
    struct rig r, q;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    out(&r, UART_IER, UART_IER_ERBFI | UART_IER_ELSI);
    receive(&r, "a");
    uart16550_receive_break(&r.u);
    r.tx_limit = 0;
    out(&r, UART_THR, 't');
    rig_flags(&q, 0);
    q.u = r.u;
    q.u.opaque = &q;
    CHECK_EQ(uart16550_post_load(&q.u), 0);
    CHECK_EQ(q.irq, 1);
    CHECK_EQ(q.sent[0], 0);
    uart16550_tx_ready(&q.u);
    CHECK_EQ(q.sent[0], 't');
    CHECK_EQ(q.params.baud, 115200);
    CHECK_EQ(in(&q, UART_RBR), 'a');
    CHECK_EQ(in(&q, UART_LSR), UART_LSR_FIFOE | 0x60 | UART_LSR_BI | UART_LSR_DR);
}

TEST(impossible_state_is_refused)
{
    struct rig r;
    rig_init(&r);
    r.u.rx_count = 17;
    CHECK_EQ(uart16550_post_load(&r.u), -EINVAL);
    CHECK_EQ(uart16550_rx_room(&r.u), 1);
    r.u.tx_head = 16;
    CHECK_EQ(uart16550_post_load(&r.u), -EINVAL);
}

TEST(an_error_leaves_the_fifo_with_its_character_also_unread)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE);
    uart16550_receive_break(&r.u);
    receive(&r, "a");
    in(&r, UART_RBR);
    CHECK_EQ(in(&r, UART_LSR), 0x60 | UART_LSR_BI | UART_LSR_DR);
}

int main(void)
{
    RUN(reset_values_are_those_of_the_master_reset_table);
    RUN(scratchpad_keeps_any_byte_and_reserved_bits_read_zero);
    RUN(dlab_switches_the_first_two_registers_to_the_divisor);
    RUN(line_settings_reach_the_back_end_once_per_change);
    RUN(all_parities_are_told_apart);
    RUN(divisor_zero_sets_no_speed_and_divides_nothing);
    RUN(character_time_counts_start_data_parity_and_stop_bits);
    RUN(break_control_is_passed_on_but_not_through_the_loop);
    RUN(a_character_goes_out_at_once_with_one_call);
    RUN(text_of_a_guest_that_never_programmed_lcr_passes_whole);
    RUN(full_back_end_keeps_thre_clear_and_loses_nothing);
    RUN(ring_wrap_in_the_transmit_fifo_keeps_the_order);
    RUN(transmit_fifo_reset_drops_what_waits);
    RUN(pacing_keeps_temt_clear_for_the_time_of_the_character);
    RUN(enabling_etbei_over_an_empty_register_interrupts);
    RUN(iir_read_clears_thre_only_if_it_is_the_source_shown);
    RUN(writing_thr_instead_of_reading_iir_makes_a_new_edge_each_time);
    RUN(burst_of_a_driver_that_reads_iir_costs_one_edge);
    RUN(thre_interrupt_comes_when_a_stuck_back_end_drains);
    RUN(interrupts_show_in_the_order_of_table_iv);
    RUN(reset_stops_timers_and_lowers_the_line);
    RUN(loaded_state_continues_where_it_was);
    RUN(impossible_state_is_refused);
    RUN(an_error_leaves_the_fifo_with_its_character_also_unread);
    return tap_done();
}
