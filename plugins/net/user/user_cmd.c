/* SPDX-License-Identifier: BSD-2-Clause */
/* guestfwd=...-cmd, smb=: a program for each connection of the guest, which has it as its standard
 * streams. libslirp connects to a socket of ours; who accepts that starts the program. The socket
 * has no name by which others could find it: libslirp is told the number of its descriptor. */
#include "relay.h"
#include "user.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096, PROGRAMS_MOST = 64 }; /* programs: at a time */

struct user_program {
    struct user_command *c;
    struct user_program *next;
    struct tn_watch *watch;
    int fd;              /* of os->run(); -1: it has ended */
    struct relay *relay; /* NULL: none, or it has ended */
};
struct user_command {
    struct user *u;
    struct user_command *next;
    uint32_t tcp; /* the program wants a connection of TCP */
    char *words;  /* what args points at */
    const char *args[RULE_WORDS + 1];
    struct tn_watch *watch;
    int listener, place; /* place: O_PATH of where it is bound */
    struct user_program *programs;
    uint32_t nprograms, warned;
};

/* ---- programs ---- */

static void unlink_program(struct user_program *p)
{
    struct user_program **at = &p->c->programs;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->c->nprograms--;
}

static void free_if_ended(struct user_program *p)
{
    if (p->fd >= 0 || p->relay)
        return;
    unlink_program(p);
    free(p);
}

static void ended(void *s, uint32_t ev)
{
    struct user_program *p = s;
    struct user *u = p->c->u;
    int status;
    (void)ev;
    u->os->ended(u->d, p->fd, 0, &status);
    u->loop->fd_del(p->watch);
    u->os->close(u->d, p->fd);
    p->watch = NULL;
    p->fd = -1;
    free_if_ended(p);
}

static void relay_ended(void *s, struct relay *r)
{
    struct user_program *p = s;
    relay_free(r);
    p->relay = NULL;
    free_if_ended(p);
}

/* What the program is given: the connection, or TCP's that is relayed to it. Takes conn over; or
 * -errno. */
static int for_program(struct user_program *p, int conn)
{
    int pair[2], r = p->c->tcp ? tcp_pair(pair) : 0;
    if (!p->c->tcp)
        return conn;
    if (r < 0) {
        close(conn);
        return r;
    }
    p->relay = relay_new(p->c->u->d, p->c->u->loop, conn, pair[0], relay_ended, p);
    if (p->relay)
        return pair[1];
    close(pair[1]);
    return -ENOMEM;
}

static int run(struct user_command *c, int conn, struct tn_err *e)
{
    struct user *u = c->u;
    const struct tn_program_fd fds[] = {{conn, 0}, {conn, 1}, {conn, 2}};
    return u->os->run(u->d,
                      &(struct tn_program){.struct_size = sizeof(struct tn_program),
                                           .flags = TN_PROGRAM_SESSION,
                                           .args = c->args,
                                           .fds = fds,
                                           .nfds = ARRAY_SIZE(fds)},
                      e);
}

static const char *option(const struct user_command *c)
{
    return c->tcp ? "smb" : "guestfwd";
}

static void cannot_start(struct user_command *c, int err)
{
    if (!c->warned)
        c->u->d->core->warn(c->u->d, "%s: '%s' cannot be started: %s", option(c), c->args[0],
                            strerror(err));
    c->warned = 1; /* a guest can try for ever */
}

/* Takes conn over. */
static void start(struct user_command *c, int conn)
{
    struct user *u = c->u;
    struct user_program *p = calloc(1, sizeof *p);
    if (!p) {
        close(conn);
        cannot_start(c, ENOMEM);
        return;
    }
    p->c = c;
    int theirs = for_program(p, conn);
    p->fd = theirs < 0 ? theirs : run(c, theirs, NULL);
    close_fd(&theirs);
    if (p->fd < 0) {
        cannot_start(c, -p->fd);
        relay_free(p->relay);
        free(p);
        return;
    }
    p->next = c->programs;
    c->programs = p;
    c->nprograms++;
    p->watch = u->loop->fd(u->d, NULL, 0, p->fd, TN_FD_IN, ended, p);
}

