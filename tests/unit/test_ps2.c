/* SPDX-License-Identifier: BSD-2-Clause */
/* PS/2 keyboard and mouse, byte by byte. */
#include <stdarg.h>

#include "ps2_kbd.h"
#include "ps2_keymap.h"
#include "ps2_mouse.h"
#include "tap.h"

#define KEY_A     30
#define KEY_UP    103
#define KEY_RIGHT 106
#define KEY_HANJA 123
#define KEY_META  125
#define END       -1

/* The queue holds exactly these bytes, up to END. */
static void expect(struct ps2_queue *q, int first, ...)
{
    va_list ap;
    va_start(ap, first);
    for (int want = first; want != END; want = va_arg(ap, int)) {
        CHECK(ps2_pending(q));
        CHECK_EQ(ps2_take(q), want);
    }
    va_end(ap);
    CHECK(!ps2_pending(q));
}

static void kbd_send(struct ps2_kbd *k, int first, ...)
{
    va_list ap;
    va_start(ap, first);
    for (int b = first; b != END; b = va_arg(ap, int))
        ps2_kbd_write(k, (uint8_t)b);
    va_end(ap);
}

static void press(struct ps2_kbd *k, uint32_t key)
{
    ps2_kbd_key(k, key, 1);
    ps2_kbd_key(k, key, 0);
}

/* ---- keyboard ---- */

TEST(reset_answers_ack_and_self_test_passed)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    expect(&k.q, END);
    kbd_send(&k, 0xff, END);
    expect(&k.q, 0xfa, 0xaa, END);
}

TEST(identify_echo_and_unknown_commands)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    kbd_send(&k, 0xf2, END);
    expect(&k.q, 0xfa, 0xab, 0x83, END);
    kbd_send(&k, 0xee, END);
    expect(&k.q, 0xee, END);
    kbd_send(&k, 0xe0, END);
    expect(&k.q, 0xfe, END);
}

TEST(resend_repeats_the_last_byte)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    press(&k, KEY_A);
    expect(&k.q, 0x1c, 0xf0, 0x1c, END);
    kbd_send(&k, 0xfe, END);
    expect(&k.q, 0x1c, END);
}

TEST(leds_and_typematic_take_a_parameter)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    kbd_send(&k, 0xed, 0x05, 0xf3, 0x7f, END);
    expect(&k.q, 0xfa, 0xfa, 0xfa, 0xfa, END);
    CHECK_EQ(k.leds, 5);
    CHECK_EQ(k.typematic, 0x7f);
}

TEST(a_command_instead_of_a_parameter_takes_over)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    kbd_send(&k, 0xed, 0xf2, END);
    expect(&k.q, 0xfa, 0xfa, 0xab, 0x83, END);
    kbd_send(&k, 0x02, END);
    expect(&k.q, 0xfe, END);
    CHECK_EQ(k.leds, 0);
}

TEST(set_1_codes_of_the_main_block_are_the_linux_key_numbers)
{
    for (uint32_t key = 1; key <= 88; key++) {
        if (key == 84 || key == 85)
            continue;
        CHECK_EQ(ps2_xlate((uint8_t)ps2_set2(key)), key);
    }
}

TEST(no_two_keys_share_a_code)
{
    for (uint32_t a = 0; a < 300; a++)
        for (uint32_t b = a + 1; b < 300; b++) {
            CHECK(!ps2_set2(a) || ps2_set2(a) != ps2_set2(b));
            CHECK(!ps2_set3(a) || ps2_set3(a) != ps2_set3(b));
        }
}

TEST(the_three_scan_code_sets)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    kbd_send(&k, 0xf0, 0x00, END);
    expect(&k.q, 0xfa, 0xfa, 2, END);
    press(&k, KEY_UP);
    expect(&k.q, 0xe0, 0x75, 0xe0, 0xf0, 0x75, END);
    kbd_send(&k, 0xf0, 1, END);
    expect(&k.q, 0xfa, 0xfa, END);
    press(&k, KEY_UP);
    press(&k, KEY_A);
    expect(&k.q, 0xe0, 0x48, 0xe0, 0xc8, 0x1e, 0x9e, END);
    kbd_send(&k, 0xf0, 3, 0xf0, 0, END);
    expect(&k.q, 0xfa, 0xfa, 0xfa, 0xfa, 3, END);
    press(&k, KEY_UP);
    expect(&k.q, 0x63, 0xf0, 0x63, END);
    kbd_send(&k, 0xf0, 4, END);
    expect(&k.q, 0xfa, 0xfe, END);
}

