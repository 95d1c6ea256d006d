/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-net as a device on the virtio-bus: its life, its state, its properties. */
#include "virtio_net.h"
#include <errno.h>
#include <string.h>
#include <tenon/machine.h>
#include <tenon/plugin.h>

/* ---- queues, by who serves them ---- */

static bool by_vhost(const struct virtio_net *n, uint32_t q)
{
    return n->vhost && q < 2 * n->npairs && !net_is_control(n, q);
}

static int queue_start(void *s, const struct tn_vq *q)
{
    struct virtio_net *n = s;
    if (q->index < 2 * n->npairs && !(q->flags & TN_VQ_RESTORE))
        net_coal_enable(n, q->index);
    return by_vhost(n, q->index) ? net_vhost_queue_start(n, q) : vdev_queue_start(s, q);
}

static int queue_stop(void *s, uint32_t q)
{
    struct virtio_net *n = s;
    return by_vhost(n, q) ? net_vhost_queue_stop(n, q) : vdev_queue_stop(s, q);
}

static int device_reset(void *s)
{
    net_config_reset(s);
    return vdev_reset(s);
}

/* ---- the back end ---- */

static void on_link(void *s, uint32_t up)
{
    net_set_link(s, up != 0);
}

static int on_gone(void *s)
{
    struct virtio_net *n = s;
    if (n->vhost)
        return net_vhost_leave(n);
    net_pairs_unwatch(n);
    return 0;
}

static const struct tn_net_ops net_ops = {.struct_size = sizeof net_ops,
                                          .receive = net_rx_receive,
                                          .link = on_link,
                                          .received = net_rx_received,
                                          .gone = on_gone};

/* For the link alone; a host that knows nothing of that leaves it up. */
static int attach_nobody(struct virtio_net *n)
{
    n->netdev->attach(NULL, n->v.d, NULL, &net_ops, n, NULL);
    return 0;
}

static int attach(struct virtio_net *n, struct tn_err *e)
{
    n->netdev = TN_GET(n->v.d, struct tn_netdev, TN_NETDEV_1);
    n->netdev->mac(n->v.d, n->mac_given);
    memcpy(n->filter.mac, n->mac_given, ETH_ALEN);
    n->npairs = 1;
    if (!n->peer)
        return attach_nobody(n);
    n->npairs = n->netdev->queues(n->peer);
    if (n->npairs > (NET_PAIRS_MAX - 1) / 2)
        return tn_fail(n->v.d, e, EINVAL,
                       "Invalid number of queues (= %u), must be a positive integer less than %d.",
                       n->npairs, (NET_PAIRS_MAX - 1) / 2);
    return n->netdev->attach(n->peer, n->v.d, NULL, &net_ops, n, e);
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct virtio_net *n = self;
    vdev_init(&n->v, d);
    return 0;
}

/* 5.1.2: the control queue is behind the last pair. */
static int make_queues(struct virtio_net *n, struct tn_err *e)
{
    int r = vdev_queues(&n->v, 2 * n->npairs + 1, sizeof(struct vq_elem), 8, e);
    if (r < 0)
        return r;
    net_place_control(n);
    for (uint32_t i = 0; i < n->v.nq; i++)
        n->v.q[i].max_size = i == 2 * n->npairs ? NET_CTRL_QUEUE : i & 1 ? n->tx_size : n->rx_size;
    return vdev_setup(&n->v, net_config_len(n), e);
}

static void tell_boot_order(struct virtio_net *n)
{
    const struct tn_machine *machine = TN_GET(n->v.d, struct tn_machine, TN_MACHINE_1);
    if (TN_HAS(machine, boot))
        machine->boot(n->v.d, n->bootindex, "ethernet-phy@0");
}

static int realize(void *self, struct tn_err *e)
{
    struct virtio_net *n = self;
    int r = attach(n, e);
    if (r == 0)
        r = net_config_init(n, e);
    if (r == 0)
        r = make_queues(n, e);
    if (r == 0)
        r = net_vhost_open(n, e);
    if (r >= 0)
        r = net_pairs_init(n, e);
    if (r < 0)
        return r;
    net_config_reset(n);
    tell_boot_order(n);
    return 0;
}

