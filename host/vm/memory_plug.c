/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_plug.h"

#include "memory_impl.h"

int memory_has_slot(struct vm *vm)
{
    struct memory *m = vm->memory;
    int found = !vm->kvm;
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < m->nslots && !found; i++)
        found = !m->slot_used[i];
    pthread_mutex_unlock(&m->lock);
    return found;
}

void memory_take_away(struct vm *vm, struct tn_mem *mem)
{
    memory_unmap(vm, mem);
}
