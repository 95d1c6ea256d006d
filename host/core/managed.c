/* SPDX-License-Identifier: BSD-2-Clause */
#include "managed.h"

#include "device.h"

void managed_add(struct device *dev, struct managed *m)
{
    m->dev = dev;
    if (!dev)
        return;
    pthread_mutex_lock(&dev->managed_lock);
    m->next = dev->managed.next;
    m->prev = &dev->managed;
    m->next->prev = m;
    dev->managed.next = m;
    pthread_mutex_unlock(&dev->managed_lock);
}

void managed_del(struct managed *m)
{
    /* Whether m is on the list only its owner changes; where it points to, a neighbour on its way
     * out, too. The device may be gone if it is not. */
    if (!m->dev || !__atomic_load_n(&m->next, __ATOMIC_RELAXED))
        return;
    pthread_mutex_lock(&m->dev->managed_lock);
    __atomic_store_n(&m->prev->next, m->next, __ATOMIC_RELAXED);
    m->next->prev = m->prev;
    m->next = m->prev = NULL;
    pthread_mutex_unlock(&m->dev->managed_lock);
}