TEST(set_3_keys_can_be_made_to_send_no_break_code)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    kbd_send(&k, 0xf0, 3, 0xf9, 0xfc, 0x1c, END);
    expect(&k.q, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, END);
    press(&k, KEY_UP);
    press(&k, KEY_A);
    expect(&k.q, 0x63, 0x1c, 0xf0, 0x1c, END);
    kbd_send(&k, 0xf8, END);
    expect(&k.q, 0xfa, END);
    press(&k, KEY_UP);
    expect(&k.q, 0x63, 0xf0, 0x63, END);
}

TEST(pause_and_break)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    press(&k, PS2_KEY_PAUSE);
    expect(&k.q, 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77, END);
    ps2_kbd_key(&k, PS2_KEY_LEFTCTRL, 1);
    press(&k, PS2_KEY_PAUSE);
    ps2_kbd_key(&k, PS2_KEY_LEFTCTRL, 0);
    expect(&k.q, 0x14, 0xe0, 0x7e, 0xe0, 0xf0, 0x7e, 0xf0, 0x14, END);
    kbd_send(&k, 0xf0, 1, END);
    expect(&k.q, 0xfa, 0xfa, END);
    press(&k, PS2_KEY_PAUSE);
    expect(&k.q, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, END);
}

TEST(print_screen_breaks_as_it_was_made)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    press(&k, PS2_KEY_SYSRQ);
    expect(&k.q, 0xe0, 0x12, 0xe0, 0x7c, 0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12, END);
    ps2_kbd_key(&k, PS2_KEY_LEFTALT, 1);
    ps2_kbd_key(&k, PS2_KEY_SYSRQ, 1);
    ps2_kbd_key(&k, PS2_KEY_LEFTALT, 0);
    ps2_kbd_key(&k, PS2_KEY_SYSRQ, 0);
    expect(&k.q, 0x11, 0x84, 0xf0, 0x11, 0xf0, 0x84, END);
    ps2_kbd_key(&k, PS2_KEY_RIGHTSHIFT, 1);
    press(&k, PS2_KEY_SYSRQ);
    expect(&k.q, 0x59, 0xe0, 0x7c, 0xe0, 0xf0, 0x7c, END);
}

TEST(korean_keys_have_no_break_code)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    press(&k, KEY_HANJA);
    expect(&k.q, 0xf1, END);
}

TEST(a_disabled_keyboard_drops_keys)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    kbd_send(&k, 0xf5, END);
    expect(&k.q, 0xfa, END);
    CHECK_EQ(ps2_kbd_key(&k, KEY_A, 1), 0);
    expect(&k.q, END);
    kbd_send(&k, 0xf4, END);
    CHECK_EQ(ps2_kbd_key(&k, KEY_A, 1), 1);
    expect(&k.q, 0xfa, 0x1c, END);
    CHECK_EQ(ps2_kbd_key(&k, 0, 1), 0);
    CHECK_EQ(ps2_kbd_key(&k, 0xffffffff, 1), 0);
}

TEST(full_buffer_ends_with_the_overrun_code_and_whole_sequences)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    for (int i = 0; i < 20; i++)
        press(&k, KEY_UP);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ps2_take(&k.q), 0xe0);
        CHECK_EQ(ps2_take(&k.q), 0x75);
        CHECK_EQ(ps2_take(&k.q), 0xe0);
        CHECK_EQ(ps2_take(&k.q), 0xf0);
        CHECK_EQ(ps2_take(&k.q), 0x75);
    }
    expect(&k.q, 0x00, END);
    press(&k, KEY_A);
    expect(&k.q, 0x1c, 0xf0, 0x1c, END);
}

TEST(answers_come_before_queued_keys)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    press(&k, KEY_A);
    kbd_send(&k, 0xed, END);
    CHECK_EQ(ps2_take(&k.q), 0xfa);
    CHECK_EQ(ps2_take(&k.q), 0x1c);
}

TEST(a_guest_that_never_reads_answers_loses_them_and_nothing_else)
{
    struct ps2_kbd k;
    ps2_kbd_init(&k);
    for (int i = 0; i < 1000; i++)
        kbd_send(&k, 0xf2, END);
    expect(&k.q, 0xfa, 0xab, 0x83, 0xfa, 0xab, 0x83, 0xfa, 0xab, END);
}

/* ---- mouse ---- */

static void mouse_send(struct ps2_mouse *m, int first, ...)
{
    va_list ap;
    va_start(ap, first);
    for (int b = first; b != END; b = va_arg(ap, int))
        ps2_mouse_write(m, (uint8_t)b);
    va_end(ap);
}

static void flush(struct ps2_mouse *m)
{
    while (ps2_pending(&m->q))
        ps2_take(&m->q);
}

