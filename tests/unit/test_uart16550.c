/* SPDX-License-Identifier: BSD-2-Clause */
/* The PC16550D chip against its data sheet; section numbers in the case groups. */
#include <errno.h>

#include "tap.h"
#include "uart16550.h"

/* The environment of one chip, made of plain records of what it asked for. */
struct rig {
    struct uart16550 u;
    uint32_t irq, raised;
    uint8_t sent[256];
    uint32_t nsent, tx_calls, tx_limit; /* the back end takes this many more */
    uint32_t accepts, params_calls, breaks;
    struct uart16550_params params;
    uint32_t break_on, modem, disarmed;
    uint64_t now, deadline[2];
    const char *feed; /* given to the chip from rx_accept */
};

static void env_irq(void *o, uint32_t level)
{
    struct rig *r = o;
    r->irq = level;
    r->raised += level;
}

static uint32_t env_tx(void *o, const uint8_t *p, uint32_t n)
{
    struct rig *r = o;
    uint32_t take = n < r->tx_limit ? n : r->tx_limit;
    r->tx_calls++;
    r->tx_limit -= take;
    for (uint32_t i = 0; i < take; i++)
        r->sent[r->nsent++ & 255] = p[i];
    return take;
}

static void env_rx_accept(void *o)
{
    struct rig *r = o;
    r->accepts++;
    uint32_t room = uart16550_rx_room(&r->u);
    while (r->feed && *r->feed && room--)
        uart16550_receive(&r->u, (const uint8_t *)r->feed++, 1);
}

static void env_set_params(void *o, const struct uart16550_params *p)
{
    struct rig *r = o;
    r->params = *p;
    r->params_calls++;
}

static void env_set_break(void *o, uint32_t on)
{
    struct rig *r = o;
    r->break_on = on;
    r->breaks++;
}

static void env_set_modem(void *o, uint32_t lines)
{
    ((struct rig *)o)->modem = lines;
}

static uint64_t env_now(void *o)
{
    return ((struct rig *)o)->now;
}

static void env_arm(void *o, uint32_t timer, uint64_t deadline)
{
    ((struct rig *)o)->deadline[timer] = deadline;
}

static void env_disarm(void *o, uint32_t timer)
{
    struct rig *r = o;
    r->deadline[timer] = 0;
    r->disarmed++;
}

static const struct uart16550_env env = {env_irq,        env_tx,        env_rx_accept,
                                         env_set_params, env_set_break, env_set_modem,
                                         env_now,        env_arm,       env_disarm};

/* Timers whose deadline passes run in order. */
static void step(struct rig *r, uint64_t ns)
{
    uint64_t end = r->now + ns;
    for (;;) {
        uint32_t t = r->deadline[1] && (!r->deadline[0] || r->deadline[1] < r->deadline[0]);
        if (!r->deadline[t] || r->deadline[t] > end)
            break;
        r->now = r->deadline[t];
        r->deadline[t] = 0;
        uart16550_timer(&r->u, t);
    }
    r->now = end;
}

static uint8_t in(struct rig *r, uint32_t reg)
{
    return uart16550_read(&r->u, reg);
}

static void out(struct rig *r, uint32_t reg, uint8_t v)
{
    uart16550_write(&r->u, reg, v);
}

static void rig_flags(struct rig *r, uint32_t flags)
{
    memset(r, 0, sizeof *r);
    r->tx_limit = 1000;
    uart16550_init(&r->u, &env, r, UART16550_CLOCK_HZ, flags);
}

/* 115200 8N1 */
static void rig_init(struct rig *r)
{
    rig_flags(r, 0);
    out(r, UART_LCR, UART_LCR_DLAB | 3);
    out(r, UART_DLL, 1);
    out(r, UART_DLM, 0);
    out(r, UART_LCR, 3);
}

static void receive(struct rig *r, const char *s)
{
    uart16550_receive(&r->u, (const uint8_t *)s, (uint32_t)strlen(s));
}

static uint8_t iir(struct rig *r)
{
    return in(r, UART_IIR) & 0x0f;
}

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

/* ---- 8.8, 8.9 modem ---- */

