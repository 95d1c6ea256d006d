/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(...) (snprintf(why, RULE_WHY, __VA_ARGS__), -EINVAL)

/* The text before the separator goes to word, and *at behind it. -EINVAL: no separator, or too
 * long.
 */
static int cut(const char **at, char sep, char word[RULE_TEXT])
{
    const char *end = strchr(*at, sep);
    size_t n = end ? (size_t)(end - *at) : 0;
    if (!end || n >= RULE_TEXT)
        return -EINVAL;
    memcpy(word, *at, n);
    word[n] = 0;
    *at = end + 1;
    return 0;
}

static int parse_port(const char *text, int may_be_0, uint16_t *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || v > 65535 || (!v && !may_be_0))
        return -EINVAL;
    *out = (uint16_t)v;
    return 0;
}

static int parse_ip(const char *text, struct in_addr *out)
{
    return inet_pton(AF_INET, text, out) == 1 ? 0 : -EINVAL;
}

/* ---- forwarding ---- */

static int bad(const char **why, const char *what)
{
    *why = what;
    return -EINVAL;
}

int rule_parse_hostfwd(const char *text, struct host_rule *out, const char **why)
{
    char word[RULE_TEXT];
    *out = (struct host_rule){0};
    if (cut(&text, ':', word) < 0)
        return bad(why, "No : separators");
    out->udp = strcmp(word, "udp") == 0;
    if (*word && !out->udp && strcmp(word, "tcp") != 0)
        return bad(why, "Bad protocol name");
    if (cut(&text, ':', word) < 0)
        return bad(why, "Missing : separator");
    if (*word && parse_ip(word, &out->host) < 0)
        return bad(why, "Bad host address");
    if (cut(&text, '-', word) < 0)
        return bad(why, "Bad host port separator");
    if (parse_port(word, 1, &out->host_port) < 0)
        return bad(why, "Bad host port");
    if (cut(&text, ':', word) < 0)
        return bad(why, "Missing guest address");
    if (*word && parse_ip(word, &out->guest) < 0)
        return bad(why, "Bad guest address");
    return parse_port(text, 0, &out->guest_port) < 0 ? bad(why, "Bad guest port") : 0;
}

static int starts(const char **at, const char *word)
{
    size_t n = strlen(word);
    int yes = strncmp(*at, word, n) == 0;
    *at += yes ? n : 0;
    return yes;
}

static int parse_target(const char *at, struct guest_rule *out)
{
    out->kind = starts(&at, "tcp:")       ? TARGET_TCP
                : starts(&at, "unix:")    ? TARGET_UNIX
                : starts(&at, "cmd:")     ? TARGET_CMD
                : starts(&at, "chardev:") ? TARGET_CHARDEV
                                          : (enum guest_target) - 1;
    if (out->kind == (enum guest_target) - 1 || !*at)
        return -EINVAL;
    if (out->kind == TARGET_CMD) {
        out->command = at;
        return 0;
    }
    if (strlen(at) >= RULE_TEXT)
        return -EINVAL;
    if (out->kind == TARGET_TCP)
        return cut(&at, ':', out->host) < 0 ? -EINVAL : parse_port(at, 0, &out->target_port);
    strcpy(out->host, at);
    return 0;
}

int rule_parse_guestfwd(const char *text, struct guest_rule *out)
{
    char word[RULE_TEXT];
    memset(out, 0, sizeof *out);
    if (cut(&text, ':', word) < 0 || (*word && strcmp(word, "tcp") != 0))
        return -EINVAL;
    if (cut(&text, ':', word) < 0 || (*word && parse_ip(word, &out->server) < 0))
        return -EINVAL;
    if (cut(&text, '-', word) < 0 || parse_port(word, 0, &out->port) < 0)
        return -EINVAL;
    return parse_target(text, out);
}

/* ---- commands ---- */

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* From behind a quote to behind the one that ends it; NULL: there is none. POSIX.1 Shell 2.2 */
static const char *take_quoted(const char *at, char quote, char **to)
{
    for (; *at && *at != quote; at++) {
        if (quote == '"' && *at == '\\' && at[1] && strchr("$`\"\\\n", at[1]))
            at++;
        *(*to)++ = *at;
    }
    return *at ? at + 1 : NULL;
}

static const char *take_word(const char *at, char **to)
{
    while (at && *at && !is_blank(*at))
        if (*at == '\'' || *at == '"') {
            at = take_quoted(at + 1, *at, to);
        } else {
            at += *at == '\\' && at[1];
            *(*to)++ = *at++;
        }
    *(*to)++ = 0;
    return at;
}

int rule_split_command(const char *text, char *words, const char *args[RULE_WORDS + 1])
{
    uint32_t n = 0;
    for (;;) {
        while (is_blank(*text))
            text++;
        args[n] = NULL;
        if (!*text)
            return n ? 0 : -EINVAL;
        if (n == RULE_WORDS)
            return -EINVAL;
        args[n++] = words;
        text = take_word(text, &words);
        if (!text)
            return -EINVAL;
    }
}

/* ---- the network ---- */

static int parse_mask(const char *text, struct in_addr *mask, char why[RULE_WHY])
{
    uint16_t bits;
    if (parse_ip(text, mask) == 0)
        return 0;
    if (parse_port(text, 0, &bits) < 0)
        return FAIL("Failed to parse netmask");
    if (bits < 4 || bits > 32)
        return FAIL("Invalid netmask provided (must be in range 4-32)");
    mask->s_addr = htonl(0xffffffffu << (32 - bits));
    return 0;
}

static int parse_network(const char *text, struct net4 *n, char why[RULE_WHY])
{
    char word[RULE_TEXT];
    const char *at = text;
    int has_mask = cut(&at, '/', word) == 0;
    if (parse_ip(has_mask ? word : text, &n->net) < 0)
        return FAIL("Failed to parse network: '%.100s'", text);
    n->mask.s_addr = htonl(0xffffff00);
    if (has_mask && parse_mask(at, &n->mask, why) < 0)
        return -EINVAL;
    n->net.s_addr &= n->mask.s_addr;
    return 0;
}

/* text, or the default's place in the network. */
static int place(const struct net4 *n, const char *text, uint32_t at, const char *what,
                 struct in_addr *out, char why[RULE_WHY])
{
    out->s_addr = n->net.s_addr | (htonl(at) & ~n->mask.s_addr);
    if (text && parse_ip(text, out) < 0)
        return FAIL("Failed to parse %s: '%.100s'", what, text);
    return (out->s_addr & n->mask.s_addr) == n->net.s_addr
               ? 0
               : FAIL("%s doesn't belong to network", what);
}

int rule_parse_net4(const struct net4_text *t, struct net4 *n, char why[RULE_WHY])
{
    if (parse_network(t->net ? t->net : "10.0.2.0/24", n, why) < 0 ||
        place(n, t->host, 0x0202, "Host", &n->host, why) < 0 ||
        place(n, t->dhcp, 0x020f, "DHCP", &n->dhcp, why) < 0 ||
        place(n, t->dns, 0x0203, "DNS", &n->dns, why) < 0)
        return -EINVAL;
    if (n->dns.s_addr == n->host.s_addr)
        return FAIL("DNS must be different from host");
    return n->dhcp.s_addr == n->host.s_addr || n->dhcp.s_addr == n->dns.s_addr
               ? FAIL("DHCP must be different from host and DNS")
               : 0;
}
