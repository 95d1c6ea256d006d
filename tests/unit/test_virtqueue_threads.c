/* SPDX-License-Identifier: BSD-2-Clause */
/* Driver and device in threads of their own, which sleep until they are told: payload is plain
 * memory, so that the thread sanitizer sees a missing barrier, and a lost notification is a hang.
 */
#include "tap.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

enum { REQUESTS = 30000, DATA = RIG_BASE + 0x100000, STRIDE = 256, ROUND = 64 };

struct side {
    sem_t wake;
    uint64_t sleeps;
};

struct pair {
    struct rig as;
    struct drv drv;
    struct vq q;
    struct side device, driver;
    bool polls; /* the device turns kicks off while it works */
};

/* False after ten seconds: nobody told. */
static bool sleep_until_told(struct side *s)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 10;
    s->sleeps++;
    return sem_timedwait(&s->wake, &t) == 0;
}

static void serve(struct pair *p, struct vq_elem *el)
{
    uint64_t v;
    if (vq_read(vq_out(el), el->nout, 0, &v, sizeof v) != sizeof v)
        abort();
    v = ~v;
    vq_write(vq_in(el), el->nin, 0, &v, sizeof v);
    vq_push(&p->q, el, sizeof v);
}

static void *device(void *arg)
{
    struct pair *p = arg;
    struct vq_elem *el;
    for (uint32_t n = 0, batch = 0; n < REQUESTS;) {
        if (p->polls)
            vq_kicks(&p->q, false);
        for (; (el = vq_pop(&p->q)); n++) {
            serve(p, el);
            if (++batch % 5 == 0 && vq_publish(&p->q))
                sem_post(&p->driver.wake);
        }
        if (vq_publish(&p->q))
            sem_post(&p->driver.wake);
        if (p->polls && vq_kicks(&p->q, true))
            continue;
        if (n < REQUESTS && !sleep_until_told(&p->device))
            abort();
    }
    return NULL;
}

static void send(struct pair *p, uint32_t *next)
{
    while (*next < REQUESTS) {
        uint64_t at = DATA + (uint64_t)(*next % ROUND) * STRIDE, v = *next * 0x9e3779b97f4a7c15u;
        struct drv_buf b[] = {{at, 8}, {at + 64, 8}};
        if (p->drv.room < 2)
            break;
        rig_put(&p->as, at, &v, sizeof v);
        if (!drv_add(&p->drv, b, 1, 1, *next % 3 == 0, *next))
            break;
        ++*next;
        if (*next % 7 == 0 && drv_publish(&p->drv))
            sem_post(&p->device.wake);
    }
    if (drv_publish(&p->drv))
        sem_post(&p->device.wake);
}

static bool receive(struct pair *p, uint32_t *got)
{
    uint64_t token, v;
    uint32_t len;
    bool any = false;
    for (; drv_get(&p->drv, &token, &len); any = true, ++*got) {
        rig_get(&p->as, DATA + (token % ROUND) * STRIDE + 64, &v, sizeof v);
        if (len != 8 || v != ~(token * 0x9e3779b97f4a7c15u))
            abort();
    }
    return any;
}

static void drive(struct pair *p)
{
    for (uint32_t next = 0, got = 0; got < REQUESTS;) {
        drv_interrupts(&p->drv, 0);
        send(p, &next);
        if (receive(p, &got) || drv_interrupts(&p->drv, 1))
            continue;
        CHECK(sleep_until_told(&p->driver));
    }
}

static void run(uint32_t flags, bool polls)
{
    static struct pair p;
    pthread_t t;
    memset(&p, 0, sizeof p);
    rig_init(&p.as, 0);
    drv_init(&p.drv, &p.as, flags | TN_VQ_INDIRECT, 16, RIG_BASE);
    vq_init(&p.q, sizeof(struct vq_elem), 2);
    sem_init(&p.device.wake, 0, 0);
    sem_init(&p.driver.wake, 0, 0);
    p.polls = polls;
    CHECK_EQ(vq_start(&p.q, &p.drv.c, &rig_dma, rig_as(&p.as), NULL, NULL), 0);
    CHECK(pthread_create(&t, NULL, device, &p) == 0);
    drive(&p);
    pthread_join(t, NULL);
    printf("# flags %x: device slept %lu times, driver %lu\n", flags, p.device.sleeps,
           p.driver.sleeps);
    vq_stop(&p.q);
    vq_fini(&p.q);
    drv_fini(&p.drv);
    rig_fini(&p.as);
}

static void run_all(uint32_t flags)
{
    for (uint32_t polls = 0; polls < 2; polls++) {
        run(flags, polls);
        run(flags | TN_VQ_EVENT_IDX, polls);
        run(flags | TN_VQ_EVENT_IDX | TN_VQ_IN_ORDER, polls);
    }
}

TEST(split_rings_between_threads)
{
    run_all(0);
}

TEST(packed_rings_between_threads)
{
    run_all(TN_VQ_PACKED);
}

int main(void)
{
    RUN(split_rings_between_threads);
    RUN(packed_rings_between_threads);
    return tap_done();
}
