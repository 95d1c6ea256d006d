/* SPDX-License-Identifier: BSD-2-Clause */
/* announce-self: NICs say by RARP where they are, so that switches learn it; several rounds,
 * further and further apart. Main thread. */
#include "net_impl.h"

#include "cli/kvtree.h"
#include "core/loop.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>
#include <string.h>

enum { RARP_LEN = 60, MS = 1000000 };

struct net_announce {
    LIST_ENTRY(net_announce) entry;
    struct vm *vm;
    char *id;
    struct kv_node *interfaces; /* NULL: all */
    struct tn_timer *timer;
    int64_t initial, max, step, rounds, left;
};

/* RFC 903: who has my address? Padded to the shortest frame. */
static void make_rarp(uint8_t p[RARP_LEN], const uint8_t mac[6])
{
    static const uint8_t fixed[] = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
    memset(p, 0, RARP_LEN);
    memset(p, 0xff, 6);
    memcpy(p + 6, mac, 6);
    memcpy(p + 12, fixed, sizeof fixed);
    memcpy(p + 22, mac, 6);
    memcpy(p + 32, mac, 6);
}

static int is_meant(const struct net_announce *a, const struct net_nic *nic)
{
    if (!a->interfaces)
        return 1;
    for (size_t i = 0; i < a->interfaces->n_child; i++)
        if (strcmp(a->interfaces->child[i]->text, device_id(nic->m.dev)) == 0)
            return 1;
    return 0;
}

/* Asks the driver to say it, too; the address that the card has now, which its guest may have
 * changed. */
static void ask(const struct net_nic *nic, uint8_t mac[6])
{
    struct tn_net_rx r = {.struct_size = sizeof r};
    void *self;
    const struct tn_nic *ops = device_iface(nic->m.dev, TN_NIC_1, &self);
    memcpy(mac, nic->mac, sizeof nic->mac);
    if (!ops)
        return;
    int entered = domain_enter(nic->m.dev->domain);
    if (TN_HAS(ops, rx_filter) && ops->rx_filter(self, &r) == 0)
        memcpy(mac, r.mac, sizeof r.mac);
    if (TN_HAS(ops, announce))
        ops->announce(self);
    domain_leave(nic->m.dev->domain, entered);
}

static void say(struct vm *vm, const struct net_nic *nic)
{
    struct tn_net *n = net_of_front(vm, nic->m.dev);
    uint8_t frame[RARP_LEN], mac[6];
    ask(nic, mac);
    make_rarp(frame, mac);
    if (n)
        net_inject(n, frame, sizeof frame);
}

static void end(struct net_announce *a)
{
    LIST_REMOVE(a, entry);
    timer_del(a->timer);
    kv_free(a->interfaces);
    free(a->id);
    free(a);
}

static void announce(void *p)
{
    struct net_announce *a = p;
    const struct net_nic *nic;
    TAILQ_FOREACH(nic, &nets_of(a->vm)->nics, entry)
    if (is_meant(a, nic))
        say(a->vm, nic);
    if (--a->left <= 0) {
        end(a);
        return;
    }
    int64_t wait = a->initial + (a->rounds - a->left - 1) * a->step;
    wait = wait < 0 ? 0 : wait > a->max && a->max >= 0 ? a->max : wait;
    timer_arm(a->timer, clock_now(&a->vm->clock, TN_CLK_REAL) + (uint64_t)wait * MS);
}

void net_announce(struct vm *vm, const struct net_announce_params *p)
{
    struct net_announce *a;
    LIST_FOREACH(a, &nets_of(vm)->announces, entry)
    if (strcmp(a->id, p->id) == 0) {
        end(a);
        break;
    }
    if (p->rounds <= 0)
        return;
    a = XNEW(struct net_announce);
    *a = (struct net_announce){.vm = vm,
                               .id = xstrdup(p->id),
                               .interfaces = p->interfaces ? kv_clone(p->interfaces) : NULL,
                               .initial = p->initial,
                               .max = p->max,
                               .step = p->step,
                               .rounds = p->rounds,
                               .left = p->rounds};
    a->timer = timer_new(vm->main, NULL, TN_LF_NOLOCK, TN_CLK_REAL, announce, a);
    LIST_INSERT_HEAD(&nets_of(vm)->announces, a, entry);
    announce(a);
}

void net_announces_free(struct nets *nets)
{
    while (!LIST_EMPTY(&nets->announces))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
        end(LIST_FIRST(&nets->announces));
}
