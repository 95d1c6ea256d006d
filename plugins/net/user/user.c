/* SPDX-License-Identifier: BSD-2-Clause */
/* user: a network of its own for the guest, with a router, DHCP, DNS and TFTP in it, whose traffic
 * leaves by this process's sockets. libslirp does the work. */
#include "user.h"

#include "util/alloc.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tenon/plugin.h>

enum { FRAME_MOST = 65536 + 4096, PREFIX_LEN = 64 };
/* libslirp would wait for a place in a listener's queue, which somaxconn may have cut to 128. */
enum { ACCEPT_EVERY = 64 };

/* ---- frames ---- */

/* libslirp gets no fragments, see reass.h. */
static void input(struct user *u, const uint8_t *frame, uint32_t len)
{
    enum reass_verdict v =
        reass_frame(&u->reass, frame, len, u->loop->now(u->d, TN_CLK_REAL), &frame, &len);
    if (v != REASS_KEPT)
        slirp_input(u->slirp, frame, (int)len);
    if (u->commands && ++u->frames % ACCEPT_EVERY == 0)
        user_commands_accept(u);
}

static int64_t user_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct user *u = s;
    uint8_t whole[FRAME_MOST];
    uint64_t len = 0;
    (void)q;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].len > FRAME_MOST - len)
            return -EMSGSIZE;
        if (n > 1)
            memcpy(whole + len, v[i].base, v[i].len);
        len += v[i].len;
    }
    input(u, n == 1 ? v[0].base : whole, (uint32_t)len);
    user_poll_soon(u);
    return (int64_t)len;
}

/* ---- options into libslirp's configuration ---- */

struct plan {
    SlirpConfig c;
    const char **search; /* NULL-terminated */
};

static int plan_ipv4(struct user *u, SlirpConfig *c, struct tn_err *e)
{
    char why[RULE_WHY];
    const struct net4_text t = {u->net, u->host, u->dhcpstart, u->dns};
    if (rule_parse_net4(&t, &u->v4, why) < 0)
        return tn_fail(u->d, e, EINVAL, "%s", why);
    c->vnetwork = u->v4.net;
    c->vnetmask = u->v4.mask;
    c->vhost = u->v4.host;
    c->vdhcp_start = u->v4.dhcp;
    c->vnameserver = u->v4.dns;
    return 0;
}

static int parse_ip6(struct user *u, const char *text, const char *usual, const char *what,
                     struct in6_addr *out, struct tn_err *e)
{
    return inet_pton(AF_INET6, text ? text : usual, out) == 1
               ? 0
               : tn_fail(u->d, e, EINVAL, "Failed to parse IPv6 %s: '%s'", what, text);
}

/* Without an address of its own, the last byte of one in the prefix. */
static int in_prefix(struct user *u, const char *text, const struct in6_addr *prefix, uint8_t last,
                     const char *what, struct in6_addr *out, struct tn_err *e)
{
    *out = *prefix;
    out->s6_addr[15] |= last;
    return text ? parse_ip6(u, text, "", what, out, e) : 0;
}

static int plan_ipv6(struct user *u, SlirpConfig *c, struct tn_err *e)
{
    c->vprefix_len = (uint8_t)u->ipv6_prefixlen;
    int r = parse_ip6(u, u->ipv6_prefix, "fec0::", "prefix", &c->vprefix_addr6, e);
    if (r == 0)
        r = in_prefix(u, u->ipv6_host, &c->vprefix_addr6, 2, "host", &c->vhost6, e);
    return r == 0 ? in_prefix(u, u->ipv6_dns, &c->vprefix_addr6, 3, "DNS", &c->vnameserver6, e) : r;
}

static int check_text(struct user *u, const char *what, const char *text, size_t most,
                      struct tn_err *e)
{
    return !text || strlen(text) <= most
               ? 0
               : tn_fail(u->d, e, EINVAL, "'%s' parameter cannot exceed %zu bytes", what, most);
}

static int check(struct user *u, struct tn_err *e)
{
    struct stat st;
    if (u->tftp && (stat(u->tftp, &st) < 0 || !S_ISDIR(st.st_mode)))
        return tn_fail(u->d, e, ENOTDIR, "tftp '%s' is no directory", u->tftp);
    if (u->tftp_server_name && u->ipv4 == TN_OFF)
        return tn_fail(u->d, e, EINVAL, "tftp-server-name= needs ipv4");
    int r = check_text(u, "tftp-server-name", u->tftp_server_name, 255, e);
    if (r == 0)
        r = check_text(u, "domainname", u->domainname, 255, e);
    if (r == 0)
        r = check_text(u, "bootfile", u->bootfile, 127, e);
    return r == 0 ? check_text(u, "hostname", u->hostname, 255, e) : r;
}

