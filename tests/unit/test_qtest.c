/* SPDX-License-Identifier: BSD-2-Clause */
/* The qtest server against a machine of the test's own: every verb, its answers, what it does, and
 * what it refuses. */
#include "backend/chardev.h"
#include "qtest_machine.h"
#include "tap.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <unistd.h>

static struct qmachine *m;

static void begin(void)
{
    if (m) /* the case before failed */
        qmachine_free(m);
    m = qmachine_new(NULL);
}

static void end(void)
{
    qmachine_free(m);
    m = NULL;
}

static const char *accesses(void)
{
    return m->accesses.len ? (m->accesses.data[m->accesses.len] = 0, buf_cstr(&m->accesses)) : "";
}

static int fails(const char *line)
{
    const char *answer = qmachine_say(m, line);
    return strncmp(answer, "FAIL ", 5) == 0 &&
           strchr(answer, '\n') == answer + strlen(answer) - 1 && !m->accesses.len;
}

TEST(the_first_question_has_its_answer)
{
    begin();
    CHECK_STR(qmachine_say(m, "endianness\n"), "OK little\n");
    end();
}

TEST(ports_are_accessed_in_three_sizes)
{
    begin();
    CHECK_STR(qmachine_say(m, "outb 0x70 0x1ff\n"), "OK\n");
    CHECK_STR(accesses(), "port w1 70=ff\n");
    CHECK_STR(qmachine_say(m, "outw 112 010\n"), "OK\n");
    CHECK_STR(accesses(), "port w2 70=8\n");
    CHECK_STR(qmachine_say(m, "outl 0xffff 0xffffffff\n"), "OK\n");
    CHECK_STR(accesses(), "port w4 ffff=ffffffff\n");
    CHECK_STR(qmachine_say(m, "inb 0x12\n"), "OK 0x0012\n");
    CHECK_STR(qmachine_say(m, "inw 0x12\n"), "OK 0x1212\n");
    CHECK_STR(qmachine_say(m, "inl 0x12\n"), "OK 0x12121212\n");
    CHECK_STR(accesses(), "port r4 12\n");
    end();
}

TEST(single_accesses_reach_devices_as_one)
{
    begin();
    CHECK_STR(qmachine_say(m, "writeq 0xfe000000 0x1122334455667788\n"), "OK\n");
    CHECK_STR(accesses(), "w8 fe000000=1122334455667788\n");
    CHECK_STR(qmachine_say(m, "writew 0xfe000001 0x12345\n"), "OK\n");
    CHECK_STR(accesses(), "w2 fe000001=2345\n");
    CHECK_STR(qmachine_say(m, "readl 0xfe000004\n"), "OK 0x0000000002040404\n");
    CHECK_STR(accesses(), "r4 fe000004\n");
    end();
}

TEST(single_accesses_reach_ram)
{
    begin();
    CHECK_STR(qmachine_say(m, "writel 0x100 0x11223344\nwriteb 0x104 0x55\n"), "OK\nOK\n");
    CHECK_STR(qmachine_say(m, "readb 0x100\nreadw 0x101\nreadq 0x100\n"),
              "OK 0x0000000000000044\nOK 0x0000000000002233\nOK 0x0000005511223344\n");
    CHECK_STR(accesses(), "");
    end();
}

TEST(unclaimed_addresses_read_all_ones)
{
    begin();
    CHECK_STR(qmachine_say(m, "readw 0x10000000\nread 0x10000000 3\n"),
              "OK 0x000000000000ffff\nOK 0xffffff\n");
    end();
}

TEST(bytes_for_a_device_come_as_the_largest_aligned_accesses)
{
    begin();
    CHECK_STR(qmachine_say(m, "write 0xfe000004 0x4 0x01020304\n"), "OK\n");
    CHECK_STR(accesses(), "w4 fe000004=4030201\n");
    CHECK_STR(qmachine_say(m, "write 0xfe000001 15 0x0102030405060708090a0b0c0d0e0f\n"), "OK\n");
    CHECK_STR(accesses(),
              "w1 fe000001=1\nw2 fe000002=302\nw4 fe000004=7060504\nw8 fe000008=f0e0d0c0b0a0908\n");
    CHECK_STR(qmachine_say(m, "read 0xfe000008 0x2\n"), "OK 0x0808\n");
    CHECK_STR(accesses(), "r2 fe000008\n");
    end();
}

