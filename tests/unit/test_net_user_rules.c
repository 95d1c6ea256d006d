/* SPDX-License-Identifier: BSD-2-Clause */
/* -netdev user: forwarding rules and the network's addresses, as texts. */
#include "rules.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *ip(struct in_addr a)
{
    static char text[4][INET_ADDRSTRLEN];
    static unsigned at;
    return inet_ntop(AF_INET, &a, text[at++ % 4], INET_ADDRSTRLEN);
}

/* ---- commands ---- */

TEST(words_of_a_command)
{
    static const char text[] = " sh -c  'echo  \"a\"' \"b \\\" \\x\" c\\ d'e'\"\" ''\t";
    char words[sizeof text];
    const char *args[RULE_WORDS + 1];
    CHECK_EQ(rule_split_command(text, words, args), 0);
    CHECK_STR(args[0], "sh");
    CHECK_STR(args[1], "-c");
    CHECK_STR(args[2], "echo  \"a\"");
    CHECK_STR(args[3], "b \" \\x");
    CHECK_STR(args[4], "c de");
    CHECK_STR(args[5], "");
    CHECK(!args[6]);
}

TEST(a_command_that_is_none)
{
    static const char *const bad[] = {"", "  ", "'cat", "cat \"x", "cat 'x\\'y'"};
    char words[64], many[2 * RULE_WORDS + 4];
    const char *args[RULE_WORDS + 1];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(rule_split_command(bad[i], words, args), -EINVAL);
    char *room = malloc(sizeof many), *at = many;
    for (int i = 0; i <= RULE_WORDS; i++)
        at = stpcpy(at, "x ");
    CHECK_EQ(rule_split_command(many, room, args), -EINVAL);
    many[2 * RULE_WORDS] = 0; /* one less */
    CHECK_EQ(rule_split_command(many, room, args), 0);
    CHECK(!args[RULE_WORDS]);
    free(room);
}

/* ---- hostfwd ---- */

TEST(a_full_rule)
{
    struct host_rule r;
    const char *why = "";
    CHECK_EQ(rule_parse_hostfwd("udp:127.0.0.1:5353-10.0.2.20:53", &r, &why), 0);
    CHECK(r.udp);
    CHECK_STR(ip(r.host), "127.0.0.1");
    CHECK_STR(ip(r.guest), "10.0.2.20");
    CHECK_EQ(r.host_port, 5353);
    CHECK_EQ(r.guest_port, 53);
}

TEST(what_may_be_left_out)
{
    struct host_rule r;
    const char *why = "";
    CHECK_EQ(rule_parse_hostfwd("::2222-:22", &r, &why), 0);
    CHECK(!r.udp);
    CHECK_STR(ip(r.host), "0.0.0.0");
    CHECK_STR(ip(r.guest), "0.0.0.0");
    CHECK_EQ(rule_parse_hostfwd("tcp::0-:22", &r, &why), 0); /* any free port */
}

TEST(bad_rules_say_what_is_bad)
{
    static const struct {
        const char *rule, *why;
    } bad[] = {
        {"", "No : separators"},
        {"bad", "No : separators"},
        {"sctp::1-:1", "Bad protocol name"},
        {"tcp:1", "Missing : separator"},
        {"tcp:1.2.3:1-:1", "Bad host address"},
        {"tcp:1.2.3.4:1", "Bad host port separator"},
        {"tcp::x-:1", "Bad host port"},
        {"tcp::-:1", "Bad host port"},
        {"tcp::65536-:1", "Bad host port"},
        {"tcp::-1-:1", "Bad host port"},
        {"tcp::1-22", "Missing guest address"},
        {"tcp::1-me:22", "Bad guest address"},
        {"tcp::1-:", "Bad guest port"},
        {"tcp::1-:0", "Bad guest port"},
        {"tcp::1-:22x", "Bad guest port"},
        {"tcp::1-:4294967297", "Bad guest port"},
    };
    struct host_rule r;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *why = "";
        CHECK(rule_parse_hostfwd(bad[i].rule, &r, &why) < 0);
        CHECK_STR(why, bad[i].why);
    }
}

/* ---- guestfwd ---- */

