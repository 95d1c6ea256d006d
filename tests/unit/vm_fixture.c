/* SPDX-License-Identifier: BSD-2-Clause */
#include "vm_fixture.h"

#include "cli/keyval.h"
#include <stdio.h>

char fixture_error[512];

struct vm *fixture_vm(void)
{
    struct vm *vm = vm_new(1);
    if (!vm)
        abort();
    vm->pio = space_new(vm, TN_SPACE_PIO, 0xffff);
    vm->mmio = space_new(vm, TN_SPACE_MMIO, ~(uint64_t)0);
    vm->memory = memory_new(vm);
    vm->irqs = irqs_new(vm);
    return vm;
}

void fixture_register(struct vm *vm, const struct tn_plugin *p)
{
    ERR_AUTO e = {0};
    if (registry_builtin(vm->registry, p, &e) < 0) {
        fprintf(stderr, "plugin %s: %s\n", p->id, err_text(&e));
        abort();
    }
}

struct vm *fixture_vm_with(const struct tn_plugin *p)
{
    struct vm *vm = fixture_vm();
    fixture_register(vm, p);
    return vm;
}

struct device *fixture_add(struct vm *vm, uint32_t kind, const char *options)
{
    ERR_AUTO e = {0};
    char *why = NULL;
    KV_AUTO *dict =
        keyval_parse_or_json(options, kind == TN_K_OBJECT ? "qom-type" : "driver", &why);
    struct device *d = NULL;
    fixture_error[0] = 0;
    if (!dict || device_add(vm, kind, dict, &d, &e) < 0) {
        snprintf(fixture_error, sizeof fixture_error, "%s", why ? why : err_text(&e));
        free(why);
        return NULL;
    }
    return d;
}

void fixture_start(struct vm *vm)
{
    devices_reset(vm, TN_RESET_COLD);
    vm->cold = 0;
    vm->sealed = 1;
    devices_resume(vm);
}

void fixture_spin(struct vm *vm)
{
    while (loop_once(vm->main, 0))
        ;
}

uint32_t fixture_until(struct vm *vm, const uint32_t *flag)
{
    uint64_t end = clock_now(&vm->clock, TN_CLK_REAL) + 5000000000u;
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE) && clock_now(&vm->clock, TN_CLK_REAL) < end)
        loop_once(vm->main, 1000000u);
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}
