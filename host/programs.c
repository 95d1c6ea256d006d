/* SPDX-License-Identifier: BSD-2-Clause */
#include "programs.h"

#include "sandbox/spawner.h"
#include <errno.h>
#include <string.h>

/* Some scalar of it is a rule like guestfwd=tcp:10.0.2.100:7-cmd:cat, or smb=. */
static int has_command(const struct kv_node *n)
{
    for (size_t i = 0; i < n->n_child; i++)
        if (has_command(n->child[i]))
            return 1;
    return kv_is_scalar(n) && (strstr(n->text, "-cmd:") || (n->key && strcmp(n->key, "smb") == 0));
}

static int any_command(const struct cli_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (has_command(l->v[i].kv))
            return 1;
    return 0;
}

int programs_allow(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    int wanted = o->mons.n || o->dump_topology ||
                 (o->incoming && strncmp(o->incoming, "exec:", 5) == 0) ||
                 any_command(&o->netdevs) || any_command(&o->nets) || any_command(&o->nics);
    vm->no_programs = o->sandbox.enable && o->sandbox.spawn == CLI_DENY;
    if (!wanted || vm->no_programs)
        return 0;
    vm->spawner = spawner_new(
        (o->sandbox.enable ? SPAWN_CONFINED : 0) | (o->daemonize ? SPAWN_DETACHED : 0), e);
    return vm->spawner ? 0 : -ENOMEM;
}
