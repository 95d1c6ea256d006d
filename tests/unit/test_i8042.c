/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8042 controller at its two ports. */
#include "i8042.h"
#include "tap.h"

#define KEY_A  30
#define KEY_F7 65

struct rig {
    struct i8042 c;
    uint32_t line[16], edges[16], a20, resets, leds;
};

static void env_irq(void *o, uint32_t line, uint32_t level)
{
    struct rig *r = o;
    r->line[line] = level;
    r->edges[line] += level;
}

static void env_a20(void *o, uint32_t level)
{
    ((struct rig *)o)->a20 = level;
}

static void env_reset(void *o)
{
    ((struct rig *)o)->resets++;
}

static void env_leds(void *o, uint32_t mask)
{
    ((struct rig *)o)->leds = mask;
}

static const struct i8042_env env = {env_irq, env_a20, env_reset, env_leds};

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->a20 = 1;
    i8042_init(&r->c, &env, r);
}

static void cmd(struct rig *r, uint8_t v)
{
    i8042_write_command(&r->c, v);
}

static void data(struct rig *r, uint8_t v)
{
    i8042_write_data(&r->c, v);
}

static uint8_t status(struct rig *r)
{
    return i8042_read_status(&r->c);
}

/* A byte must be there. */
static uint8_t get(struct rig *r)
{
    CHECK(status(r) & I8042_STATUS_OBF);
    return i8042_read_data(&r->c);
}

static uint8_t ask(struct rig *r, uint8_t command)
{
    cmd(r, command);
    return get(r);
}

static void set_cb(struct rig *r, uint8_t v)
{
    cmd(r, 0x60);
    data(r, v);
}

static void aux(struct rig *r, uint8_t v)
{
    cmd(r, 0xd4);
    data(r, v);
}

TEST(one_key_is_reset)
{
    struct rig r;
    rig_init(&r);
    cmd(&r, 0xfe);
    CHECK_EQ(r.resets, 1);
    cmd(&r, 0xf0);
    CHECK_EQ(r.resets, 2);
    cmd(&r, 0xff);
    cmd(&r, 0xfd);
    CHECK_EQ(r.resets, 2);
}

TEST(output_port_bit_0_resets_and_bit_1_is_a20)
{
    struct rig r;
    rig_init(&r);
    cmd(&r, 0xd1);
    data(&r, 0xdd);
    CHECK_EQ(r.a20, 0);
    CHECK_EQ(ask(&r, 0xd0) & 3, 1);
    cmd(&r, 0xd1);
    data(&r, 0xdf);
    CHECK_EQ(r.a20, 1);
    CHECK_EQ(ask(&r, 0xd0) & 3, 3);
    CHECK_EQ(r.resets, 0);
    cmd(&r, 0xd1);
    data(&r, 0xfe);
    CHECK_EQ(r.resets, 1);
    cmd(&r, 0xdd);
    CHECK_EQ(r.a20, 0);
    cmd(&r, 0xdf);
    CHECK_EQ(r.a20, 1);
}

TEST(self_and_interface_tests_pass)
{
    struct rig r;
    rig_init(&r);
    CHECK_EQ(status(&r) & I8042_STATUS_SYS, 0);
    CHECK_EQ(ask(&r, 0xaa), 0x55);
    CHECK_EQ(status(&r) & I8042_STATUS_SYS, I8042_STATUS_SYS);
    CHECK_EQ(ask(&r, 0xab), 0x00);
    CHECK_EQ(ask(&r, 0xa9), 0x00);
    CHECK_EQ(ask(&r, 0xc0), 0x80);
    CHECK_EQ(ask(&r, 0xe0), 0x00);
}

TEST(command_byte_and_ram_read_back)
{
    struct rig r;
    rig_init(&r);
    CHECK_EQ(ask(&r, 0x20), 0x03);
    set_cb(&r, 0xff);
    CHECK_EQ(ask(&r, 0x20), 0x7f);
    cmd(&r, 0x7f);
    data(&r, 0x5a);
    CHECK_EQ(ask(&r, 0x3f), 0x5a);
    CHECK_EQ(ask(&r, 0x20), 0x7f);
}

TEST(interfaces_turn_on_and_off_in_the_command_byte)
{
    struct rig r;
    rig_init(&r);
    cmd(&r, 0xa7);
    CHECK_EQ(ask(&r, 0x20), 0x23);
    cmd(&r, 0xad);
    CHECK_EQ(ask(&r, 0x20), 0x33);
    cmd(&r, 0xa8);
    CHECK_EQ(ask(&r, 0x20), 0x13);
    cmd(&r, 0xae);
    CHECK_EQ(ask(&r, 0x20), 0x03);
}

