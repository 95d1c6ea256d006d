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

static int inside(const struct tn_mem *mem, const uint8_t *va)
{
    return va && va >= mem->va && (uint64_t)(va - mem->va) < mem->len;
}

void memory_take_away(struct vm *vm, struct tn_mem *mem)
{
    struct memory *m = vm->memory;
    struct cache *c;
    memory_unmap(vm, mem);
    pthread_mutex_lock(&m->lock);
    LIST_FOREACH(c, &m->caches, all)
    if (inside(mem, c->c.va)) {
        c->c.va = NULL;
        c->c.gen++;
    }
    pthread_mutex_unlock(&m->lock);
}