static const char **search_list(const struct tn_list *l)
{
    const char **out = calloc(l->n + 1u, sizeof *out);
    for (uint32_t i = 0; out && i < l->n; i++)
        out[i] = *(const char **)(void *)((char *)l->items + (uint64_t)i * l->stride);
    return out;
}

/* ipv6=on alone means IPv6 only, and so on. */
static int plan_families(struct user *u, SlirpConfig *c, struct tn_err *e)
{
    int v4 = u->ipv4 == TN_ON || (u->ipv4 == TN_AUTO && u->ipv6 != TN_ON);
    int v6 = u->ipv6 == TN_ON || (u->ipv6 == TN_AUTO && u->ipv4 != TN_ON);
    if (u->ipv4 == TN_OFF && u->ipv6 == TN_OFF)
        return tn_fail(u->d, e, EINVAL, "ipv4=off and ipv6=off leave nothing");
    if (!v4 && (u->net || u->host || u->dhcpstart || u->dns))
        return tn_fail(u->d, e, EINVAL, "IPv4 disabled but netmask/dhcp/etc provided");
    if (!v6 && (u->ipv6_prefix || u->ipv6_host || u->ipv6_dns))
        return tn_fail(u->d, e, EINVAL, "IPv6 disabled but prefix/host6/dns6 provided");
    c->in_enabled = v4;
    c->in6_enabled = v6;
    return 0;
}

static int make_plan(struct user *u, struct plan *p, struct tn_err *e)
{
    SlirpConfig *c = &p->c;
    int r = check(u, e);
    if (r == 0)
        r = plan_families(u, c, e);
    if (r == 0)
        r = plan_ipv4(u, c, e);
    if (r == 0)
        r = plan_ipv6(u, c, e);
    p->search = r == 0 && u->dnssearch.n ? search_list(&u->dnssearch) : NULL;
    c->version = 3; /* of the structure: all that follows */
    c->restricted = u->restricted;
    c->vhostname = u->hostname;
    c->tftp_server_name = u->tftp_server_name;
    c->tftp_path = u->tftp;
    c->bootfile = u->bootfile;
    c->vdnssearch = p->search;
    c->vdomainname = u->domainname;
    return r;
}

/* Connections are made whenever the guest makes them; name servers are read from /etc/resolv.conf
 * again when it has changed, and TFTP opens what the guest asks for. */
static void ask_sandbox(const struct user *u)
{
    if (!TN_HAS(u->os, need))
        return;
    u->os->need(u->d, "connect-inet");
    if (!u->restricted || u->tftp)
        u->os->need(u->d, "read-files");
}

/* ---- life ---- */

static int user_init(void *s, struct tn_dev *d)
{
    ((struct user *)s)->d = d;
    return 0;
}

static int start(struct user *u, struct tn_err *e)
{
    struct plan p = {0};
    int r = make_plan(u, &p, e);
    if (r == 0)
        u->slirp = slirp_new(&p.c, &user_callbacks, u);
    free(p.search);
    if (r == 0 && !u->slirp)
        r = tn_fail(u->d, e, EINVAL, "libslirp refuses this configuration");
    if (r == 0 && u->short_of_memory)
        r = tn_fail(u->d, e, ENOMEM, "no memory for a timer of libslirp's");
    return r;
}

/* While watches and timers are there: slirp gives back its own. */
static void end(struct user *u)
{
    if (u->slirp)
        slirp_cleanup(u->slirp);
    u->slirp = NULL;
    user_commands_end(u);
    user_share_end(u);
}

static void show(const struct user *u)
{
    char net[INET_ADDRSTRLEN] = "", text[64];
    inet_ntop(AF_INET, &u->v4.net, net, sizeof net);
    snprintf(text, sizeof text, "net=%s,restrict=%s", net, u->restricted ? "on" : "off");
    if (TN_HAS(u->feed, info))
        u->feed->info(u->d, text);
}

static int user_realize(void *s, struct tn_err *e)
{
    struct user *u = s;
    u->loop = TN_GET(u->d, struct tn_loop, TN_LOOP_1);
    u->os = TN_GET(u->d, struct tn_os, TN_OS_1);
    u->feed = TN_GET(u->d, struct tn_net_feed, TN_NET_FEED_1);
    ask_sandbox(u);
    int r = user_poll_init(u, e);
    if (r == 0)
        r = start(u, e);
    if (r == 0)
        r = user_add_forwards(u, e);
    if (r == 0)
        r = user_add_share(u, e);
    if (r < 0) {
        end(u);
        return r;
    }
    show(u);
    user_poll_soon(u);
    return 0;
}

