/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine of built plugins whose devices are saved in the middle of their work and loaded into
 * another one. TENON_PLUGIN_DIR says where the plugins are. Test programs only, after tap.h. */
#ifndef TN_TEST_STATE_RIG_H
#define TN_TEST_STATE_RIG_H
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

/* A machine with the device that is described, or without (NULL); what the host logs explains a
 * failure. */
static inline void start_on(const char *machine, const char *device)
{
    /* clang-format off */
    const char *argv[] = {"tenon", "-accel", "qtest", "-sandbox", "off", "-display", "none", "-nodefaults",
                          "-rtc", "clock=vm", "-M", machine, "-device", device, NULL};
    /* clang-format on */
    int argc = ARRAY_SIZE(argv) - (device ? 1 : 3);
    char *text = NULL;
    ERR_AUTO e = {0};
    memset(wire, 0, sizeof wire);
    CHECK_EQ(cli_options_scan(&options, argc, (char **)(uintptr_t)argv, &text), 0);
    vm = start_vm(&options, NULL);
    CHECK(vm);
    if (start_machine(vm, &options, &e) < 0)
        printf("# %s\n", err_text(&e));
    CHECK(!e.err);
    irq_intercept(vm, see_wire, NULL);
}

static inline struct device *find(const char *name)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (strcmp(d->pub.cls->name, name) == 0)
        return d;
    CHECK(!"the device is there");
    return NULL;
}

static inline void end(void)
{
    vm_free(vm);
    cli_options_free(&options);
    options = (struct cli_options){0};
}

static inline uint8_t in(uint16_t port)
{
    return (uint8_t)space_read(vm->pio, port, 1);
}

static inline void out(uint16_t port, uint8_t v)
{
    space_write(vm->pio, port, v, 1);
}

/* Saves the device and loads it into a machine that has just been made; a second save must say the
 * same as the first. */
static inline void move_on(const char *machine, const char *device, const char *name)
{
    BUF_AUTO first = {0}, second = {0};
    ERR_AUTO e = {0};
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    CHECK_EQ(state_save(find(name), &first, &e), 0);
    end();
    start_on(machine, device);
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

#endif
