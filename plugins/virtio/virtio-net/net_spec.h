/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of the network device: Virtual I/O Device 1.3, section 5.1. */
#ifndef TN_VIRTIO_NET_SPEC_H
#define TN_VIRTIO_NET_SPEC_H

#define BIT_ULL(n) (1ull << (n))

/* 5.1.1; 4.1.2.1: the transitional PCI device ID; PCI class: Ethernet controller */
enum { NET_DEVICE_ID = 1, NET_PCI_LEGACY_ID = 0x1000, NET_PCI_CLASS = 0x020000 };

/* 5.1.3 Feature bits */
enum {
    NET_F_CSUM = 0,
    NET_F_GUEST_CSUM = 1,
    NET_F_CTRL_GUEST_OFFLOADS = 2,
    NET_F_MTU = 3,
    NET_F_MAC = 5,
    NET_F_GSO = 6, /* 5.1.3.2, legacy */
    NET_F_GUEST_TSO4 = 7,
    NET_F_GUEST_TSO6 = 8,
    NET_F_GUEST_ECN = 9,
    NET_F_GUEST_UFO = 10,
    NET_F_HOST_TSO4 = 11,
    NET_F_HOST_TSO6 = 12,
    NET_F_HOST_ECN = 13,
    NET_F_HOST_UFO = 14,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
    NET_F_CTRL_VQ = 17,
    NET_F_CTRL_RX = 18,
    NET_F_CTRL_VLAN = 19,
    NET_F_CTRL_RX_EXTRA = 20,
    NET_F_GUEST_ANNOUNCE = 21,
    NET_F_MQ = 22,
    NET_F_CTRL_MAC_ADDR = 23,
    NET_F_VQ_NOTF_COAL = 52,
    NET_F_NOTF_COAL = 53,
    NET_F_GUEST_USO4 = 54,
    NET_F_GUEST_USO6 = 55,
    NET_F_HOST_USO = 56,
    NET_F_HASH_REPORT = 57,
    NET_F_RSS = 60,
    NET_F_SPEED_DUPLEX = 63
};
/* 6 Reserved feature bits that the device itself looks at */
enum { VIO_F_VERSION_1 = 32 };

/* 5.1.4 Device configuration layout: offsets, and where the space ends with each field */
enum {
    NET_CFG_MAC = 0,
    NET_CFG_STATUS = 6,
    NET_CFG_MAX_PAIRS = 8,
    NET_CFG_MTU = 10,
    NET_CFG_SPEED = 12,
    NET_CFG_DUPLEX = 16,
    NET_CFG_RSS_KEY = 17,
    NET_CFG_RSS_TABLE = 18,
    NET_CFG_HASH_TYPES = 20,
    NET_CFG_LEN = 24
};
enum { NET_S_LINK_UP = 1, NET_S_ANNOUNCE = 2 };
enum { NET_DUPLEX_HALF = 0, NET_DUPLEX_FULL = 1, NET_DUPLEX_UNKNOWN = 0xff };
enum { NET_MTU_MIN = 68, NET_PAIRS_MAX = 0x8000 };

/* 5.1.6 struct virtio_net_hdr: offsets; NET_HDR_*_LEN: how much of it there is */
enum {
    NET_HDR_FLAGS = 0,
    NET_HDR_GSO_TYPE = 1,
    NET_HDR_HDR_LEN = 2,
    NET_HDR_GSO_SIZE = 4,
    NET_HDR_CSUM_START = 6,
    NET_HDR_CSUM_OFFSET = 8,
    NET_HDR_NUM_BUFFERS = 10,
    NET_HDR_HASH_VALUE = 12,
    NET_HDR_HASH_REPORT = 16,
    NET_HDR_LEGACY_LEN = 10, /* legacy without MRG_RXBUF (5.1.6.1) */
    NET_HDR_V1_LEN = 12,
    NET_HDR_HASH_LEN = 20
};
enum { NET_HDR_F_NEEDS_CSUM = 1, NET_HDR_F_DATA_VALID = 2 };
enum {
    NET_GSO_NONE = 0,
    NET_GSO_TCPV4 = 1,
    NET_GSO_UDP = 3,
    NET_GSO_TCPV6 = 4,
    NET_GSO_UDP_L4 = 5,
    NET_GSO_ECN = 0x80
};
/* 5.1.6.3: the longest packet behind its header, and two VLAN tags */
enum { NET_FRAME_MAX = 65550 + 8 };

/* 5.1.6.4.3 Hash types; what is reported is the bit's number + 1 */
enum {
    NET_HASH_IPV4 = 1 << 0,
    NET_HASH_TCPV4 = 1 << 1,
    NET_HASH_UDPV4 = 1 << 2,
    NET_HASH_IPV6 = 1 << 3,
    NET_HASH_TCPV6 = 1 << 4,
    NET_HASH_UDPV6 = 1 << 5,
    NET_HASH_IP_EX = 1 << 6,
    NET_HASH_TCP_EX = 1 << 7,
    NET_HASH_UDP_EX = 1 << 8,
    NET_HASH_ALL = 0x1ff
};
enum { NET_HASH_KEY_MAX = 40, NET_RSS_TABLE_MAX = 128 };

/* 5.1.6.5 Control virtqueue */
enum { NET_OK = 0, NET_ERR = 1 };
enum {
    NET_CTRL_RX = 0,
    NET_CTRL_MAC = 1,
    NET_CTRL_VLAN = 2,
    NET_CTRL_ANNOUNCE = 3,
    NET_CTRL_MQ = 4,
    NET_CTRL_GUEST_OFFLOADS = 5,
    NET_CTRL_NOTF_COAL = 6
};
enum { /* 5.1.6.5.1 */
       NET_RX_PROMISC = 0,
       NET_RX_ALLMULTI = 1,
       NET_RX_ALLUNI = 2,
       NET_RX_NOMULTI = 3,
       NET_RX_NOUNI = 4,
       NET_RX_NOBCAST = 5,
       NET_RX_MODES = 6
};
enum { NET_MAC_TABLE_SET = 0, NET_MAC_ADDR_SET = 1 };                         /* 5.1.6.5.2 */
enum { NET_VLAN_ADD = 0, NET_VLAN_DEL = 1 };                                  /* 5.1.6.5.3 */
enum { NET_ANNOUNCE_ACK = 0 };                                                /* 5.1.6.5.4 */
enum { NET_MQ_PAIRS_SET = 0, NET_MQ_RSS_CONFIG = 1, NET_MQ_HASH_CONFIG = 2 }; /* 5.1.6.5.5 */
enum { NET_GUEST_OFFLOADS_SET = 0 };                                          /* 5.1.6.5.8 */
enum {                                                                        /* 5.1.6.5.9 */
       NET_COAL_TX_SET = 0,
       NET_COAL_RX_SET = 1,
       NET_COAL_VQ_SET = 2,
       NET_COAL_VQ_GET = 3
};

/* IEEE 802.3, 802.1Q */
enum { ETH_ALEN = 6, ETH_HLEN = 14, ETH_VLAN_LEN = 4, ETH_TYPE = 12, VLAN_IDS = 4096 };
enum {
    ETH_P_IPV4 = 0x0800,
    ETH_P_RARP = 0x8035,
    ETH_P_8021Q = 0x8100,
    ETH_P_IPV6 = 0x86dd,
    ETH_P_8021AD = 0x88a8
};

#endif