TEST(data_shorter_than_its_length_is_filled_with_zeros)
{
    begin();
    memset(m->ram, 0xaa, RAM_SIZE);
    CHECK_STR(qmachine_say(m, "write 0x10 4 0xBEef\nread 0x0f 0x6\n"), "OK\nOK 0xaabeef0000aa\n");
    CHECK_STR(qmachine_say(m, "write 0x20 1 0x010203\nread 0x20 2\n"), "OK\nOK 0x01aa\n");
    end();
}

TEST(an_access_may_go_from_ram_to_a_device)
{
    begin();
    m->ram[RAM_SIZE - 1] = 0x77;
    CHECK_STR(qmachine_say(m, "read 0x3fff 3\n"), "OK 0x77ffff\n");
    CHECK_STR(accesses(), "r2 4000\n");
    CHECK_STR(qmachine_say(m, "write 0x3ffe 3 0x010203\n"), "OK\n");
    CHECK_EQ(m->ram[RAM_SIZE - 2], 1);
    CHECK_EQ(m->ram[RAM_SIZE - 1], 2);
    CHECK_STR(accesses(), "w1 4000=3\n");
    end();
}

TEST(base64_goes_both_ways)
{
    begin();
    CHECK_STR(qmachine_say(m, "b64write 0x0 0x5 aGVsbG8=\nb64read 0x0 0x5\n"), "OK\nOK aGVsbG8=\n");
    CHECK(memcmp(m->ram, "hello", 6) == 0);
    CHECK_STR(qmachine_say(m, "b64read 0 6\nb64read 0 4\nb64read 0 0\n"),
              "OK aGVsbG8A\nOK aGVsbA==\nOK \n");
    CHECK_STR(qmachine_say(m, "b64write 0x10 2 aGVsbG8=\nread 0x10 3\n"), "OK\nOK 0x686500\n");
    CHECK_STR(qmachine_say(m, "b64write 0x20 0x0 \n"), "OK\n");
    CHECK_STR(qmachine_say(m, "b64write 0x20 0x0\n"), "OK\n");
    CHECK_STR(qmachine_say(m, "b64write 0x20 3 +/+/\nread 0x20 3\n"), "OK\nOK 0xfbffbf\n");
    end();
}

TEST(memset_fills)
{
    begin();
    CHECK_STR(qmachine_say(m, "memset 0x1 0x2000 0x15a\nread 0x0 3\nread 0x2000 2\n"),
              "OK\nOK 0x005a5a\nOK 0x5a00\n");
    CHECK_STR(qmachine_say(m, "memset 0x0 0x0 0x1\nread 0 1\n"), "OK\nOK 0x00\n");
    end();
}

TEST(time_moves_by_command_only)
{
    begin();
    CHECK_STR(qmachine_say(m, "clock_step 100\nclock_step 0x10\nclock_set 1000\n"),
              "OK 100\nOK 116\nOK 1000\n");
    CHECK_STR(qmachine_say(m, "clock_set 5\n"), "OK 1000\n");
    CHECK_STR(qmachine_say(m, "clock_step\n"), "OK 1000\n");
    CHECK_STR(qmachine_say(m, "clock_step 9223372036854775807\n"), "OK 9223372036854775807\n");
    end();
}

TEST(timers_fire_in_order_at_their_times)
{
    begin();
    m->timer[0] = (struct machine_timer){.at = 30};
    m->timer[1] = (struct machine_timer){.at = 10, .period = 10};
    CHECK_STR(qmachine_say(m, "clock_step\n"), "OK 10\n");
    CHECK_EQ(m->timer[1].fired, 1);
    CHECK_STR(qmachine_say(m, "clock_step 35\n"), "OK 45\n");
    CHECK_EQ(m->timer[0].seen, 30);
    CHECK_EQ(m->timer[1].fired, 4);
    CHECK_EQ(m->timer[1].seen, 40);
    end();
}

