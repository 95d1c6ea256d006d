/* SPDX-License-Identifier: BSD-2-Clause */
/* Between front ends and back ends: packets, queues and their bounds, contexts, links, offloads,
 * addresses. */
#include "net_host_rig.h"

/* ---- packets ---- */

TEST(packets_pass_each_with_its_own_lock)
{
    begin_pair("back");
    for (uint32_t i = 0; i < 100; i++) {
        CHECK_EQ(send_one(f, i, 60 + i), 60 + i);
        CHECK_EQ(deliver_one(b, i, 60 + i), 60 + i);
    }
    CHECK_EQ(b->ngot + f->ngot, 0); /* nothing runs inside */
    settle();
    CHECK_EQ(b->ngot, 100);
    CHECK_EQ(f->ngot, 100);
    CHECK(in_order(b->got, 100) && in_order(f->got, 100));
    CHECK_EQ(b->wrong_lock + f->wrong, 0);
    CHECK_EQ(f->batches, 1);
}

TEST(a_back_end_without_a_lock_is_called_at_once)
{
    begin_pair("any");
    CHECK_EQ(send_one(f, 0, 60), 60);
    CHECK_EQ(b->ngot, 1);
}

TEST(a_full_back_end_fills_the_queue_then_one_packet_is_kept)
{
    static const char *const kinds[] = {"back", "any"};
    for (size_t k = 0; k < 2; k++) {
        begin_pair(kinds[k]);
        b->full = 1;
        uint32_t n = 0;
        while (n < 10000 && send_one(f, n, 1514) > 0) {
            n++;
            settle();
        }
        CHECK(n > 200 && n < 1000);
        CHECK_EQ(send_one(f, n + 1, 60), -EBUSY);
        packet[0] = (uint8_t)n; /* what is kept is the front end's own memory */
        packet[1] = (uint8_t)(n >> 8);
        b->full = 0;
        settle();
        CHECK_EQ(b->ngot, 0); /* until it says so */
        net_feed_table.writable(b->d, 0);
        settle();
        CHECK_EQ(f->sent, 1);
        CHECK_EQ(b->ngot, n + 1);
        CHECK(in_order(b->got, n + 1));
        CHECK_EQ(send_one(f, n + 1, 60), 60);
    }
}

TEST(a_kept_packet_can_be_taken_back)
{
    begin_pair("back");
    b->full = 1;
    while (send_one(f, 1, 1514) > 0)
        settle();
    CHECK_EQ(netdev_table.purge(f->net, 0), 1);
    CHECK_EQ(netdev_table.purge(f->net, 0), 0);
    b->full = 0;
    net_feed_table.writable(b->d, 0);
    settle();
    CHECK_EQ(f->sent, 0);
}

TEST(a_full_front_end_fills_the_queue_then_the_back_end_waits)
{
    begin_pair("back");
    uint32_t before = b->roomy;
    f->full = 1;
    uint32_t n = 0;
    while (n < 10000 && deliver_one(b, n, 1514) > 0) {
        n++;
        settle();
    }
    CHECK(n > 200 && n < 1000);
    CHECK_EQ(f->ngot, 0);
    f->full = 0;
    settle();
    CHECK_EQ(f->ngot, 0); /* until it says so */
    netdev_table.flush(f->net, 0);
    settle();
    CHECK_EQ(f->ngot, n);
    CHECK(in_order(f->got, n));
    CHECK_EQ(b->roomy, before + 1);
    CHECK_EQ(b->wrong_lock, 0);
}

TEST(packets_of_all_sizes_keep_their_bytes)
{
    begin_pair("back");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t len = 4 + i * 7919 % (65536 + 4096 - 4);
        CHECK_EQ(send_one(f, i, len), len);
        sum += len;
        settle();
    }
    CHECK_EQ(b->ngot, 3000);
    CHECK_EQ(b->bytes, sum);
    CHECK(in_order(b->got, 3000));
    CHECK_EQ(send_one(f, 0, 65536 + 4097), -EINVAL);
    CHECK_EQ(send_one(f, 0, 0), -EINVAL);
    CHECK_EQ(deliver_one(b, 0, 65536 + 4097), -EINVAL);
    CHECK_EQ(send_one(f, 3000, 65536 + 4096), 65536 + 4096);
}