/* ---- connections ---- */

static void accept_all(struct user_command *c)
{
    for (int conn; (conn = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        if (c->nprograms < PROGRAMS_MOST) {
            start(c, conn);
            continue;
        }
        close(conn);
        c->u->d->core->guest_error(c->u->d, "%s: more than %d connections to '%s'", option(c),
                                   PROGRAMS_MOST, c->args[0]);
    }
}

static void came(void *s, uint32_t ev)
{
    (void)ev;
    accept_all(s);
}

void user_commands_accept(struct user *u)
{
    for (struct user_command *c = u->commands; c; c = c->next)
        accept_all(c);
}

/* ---- life ---- */

/* Bound to a name that nobody knows, and that is taken away before anybody could connect: a socket
 * that does not listen yet refuses. */
static int bind_hidden(struct user_command *c)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *dir = getenv("TMPDIR");
    uint64_t salt;
    if (getrandom(&salt, sizeof salt, 0) != sizeof salt)
        return -EAGAIN;
    int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/tenon-%016llx", dir ? dir : "/tmp",
                     (unsigned long long)salt);
    if (n >= (int)sizeof a.sun_path)
        return -ENAMETOOLONG;
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->listener < 0 || bind(c->listener, (struct sockaddr *)&a, sizeof a) < 0)
        return -errno;
    c->place = open(a.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int err = c->place < 0 ? errno : 0;
    unlink(a.sun_path);
    return err ? -err : listen(c->listener, BACKLOG) < 0 ? -errno : 0;
}

static int listen_for(struct user_command *c, const char *rule, const struct guest_rule *r,
                      struct tn_err *e)
{
    struct user *u = c->u;
    struct in_addr server = r->server;
    char path[32];
    int err = bind_hidden(c);
    if (err < 0)
        return tn_fail(u->d, e, -err, "guestfwd '%s': no socket: %s", rule, strerror(-err));
    c->watch = u->loop->fd(u->d, NULL, 0, c->listener, TN_FD_IN, came, c);
    if (!c->watch)
        return tn_fail(u->d, e, ENOMEM, "no memory for a watch");
    snprintf(path, sizeof path, "/proc/self/fd/%d", c->place);
    return slirp_add_unix(u->slirp, path, &server, r->port) < 0
               ? tn_fail(u->d, e, EINVAL,
                         "conflicting/invalid host:port in guest forwarding rule '%s'", rule)
               : 0;
}

int user_add_command(struct user *u, const char *rule, const struct guest_rule *r, uint32_t tcp,
                     struct tn_err *e)
{
    if (!TN_HAS(u->os, run))
        return tn_fail(u->d, e, ENOTSUP, "guestfwd '%s': this host starts no programs", rule);
    u->os->need(u->d, "connect-unix");
    struct user_command *c = calloc(1, sizeof *c);
    if (!c)
        return tn_fail(u->d, e, ENOMEM, "no memory for a rule");
    *c = (struct user_command){.u = u,
                               .next = u->commands,
                               .tcp = tcp,
                               .words = malloc(strlen(r->command) + 1),
                               .listener = -1,
                               .place = -1};
    u->commands = c;
    if (!c->words || rule_split_command(r->command, c->words, c->args) < 0)
        return tn_fail(u->d, e, EINVAL, "Invalid guest forwarding rule '%s'", rule);
    return listen_for(c, rule, r, e);
}

static void forget(const struct user *u, struct tn_watch *watch)
{
    if (watch)
        u->loop->fd_del(watch);
}

/* The programs see the end of their connections. */
void user_commands_end(struct user *u)
{
    for (struct user_command *c = u->commands, *next; c; c = next) {
        next = c->next;
        for (struct user_program *p = c->programs, *other; p; p = other) {
            other = p->next;
            forget(u, p->watch);
            relay_free(p->relay);
            free(p);
        }
        forget(u, c->watch);
        close_fd(&c->listener);
        close_fd(&c->place);
        free(c->words);
        free(c);
    }
    u->commands = NULL;
}