TEST(timers_of_other_contexts_fire_at_their_times_too)
{
    begin();
    m->timer[TIMERS - 1] = (struct machine_timer){.at = 20};
    m->timer[0] = (struct machine_timer){.at = 30};
    CHECK_STR(qmachine_say(m, "clock_step\n"), "OK 20\n");
    CHECK_EQ(m->timer[TIMERS - 1].seen, 20);
    CHECK(m->drained > 0);
    CHECK_EQ(m->timer[0].fired, 0);
    end();
}

TEST(a_timer_that_arms_itself_for_now_does_not_hang_the_test)
{
    begin();
    m->timer[0] = (struct machine_timer){.at = 5, .period = STUCK};
    CHECK_STR(qmachine_say(m, "clock_set 10\n"), "OK 10\n");
    CHECK(m->timer[0].fired > 1);
    end();
}

TEST(interrupts_are_told_before_the_answer_of_what_caused_them)
{
    begin();
    m->timer[0] = (struct machine_timer){.at = 10, .period = 10, .irq = 8};
    CHECK_STR(qmachine_say(m, "clock_step 10\n"), "OK 10\n");
    CHECK_STR(
        qmachine_say(m, "irq_intercept_in ioapic\nirq_intercept_in /machine/unattached/ioapic\n"),
        "OK\nOK\n");
    CHECK_STR(qmachine_say(m, "clock_step 20\n"), "IRQ lower 8\nIRQ raise 8\nOK 30\n");
    end();
}

TEST(isa_interrupt_0_has_its_own_number)
{
    begin();
    qmachine_say(m, "irq_intercept_in ioapic\n");
    m->told.len = 0;
    qmachine_wire(m, 2, 1);
    qmachine_wire(m, 23, 1);
    qmachine_run(m);
    m->told.data[m->told.len] = 0;
    CHECK_STR(buf_cstr(&m->told), "IRQ raise 0\nIRQ raise 23\n");
    end();
}

TEST(only_the_ioapics_inputs_can_be_intercepted)
{
    begin();
    CHECK(fails("irq_intercept_in i8259\n"));
    CHECK(fails("irq_intercept_out ioapic\n"));
    CHECK(fails("irq_intercept_out ioapic name\n"));
    CHECK(!m->spy);
    end();
}

TEST(inputs_can_be_driven)
{
    begin();
    qmachine_say(m, "irq_intercept_in ioapic\n");
    CHECK_STR(
        qmachine_say(
            m, "set_irq_in ioapic unnamed-gpio-in 0 1\nset_irq_in ioapic unnamed-gpio-in 5 1\n"),
        "IRQ raise 0\nOK\nIRQ raise 5\nOK\n");
    CHECK_STR(qmachine_say(m, "set_irq_in ioapic unnamed-gpio-in 5 0\n"), "IRQ lower 5\nOK\n");
    CHECK(fails("set_irq_in ioapic unnamed-gpio-in 24 1\n"));
    CHECK_STR(qmachine_say(m, "set_irq_in ioapic unnamed-gpio-in 8 1\n"),
              "FAIL interrupt 8 is taken by rtc\n");
    CHECK(fails("set_irq_in rtc x 1 1\n"));
    end();
}

TEST(what_this_machine_has_not_fails)
{
    begin();
    CHECK(fails("rtas foo 1 0x0 1 0x0\n"));
    CHECK(fails("module_load hw- usb\n"));
    CHECK_STR(qmachine_say(m, "frobnicate 1\n"), "FAIL Unknown command 'frobnicate'\n");
    CHECK(fails("\n"));
    CHECK(fails(" outb 1 1\n"));
    CHECK(fails("OUTB 1 1\n"));
    end();
}