static void user_unrealize(void *s)
{
    end(s);
}

static void user_fini(void *s)
{
    struct user *u = s;
    user_forwards_fini(u);
    user_poll_fini(u);
    reass_free(&u->reass);
}

static const struct tn_net_backend ops = {.struct_size = sizeof ops, .send = user_send};

static const char *const provides[] = {TN_NET_FORWARDS_1, NULL};
static const void *user_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_NET_FORWARDS_1) == 0 ? &user_forwards : NULL;
}

static const struct tn_prop text_item[] = {
    {.type = TN_P_STR, .offset = 0, .size = sizeof(const char *)}};
#define TEXTS(f, nm, hlp)                                                                   \
    {                                                                                       \
        .name = (nm), .help = (hlp), .type = TN_P_LIST, .offset = offsetof(struct user, f), \
        .size = sizeof(struct tn_list), .sub = text_item, .nsub = 1,                        \
        .sub_stride = sizeof text_item[0]                                                   \
    }
static const struct tn_prop props[] = {
    TN_PROP(struct user, ipv4, "ipv4", ONOFFAUTO, TN_AUTO, "has the network IPv4"),
    TN_PROP(struct user, ipv6, "ipv6", ONOFFAUTO, TN_AUTO, "has the network IPv6"),
    TN_PROP_STR(struct user, net, "net", NULL, "network and mask: 10.0.2.0/24"),
    TN_PROP_STR(struct user, host, "host", NULL, "router: .2 of the network"),
    TN_PROP_STR(struct user, dhcpstart, "dhcpstart", NULL, "first of DHCP: .15"),
    TN_PROP_STR(struct user, dns, "dns", NULL, "name server: .3"),
    TEXTS(dnssearch, "dnssearch", "domain for DHCP's search list; may be repeated"),
    TN_PROP_STR(struct user, domainname, "domainname", NULL, "domain for DHCP"),
    TN_PROP_STR(struct user, hostname, "hostname", NULL, "name that DHCP gives the guest"),
    TN_PROP_STR(struct user, ipv6_prefix, "ipv6-prefix", NULL, "network: fec0::"),
    TN_PROP_RANGE(struct user, ipv6_prefixlen, "ipv6-prefixlen", U32, PREFIX_LEN, 1, 126,
                  "bits of the network"),
    TN_PROP_STR(struct user, ipv6_host, "ipv6-host", NULL, "router: ::2 of the network"),
    TN_PROP_STR(struct user, ipv6_dns, "ipv6-dns", NULL, "name server: ::3"),
    TN_PROP(struct user, restricted, "restrict", BOOL, 0, "nothing leaves but what is forwarded"),
    TN_PROP_STR(struct user, tftp, "tftp", NULL, "directory that the router serves by TFTP"),
    TN_PROP_STR(struct user, tftp_server_name, "tftp-server-name", NULL, "RFC 2132 option 66"),
    TN_PROP_STR(struct user, bootfile, "bootfile", NULL, "file that DHCP names for booting"),
    TEXTS(hostfwd, "hostfwd", "[tcp|udp]:[address]:port-[address]:port of host and guest"),
    TEXTS(guestfwd, "guestfwd", "[tcp]:address:port-tcp:host:port, or -unix:path, or -cmd:command"),
    TN_PROP_STR(struct user, smb, "smb", NULL, "directory that a Samba server gives the guest"),
    TN_PROP_STR(struct user, smbserver, "smbserver", NULL, "that server: .4 of the network"),
};

static const struct tn_class user_class = {
    .struct_size = sizeof user_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_NETDEV,
    .category = TN_CAT_NETWORK,
    .name = "user",
    .desc = "A network inside this process",
    .instance_size = sizeof(struct user),
    .props = props,
    .nprops = ARRAY_SIZE(props),
    .prop_stride = sizeof props[0],
    .bus_ops = &ops,
    .provides = provides,
    .get_iface = user_iface,
    .init = user_init,
    .realize = user_realize,
    .unrealize = user_unrealize,
    .fini = user_fini,
};

static const struct tn_class *const classes[] = {&user_class, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_OS_1, TN_NET_FEED_1, NULL};
static const char *const sandbox[] = {"socket", NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "net-user",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "User-mode network",
    .classes = classes,
    .needs = needs,
    .sandbox = sandbox,
};