TEST(lengths_that_overflow_are_refused)
{
    begin_pair("back");
    struct tn_iov v[2] = {{packet, ~(uint64_t)0}, {packet, 2}};
    CHECK_EQ(netdev_table.send(f->net, 0, v, 2, was_sent, f), -EINVAL);
    CHECK_EQ(netdev_table.send(f->net, QUEUES, v + 1, 1, was_sent, f), -EINVAL);
    CHECK_EQ(netdev_table.send(NULL, 0, v + 1, 1, was_sent, f), -EINVAL);
    CHECK_EQ(netdev_table.queues(f->net), QUEUES);
}

/* ---- an iothread ---- */

TEST(a_front_end_in_an_iothread_is_called_there)
{
    begin();
    CHECK(make(TN_K_OBJECT, "iothread,id=t"));
    b = make(TN_K_NETDEV, "back,id=n");
    f = make(TN_K_DEVICE, "front,id=f,netdev=n,iothread=t");
    CHECK(b && f);
    devices_resume(vm); /* its thread begins */
    for (uint32_t i = 0; i < 3000; i++) {
        while (deliver_one(b, i, 1514) == 0)
            loop_once(vm->main, 100000);
        loop_once(vm->main, 0);
    }
    UNTIL(__atomic_load_n(&f->ngot, __ATOMIC_ACQUIRE) == 3000);
    struct device *d = device_of(f->d);
    domain_lock(d->domain); /* the last batch may be about to end */
    uint32_t wrong = f->wrong, ordered = (uint32_t)in_order(f->got, 3000);
    domain_unlock(d->domain);
    CHECK(ordered);
    CHECK_EQ(wrong, 0);
    device_free(d); /* while packets come */
    CHECK_EQ(deliver_one(b, 1, 60), -ENOTCONN);
}

/* ---- who is there ---- */

TEST(a_back_end_without_a_front_end_hears_so)
{
    begin();
    b = make(TN_K_NETDEV, "back,id=n");
    CHECK_EQ(deliver_one(b, 1, 60), -ENOTCONN);
    f = make(TN_K_DEVICE, "front,id=f,netdev=n");
    settle();
    CHECK_EQ(b->peers, 1);
    CHECK_EQ(b->roomy, 1);
    CHECK_EQ(deliver_one(b, 1, 60), 60);
    device_free(device_of(f->d));
    settle();
    CHECK_EQ(b->peers, 0x101);
    CHECK_EQ(deliver_one(b, 1, 60), -ENOTCONN);
    f = make(TN_K_DEVICE, "front,id=f2,netdev=n");
    CHECK(f);
    settle();
    CHECK_EQ(f->ngot, 0); /* what the first did not get is nobody's */
}

TEST(one_front_end_at_a_time)
{
    begin_pair("back");
    CHECK(!make(TN_K_DEVICE, "front,id=g,netdev=n"));
    CHECK(strstr(said, "Property 'front.netdev' can't take value 'n', it's in use"));
    ERR_AUTO e = {0}, none = {0};
    CHECK(device_unplug(device_of(b->d), &e) < 0); /* and it cannot go meanwhile */
    device_free(device_of(f->d));
    CHECK_EQ(device_unplug(device_of(b->d), &none), 0);
    settle();
    CHECK(!net_find(vm, "n"));
}

TEST(links)
{
    begin_pair("back");
    ERR_AUTO e = {0};
    CHECK_EQ(f->links, 0); /* up until it is said */
    CHECK_EQ(net_set_link(vm, "n", 0, &e), 0);
    settle();
    CHECK_EQ(f->links, 1);
    CHECK_EQ(f->last_link, 0);
    CHECK_EQ(send_one(f, 0, 60), 60); /* into the void */
    CHECK_EQ(deliver_one(b, 0, 60), 60);
    settle();
    CHECK_EQ(b->ngot + f->ngot, 0);
    net_feed_table.link(b->d, 0);
    CHECK_EQ(net_set_link(vm, "f", 1, &e), 0); /* the NIC's name does as well */
    settle();
    CHECK_EQ(f->links, 1); /* the back end says down, too */
    net_feed_table.link(b->d, 1);
    settle();
    CHECK_EQ(f->links, 2);
    CHECK_EQ(f->last_link, 1);
    CHECK_EQ(net_set_link(vm, "nobody", 1, &e), -ENODEV);
    CHECK_STR(err_text(&e), "Device 'nobody' not found");
}