TEST(status_tells_command_from_data_and_mouse_from_keyboard)
{
    struct rig r;
    rig_init(&r);
    CHECK_EQ(status(&r), 0x18);
    data(&r, 0xf4);
    CHECK_EQ(status(&r), 0x11);
    get(&r);
    aux(&r, 0xf4);
    CHECK_EQ(status(&r), 0x31);
    CHECK_EQ(get(&r), 0xfa);
    CHECK_EQ(status(&r), 0x10);
    CHECK_EQ(i8042_read_data(&r.c), 0xfa);
}

TEST(each_byte_makes_an_edge_on_its_line)
{
    struct rig r;
    rig_init(&r);
    i8042_key(&r.c, KEY_A, 1);
    i8042_key(&r.c, KEY_A, 0);
    CHECK_EQ(r.edges[1], 1);
    CHECK_EQ(get(&r), 0x1c);
    CHECK_EQ(r.edges[1], 2);
    CHECK_EQ(get(&r), 0xf0);
    CHECK_EQ(get(&r), 0x1c);
    CHECK_EQ(r.edges[1], 3);
    CHECK_EQ(r.line[1], 0);
    CHECK_EQ(r.edges[12], 0);
}

TEST(translation_gives_set_1)
{
    struct rig r;
    rig_init(&r);
    set_cb(&r, 0x43);
    i8042_key(&r.c, KEY_A, 1);
    i8042_key(&r.c, KEY_A, 0);
    i8042_key(&r.c, KEY_F7, 1);
    i8042_key(&r.c, KEY_F7, 0);
    CHECK_EQ(get(&r), 0x1e);
    CHECK_EQ(get(&r), 0x9e);
    CHECK_EQ(get(&r), 0x41);
    CHECK_EQ(get(&r), 0xc1);
    CHECK_EQ(status(&r) & I8042_STATUS_OBF, 0);
    data(&r, 0xf2);
    CHECK_EQ(get(&r), 0xfa);
    CHECK_EQ(get(&r), 0xab);
    CHECK_EQ(get(&r), 0x41);
}

TEST(a_keyboard_that_is_off_keeps_its_keys)
{
    struct rig r;
    rig_init(&r);
    cmd(&r, 0xad);
    i8042_key(&r.c, KEY_A, 1);
    CHECK_EQ(status(&r) & I8042_STATUS_OBF, 0);
    CHECK_EQ(ask(&r, 0x20), 0x13);
    CHECK_EQ(r.edges[1], 0);
    cmd(&r, 0xae);
    CHECK_EQ(r.line[1], 1);
    CHECK_EQ(get(&r), 0x1c);
}

TEST(a_byte_to_a_device_turns_its_interface_on)
{
    struct rig r;
    rig_init(&r);
    set_cb(&r, 0x33);
    data(&r, 0xee);
    CHECK_EQ(get(&r), 0xee);
    CHECK_EQ(ask(&r, 0x20), 0x23);
    aux(&r, 0xf2);
    CHECK_EQ(get(&r), 0xfa);
    CHECK_EQ(get(&r), 0x00);
    CHECK_EQ(ask(&r, 0x20), 0x03);
}

TEST(controller_answers_before_the_devices)
{
    struct rig r;
    rig_init(&r);
    i8042_key(&r.c, KEY_A, 1);
    i8042_key(&r.c, KEY_A, 0);
    cmd(&r, 0x20);
    CHECK_EQ(get(&r), 0x1c);
    CHECK_EQ(get(&r), 0x03);
    CHECK_EQ(get(&r), 0xf0);
}

TEST(loop_commands_put_bytes_into_the_output_buffer)
{
    struct rig r;
    rig_init(&r);
    set_cb(&r, 0x32);
    cmd(&r, 0xd3);
    data(&r, 0x5a);
    CHECK_EQ(r.line[12], 1);
    CHECK_EQ(status(&r) & 0x21, 0x21);
    CHECK_EQ(get(&r), 0x5a);
    CHECK_EQ(r.line[12], 0);
    cmd(&r, 0xd2);
    data(&r, 0xa5);
    CHECK_EQ(status(&r) & 0x21, 0x01);
    CHECK_EQ(get(&r), 0xa5);
}

TEST(mouse_packets_come_on_line_12)
{
    struct rig r;
    rig_init(&r);
    aux(&r, 0xf4);
    CHECK_EQ(get(&r), 0xfa);
    i8042_mouse(&r.c, 10, -20, 0, PS2_MOUSE_LEFT);
    CHECK_EQ(r.line[12], 1);
    CHECK_EQ(get(&r), 0x09);
    CHECK_EQ(get(&r), 10);
    CHECK_EQ(get(&r), 20);
    CHECK_EQ(r.line[12], 0);
    CHECK_EQ(r.edges[1], 0);
}

