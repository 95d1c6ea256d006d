/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts of -netdev user: a network's addresses, and what is forwarded. No state, no sockets:
 * any thread. */
#ifndef TN_NET_USER_RULES_H
#define TN_NET_USER_RULES_H
#include <netinet/in.h>
#include <stdint.h>

enum { RULE_WHY = 200, RULE_TEXT = 256, RULE_WORDS = 60 };

/* hostfwd=[tcp|udp]:[host address]:host port-[guest address]:guest port */
struct host_rule {
    int udp;
    struct in_addr host, guest; /* 0: any of the host's; the first of DHCP */
    uint16_t host_port, guest_port;
};
/* 0, or -EINVAL with what is wrong in why, in few words. */
int rule_parse_hostfwd(const char *text, struct host_rule *out, const char **why);

/* guestfwd=[tcp]:server:port-target */
enum guest_target { TARGET_TCP, TARGET_UNIX, TARGET_CMD, TARGET_CHARDEV };
struct guest_rule {
    struct in_addr server;
    uint16_t port;
    enum guest_target kind;
    char host[RULE_TEXT]; /* of TCP; the path of UNIX; the id of CHARDEV */
    uint16_t target_port; /* of TCP */
    const char *command;  /* of CMD: the end of the rule's text */
};
/* 0, or -EINVAL. */
int rule_parse_guestfwd(const char *text, struct guest_rule *out);
/* The words of a command, with a shell's quotes and backslashes, but nothing else of a shell. They
 * go to words, which has room for as many bytes as text with its NUL, and args points at them,
 * ended by NULL. 0, or -EINVAL: none, too many, or a quote that does not end. */
int rule_split_command(const char *text, char *words, const char *args[RULE_WORDS + 1]);

/* The network as it is given, each NULL for its default; and as it is. */
struct net4_text {
    const char *net, *host, *dhcp, *dns;
};
struct net4 {
    struct in_addr net, mask, host, dhcp, dns;
};
int rule_parse_net4(const struct net4_text *t, struct net4 *out, char why[RULE_WHY]);

#endif
