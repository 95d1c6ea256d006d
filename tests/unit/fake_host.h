/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM with devices and nothing else: what the services of the host need for a test of their own.
 * Contexts, domains and managed resources are the real ones. */
#ifndef TN_TEST_FAKE_HOST_H
#define TN_TEST_FAKE_HOST_H
#include "core/device.h"
#include "core/loop.h"

struct vm *fake_vm_new(void);
/* All devices, newest first, then the VM; the caller has freed the services. */
void fake_vm_free(struct vm *vm);
/* A realized device of cls with zeroed instance; no callback of the class has run. */
struct device *fake_device(struct vm *vm, const struct tn_class *cls, const char *id);
void fake_device_free(struct device *d);
/* How often device_reset() was called for any device of this process. */
extern uint32_t fake_resets;

#endif
