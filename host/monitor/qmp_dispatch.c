/* SPDX-License-Identifier: BSD-2-Clause */
/* One request: its members, its command, its reply. */
#include "qmp_impl.h"

#include "backend/fdset.h"
#include "core/trace_point.h"
#include "util/alloc.h"
#include <errno.h>
#include <string.h>

#define NOT_FOUND "CommandNotFound"

/* The id goes in front of an error and behind a success, as QEMU has it. */
static void add_id(struct kv_node *reply, const struct kv_node *request)
{
    const struct kv_node *id = request ? kv_get(request, "id") : NULL;
    if (id)
        kv_add(reply, "id", kv_clone(id));
}

struct kv_node *qmp_error(const struct kv_node *request, const char *cls, const char *text)
{
    struct kv_node *reply = kv_new(KV_DICT);
    add_id(reply, request);
    struct kv_node *error = ret_dict(reply, "error");
    ret_str(error, "class", cls ? cls : "GenericError");
    ret_str(error, "desc", text);
    return reply;
}

struct asked { /* a request taken apart */
    const char *name;
    const struct kv_node *args;
    int oob;
};

static int take_name(struct asked *a, const struct kv_node *member, int oob, struct tn_err *e)
{
    if (member->kind != KV_STRING)
        return err_set(e, EINVAL, "QMP input member '%s' must be a string", member->key);
    if (a->name)
        return err_set(e, EINVAL, "QMP input member '%s' clashes with '%s'",
                       oob ? "execute" : "exec-oob", oob ? "exec-oob" : "execute");
    a->name = member->text;
    a->oob = oob;
    return 0;
}

static int take_member(struct asked *a, const struct kv_node *m, int may_oob, struct tn_err *e)
{
    if (strcmp(m->key, "execute") == 0)
        return take_name(a, m, 0, e);
    if (may_oob && strcmp(m->key, "exec-oob") == 0)
        return take_name(a, m, 1, e);
    if (strcmp(m->key, "id") == 0)
        return 0;
    if (strcmp(m->key, "arguments") != 0)
        return err_set(e, EINVAL, "QMP input member '%s' is unexpected", m->key);
    if (m->kind != KV_DICT)
        return err_set(e, EINVAL, "QMP input member 'arguments' must be an object");
    a->args = m;
    return 0;
}

static int take_apart(struct asked *a, const struct kv_node *request, int may_oob, struct tn_err *e)
{
    if (request->kind != KV_DICT)
        return err_set(e, EINVAL, "QMP input must be a JSON object");
    for (size_t i = 0; i < request->n_child; i++)
        if (take_member(a, request->child[i], may_oob, e) < 0)
            return -EINVAL;
    return a->name ? 0 : err_set(e, EINVAL, "QMP input lacks member 'execute'");
}

static int not_found(struct tn_err *e, const char *text)
{
    err_set(e, ENOENT, "%s", text);
    return err_class(e, NOT_FOUND);
}

static int is_negotiation(const char *name)
{
    return strcmp(name, "qmp_capabilities") == 0;
}

/* May it be run now? */
static int permitted(const struct monitor *m, enum qmp_mode mode, const struct asked *a,
                     const struct qmp_command *cmd, struct tn_err *e)
{
    AUTO_FREE char *unknown = xasprintf("The command %s has not been found", a->name);
    if (mode == QMP_NEGOTIATING && !is_negotiation(a->name))
        return not_found(e, "Expecting capabilities negotiation with 'qmp_capabilities'");
    if (mode == QMP_COMMANDS && is_negotiation(a->name))
        return not_found(e, "Capabilities negotiation is already complete, command ignored");
    if (!cmd)
        return not_found(e, unknown);
    if (a->oob && !(cmd->flags & QMP_OOB))
        return err_set(e, EINVAL, "The command %s does not support OOB", a->name);
    if (m->vm->monitors->preconfig && !(cmd->flags & QMP_PRECONFIG))
        return err_set(
            e, EINVAL,
            "The command '%s' is permitted only after machine initialization has completed",
            a->name);
    return 0;
}

int qmp_run(struct qmp_call *c, const struct qmp_command *cmd, const struct kv_node *args,
            struct tn_err *e)
{
    KV_AUTO *none = kv_new(KV_DICT);
    c->args = args ? args : none;
    const void *before = fds_ask(c->vm, c->mon);
    trace_host(c->vm, TRACE_QMP_COMMAND, cmd->name);
    int err = qmp_check_args(c->vm, cmd->args, c->args, (cmd->flags & QMP_FREE_ARGS) != 0, e);
    if (err == 0)
        err = cmd->run(c, e);
    c->args = NULL;
    fds_ask(c->vm, before);
    trace_host(c->vm, TRACE_QMP_ANSWER, cmd->name, (uint64_t)(err < 0 ? -err : 0));
    if (err >= 0)
        return 0;
    kv_free(c->ret);
    c->ret = NULL;
    return err;
}

static struct kv_node *success(const struct kv_node *request, struct kv_node *ret)
{
    struct kv_node *reply = kv_new(KV_DICT);
    kv_add(reply, "return", ret ? ret : kv_new(KV_DICT));
    add_id(reply, request);
    return reply;
}

struct kv_node *qmp_dispatch(struct monitor *m, enum qmp_mode mode, int oob,
                             const struct kv_node *request)
{
    ERR_AUTO e = {0};
    struct asked a = {0};
    struct qmp_call c = {.vm = m->vm, .mon = m};
    const struct qmp_command *cmd = NULL;
    int err = take_apart(&a, request, oob, &e);
    if (err == 0 && a.name) {
        cmd = qmp_command_find(a.name);
        err = permitted(m, mode, &a, cmd, &e);
    }
    if (err == 0 && cmd)
        err = qmp_run(&c, cmd, a.args, &e);
    if (err < 0 || !cmd)
        return qmp_error(request, e.cls, err_text(&e));
    if (cmd->flags & QMP_NO_RETURN) {
        kv_free(c.ret);
        return NULL;
    }
    return success(request, c.ret);
}

int monitor_run(struct qmp_call *from, const char *command, const struct kv_node *args,
                struct kv_node **ret, struct tn_err *e)
{
    const struct qmp_command *cmd = qmp_command_find(command);
    struct qmp_call c = {.vm = from->vm, .mon = from->mon};
    if (!cmd) {
        err_set(e, ENOENT, "The command %s has not been found", command);
        return err_class(e, NOT_FOUND);
    }
    int err = qmp_run(&c, cmd, args, e);
    if (err == 0 && ret)
        *ret = c.ret ? c.ret : kv_new(KV_DICT);
    else
        kv_free(c.ret);
    return err;
}
