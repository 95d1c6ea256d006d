/* SPDX-License-Identifier: BSD-2-Clause */
/* The control messages of a console device: VIRTIO 1.3, 5.3.6.2. */
#include "control.h"
#include "tap.h"
#include "util/bytes.h"

enum { PORTS = 4 };

static struct control_port ports[PORTS];
static struct control c;
static struct control_message m;

static void fresh(void)
{
    memset(ports, 0, sizeof ports);
    c = (struct control){.port = ports, .nports = PORTS};
}

static enum control_result driver(uint32_t id, uint16_t event, uint16_t value)
{
    uint8_t head[CONTROL_LEN];
    put_le32(head + CONTROL_ID, id);
    put_le16(head + CONTROL_EVENT, event);
    put_le16(head + CONTROL_VALUE, value);
    return control_receive(&c, head);
}

static void expect(uint32_t id, uint16_t event, uint16_t value)
{
    CHECK(control_next(&c, &m));
    CHECK_EQ(get_le32(m.head + CONTROL_ID), id);
    CHECK_EQ(get_le16(m.head + CONTROL_EVENT), event);
    CHECK_EQ(get_le16(m.head + CONTROL_VALUE), value);
}

static void expect_silence(void)
{
    CHECK(!control_pending(&c));
    CHECK(!control_next(&c, &m));
}