TEST(wrong_words_change_nothing)
{
    static const char *const lines[] = {
        "outb 0x70",
        "outb 0x10000 1",
        "outb 0x70 z",
        "outb 0x70  1",
        "outb 0x70 1 1",
        "outb -1 1",
        "inb",
        "inb 0x10000",
        "inb 0x",
        "inb 1 2",
        "writeb 0 0x10000000000000000",
        "readq 0xfffffffffffffff9",
        "writew 0xffffffffffffffff 1",
        "read 0 0x2000001",
        "read 0xffffffffffffffff 2",
        "read 0",
        "write 0 1",
        "write 0 1 11",
        "write 0 1 0x",
        "write 0 1 0x1",
        "write 0 2 0x11g1",
        "write 0 1 0x11 1",
        "b64write 0 3 a",
        "b64write 0 3 ====",
        "b64write 0 3 aG=s",
        "b64write 0 3 aGV!",
        "b64write 0 3 aA==aGVs",
        "b64write 0 1 aB==",
        "memset 0 1",
        "memset 0 1 x",
        "memset 0 0x40000001 1",
        "clock_step -1",
        "clock_step 1 1",
        "clock_set",
        "clock_set 0x8000000000000000",
        "irq_intercept_in",
        "endianness 1",
        "a b c d e f g h i j",
        "outb 1 2 3 4 5 6 7 8",
    };
    begin();
    memset(m->ram, 0x33, RAM_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        AUTO_FREE char *line = xasprintf("%s\n", lines[i]);
        if (!fails(line))
            printf("# %s", line);
        CHECK(fails(line));
    }
    for (size_t i = 0; i < RAM_SIZE; i++)
        CHECK_EQ(m->ram[i], 0x33);
    CHECK_EQ(m->vm.clock.at, 0);
    end();
}

TEST(lines_may_come_in_pieces_or_together)
{
    begin();
    CHECK_STR(qmachine_say(m, "in"), "");
    CHECK_STR(qmachine_say(m, "b 0x"), "");
    CHECK_STR(qmachine_say(m, "5\r\ninb 6\ninb"), "OK 0x0005\nOK 0x0006\n");
    CHECK_STR(qmachine_say(m, " 7\n"), "OK 0x0007\n");
    end();
}

TEST(long_lines_are_fine)
{
    enum { LEN = RAM_SIZE };
    BUF_AUTO b = {0};
    begin();
    buf_printf(&b, "write 0x0 0x%x 0x", LEN);
    for (size_t i = 0; i < LEN; i++)
        buf_printf(&b, "%02zx", i & 0xff);
    buf_str(&b, "\n");
    CHECK_STR(qmachine_say(m, buf_cstr(&b)), "OK\n");
    for (size_t i = 0; i < LEN; i++)
        CHECK_EQ(m->ram[i], i & 0xff);
    end();
}

TEST(a_line_without_end_is_refused_when_it_ends)
{
    enum { MIB = 1 << 20 };
    AUTO_FREE char *block = xcalloc(1, MIB);
    begin();
    memset(block, 'x', MIB);
    for (uint32_t i = 0; i < 70; i++)
        qmachine_send(m, block, MIB);
    CHECK_EQ(m->told.len, 0);
    CHECK_STR(qmachine_say(m, "\ninb 1\n"), "FAIL a line has at most 67108864 bytes\nOK 0x0001\n");
    end();
}

TEST(a_slow_reader_gets_everything_in_the_end)
{
    begin();
    m->most = 3;
    qmachine_say(m, "inb 0x12\n");
    m->most = 0;
    qmachine_say(m, "inb 0x13\n");
    CHECK_EQ(m->told.len, 0);
    m->most = ~(uint64_t)0;
    m->ops->writable(m->ops_s);
    m->told.data[m->told.len] = 0;
    CHECK_STR(buf_cstr(&m->told), "OK 0x0013\n");
    end();
}

