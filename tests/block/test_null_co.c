/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_rig.h"
#include "tap.h"
#include <errno.h>

extern const struct tn_plugin tn_plugin_v1;

TEST(a_size_is_what_was_asked_for)
{
    struct rig *g = rig_new(&tn_plugin_v1, "null-co,id=b,size=3M");
    CHECK(g);
    CHECK_EQ(rig_info(g).size, 3 << 20);
    rig_free(g);
    g = rig_new(&tn_plugin_v1, "null-co,id=b");
    CHECK_EQ(rig_info(g).size, 1 << 30);
    rig_free(g);
}

TEST(read_zeroes_fills_buffers_and_is_off_by_default)
{
    char b[512];
    for (int on = 0; on < 2; on++) {
        struct rig *g = rig_new(&tn_plugin_v1, on ? "null-co,id=b,read-zeroes=on" : "null-co,id=b");
        void *q = rig_queue(g, g->vm->main);
        memset(b, 7, sizeof b);
        CHECK_EQ(rig_io(g, q, TN_BLK_READ, 0, b, sizeof b, 0), 0);
        CHECK_EQ(b[0], on ? 0 : 7);
        CHECK_EQ(b[511], on ? 0 : 7);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(every_operation_succeeds)
{
    char b[512] = {0};
    struct rig *g = rig_new(&tn_plugin_v1, "null-co,id=b");
    void *q = rig_queue(g, g->vm->main);
    for (uint32_t op = TN_BLK_READ; op <= TN_BLK_WRITE_ZEROES; op++)
        CHECK_EQ(rig_io(g, q, op, 0, op <= TN_BLK_WRITE ? b : NULL, 512, 0), 0);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

TEST(a_latency_is_kept_by_each_request)
{
    char b[512];
    struct rig *g = rig_new(&tn_plugin_v1, "null-co,id=b,latency-ns=20000000");
    void *q = rig_queue(g, g->vm->main);
    struct rig_req r[3] = {0};
    uint64_t t0 = clock_now(&g->vm->clock, TN_CLK_REAL);
    for (int i = 0; i < 3; i++) {
        rig_fill(&r[i], TN_BLK_READ, 0, b, sizeof b, 0);
        CHECK_EQ(g->be->submit(q, &r[i].r), 0);
    }
    fixture_spin(g->vm);
    CHECK_EQ(r[0].ended, 0);
    CHECK(rig_until(g, &r[2].ended));
    uint64_t took = clock_now(&g->vm->clock, TN_CLK_REAL) - t0;
    CHECK_EQ(r[0].ended + r[1].ended, 2);
    CHECK(took >= 20000000);
    CHECK(took < 2000000000);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

TEST(a_waiting_request_can_be_cancelled)
{
    char b[512];
    struct rig *g = rig_new(&tn_plugin_v1, "null-co,id=b,latency-ns=1000000000000");
    void *q = rig_queue(g, g->vm->main);
    struct rig_req r[3] = {0};
    for (int i = 0; i < 3; i++) {
        rig_fill(&r[i], TN_BLK_READ, 0, b, sizeof b, 0);
        CHECK_EQ(g->be->submit(q, &r[i].r), 0);
    }
    static const int order[] = {1, 0, 2};
    for (int i = 0; i < 3; i++) {
        struct rig_req *it = &r[order[i]];
        g->be->cancel(q, &it->r);
        CHECK_EQ(it->ended, 0); /* never inside */
        CHECK(rig_until(g, &it->ended));
        CHECK_EQ(it->err, -ECANCELED);
    }
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

TEST(resize_is_told)
{
    struct rig *g = rig_new(&tn_plugin_v1, "null-co,id=b,size=1M");
    CHECK_EQ(g->be->resize(g->self, 5 << 20, NULL), 0);
    CHECK_EQ(rig_info(g).size, 5 << 20);
    CHECK_EQ(g->changed, 1);
    rig_free(g);
}

TEST(impossible_sizes_are_refused)
{
    CHECK(!rig_new(&tn_plugin_v1, "null-co,id=b,size=16777215T"));
    CHECK(strstr(fixture_error, "size") != NULL);
    CHECK(!rig_new(&tn_plugin_v1, "null-co,id=b,latency-ns=18446744073709551615"));
    CHECK_STR(fixture_error, "latency-ns is invalid");
}

TEST(queues_of_two_threads_go_side_by_side)
{
    struct rig *g = rig_new(&tn_plugin_v1, "null-co,id=b,read-zeroes=on");
    struct tn_ctx *c = rig_iothread(g, "io");
    void *q = rig_queue(g, c), *m = rig_queue(g, g->vm->main);
    char b[512];
    memset(b, 1, sizeof b);
    CHECK_EQ(rig_io(g, m, TN_BLK_READ, 0, b, 512, 0), 0);
    struct stress_load reads = {.area = 1 << 20, .depth = 8, .ops = 0, .seed = 1};
    CHECK_EQ(rig_stress(g, c, q, &reads), 0);
    rig_queue_del(g, g->vm->main, m);
    rig_queue_del(g, c, q);
    rig_free(g);
}

int main(void)
{
    RUN(a_size_is_what_was_asked_for);
    RUN(read_zeroes_fills_buffers_and_is_off_by_default);
    RUN(every_operation_succeeds);
    RUN(a_latency_is_kept_by_each_request);
    RUN(a_waiting_request_can_be_cancelled);
    RUN(resize_is_told);
    RUN(impossible_sizes_are_refused);
    RUN(queues_of_two_threads_go_side_by_side);
    return tap_done();
}