/* ---- offloads ---- */

TEST(offloads_are_agreed_on_in_realize_and_follow_later)
{
    begin();
    b = make(TN_K_NETDEV, "back,id=n");
    f = make(TN_K_DEVICE, "front,id=f,netdev=n,hdr=12");
    CHECK_EQ(f->offload, 0);
    CHECK_EQ(b->hdr_len, 12);
    CHECK_EQ(netdev_table.offload(f->net, 11, 0, 0), -EINVAL);
    CHECK_EQ(send_one(f, 0, 60), 60);
    CHECK_EQ(deliver_one(b, 0, 60), 60);
    CHECK_EQ(netdev_table.offload(f->net, 10, 0, 0), 0);
    CHECK_EQ(b->hdr_len, 12);            /* it follows */
    CHECK_EQ(deliver_one(b, 1, 60), 60); /* with the header of before: lost */
    settle();
    CHECK_EQ(b->hdr_len, 10);
    CHECK_EQ(b->ngot + f->ngot, 0);
    CHECK_EQ(send_one(f, 2, 60), 60);
    CHECK_EQ(deliver_one(b, 2, 60), 60);
    settle();
    CHECK_EQ(b->ngot, 1);
    CHECK_EQ(f->ngot, 1);
}

TEST(a_back_end_may_refuse_offloads)
{
    begin();
    b = make(TN_K_NETDEV, "back,id=n,refuses=on");
    f = make(TN_K_DEVICE, "front,id=f,netdev=n,hdr=12");
    CHECK_EQ(f->offload, -ENOTSUP);
    CHECK_EQ(netdev_table.offload(f->net, 12, 0, 0), -ENOTSUP);
    CHECK(make(TN_K_NETDEV, "hubport,id=p,hubid=1"));
    f = make(TN_K_DEVICE, "front,id=g,netdev=p,hdr=12");
    CHECK_EQ(f->offload, -ENOTSUP);
    int fd;
    CHECK_EQ(netdev_table.fds(f->net, &fd, 1), -ENOTSUP);
}

/* ---- MAC addresses ---- */

TEST(addresses_are_given_in_order_around_those_that_are_taken)
{
    begin();
    struct front *g = make(TN_K_DEVICE, "front,id=a,mac=52:54:00:12:34:57"), *h, *i;
    h = make(TN_K_DEVICE, "front,id=b");
    i = make(TN_K_DEVICE, "front,id=c");
    CHECK_EQ(g->mac[5], 0x57);
    CHECK_EQ(h->mac[5], 0x56);
    CHECK_EQ(i->mac[5], 0x58);
    CHECK_EQ(i->mac[0], 0x52);
    device_free(device_of(h->d));
    h = make(TN_K_DEVICE, "front,id=d");
    CHECK_EQ(h->mac[5], 0x56);
}

int main(void)
{
    RUN(packets_pass_each_with_its_own_lock);
    RUN(a_back_end_without_a_lock_is_called_at_once);
    RUN(a_full_back_end_fills_the_queue_then_one_packet_is_kept);
    RUN(a_kept_packet_can_be_taken_back);
    RUN(a_full_front_end_fills_the_queue_then_the_back_end_waits);
    RUN(packets_of_all_sizes_keep_their_bytes);
    RUN(lengths_that_overflow_are_refused);
    RUN(a_front_end_in_an_iothread_is_called_there);
    RUN(a_back_end_without_a_front_end_hears_so);
    RUN(one_front_end_at_a_time);
    RUN(links);
    RUN(offloads_are_agreed_on_in_realize_and_follow_later);
    RUN(a_back_end_may_refuse_offloads);
    RUN(addresses_are_given_in_order_around_those_that_are_taken);
    end();
    return tap_done();
}
