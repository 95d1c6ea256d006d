/* SPDX-License-Identifier: BSD-2-Clause */
/* -netdev user: what user.c, user_poll.c and user_fwd.c share. Everything runs [main][dev]:
 * libslirp is one state machine. */
#ifndef TN_NET_USER_H
#define TN_NET_USER_H
#include "reass.h"
#include "rules.h"
#include <slirp/libslirp.h>
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/net.h>
#include <tenon/os.h>

/* A descriptor of libslirp's, or of one of ours. */
struct user_fd {
    struct user *u;
    struct tn_watch *watch; /* NULL: not watched */
    uint32_t events, ready; /* TN_FD_*: asked for; come since the last turn */
    uint32_t seen;          /* the turn that asked for it */
};

struct user_forward;
struct user_command;
struct user_share;
struct user {
    struct tn_dev *d;
    const struct tn_loop *loop;
    const struct tn_os *os;
    const struct tn_net_feed *feed;
    /* options */
    const char *hostname, *net, *host, *tftp, *tftp_server_name, *bootfile, *dhcpstart, *dns,
        *domainname, *ipv6_prefix, *ipv6_host, *ipv6_dns, *smb, *smbserver;
    struct tn_list dnssearch, hostfwd, guestfwd; /* of const char * */
    uint32_t ipv4, ipv6, ipv6_prefixlen;
    uint8_t restricted;
    /* state */
    Slirp *slirp;
    struct tn_bh *turn; /* slirp is asked what it waits for */
    struct tn_timer *timeout;
    struct user_fd **fds; /* by number */
    uint32_t nfds, turns;
    uint32_t short_of_memory;      /* a callback of slirp's had none */
    struct user_forward *forwards; /* of guestfwd= */
    struct user_command *commands; /* of those with cmd:, and smb= */
    struct user_share *share;      /* smb= */
    uint32_t frames;               /* from the guest */
    struct net4 v4;
    struct reass reass; /* fragments from the guest */
};

/* ---- user_poll.c ---- */
extern const SlirpCb user_callbacks; /* opaque is the struct user */
int user_poll_init(struct user *u, struct tn_err *e);
void user_poll_fini(struct user *u);
void user_poll_soon(struct user *u); /* something may have changed what slirp waits for */

/* ---- user_cmd.c ---- */
/* guestfwd=RULE-cmd:COMMAND; tcp: the command's connection is one of TCP. 0 or -errno with e. */
int user_add_command(struct user *u, const char *rule, const struct guest_rule *r, uint32_t tcp,
                     struct tn_err *e);
/* Starts commands for the connections that wait. */
void user_commands_accept(struct user *u);
void user_commands_end(struct user *u); /* while watches are there */

/* ---- user_smb.c ---- */
int user_add_share(struct user *u, struct tn_err *e); /* smb=. 0 or -errno with e */
void user_share_end(struct user *u);                  /* after user_commands_end() */

/* ---- user_fwd.c; 0 or -errno with e ---- */
int user_add_forwards(struct user *u, struct tn_err *e);
void user_forwards_poll(struct user *u); /* slirp may take more */
void user_forwards_fini(struct user *u);
extern const struct tn_net_forwards user_forwards; /* TN_NET_FORWARDS_1 */

#endif
