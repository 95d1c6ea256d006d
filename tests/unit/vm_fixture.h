/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine without vCPUs, firmware or devices, for tests of the host's core: the test is the
 * guest, and its classes are constants of the test itself. */
#ifndef TN_TEST_VM_FIXTURE_H
#define TN_TEST_VM_FIXTURE_H
#include "core/device.h"
#include "core/loop.h"
#include "vm/irq.h"
#include "vm/memory.h"
#include "vm/space.h"
#include <stdlib.h>
#include <tenon/plugin.h>

/* A plugin of these classes. List them, without NULL. */
#define FIXTURE_PLUGIN(var, ...)                                               \
    static const struct tn_class *const var##_classes[] = {__VA_ARGS__, NULL}; \
    static const struct tn_plugin var = {.struct_size = sizeof var,            \
                                         .abi_major = TN_ABI_MAJOR,            \
                                         .abi_minor = TN_ABI_MINOR,            \
                                         .id = #var,                           \
                                         .version = "1",                       \
                                         .classes = var##_classes}

/* Guest time stands at 0 and moves by clock_set(). Spaces, memory and lines are there, a KVM is
 * not. Never NULL. */
struct vm *fixture_vm(void);
/* With the plugin's classes; fails the test if they are refused. */
struct vm *fixture_vm_with(const struct tn_plugin *p);
void fixture_register(struct vm *vm, const struct tn_plugin *p);
/* `-device`, `-object`: "edu,id=a,addr=3", or JSON. NULL, and the text in fixture_error, if it is
 * refused. */
struct device *fixture_add(struct vm *vm, uint32_t kind, const char *options);
extern char fixture_error[512];
/* From cold plug to running: reset, resume. What is added later is hotplugged. */
void fixture_start(struct vm *vm);
/* Runs the main loop until nothing is ready. */
void fixture_spin(struct vm *vm);
/* Runs it until *flag is not 0, at most five seconds. Returns *flag. */
uint32_t fixture_until(struct vm *vm, const uint32_t *flag);

#endif
