/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/virtqueue against an independent driver: what an element is, and what the driver gets back.
 */
#include "tap.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"

static struct tn_as as;
static struct vq q;
static struct drv drv;
enum { DATA = RIG_BASE + 0x100000 };

static void setup(uint32_t flags, uint32_t size, uint32_t how)
{
    rig_init(&as, how);
    drv_init(&drv, &as, flags, size, RIG_BASE);
    vq_init(&q, sizeof(struct vq_elem), 4);
    CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, &as, NULL, NULL), 0);
}

static void teardown(void)
{
    vq_stop(&q);
    vq_fini(&q);
    drv_fini(&drv);
    rig_fini(&as);
    CHECK_EQ(as.mapped, 0);
}

/* One request there and back. */
static void echo(uint32_t flags, bool indirect, uint32_t how)
{
    setup(flags, 8, how);
    for (uint32_t i = 0; i < 100; i++) {
        struct drv_buf b[] = {{DATA, 5}, {DATA + 0x1000, 3}, {DATA + 0x2000, 16}};
        uint64_t token;
        uint32_t len;
        char text[16];
        rig_put(&as, DATA, "hello", 5);
        rig_put(&as, DATA + 0x1000, "you", 3);
        CHECK(drv_add(&drv, b, 2, 1, indirect, i));
        CHECK(drv_publish(&drv));
        struct vq_elem *el = vq_pop(&q);
        CHECK(el != NULL);
        CHECK_EQ(el->nout, 2);
        CHECK_EQ(el->nin, 1);
        CHECK_EQ(el->out_len, 8);
        CHECK_EQ(el->in_len, 16);
        CHECK_EQ(vq_read(vq_out(el), el->nout, 0, text, sizeof text), 8);
        CHECK_EQ(vq_write(vq_in(el), el->nin, 0, text, 8), 8);
        CHECK_EQ(q.inflight, 1);
        vq_push(&q, el, 8);
        CHECK_EQ(q.inflight, 0);
        CHECK(!drv_get(&drv, &token, &len) || how & RIG_NO_RINGS);
        CHECK(vq_publish(&q));
        CHECK(drv_get(&drv, &token, &len));
        CHECK_EQ(token, i);
        CHECK_EQ(len, 8);
        rig_get(&as, DATA + 0x2000, text, 8);
        CHECK(!memcmp(text, "helloyou", 8));
        CHECK(!vq_pop(&q));
        CHECK(drv_interrupts(&drv, 1) == false);
    }
    CHECK(q.broken == NULL);
    teardown();
}

TEST(a_request_makes_its_way_in_every_layout)
{
    static const uint32_t formats[] = {0, TN_VQ_PACKED};
    static const uint32_t hows[] = {0, RIG_NO_VIEW, RIG_NO_VIEW | RIG_NO_MAP, RIG_NO_RINGS,
                                    RIG_NO_VIEW | RIG_NO_MAP | RIG_NO_RINGS};
    for (uint32_t f = 0; f < 2; f++)
        for (uint32_t h = 0; h < 5; h++)
            for (uint32_t bits = 0; bits < 8; bits++)
                echo(formats[f] | TN_VQ_INDIRECT | (bits & 1 ? TN_VQ_EVENT_IDX : 0) |
                         (bits & 2 ? TN_VQ_IN_ORDER : 0),
                     bits & 4, hows[h]);
}

int main(void)
{
    RUN(a_request_makes_its_way_in_every_layout);
    return tap_done();
}
