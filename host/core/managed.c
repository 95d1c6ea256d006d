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
    if (!m->dev || !m->next)
        return;
    pthread_mutex_lock(&m->dev->managed_lock);
    m->prev->next = m->next;
    m->next->prev = m->prev;
    m->next = m->prev = NULL;
    pthread_mutex_unlock(&m->dev->managed_lock);
}