/* Rates one at a time: the answers must not overflow. */
static void rates(struct ps2_mouse *m, int a, int b, int c)
{
    mouse_send(m, 0xf3, a, 0xf3, b, 0xf3, c, END);
    expect(&m->q, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, END);
}

static void mouse_on(struct ps2_mouse *m)
{
    ps2_mouse_init(m);
    mouse_send(m, 0xf4, END);
    expect(&m->q, 0xfa, END);
}

static void move(struct ps2_mouse *m, int x, int y, int wheel)
{
    ps2_mouse_move(m, x, y, wheel);
    ps2_mouse_sync(m);
}

TEST(mouse_reset_answers_ack_self_test_passed_and_id)
{
    struct ps2_mouse m;
    ps2_mouse_init(&m);
    mouse_send(&m, 0xff, END);
    expect(&m.q, 0xfa, 0xaa, 0x00, END);
}

TEST(reporting_is_off_until_enabled)
{
    struct ps2_mouse m;
    ps2_mouse_init(&m);
    move(&m, 5, 5, 0);
    expect(&m.q, END);
    mouse_send(&m, 0xf4, END);
    expect(&m.q, 0xfa, END);
    ps2_mouse_sync(&m);
    expect(&m.q, END);
}

TEST(packet_has_signs_and_y_points_up)
{
    struct ps2_mouse m;
    mouse_on(&m);
    move(&m, 3, 5, 0);
    expect(&m.q, 0x28, 3, 0xfb, END);
    move(&m, -256 + 1, -7, 0);
    expect(&m.q, 0x18, 0x01, 7, END);
    ps2_mouse_buttons(&m, PS2_MOUSE_LEFT | PS2_MOUSE_MIDDLE);
    ps2_mouse_sync(&m);
    expect(&m.q, 0x0d, 0, 0, END);
}

TEST(large_movements_take_several_packets)
{
    struct ps2_mouse m;
    mouse_on(&m);
    move(&m, 600, 0, 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ps2_take(&m.q), 0x08);
        CHECK_EQ(ps2_take(&m.q), i < 2 ? 255 : 90);
        CHECK_EQ(ps2_take(&m.q), 0);
        ps2_mouse_sync(&m);
    }
    expect(&m.q, END);
}

TEST(movement_adds_up_while_the_guest_is_slow_but_each_click_counts)
{
    struct ps2_mouse m;
    mouse_on(&m);
    for (int i = 0; i < 50; i++)
        move(&m, 1, 0, 0);
    for (uint32_t i = 0; i < 4; i++) {
        ps2_mouse_buttons(&m, i & 1 ? 0 : PS2_MOUSE_RIGHT);
        ps2_mouse_sync(&m);
    }
    expect(&m.q, 0x08, 1, 0, 0x0a, 49, 0, 0x08, 0, 0, 0x0a, 0, 0, 0x08, 0, 0, END);
}

TEST(intellimouse_sequence_unlocks_the_wheel)
{
    struct ps2_mouse m;
    ps2_mouse_init(&m);
    rates(&m, 200, 100, 80);
    mouse_send(&m, 0xf2, 0xf4, END);
    expect(&m.q, 0xfa, 3, 0xfa, END);
    move(&m, 0, 0, 1);
    expect(&m.q, 0x08, 0, 0, 0xff, END);
    move(&m, 1, 0, -2);
    expect(&m.q, 0x08, 1, 0, 2, END);
}

TEST(explorer_sequence_unlocks_five_buttons)
{
    struct ps2_mouse m;
    ps2_mouse_init(&m);
    rates(&m, 200, 100, 80);
    rates(&m, 200, 200, 80);
    mouse_send(&m, 0xf2, 0xf4, END);
    expect(&m.q, 0xfa, 4, 0xfa, END);
    ps2_mouse_buttons(&m, PS2_MOUSE_SIDE);
    move(&m, 0, 0, 1);
    expect(&m.q, 0x08, 0, 0, 0x1f, END);
    ps2_mouse_buttons(&m, PS2_MOUSE_EXTRA);
    move(&m, 0, 0, -20);
    expect(&m.q, 0x08, 0, 0, 0x27, END);
    mouse_send(&m, 0xff, END);
    flush(&m);
    mouse_send(&m, 0xf2, END);
    expect(&m.q, 0xfa, 0, END);
}

