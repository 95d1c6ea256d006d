/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the built ISA plugins: a device in the middle of its work is saved and loaded into
 * another machine, and the guest sees no difference. TENON_PLUGIN_DIR says where the plugins are.
 */
#include "state_rig.h"

#define MACHINE "microvm,isa-serial=off"

TEST(serial_keeps_its_characters_and_interrupt)
{
    start_on(MACHINE, "isa-serial");
    out(0x3fb, 3);    /* LCR */
    out(0x3fc, 0x1b); /* MCR: loop */
    out(0x3fa, 0x41); /* FCR: FIFOs on, trigger 4 */
    out(0x3f9, 1);    /* IER: received data */
    out(0x3ff, 0x5a);
    for (uint8_t c = 1; c <= 5; c++)
        out(0x3f8, c);
    CHECK_EQ(wire[4], 1);
    move_on(MACHINE, "isa-serial", "isa-serial");
    CHECK_EQ(wire[4], 1);
    CHECK_EQ(in(0x3fa), 0xc4);
    CHECK_EQ(in(0x3ff), 0x5a);
    for (uint8_t c = 1; c <= 5; c++)
        CHECK_EQ(in(0x3f8), c);
    CHECK_EQ(wire[4], 0);
    CHECK_EQ(in(0x3fc), 0x1b);
    end();
}

TEST(rtc_keeps_ram_time_and_a_pending_interrupt)
{
    start_on(MACHINE, NULL);
    out(0x70, 0x7f), out(0x71, 0x5a);
    out(0x70, 0x0b), out(0x71, 0x82); /* SET: the time stands */
    out(0x70, 0x09), out(0x71, 0x33);
    move_on(MACHINE, NULL, "mc146818rtc");
    CHECK_EQ(in(0x71), 0x33); /* the index too */
    out(0x70, 0x7f);
    CHECK_EQ(in(0x71), 0x5a);
    out(0x70, 0x0b);
    CHECK_EQ(in(0x71), 0x82);
    end();
}

TEST(i8042_keeps_what_both_devices_have_to_say)
{
    start_on(MACHINE, "i8042");
    out(0x64, 0x60), out(0x60, 3);    /* both interrupts */
    out(0x60, 0xf2);                  /* keyboard: identify */
    out(0x64, 0xd4), out(0x60, 0xe9); /* mouse: status */
    CHECK_EQ(wire[1], 1);
    move_on(MACHINE, "i8042", "i8042");
    CHECK_EQ(wire[1], 1);
    static const uint8_t keyboard[] = {0xfa, 0xab, 0x83}, mouse[] = {0xfa, 0x00, 0x02, 100};
    for (uint32_t i = 0; i < ARRAY_SIZE(keyboard); i++)
        CHECK_EQ(in(0x60), keyboard[i]);
    CHECK_EQ(wire[12], 1);
    for (uint32_t i = 0; i < ARRAY_SIZE(mouse); i++)
        CHECK_EQ(in(0x60), mouse[i]);
    CHECK_EQ(wire[12], 0);
    end();
}

/* Changes the one byte of field name in saved bytes. */
static void forge(struct buf *saved, const char *name, uint8_t value)
{
    uint8_t *at = memmem(saved->data, saved->len, name, strlen(name) + 1);
    CHECK(at);
    at[strlen(name) + 1 + 4] = value; /* behind the number of elements */
    size_t n = saved->len - STATE_CRC_LEN;
    put_le32(saved->data + n, state_crc(saved->data, n));
}

TEST(serial_refuses_a_fifo_that_is_overfull)
{
    start_on(MACHINE, "isa-serial");
    BUF_AUTO saved = {0};
    ERR_AUTO e = {0};
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    CHECK_EQ(state_save(find("isa-serial"), &saved, &e), 0);
    forge(&saved, "rx_count", UINT8_MAX);
    CHECK(state_load(find("isa-serial"), saved.data, saved.len, &e) < 0);
    CHECK(strstr(err_text(&e), "FIFO"));
    end();
}

int main(void)
{
    RUN(serial_keeps_its_characters_and_interrupt);
    RUN(rtc_keeps_ram_time_and_a_pending_interrupt);
    RUN(i8042_keeps_what_both_devices_have_to_say);
    RUN(serial_refuses_a_fifo_that_is_overfull);
    return tap_done();
}