TEST(added_up_movement_follows_when_the_guest_reads)
{
    struct rig r;
    rig_init(&r);
    aux(&r, 0xf4);
    get(&r);
    for (int i = 0; i < 10; i++)
        i8042_mouse(&r.c, 1, 0, 0, 0);
    int sum = 0;
    while (status(&r) & I8042_STATUS_OBF) {
        CHECK_EQ(get(&r), 0x08);
        sum += get(&r);
        CHECK_EQ(get(&r), 0);
    }
    CHECK_EQ(sum, 10);
}

TEST(leds_reach_the_environment)
{
    struct rig r;
    rig_init(&r);
    data(&r, 0xed);
    data(&r, 0x04);
    CHECK_EQ(r.leds, 4);
    data(&r, 0xff);
    CHECK_EQ(r.leds, 0);
}

TEST(a_driver_probes_the_controller_as_linux_does)
{
    struct rig r;
    rig_init(&r);
    uint8_t ctr = ask(&r, 0x20);
    set_cb(&r, (uint8_t)((ctr | 0x30) & ~0x03));
    CHECK_EQ(ask(&r, 0x20), 0x30);
    cmd(&r, 0xd3); /* loop through the mouse port */
    data(&r, 0x5a);
    CHECK_EQ(status(&r) & I8042_STATUS_AUX, I8042_STATUS_AUX);
    CHECK_EQ(get(&r), 0x5a);
    cmd(&r, 0xa8);
    CHECK_EQ(ask(&r, 0x20) & 0x20, 0);
    cmd(&r, 0xa7);
    CHECK_EQ(ask(&r, 0x20) & 0x20, 0x20);
    set_cb(&r, 0x03);
    data(&r, 0xf2);
    CHECK_EQ(get(&r), 0xfa);
    CHECK_EQ(get(&r), 0xab);
    CHECK_EQ(get(&r), 0x83);
    aux(&r, 0xff);
    CHECK_EQ(get(&r), 0xfa);
    CHECK_EQ(get(&r), 0xaa);
    CHECK_EQ(get(&r), 0x00);
}

TEST(reset_restores_the_power_on_state)
{
    struct rig r;
    rig_init(&r);
    set_cb(&r, 0x43);
    i8042_key(&r.c, KEY_A, 1);
    cmd(&r, 0xdd);
    data(&r, 0xed);
    data(&r, 0x07);
    i8042_reset(&r.c);
    CHECK_EQ(status(&r), 0x18);
    CHECK_EQ(r.line[1], 0);
    CHECK_EQ(r.a20, 1);
    CHECK_EQ(r.leds, 0);
    CHECK_EQ(ask(&r, 0x20), 0x03);
}

TEST(loaded_state_raises_its_lines)
{
    struct rig r, q;
    rig_init(&r);
    i8042_key(&r.c, KEY_A, 1);
    cmd(&r, 0xdd);
    rig_init(&q);
    q.c = r.c;
    q.c.opaque = &q;
    i8042_post_load(&q.c);
    CHECK_EQ(q.line[1], 1);
    CHECK_EQ(q.a20, 0);
    CHECK_EQ(get(&q), 0x1c);
}

TEST(a_command_ends_one_that_waits_for_its_data)
{
    struct rig r;
    rig_init(&r);
    cmd(&r, 0x60);
    cmd(&r, 0xae);
    data(&r, 0xee);
    CHECK_EQ(get(&r), 0xee);
    CHECK_EQ(ask(&r, 0x20), 0x03);
}

int main(void)
{
    RUN(one_key_is_reset);
    RUN(output_port_bit_0_resets_and_bit_1_is_a20);
    RUN(self_and_interface_tests_pass);
    RUN(command_byte_and_ram_read_back);
    RUN(interfaces_turn_on_and_off_in_the_command_byte);
    RUN(status_tells_command_from_data_and_mouse_from_keyboard);
    RUN(each_byte_makes_an_edge_on_its_line);
    RUN(translation_gives_set_1);
    RUN(a_keyboard_that_is_off_keeps_its_keys);
    RUN(a_byte_to_a_device_turns_its_interface_on);
    RUN(controller_answers_before_the_devices);
    RUN(loop_commands_put_bytes_into_the_output_buffer);
    RUN(mouse_packets_come_on_line_12);
    RUN(added_up_movement_follows_when_the_guest_reads);
    RUN(leds_reach_the_environment);
    RUN(a_driver_probes_the_controller_as_linux_does);
    RUN(reset_restores_the_power_on_state);
    RUN(loaded_state_raises_its_lines);
    RUN(a_command_ends_one_that_waits_for_its_data);
    return tap_done();
}
