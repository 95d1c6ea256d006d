/* SPDX-License-Identifier: BSD-2-Clause */
/* smb=: a directory for the guest, by a Samba server for each of its connections. What the server
 * needs is in a directory of its own; a shell makes that and takes it away when this process, or
 * the network, is gone. smb.conf(5), smbd(8) */
#include "user.h"

#include "util/alloc.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <tenon/plugin.h>
#include <unistd.h>

#ifndef SMBD
#define SMBD "/usr/sbin/smbd"
#endif

enum { PORT_NETBIOS = 139, PORT_SMB = 445, SAID = 512, END_MS = 10000 };

struct user_share {
    char *dir, *command;
    int pipe, keeper; /* closed, the former ends the latter */
};

/* $1: the directory to make, $2: the one to share, $3: the server. Says "ok", or what is wrong. */
static const char script[] =
    "umask 077\n"
    "no() { echo \"$1\"; exit; }\n"
    "case $2 in /*) to=$2 ;; *) to=./$2 ;; esac\n"
    "share=$([ -n \"$2\" ] && cd \"$to\" 2>/dev/null && pwd -P) || no \"Error accessing shared "
    "directory '$2'\"\n"
    "case $share in *[[:cntrl:]]* | *%* | *\\\\) no \"smb: '$2' cannot be written in smb.conf\" ;; "
    "esac\n"
    "[ -x \"$3\" ] || no \"Could not find '$3', please install it\"\n"
    "mkdir -- \"$1\" 2>/dev/null || no \"smb: cannot make '$1'\"\n"
    "cat >\"$1/smb.conf\" <<END || no \"smb: cannot write '$1/smb.conf'\"\n"
    "[global]\n"
    "private dir = $1\n"
    "lock directory = $1\n"
    "state directory = $1\n"
    "cache directory = $1\n"
    "pid directory = $1\n"
    "ncalrpc dir = $1/ncalrpc\n"
    "smb passwd file = $1/smbpasswd\n"
    "log file = $1/log.smbd\n"
    "interfaces = 127.0.0.1\n"
    "bind interfaces only = yes\n"
    "map to guest = Bad User\n"
    "load printers = no\n"
    "printing = bsd\n"
    "disable spoolss = yes\n"
    "usershare max shares = 0\n"
    "[qemu]\n"
    "path = $share\n"
    "read only = no\n"
    "guest ok = yes\n"
    "force user = $(id -un)\n"
    "END\n"
    "echo ok\n"
    "exec >/dev/null\n"
    "read -r _\n"
    "rm -rf -- \"$1\" 2>/dev/null || { sleep 1; rm -rf -- \"$1\"; }\n";

/* ---- its directory ---- */

static int start_keeper(struct user *u, struct user_share *s, int in, int out, struct tn_err *e)
{
    const char *const args[] = {"/bin/sh", "-c", script, "smb", s->dir, u->smb, SMBD, NULL};
    const struct tn_program_fd fds[] = {{in, 0}, {out, 1}};
    if (!TN_HAS(u->os, run))
        return tn_fail(u->d, e, ENOTSUP, "smb: this host starts no programs");
    return u->os->run(u->d,
                      &(struct tn_program){.struct_size = sizeof(struct tn_program),
                                           .flags = TN_PROGRAM_SESSION,
                                           .args = args,
                                           .fds = fds,
                                           .nfds = ARRAY_SIZE(fds)},
                      e);
}

/* One line. */
static void listen_to(int fd, char said[SAID])
{
    size_t at = 0;
    for (ssize_t n = 1; at < SAID - 1 && n != 0 && !memchr(said, '\n', at);
         at += n > 0 ? (size_t)n : 0)
        if ((n = read(fd, said + at, SAID - 1 - at)) < 0 && errno != EINTR)
            break;
    said[at] = '\0';
    said[strcspn(said, "\n")] = '\0';
}

static int make_directory(struct user *u, struct user_share *s, struct tn_err *e)
{
    char said[SAID] = "";
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0)
        return tn_fail(u->d, e, errno, "smb: no pipe: %s", strerror(errno));
    s->pipe = in[1];
    int r = pipe2(out, O_CLOEXEC) < 0 ? -errno : 0;
    if (r < 0) {
        close(in[0]);
        return tn_fail(u->d, e, -r, "smb: no pipe: %s", strerror(-r));
    }
    s->keeper = start_keeper(u, s, in[0], out[1], e);
    close(in[0]);
    close(out[1]);
    if (s->keeper >= 0)
        listen_to(out[0], said);
    close(out[0]);
    if (s->keeper < 0)
        return s->keeper;
    return strcmp(said, "ok") == 0
               ? 0
               : tn_fail(u->d, e, EINVAL, "%s", said[0] ? said : "smb: no shell");
}

void user_share_end(struct user *u)
{
    struct user_share *s = u->share;
    int status = 0;
    if (!s)
        return;
    close_fd(&s->pipe);
    if (s->keeper >= 0 && u->os->ended(u->d, s->keeper, END_MS, &status) < 0)
        u->d->core->warn(u->d, "smb: '%s' is still there", s->dir);
    free(s->command);
    free(s->dir);
    free(s);
    u->share = NULL;
}

/* ---- its server ---- */

static int new_share(struct user *u)
{
    const char *tmp = getenv("TMPDIR");
    struct user_share *s = u->share = calloc(1, sizeof *s);
    uint64_t salt;
    if (!s)
        return -ENOMEM;
    s->pipe = s->keeper = -1;
    if (getrandom(&salt, sizeof salt, 0) != sizeof salt)
        return -EAGAIN;
    if (asprintf(&s->dir, "%s/tenon-smb-%016llx", tmp ? tmp : "/tmp", (unsigned long long)salt) < 0)
        s->dir = NULL;
    else if (asprintf(&s->command, SMBD " -l '%s' -s '%s/smb.conf'", s->dir, s->dir) < 0)
        s->command = NULL;
    return s->dir && s->command ? 0 : -ENOMEM;
}

/* Of smbserver=; 0.0.0.0 is libslirp's word for .4. */
static int find_address(struct user *u, struct in_addr *a, struct tn_err *e)
{
    a->s_addr = 0;
    if (!u->smbserver)
        return 0;
    if (inet_pton(AF_INET, u->smbserver, a) != 1)
        return tn_fail(u->d, e, EINVAL, "Failed to parse SMB address '%s'", u->smbserver);
    return (a->s_addr & u->v4.mask.s_addr) == u->v4.net.s_addr && a->s_addr != u->v4.host.s_addr &&
                   a->s_addr != u->v4.dns.s_addr
               ? 0
               : tn_fail(u->d, e, EINVAL, "conflicting/invalid smbserver address '%s'",
                         u->smbserver);
}

static int serve(struct user *u, struct in_addr server, uint16_t port, struct tn_err *e)
{
    const struct guest_rule r = {
        .server = server, .port = port, .kind = TARGET_CMD, .command = u->share->command};
    return user_add_command(u, u->share->command, &r, 1, e);
}

int user_add_share(struct user *u, struct tn_err *e)
{
    struct in_addr server;
    int r = find_address(u, &server, e);
    if (r < 0 || !u->smb)
        return r;
    if (u->ipv4 == TN_OFF)
        return tn_fail(u->d, e, EINVAL, "smb= needs ipv4");
    r = new_share(u);
    if (r < 0)
        return tn_fail(u->d, e, -r, "no memory for a share");
    r = make_directory(u, u->share, e);
    if (r == 0)
        r = serve(u, server, PORT_NETBIOS, e);
    return r == 0 ? serve(u, server, PORT_SMB, e) : r;
}
