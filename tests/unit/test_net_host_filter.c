/* SPDX-License-Identifier: BSD-2-Clause */
/* Between front ends and back ends: filters. */
#include "net_host_rig.h"

/* ---- filters ---- */

TEST(filters_stand_in_the_order_of_their_positions)
{
    begin_pair("back");
    struct filter *x = make(TN_K_OBJECT, "filter,id=x,netdev=n");
    struct filter *y = make(TN_K_OBJECT, "filter,id=y,netdev=n,position=head");
    struct filter *z = make(TN_K_OBJECT, "filter,id=z,netdev=n,position=id=y");
    struct filter *w = make(TN_K_OBJECT, "filter,id=w,netdev=n,position=before=x");
    CHECK(w && x && y && z); /* y z w x */
    deliver_one(b, 0, 60);
    settle();
    CHECK(y->order < z->order && z->order < w->order && w->order < x->order);
    send_one(f, 0, 60);
    settle();
    CHECK(y->order > z->order && z->order > w->order && w->order > x->order);
    CHECK_EQ(f->ngot, 1);
    CHECK_EQ(b->ngot, 1);
    CHECK_EQ(x->wrong_lock + y->wrong_lock + z->wrong_lock + w->wrong_lock, 0);
    CHECK_EQ(b->wrong_lock + f->wrong, 0);
    CHECK(!make(TN_K_OBJECT, "filter,id=v,netdev=n,position=id=nobody"));
    device_free(device_of(z->d));
    deliver_one(b, 1, 60);
    settle();
    CHECK_EQ(f->ngot, 2);
    CHECK_EQ(x->seen[1], 2);
}

TEST(a_filter_takes_and_gives_back)
{
    begin_pair("any");
    struct filter *x = make(TN_K_OBJECT, "filter,id=x,netdev=n,verdict=2");
    struct filter *y = make(TN_K_OBJECT, "filter,id=y,netdev=n");
    deliver_one(b, 7, 60);
    settle();
    CHECK_EQ(f->ngot, 0);
    CHECK_EQ(x->seen[1], 1);
    CHECK_EQ(y->seen[1], 0);
    struct tn_iov v = {x->kept, x->nkept};
    CHECK_EQ(net_chain_table.resubmit(x->d, x->dir, 0, &v, 1), 60);
    settle();
    CHECK_EQ(f->ngot, 1);
    CHECK_EQ(f->got[0], 7);
    CHECK_EQ(x->seen[1], 1); /* it goes on behind x */
    CHECK_EQ(y->seen[1], 1);
    send_one(f, 8, 60);
    settle();
    CHECK_EQ(b->ngot, 0);
    v.len = x->nkept;
    CHECK_EQ(net_chain_table.resubmit(x->d, x->dir, 0, &v, 1), 60);
    settle();
    CHECK_EQ(b->got[0], 8);
}

TEST(a_buffer_lets_packets_pass_together)
{
    begin_pair("back");
    CHECK(!make(TN_K_OBJECT, "filter-buffer,id=x,netdev=n"));
    CHECK(strstr(said, "interval"));
    struct filter *x = make(TN_K_OBJECT, "filter-buffer,id=x,netdev=n,interval=50000");
    CHECK(x);
    for (uint32_t i = 0; i < 300; i++) {
        CHECK_EQ(deliver_one(b, i, 60 + i), 60 + i);
        CHECK_EQ(send_one(f, i, 60 + i), 60 + i);
    }
    settle();
    CHECK_EQ(f->ngot + b->ngot, 0); /* guest time stands still */
    clock_start(&vm->clock);
    UNTIL(f->ngot == 300 && b->ngot == 300);
    CHECK(in_order(f->got, 300) && in_order(b->got, 300));
    ERR_AUTO e = {0};
    deliver_one(b, 7, 60);
    settle();
    CHECK_EQ(device_set(device_find(vm, TN_K_OBJECT, "x"), "status", "off", &e), 0);
    settle();
    CHECK_EQ(f->ngot, 301);
    deliver_one(b, 8, 60);
    settle();
    CHECK_EQ(f->ngot, 302);
}

TEST(a_packet_that_waits_meets_each_filter_once)
{
    begin_pair("back");
    struct filter *x = make(TN_K_OBJECT, "filter,id=x,netdev=n");
    f->full = 1;
    b->full = 1;
    deliver_one(b, 0, 60);
    send_one(f, 0, 60);
    settle();
    f->full = b->full = 0;
    netdev_table.flush(f->net, 0);
    net_feed_table.writable(b->d, 0);
    settle();
    CHECK_EQ(f->ngot, 1);
    CHECK_EQ(b->ngot, 1);
    CHECK_EQ(x->seen[0], 1);
    CHECK_EQ(x->seen[1], 1);
}

TEST(descriptors_are_lent_where_nothing_stands_between)
{
    int fd[QUEUES];
    begin_pair("any");
    CHECK_EQ(netdev_table.fds(f->net, fd, QUEUES), QUEUES);
    CHECK_EQ(fd[1], 101);
    CHECK(!make(TN_K_OBJECT, "filter,id=x,netdev=n"));
    CHECK(strstr(said, "'n'"));
    device_free(device_of(f->d));
    CHECK(make(TN_K_OBJECT, "filter,id=x,netdev=n"));
    f = make(TN_K_DEVICE, "front,id=f,netdev=n");
    CHECK_EQ(netdev_table.fds(f->net, fd, QUEUES), -ENOTSUP);
    begin_pair("back");
    CHECK_EQ(netdev_table.fds(f->net, fd, QUEUES), -ENOTSUP);
}

TEST(objects_that_name_a_back_end_are_late)
{
    begin();
    CHECK(net_object_is_late(vm, "filter"));
    CHECK(net_object_is_late(vm, "filter-dump"));
    CHECK(!net_object_is_late(vm, "iothread"));
    CHECK(!net_object_is_late(vm, "nosuch"));
}

int main(void)
{
    RUN(filters_stand_in_the_order_of_their_positions);
    RUN(a_filter_takes_and_gives_back);
    RUN(a_buffer_lets_packets_pass_together);
    RUN(a_packet_that_waits_meets_each_filter_once);
    RUN(descriptors_are_lent_where_nothing_stands_between);
    RUN(objects_that_name_a_back_end_are_late);
    end();
    return tap_done();
}