static void unrealize(void *self)
{
    net_vhost_close(self);
}

static void fini(void *self)
{
    struct virtio_net *n = self;
    net_pairs_fini(n);
    vdev_fini(&n->v);
}

/* ---- state ---- */

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct virtio_net *n = self;
    (void)version;
    if (n->curr_pairs < 1 || n->curr_pairs > n->npairs || !net_filter_valid(&n->filter) ||
        !net_rss_valid(&n->rss, n->npairs))
        return tn_fail(n->v.d, e, EINVAL, "the state of the network device makes no sense");
    net_set_offloads(n, n->offloads);
    return 0;
}

static const struct tn_field coal_fields[] = {
    TN_FIELD_ROW(struct net_pair, coal[NET_COAL_RX].params.packets, "rx_max_packets", U32, 1),
    TN_FIELD_ROW(struct net_pair, coal[NET_COAL_RX].params.usecs, "rx_max_usecs", U32, 1),
    TN_FIELD_ROW(struct net_pair, coal[NET_COAL_TX].params.packets, "tx_max_packets", U32, 1),
    TN_FIELD_ROW(struct net_pair, coal[NET_COAL_TX].params.usecs, "tx_max_usecs", U32, 1),
};

static const struct tn_state coal_state = {
    .struct_size = sizeof coal_state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-net-coal",
    .fields = coal_fields,
    .nfields = sizeof coal_fields / sizeof coal_fields[0],
    .field_stride = sizeof coal_fields[0],
};

