/* SPDX-License-Identifier: BSD-2-Clause */
/* The PC16550D chip against its data sheet: modem lines, and the loop. */
#include "uart16550_rig.h"

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

int main(void)
{
    RUN(modem_deltas_and_trailing_edge_of_ri);
    RUN(dtr_and_rts_reach_the_back_end);
    RUN(loop_connects_modem_outputs_to_inputs);
    RUN(loop_returns_characters_and_shuts_the_line_out);
    RUN(loop_cuts_characters_to_the_word_length);
    RUN(a_driver_counts_sixteen_characters_through_the_loop);
    RUN(out2_gates_the_line_only_when_asked_to);
    return tap_done();
}