/* A console and a port that the driver has set up. */
static void running(void)
{
    fresh();
    control_add(&c, 0, true, NULL);
    control_add(&c, 1, false, "org.example");
    driver(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    driver(0, VIRTIO_CONSOLE_PORT_READY, 1);
    while (control_next(&c, &m))
        ;
    driver(0, VIRTIO_CONSOLE_PORT_READY, 1);
    driver(1, VIRTIO_CONSOLE_PORT_READY, 1);
    while (control_next(&c, &m))
        ;
}

TEST(ports_are_announced_when_the_driver_is_ready)
{
    fresh();
    control_add(&c, 0, true, NULL);
    control_add(&c, 2, false, "x");
    expect_silence();
    CHECK_EQ(driver(77, VIRTIO_CONSOLE_DEVICE_READY, 1), CONTROL_OK); /* the id is unused */
    expect(0, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    expect(2, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    expect_silence();
}

TEST(a_port_that_exists_is_not_added_again)
{
    running();
    driver(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    expect_silence();
}

TEST(a_ready_port_hears_console_name_size_open_in_this_order)
{
    fresh();
    control_resize(&c, 0, 80, 25);
    control_host_open(&c, 0, true);
    control_add(&c, 0, true, "tty");
    driver(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    expect(0, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    CHECK_EQ(driver(0, VIRTIO_CONSOLE_PORT_READY, 1), CONTROL_OK);
    expect(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
    expect(0, VIRTIO_CONSOLE_PORT_NAME, 1);
    CHECK_EQ(m.extra_len, 3); /* without a NUL */
    CHECK(memcmp(m.extra, "tty", 3) == 0);
    expect(0, VIRTIO_CONSOLE_RESIZE, 0);
    CHECK_EQ(m.extra_len, CONTROL_RESIZE_LEN);
    expect(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
    expect_silence();
}

TEST(a_port_that_is_no_console_hears_its_name_only)
{
    fresh();
    control_add(&c, 1, false, "x");
    control_resize(&c, 1, 80, 25);
    driver(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    expect(1, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    driver(1, VIRTIO_CONSOLE_PORT_READY, 1);
    expect(1, VIRTIO_CONSOLE_PORT_NAME, 1);
    expect_silence();
}

TEST(the_host_opens_and_closes_a_port)
{
    running();
    control_host_open(&c, 1, true);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    control_host_open(&c, 1, false);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    expect_silence();
}

TEST(a_new_connection_is_seen_to_follow_the_old_one)
{
    running();
    control_host_open(&c, 1, true);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    control_host_open(&c, 1, false);
    control_host_open(&c, 1, true);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    expect_silence();
}

TEST(a_connection_that_nobody_heard_of_is_not_mentioned)
{
    running();
    control_host_open(&c, 1, true);
    control_host_open(&c, 1, false);
    expect_silence();
}

TEST(the_guest_opens_and_closes_a_port)
{
    running();
    CHECK_EQ(driver(1, VIRTIO_CONSOLE_PORT_OPEN, 1), CONTROL_GUEST_OPEN);
    CHECK(ports[1].guest_open);
    CHECK_EQ(driver(1, VIRTIO_CONSOLE_PORT_OPEN, 0), CONTROL_GUEST_OPEN);
    CHECK(!ports[1].guest_open);
    expect_silence();
}

TEST(a_port_is_added_to_a_running_driver)
{
    running();
    control_add(&c, 3, false, NULL);
    expect(3, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    expect_silence();
}

TEST(only_a_port_that_was_added_is_removed)
{
    running();
    control_remove(&c, 1);
    expect(1, VIRTIO_CONSOLE_DEVICE_REMOVE, 0);
    control_add(&c, 3, false, NULL);
    control_remove(&c, 3); /* before it was announced */
    expect_silence();
}

TEST(a_number_is_used_again_after_the_driver_has_heard_of_the_end)
{
    running();
    control_remove(&c, 1);
    control_add(&c, 1, false, "new");
    CHECK_EQ(driver(1, VIRTIO_CONSOLE_PORT_READY, 1), CONTROL_OK); /* about the old one: too late */
    expect(1, VIRTIO_CONSOLE_DEVICE_REMOVE, 0);
    expect(1, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    expect_silence();
    CHECK(!ports[1].ready);
}

TEST(failures_of_the_driver_are_told_and_end_nothing)
{
    running();
    CHECK_EQ(driver(1, VIRTIO_CONSOLE_PORT_READY, 0), CONTROL_FAILED);
    control_host_open(&c, 1, true);
    expect_silence();
    CHECK_EQ(driver(0, VIRTIO_CONSOLE_DEVICE_READY, 0), CONTROL_FAILED);
    control_add(&c, 2, false, NULL);
    expect_silence();
}

TEST(messages_that_mean_nothing_are_ignored)
{
    running();
    CHECK_EQ(driver(PORTS, VIRTIO_CONSOLE_PORT_READY, 1), CONTROL_BAD);
    CHECK_EQ(driver(UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1), CONTROL_BAD);
    CHECK_EQ(driver(1, VIRTIO_CONSOLE_PORT_NAME, 1), CONTROL_BAD);
    CHECK_EQ(driver(1, 8, 1), CONTROL_BAD);
    CHECK_EQ(driver(2, VIRTIO_CONSOLE_PORT_OPEN, 1), CONTROL_OK); /* of no port */
    CHECK(!ports[2].guest_open);
    expect_silence();
}

TEST(a_driver_that_repeats_itself_gets_one_answer)
{
    running();
    control_host_open(&c, 1, true);
    for (int i = 0; i < 100; i++)
        driver(1, VIRTIO_CONSOLE_PORT_READY, 1);
    expect(1, VIRTIO_CONSOLE_PORT_NAME, 1);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    expect_silence();
}

TEST(a_reset_forgets_the_driver_and_no_port)
{
    running();
    control_host_open(&c, 1, true);
    driver(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    control_reset(&c);
    expect_silence();
    CHECK(!ports[1].guest_open);
    driver(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    expect(0, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    expect(1, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    driver(1, VIRTIO_CONSOLE_PORT_READY, 1);
    expect(1, VIRTIO_CONSOLE_PORT_NAME, 1);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    expect_silence();
}

TEST(a_console_that_changes_its_size_says_so_once)
{
    running();
    control_resize(&c, 0, 100, 40);
    control_resize(&c, 0, 120, 50);
    expect(0, VIRTIO_CONSOLE_RESIZE, 0);
    control_resize(&c, 0, 120, 50);
    expect_silence();
}

TEST(without_multiport_port_0_is_open_while_the_driver_runs)
{
    fresh();
    control_single(&c);
    CHECK(!ports[0].guest_open);
    control_add(&c, 0, true, NULL);
    control_single(&c);
    CHECK(ports[0].guest_open);
    expect_silence();
}

TEST(loaded_state_fits_the_ports_that_there_are)
{
    running();
    control_host_open(&c, 1, true);
    ports[1].say = 0;
    CHECK_EQ(control_loaded(&c), 0);
    expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1); /* as it is here */
    control_add(&c, 2, false, NULL);
    ports[2].say = 0;
    CHECK_EQ(control_loaded(&c), 0);
    expect(2, VIRTIO_CONSOLE_DEVICE_ADD, 0);
    ports[3].announced = 1;
    CHECK_EQ(control_loaded(&c), 4);
    ports[3].announced = 0;
    ports[3].say = 0xff;
    CHECK_EQ(control_loaded(&c), 0);
    CHECK_EQ(ports[3].say, SAY_REMOVE);
}

int main(void)
{
    RUN(ports_are_announced_when_the_driver_is_ready);
    RUN(a_port_that_exists_is_not_added_again);
    RUN(a_ready_port_hears_console_name_size_open_in_this_order);
    RUN(a_port_that_is_no_console_hears_its_name_only);
    RUN(the_host_opens_and_closes_a_port);
    RUN(a_new_connection_is_seen_to_follow_the_old_one);
    RUN(a_connection_that_nobody_heard_of_is_not_mentioned);
    RUN(the_guest_opens_and_closes_a_port);
    RUN(a_port_is_added_to_a_running_driver);
    RUN(only_a_port_that_was_added_is_removed);
    RUN(a_number_is_used_again_after_the_driver_has_heard_of_the_end);
    RUN(failures_of_the_driver_are_told_and_end_nothing);
    RUN(messages_that_mean_nothing_are_ignored);
    RUN(a_driver_that_repeats_itself_gets_one_answer);
    RUN(a_reset_forgets_the_driver_and_no_port);
    RUN(a_console_that_changes_its_size_says_so_once);
    RUN(without_multiport_port_0_is_open_while_the_driver_runs);
    RUN(loaded_state_fits_the_ports_that_there_are);
    return tap_done();
}
