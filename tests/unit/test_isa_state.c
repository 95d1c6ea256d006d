/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the built ISA plugins: a device in the middle of its work is saved and loaded into
 * another machine, and the guest sees no difference. TENON_PLUGIN_DIR says where the plugins are.
 */
#include "cli/options.h"
#include "core/state.h"
#include "core/state_format.h"
#include "start.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/irq.h"
#include "vm/space.h"

static struct cli_options options;
static struct vm *vm;
static uint32_t wire[IRQ_GSIS];

static void see_wire(void *o, uint32_t gsi, uint32_t level)
{
    (void)o;
    wire[gsi] = level;
}

/* A machine with the device that is described; what the host logs explains a failure. */
static void start(const char *device)
{
    /* clang-format off */
    const char *argv[] = {"tenon", "-accel", "qtest", "-sandbox", "off", "-display", "none", "-nodefaults",
                          "-rtc", "clock=vm", "-M", "microvm,isa-serial=off", "-device", device, NULL};
    /* clang-format on */
    int argc = ARRAY_SIZE(argv) - (device ? 1 : 3);
    char *text = NULL;
    ERR_AUTO e = {0};
    memset(wire, 0, sizeof wire);
    CHECK_EQ(cli_options_scan(&options, argc, (char **)(uintptr_t)argv, &text), 0);
    vm = start_vm(&options);
    CHECK(vm);
    if (start_machine(vm, &options, &e) < 0)
        printf("# %s\n", err_text(&e));
    CHECK(!e.err);
    irq_intercept(vm, see_wire, NULL);
}

static struct device *find(const char *name)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (strcmp(d->pub.cls->name, name) == 0)
        return d;
    CHECK(!"the device is there");
    return NULL;
}

static void end(void)
{
    vm_free(vm);
    cli_options_free(&options);
    options = (struct cli_options){0};
}

static uint8_t in(uint16_t port)
{
    return (uint8_t)space_read(vm->pio, port, 1);
}

static void out(uint16_t port, uint8_t v)
{
    space_write(vm->pio, port, v, 1);
}

/* Saves the device and loads it into a machine that has just been made; a second save must say the
 * same as the first. */
static void move(const char *device, const char *name)
{
    BUF_AUTO first = {0}, second = {0};
    ERR_AUTO e = {0};
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    CHECK_EQ(state_save(find(name), &first, &e), 0);
    end();
    start(device);
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    int r = state_load(find(name), first.data, first.len, &e);
    if (r < 0)
        printf("# %s\n", err_text(&e));
    CHECK_EQ(r, 0);
    CHECK_EQ(state_save(find(name), &second, &e), 0);
    devices_resume(vm);
    CHECK_EQ(first.len, second.len);
    CHECK(memcmp(first.data, second.data, first.len) == 0);
}

TEST(serial_keeps_its_characters_and_interrupt)
{
    start("isa-serial");
    out(0x3fb, 3);    /* LCR */
    out(0x3fc, 0x1b); /* MCR: loop */
    out(0x3fa, 0x41); /* FCR: FIFOs on, trigger 4 */
    out(0x3f9, 1);    /* IER: received data */
    out(0x3ff, 0x5a);
    for (uint8_t c = 1; c <= 5; c++)
        out(0x3f8, c);
    CHECK_EQ(wire[4], 1);
    move("isa-serial", "isa-serial");
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
    start(NULL);
    out(0x70, 0x7f), out(0x71, 0x5a);
    out(0x70, 0x0b), out(0x71, 0x82); /* SET: the time stands */
    out(0x70, 0x09), out(0x71, 0x33);
    move(NULL, "mc146818rtc");
    CHECK_EQ(in(0x71), 0x33); /* the index too */
    out(0x70, 0x7f);
    CHECK_EQ(in(0x71), 0x5a);
    out(0x70, 0x0b);
    CHECK_EQ(in(0x71), 0x82);
    end();
}

TEST(i8042_keeps_what_both_devices_have_to_say)
{
    start("i8042");
    out(0x64, 0x60), out(0x60, 3);    /* both interrupts */
    out(0x60, 0xf2);                  /* keyboard: identify */
    out(0x64, 0xd4), out(0x60, 0xe9); /* mouse: status */
    CHECK_EQ(wire[1], 1);
    move("i8042", "i8042");
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
    start("isa-serial");
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