TEST(targets_of_guestfwd)
{
    struct guest_rule r;
    CHECK_EQ(rule_parse_guestfwd("tcp:10.0.2.100:1234-tcp:localhost:80", &r), 0);
    CHECK_EQ(r.kind, TARGET_TCP);
    CHECK_STR(ip(r.server), "10.0.2.100");
    CHECK_EQ(r.port, 1234);
    CHECK_STR(r.host, "localhost");
    CHECK_EQ(r.target_port, 80);
    CHECK_EQ(rule_parse_guestfwd(":10.0.2.100:1-unix:/run/x-y:z", &r), 0);
    CHECK_EQ(r.kind, TARGET_UNIX);
    CHECK_STR(r.host, "/run/x-y:z");
    CHECK_EQ(rule_parse_guestfwd("tcp:10.0.2.100:1-cmd:cat /etc/motd", &r), 0);
    CHECK_EQ(r.kind, TARGET_CMD);
    CHECK_EQ(rule_parse_guestfwd("tcp:10.0.2.100:1-chardev:c0", &r), 0);
    CHECK_EQ(r.kind, TARGET_CHARDEV);
}

TEST(bad_guestfwd)
{
    static const char *const bad[] = {"",
                                      "foo",
                                      "udp:10.0.2.100:1-tcp:a:1",
                                      "tcp:10.0.2:1-tcp:a:1",
                                      "tcp:10.0.2.100:0-tcp:a:1",
                                      "tcp:10.0.2.100:1",
                                      "tcp:10.0.2.100:1-",
                                      "tcp:10.0.2.100:1-tcp:",
                                      "tcp:10.0.2.100:1-tcp:a",
                                      "tcp:10.0.2.100:1-tcp:a:99999",
                                      "tcp:10.0.2.100:1-smoke:x",
                                      "tcp:10.0.2.100:1-unix:"};
    struct guest_rule r;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rule_parse_guestfwd(bad[i], &r) == 0) {
            printf("# '%s' was taken\n", bad[i]);
            CHECK(0);
        }
}

/* ---- the network ---- */

TEST(the_usual_network)
{
    struct net4 n;
    char why[RULE_WHY];
    CHECK_EQ(rule_parse_net4(&(struct net4_text){0}, &n, why), 0);
    CHECK_STR(ip(n.net), "10.0.2.0");
    CHECK_STR(ip(n.mask), "255.255.255.0");
    CHECK_STR(ip(n.host), "10.0.2.2");
    CHECK_STR(ip(n.dns), "10.0.2.3");
    CHECK_STR(ip(n.dhcp), "10.0.2.15");
}

TEST(another_network)
{
    struct net4 n;
    char why[RULE_WHY];
    CHECK_EQ(rule_parse_net4(&(struct net4_text){.net = "192.168.76.9/24"}, &n, why), 0);
    CHECK_STR(ip(n.net), "192.168.76.0");
    CHECK_STR(ip(n.host), "192.168.76.2");
    CHECK_STR(ip(n.dhcp), "192.168.76.15");
    CHECK_EQ(rule_parse_net4(&(struct net4_text){.net = "172.16.0.0/255.240.0.0",
                                                 .host = "172.17.1.1",
                                                 .dns = "172.17.1.2",
                                                 .dhcp = "172.18.0.1"},
                             &n, why),
             0);
    CHECK_STR(ip(n.mask), "255.240.0.0");
    CHECK_STR(ip(n.host), "172.17.1.1");
}

TEST(networks_that_cannot_be)
{
    static const struct {
        struct net4_text t;
        const char *why;
    } bad[] = {
        {{.net = "10.0.2.0/33"}, "must be in range 4-32"},
        {{.net = "10.0.2.0/3"}, "must be in range 4-32"},
        {{.net = "10.0.2.0/x"}, "Failed to parse netmask"},
        {{.net = "10.0.2"}, "Failed to parse network"},
        {{.host = "10.0.3.2"}, "Host doesn't belong to network"},
        {{.host = "x"}, "Failed to parse Host"},
        {{.dns = "10.0.2.2"}, "DNS must be different from host"},
        {{.dns = "9.9.9.9"}, "DNS doesn't belong to network"},
        {{.dhcp = "10.0.2.3"}, "DHCP must be different from host and DNS"},
        {{.dhcp = "1.2.3.4"}, "DHCP doesn't belong to network"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct net4 n;
        char why[RULE_WHY] = "";
        CHECK(rule_parse_net4(&bad[i].t, &n, why) < 0);
        if (!strstr(why, bad[i].why)) {
            printf("# '%s' is not in '%s'\n", bad[i].why, why);
            CHECK(0);
        }
    }
}

int main(void)
{
    RUN(words_of_a_command);
    RUN(a_command_that_is_none);
    RUN(a_full_rule);
    RUN(what_may_be_left_out);
    RUN(bad_rules_say_what_is_bad);
    RUN(targets_of_guestfwd);
    RUN(bad_guestfwd);
    RUN(the_usual_network);
    RUN(another_network);
    RUN(networks_that_cannot_be);
    return tap_done();
}