TEST(who_does_not_read_is_not_listened_to)
{
    begin();
    m->most = 0;
    qmachine_say(
        m,
        "read 0x10000000 0x1000000\nread 0x10000000 0x1000000\nread 0x10000000 0x1000000\ninb 1\n");
    CHECK_EQ(m->ops->room(m->ops_s), 0);
    m->most = ~(uint64_t)0;
    m->ops->writable(m->ops_s);
    qmachine_run(m);
    CHECK(m->accepted > 0);
    CHECK(m->ops->room(m->ops_s) > 0);
    CHECK_EQ(m->told.len, 3 * (2 * 0x1000000 + 6) + 10);
    end();
}

TEST(a_new_connection_does_not_hear_of_the_old_one)
{
    begin();
    m->most = 0;
    qmachine_say(m, "inb 0x12\nou");
    m->ops->event(m->ops_s, TN_CHR_CLOSED);
    m->most = ~(uint64_t)0;
    m->ops->event(m->ops_s, TN_CHR_OPENED);
    CHECK_STR(qmachine_say(m, "inb 0x13\n"), "OK 0x0013\n");
    end();
}

TEST(the_log_has_both_directions)
{
    char name[] = "/tmp/qtest-log-XXXXXX", text[256] = "";
    int fd = mkstemp(name);
    struct qmachine *with_log = qmachine_new(name);
    CHECK(with_log->q != NULL);
    with_log->ops->event(with_log->ops_s, TN_CHR_OPENED);
    qmachine_say(with_log, "inb 0x12\n");
    qmachine_free(with_log);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    close(fd);
    unlink(name);
    CHECK(n > 0);
    CHECK(strstr(text, "[I +0.0"));
    CHECK(strstr(text, "] OPENED\n[R +0."));
    CHECK(strstr(text, "] inb 0x12\n[S +0."));
    CHECK(strstr(text, "] OK 0x0012\n"));
}

TEST(a_log_that_cannot_be_written_is_an_error)
{
    ERR_AUTO e = {0};
    begin();
    CHECK(!qtest_new(&m->vm, NULL, "/nonexistent/x", &e));
    CHECK_STR(err_text(&e),
              "-qtest-log: Could not open '/nonexistent/x': No such file or directory");
    end();
}

TEST(a_chardev_has_one_front_end)
{
    ERR_AUTO e = {0};
    begin();
    CHECK(!qtest_new(&m->vm, NULL, "none", &e));
    CHECK_STR(err_text(&e), "-qtest: the chardev cannot be used: Device or resource busy");
    m->bh = NULL;
    end();
}

int main(void)
{
    RUN(the_first_question_has_its_answer);
    RUN(ports_are_accessed_in_three_sizes);
    RUN(single_accesses_reach_devices_as_one);
    RUN(single_accesses_reach_ram);
    RUN(unclaimed_addresses_read_all_ones);
    RUN(bytes_for_a_device_come_as_the_largest_aligned_accesses);
    RUN(data_shorter_than_its_length_is_filled_with_zeros);
    RUN(an_access_may_go_from_ram_to_a_device);
    RUN(base64_goes_both_ways);
    RUN(memset_fills);
    RUN(time_moves_by_command_only);
    RUN(timers_fire_in_order_at_their_times);
    RUN(timers_of_other_contexts_fire_at_their_times_too);
    RUN(a_timer_that_arms_itself_for_now_does_not_hang_the_test);
    RUN(interrupts_are_told_before_the_answer_of_what_caused_them);
    RUN(isa_interrupt_0_has_its_own_number);
    RUN(only_the_ioapics_inputs_can_be_intercepted);
    RUN(inputs_can_be_driven);
    RUN(what_this_machine_has_not_fails);
    RUN(wrong_words_change_nothing);
    RUN(lines_may_come_in_pieces_or_together);
    RUN(long_lines_are_fine);
    RUN(a_line_without_end_is_refused_when_it_ends);
    RUN(a_slow_reader_gets_everything_in_the_end);
    RUN(who_does_not_read_is_not_listened_to);
    RUN(a_new_connection_does_not_hear_of_the_old_one);
    RUN(the_log_has_both_directions);
    RUN(a_log_that_cannot_be_written_is_an_error);
    RUN(a_chardev_has_one_front_end);
    return tap_done();
}
