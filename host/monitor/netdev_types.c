/* SPDX-License-Identifier: BSD-2-Clause */
/* What netdev_add takes, by type of back end. */
#include "monitor.h"

static const struct qmp_member user[] = {{"hostname", "str", 1},
                                         {"restrict", "bool", 1},
                                         {"ipv4", "bool", 1},
                                         {"ipv6", "bool", 1},
                                         {"net", "str", 1},
                                         {"host", "str", 1},
                                         {"tftp", "str", 1},
                                         {"bootfile", "str", 1},
                                         {"dhcpstart", "str", 1},
                                         {"dns", "str", 1},
                                         {"dnssearch", "[String]", 1},
                                         {"domainname", "str", 1},
                                         {"ipv6-prefix", "str", 1},
                                         {"ipv6-prefixlen", "int", 1},
                                         {"ipv6-host", "str", 1},
                                         {"ipv6-dns", "str", 1},
                                         {"smb", "str", 1},
                                         {"smbserver", "str", 1},
                                         {"hostfwd", "[String]", 1},
                                         {"guestfwd", "[String]", 1},
                                         {"tftp-server-name", "str", 1},
                                         {0}};
static const struct qmp_member tap[] = {{"ifname", "str", 1},      {"fd", "str", 1},
                                        {"fds", "str", 1},         {"script", "str", 1},
                                        {"downscript", "str", 1},  {"br", "str", 1},
                                        {"helper", "str", 1},      {"sndbuf", "size", 1},
                                        {"vnet_hdr", "bool", 1},   {"vhost", "bool", 1},
                                        {"vhostfd", "str", 1},     {"vhostfds", "str", 1},
                                        {"vhostforce", "bool", 1}, {"queues", "uint32", 1},
                                        {"poll-us", "uint32", 1},  {0}};
static const struct qmp_member bridge[] = {{"br", "str", 1}, {"helper", "str", 1}, {0}};
static const struct qmp_member socket_[] = {{"fd", "str", 1},
                                            {"listen", "str", 1},
                                            {"connect", "str", 1},
                                            {"mcast", "str", 1},
                                            {"localaddr", "str", 1},
                                            {"udp", "str", 1},
                                            {0}};
static const struct qmp_member stream[] = {{"addr", "SocketAddress", 0},
                                           {"server", "bool", 1},
                                           {"reconnect", "int", 1},
                                           {"reconnect-ms", "int", 1},
                                           {0}};
static const struct qmp_member dgram[] = {
    {"local", "SocketAddress", 1}, {"remote", "SocketAddress", 1}, {0}};
static const struct qmp_member hubport[] = {{"hubid", "int32", 0}, {"netdev", "str", 1}, {0}};

static const struct qmp_member netdev[] = {{"id", "str", 0}, {"type", "NetClientDriver", 0}, {0}};
static const char *const drivers[] = {"user",  "tap",    "socket",  "stream",
                                      "dgram", "bridge", "hubport", NULL};
static const struct qmp_case cases[] = {
    {"user", user},     {"tap", tap},     {"bridge", bridge},   {"socket", socket_},
    {"stream", stream}, {"dgram", dgram}, {"hubport", hubport}, {0}};

static const struct qmp_type types[] = {
    {.name = "Netdev", .members = netdev, .tag = "type", .cases = cases},
    {.name = "NetClientDriver",
     .meta = QMP_ENUM,
     .values = drivers,
     .classes = QMP_CLASSES(TN_K_NETDEV)},
    {0},
};

const struct qmp_module qmp_netdev_types = {.types = types};