static const struct tn_field fields[] = {
    TN_FIELD(struct virtio_net, status, U16),
    TN_FIELD(struct virtio_net, curr_pairs, U32),
    TN_FIELD(struct virtio_net, offloads, U64),
    TN_FIELD_ROW(struct virtio_net, filter.mac, "mac", BYTES, ETH_ALEN),
    TN_FIELD_ROW(struct virtio_net, filter.mode, "rx_mode", BYTES, NET_RX_MODES),
    TN_FIELD_ROW(struct virtio_net, filter.uni_overflow, "uni_overflow", BOOL, 1),
    TN_FIELD_ROW(struct virtio_net, filter.multi_overflow, "multi_overflow", BOOL, 1),
    TN_FIELD_ROW(struct virtio_net, filter.nuni, "nuni", U32, 1),
    TN_FIELD_ROW(struct virtio_net, filter.nmulti, "nmulti", U32, 1),
    TN_FIELD_ROW(struct virtio_net, filter.table, "mac_table", BYTES, NET_MAC_TABLE *ETH_ALEN),
    TN_FIELD_ROW(struct virtio_net, filter.vlan, "vlans", BYTES, VLAN_IDS / 8),
    TN_FIELD_ROW(struct virtio_net, rss.types, "hash_types", U32, 1),
    TN_FIELD_ROW(struct virtio_net, rss.steer, "rss_steer", BOOL, 1),
    TN_FIELD_ROW(struct virtio_net, rss.mask, "rss_mask", U16, 1),
    TN_FIELD_ROW(struct virtio_net, rss.unclassified, "rss_unclassified", U16, 1),
    TN_FIELD_ROW(struct virtio_net, rss.table, "rss_table", U16, NET_RSS_TABLE_MAX),
    TN_FIELD_ROW(struct virtio_net, rss.max_tx, "rss_max_tx", U16, 1),
    TN_FIELD_ROW(struct virtio_net, rss.key, "rss_key", BYTES, NET_HASH_KEY_MAX),
    TN_FIELD_ROW(struct virtio_net, coal[NET_COAL_RX].packets, "rx_max_packets", U32, 1),
    TN_FIELD_ROW(struct virtio_net, coal[NET_COAL_RX].usecs, "rx_max_usecs", U32, 1),
    TN_FIELD_ROW(struct virtio_net, coal[NET_COAL_TX].packets, "tx_max_packets", U32, 1),
    TN_FIELD_ROW(struct virtio_net, coal[NET_COAL_TX].usecs, "tx_max_usecs", U32, 1),
    {.name = "coal",
     .type = TN_S_SUB,
     .offset = offsetof(struct virtio_net, pair),
     .count = offsetof(struct virtio_net, npairs),
     .sub = &coal_state,
     .stride = sizeof(struct net_pair),
     .max = NET_PAIRS_MAX,
     .flags = TN_SF_PTR | TN_SF_COUNT_AT},
    {.name = "queues",
     .type = TN_S_SUB,
     .offset = offsetof(struct virtio_net, v.q),
     .count = offsetof(struct virtio_net, v.nq),
     .sub = &vdev_queue_state,
     .stride = sizeof(struct vdev_queue),
     .max = NET_PAIRS_MAX,
     .flags = TN_SF_PTR | TN_SF_COUNT_AT},
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-net",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

/* ---- what it is ---- */

#define FEATURE(nm, bit, def, hlp) TN_PROP_BIT(struct virtio_net, wanted, nm, bit, def, hlp)

static const struct tn_prop props[] = {
    TN_PROP_REF(struct virtio_net, mac_given, "mac", MAC, 0,
                "Ethernet 6-byte MAC Address, example: 52:54:00:12:34:56"),
    TN_PROP_REF(struct virtio_net, peer, "netdev", NETDEV, 0, "ID of a netdev to use as a backend"),
    FEATURE("csum", NET_F_CSUM, 1, "VIRTIO_NET_F_CSUM"),
    FEATURE("guest_csum", NET_F_GUEST_CSUM, 1, "VIRTIO_NET_F_GUEST_CSUM"),
    FEATURE("gso", NET_F_GSO, 1, "VIRTIO_NET_F_GSO, legacy"),
    FEATURE("guest_tso4", NET_F_GUEST_TSO4, 1, "VIRTIO_NET_F_GUEST_TSO4"),
    FEATURE("guest_tso6", NET_F_GUEST_TSO6, 1, "VIRTIO_NET_F_GUEST_TSO6"),
    FEATURE("guest_ecn", NET_F_GUEST_ECN, 1, "VIRTIO_NET_F_GUEST_ECN"),
    FEATURE("guest_ufo", NET_F_GUEST_UFO, 1, "VIRTIO_NET_F_GUEST_UFO"),
    FEATURE("guest_uso4", NET_F_GUEST_USO4, 1, "VIRTIO_NET_F_GUEST_USO4"),
    FEATURE("guest_uso6", NET_F_GUEST_USO6, 1, "VIRTIO_NET_F_GUEST_USO6"),
    FEATURE("guest_announce", NET_F_GUEST_ANNOUNCE, 1, "VIRTIO_NET_F_GUEST_ANNOUNCE"),
    FEATURE("host_tso4", NET_F_HOST_TSO4, 1, "VIRTIO_NET_F_HOST_TSO4"),
    FEATURE("host_tso6", NET_F_HOST_TSO6, 1, "VIRTIO_NET_F_HOST_TSO6"),
    FEATURE("host_ecn", NET_F_HOST_ECN, 1, "VIRTIO_NET_F_HOST_ECN"),
    FEATURE("host_ufo", NET_F_HOST_UFO, 1, "VIRTIO_NET_F_HOST_UFO"),
    FEATURE("host_uso", NET_F_HOST_USO, 1, "VIRTIO_NET_F_HOST_USO"),
    FEATURE("mrg_rxbuf", NET_F_MRG_RXBUF, 1, "VIRTIO_NET_F_MRG_RXBUF"),
    FEATURE("status", NET_F_STATUS, 1, "VIRTIO_NET_F_STATUS"),
    FEATURE("ctrl_vq", NET_F_CTRL_VQ, 1, "VIRTIO_NET_F_CTRL_VQ"),
    FEATURE("ctrl_rx", NET_F_CTRL_RX, 1, "VIRTIO_NET_F_CTRL_RX"),
    FEATURE("ctrl_vlan", NET_F_CTRL_VLAN, 1, "VIRTIO_NET_F_CTRL_VLAN"),
    FEATURE("ctrl_rx_extra", NET_F_CTRL_RX_EXTRA, 1, "VIRTIO_NET_F_CTRL_RX_EXTRA"),
    FEATURE("ctrl_mac_addr", NET_F_CTRL_MAC_ADDR, 1, "VIRTIO_NET_F_CTRL_MAC_ADDR"),
    FEATURE("ctrl_guest_offloads", NET_F_CTRL_GUEST_OFFLOADS, 1,
            "VIRTIO_NET_F_CTRL_GUEST_OFFLOADS"),
    FEATURE("notf_coal", NET_F_NOTF_COAL, 0, "VIRTIO_NET_F_NOTF_COAL; QEMU does not have it"),
    FEATURE("vq_notf_coal", NET_F_VQ_NOTF_COAL, 0, "VIRTIO_NET_F_VQ_NOTF_COAL; likewise"),
    FEATURE("mq", NET_F_MQ, 0, "VIRTIO_NET_F_MQ: use the queues of the back end"),
    FEATURE("rss", NET_F_RSS, 0, "VIRTIO_NET_F_RSS"),
    FEATURE("hash", NET_F_HASH_REPORT, 0, "VIRTIO_NET_F_HASH_REPORT"),
    TN_PROP(struct virtio_net, tx_timer, "x-txtimer", U32, 150000,
            "ns from a kick to transmission, with tx=timer"),
    TN_PROP(struct virtio_net, tx_burst, "x-txburst", I32, 256,
            "packets sent before others have their turn"),
    TN_PROP_ROW(struct virtio_net, tx, "tx", STR, TN_PF_NODEFAULT, 0, 0, 0, 0, NULL, NULL,
                "bh: send at each kick; timer: collect packets"),
    TN_PROP(struct virtio_net, rx_size, "rx_queue_size", U16, 256,
            "descriptors, a power of 2 from 256 to 1024"),
    TN_PROP(struct virtio_net, tx_size, "tx_queue_size", U16, 256, "likewise"),
    TN_PROP(struct virtio_net, host_mtu, "host_mtu", U16, 0,
            "VIRTIO_NET_F_MTU: the largest packet to use; 0 = not said"),
    TN_PROP(struct virtio_net, mtu_bypass, "x-mtu-bypass-backend", BOOL, 1,
            "host_mtu is offered whatever vhost says"),
    TN_PROP(struct virtio_net, speed, "speed", I32, -1, "Mbit/s to report; -1 = unknown"),
    TN_PROP_ROW(struct virtio_net, duplex_name, "duplex", STR, TN_PF_NODEFAULT, 0, 0, 0, 0, NULL,
                NULL, "half or full, to report"),
    TN_PROP_ROW(struct virtio_net, bootindex, "bootindex", I32, TN_PF_NODEFAULT, 0, -1, 0, 0, NULL,
                NULL, "order among devices to boot from"),
};

static const struct tn_virtio_ops virtio_ops = {
    .struct_size = sizeof virtio_ops,
    .device_id = NET_DEVICE_ID,
    .pci_legacy_id = NET_PCI_LEGACY_ID,
    .pci_class_rev = NET_PCI_CLASS << 8,
    .features = net_features,
    .negotiated = net_negotiated,
    .config_read = net_config_read,
    .config_write = net_config_write,
    .queue_start = queue_start,
    .queue_stop = queue_stop,
    .reset = device_reset,
    .kick = vdev_kick,
};

static const char *const provides[] = {TN_NIC_1, TN_VIRTIO_LENT_1, NULL};
static const void *get_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_NIC_1) == 0           ? (const void *)&net_nic
           : strcmp(id, TN_VIRTIO_LENT_1) == 0 ? (const void *)&net_lent
                                               : NULL;
}

static const struct tn_class virtio_net = {
    .struct_size = sizeof virtio_net,
    .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_NETWORK,
    .name = "virtio-net",
    .desc = "virtio network device",
    .bus = TN_VIRTIO_BUS,
    .instance_size = sizeof(struct virtio_net),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .bus_ops = &virtio_ops,
    .provides = provides,
    .get_iface = get_iface,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .fini = fini,
};

static const struct tn_class *const classes[] = {&virtio_net, NULL};
static const char *const needs[] = {TN_DMA_1, TN_LOOP_1, TN_NETDEV_1, NULL};
static const char *const wants[] = {TN_MACHINE_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "virtio-net",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "virtio network device",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