TEST(status_request_tells_buttons_modes_resolution_and_rate)
{
    struct ps2_mouse m;
    mouse_on(&m);
    ps2_mouse_buttons(&m, PS2_MOUSE_LEFT | PS2_MOUSE_RIGHT);
    mouse_send(&m, 0xe7, 0xe8, 3, END);
    expect(&m.q, 0xfa, 0xfa, 0xfa, END);
    mouse_send(&m, 0xe9, END);
    expect(&m.q, 0xfa, 0x35, 3, 100, END);
    mouse_send(&m, 0xf6, 0xe9, END);
    expect(&m.q, 0xfa, 0xfa, 0x05, 2, 100, END);
    mouse_send(&m, 0xe8, 4, END);
    expect(&m.q, 0xfa, 0xfe, END);
}

TEST(scaling_2_to_1_follows_the_table)
{
    struct ps2_mouse m;
    static const uint8_t want[] = {1, 1, 3, 6, 9, 12, 14};
    mouse_on(&m);
    mouse_send(&m, 0xe7, END);
    expect(&m.q, 0xfa, END);
    for (int i = 1; i <= 7; i++) {
        move(&m, i, 0, 0);
        expect(&m.q, 0x08, want[i - 1], 0, END);
        move(&m, -i, 0, 0);
        expect(&m.q, 0x18, 0x100 - want[i - 1], 0, END);
    }
}

TEST(remote_mode_reports_on_request_only_and_unscaled)
{
    struct ps2_mouse m;
    mouse_on(&m);
    mouse_send(&m, 0xf0, 0xe7, END);
    expect(&m.q, 0xfa, 0xfa, END);
    move(&m, 4, 0, 0);
    expect(&m.q, END);
    mouse_send(&m, 0xeb, END);
    expect(&m.q, 0xfa, 0x08, 4, 0, END);
    mouse_send(&m, 0xea, END);
    expect(&m.q, 0xfa, END);
    move(&m, 4, 0, 0);
    expect(&m.q, 0x08, 6, 0, END);
}

TEST(wrap_mode_echoes_all_but_its_end_and_reset)
{
    struct ps2_mouse m;
    mouse_on(&m);
    mouse_send(&m, 0xee, 0x12, 0xf4, 0xee, END);
    expect(&m.q, 0xfa, 0x12, 0xf4, 0xee, END);
    move(&m, 1, 1, 0);
    expect(&m.q, END);
    mouse_send(&m, 0xec, 0xf2, END);
    expect(&m.q, 0xfa, 0xfa, 0, END);
    mouse_send(&m, 0xee, 0xff, END);
    expect(&m.q, 0xfa, 0xaa, 0, END);
}

TEST(a_command_cuts_packets_off_and_buttons_are_told_again)
{
    struct ps2_mouse m;
    mouse_on(&m);
    ps2_mouse_buttons(&m, PS2_MOUSE_LEFT);
    ps2_mouse_sync(&m);
    CHECK_EQ(ps2_take(&m.q), 0x09);
    mouse_send(&m, 0xf2, END);
    expect(&m.q, 0xfa, 0, END);
    ps2_mouse_sync(&m);
    expect(&m.q, 0x09, 0, 0, END);
}

int main(void)
{
    RUN(reset_answers_ack_and_self_test_passed);
    RUN(identify_echo_and_unknown_commands);
    RUN(resend_repeats_the_last_byte);
    RUN(leds_and_typematic_take_a_parameter);
    RUN(a_command_instead_of_a_parameter_takes_over);
    RUN(set_1_codes_of_the_main_block_are_the_linux_key_numbers);
    RUN(no_two_keys_share_a_code);
    RUN(the_three_scan_code_sets);
    RUN(set_3_keys_can_be_made_to_send_no_break_code);
    RUN(pause_and_break);
    RUN(print_screen_breaks_as_it_was_made);
    RUN(korean_keys_have_no_break_code);
    RUN(a_disabled_keyboard_drops_keys);
    RUN(full_buffer_ends_with_the_overrun_code_and_whole_sequences);
    RUN(answers_come_before_queued_keys);
    RUN(a_guest_that_never_reads_answers_loses_them_and_nothing_else);
    RUN(mouse_reset_answers_ack_self_test_passed_and_id);
    RUN(reporting_is_off_until_enabled);
    RUN(packet_has_signs_and_y_points_up);
    RUN(large_movements_take_several_packets);
    RUN(movement_adds_up_while_the_guest_is_slow_but_each_click_counts);
    RUN(intellimouse_sequence_unlocks_the_wheel);
    RUN(explorer_sequence_unlocks_five_buttons);
    RUN(status_request_tells_buttons_modes_resolution_and_rate);
    RUN(scaling_2_to_1_follows_the_table);
    RUN(remote_mode_reports_on_request_only_and_unscaled);
    RUN(wrap_mode_echoes_all_but_its_end_and_reset);
    RUN(a_command_cuts_packets_off_and_buttons_are_told_again);
    return tap_done();
}