TEST(modem_deltas_and_trailing_edge_of_ri)
{
    struct rig r;
    rig_init(&r);
    CHECK_EQ(in(&r, UART_MSR), 0xb0);
    uart16550_set_modem(&r.u, UART_MSR_RI);
    CHECK_EQ(in(&r, UART_MSR), UART_MSR_RI | UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
    CHECK_EQ(in(&r, UART_MSR), UART_MSR_RI);
    uart16550_set_modem(&r.u, 0);
    CHECK_EQ(in(&r, UART_MSR), UART_MSR_TERI);
    CHECK_EQ(in(&r, UART_MSR), 0);
}

TEST(dtr_and_rts_reach_the_back_end)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_MCR, UART_MCR_DTR | UART_MCR_OUT1);
    CHECK_EQ(r.modem, UART_MCR_DTR);
    out(&r, UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
    CHECK_EQ(r.modem, UART_MCR_DTR | UART_MCR_RTS);
    out(&r, UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_LOOP);
    CHECK_EQ(r.modem, 0);
}

TEST(loop_connects_modem_outputs_to_inputs)
{
    struct rig r;
    rig_init(&r);
    static const uint8_t want[] = {UART_MSR_DSR, UART_MSR_CTS, UART_MSR_RI, UART_MSR_DCD};
    for (uint32_t i = 0; i < 4; i++) {
        out(&r, UART_MCR, (uint8_t)(UART_MCR_LOOP | 1u << i));
        CHECK_EQ(in(&r, UART_MSR) & UART_MSR_LINES, want[i]);
    }
    out(&r, UART_MCR, 0);
    CHECK_EQ(in(&r, UART_MSR) & UART_MSR_LINES, 0xb0);
}

TEST(loop_returns_characters_and_shuts_the_line_out)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_MCR, UART_MCR_LOOP);
    out(&r, UART_THR, 0xa5);
    CHECK_EQ(r.nsent, 0);
    CHECK_EQ(uart16550_rx_room(&r.u), 0);
    CHECK_EQ(in(&r, UART_LSR), 0x61);
    receive(&r, "x");
    CHECK_EQ(in(&r, UART_RBR), 0xa5);
    CHECK_EQ(in(&r, UART_LSR), 0x60);
    CHECK_EQ(r.accepts, 0);
    out(&r, UART_MCR, 0);
    CHECK_EQ(r.accepts, 1);
}

TEST(loop_cuts_characters_to_the_word_length)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_LCR, 0x00);
    out(&r, UART_MCR, UART_MCR_LOOP);
    out(&r, UART_THR, 0xff);
    CHECK_EQ(in(&r, UART_RBR), 0x1f);
}

TEST(a_driver_counts_sixteen_characters_through_the_loop)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_FCR, UART_FCR_ENABLE | UART_FCR_RX_RESET | UART_FCR_TX_RESET);
    out(&r, UART_MCR, UART_MCR_LOOP);
    for (int i = 0; i < 256; i++)
        out(&r, UART_THR, (uint8_t)i);
    uint32_t n = 0;
    while (in(&r, UART_LSR) & UART_LSR_DR)
        CHECK_EQ(in(&r, UART_RBR), n++);
    CHECK_EQ(n, 16);
}

TEST(out2_gates_the_line_only_when_asked_to)
{
    struct rig r;
    rig_init(&r);
    out(&r, UART_IER, UART_IER_ETBEI);
    CHECK_EQ(r.irq, 1);
    rig_flags(&r, UART16550_GATE_OUT2);
    out(&r, UART_IER, UART_IER_ETBEI);
    CHECK_EQ(r.irq, 0);
    out(&r, UART_MCR, UART_MCR_OUT2);
    CHECK_EQ(r.irq, 1);
    out(&r, UART_MCR, UART_MCR_OUT2 | UART_MCR_LOOP);
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
    RUN(interrupts_show_in_the_order_of_table_iv);
    RUN(modem_deltas_and_trailing_edge_of_ri);
    RUN(dtr_and_rts_reach_the_back_end);
    RUN(loop_connects_modem_outputs_to_inputs);
    RUN(loop_returns_characters_and_shuts_the_line_out);
    RUN(loop_cuts_characters_to_the_word_length);
    RUN(a_driver_counts_sixteen_characters_through_the_loop);
    RUN(out2_gates_the_line_only_when_asked_to);
    RUN(reset_stops_timers_and_lowers_the_line);
    RUN(loaded_state_continues_where_it_was);
    RUN(impossible_state_is_refused);
    RUN(an_error_leaves_the_fifo_with_its_character_also_unread);
    return tap_done();
}
