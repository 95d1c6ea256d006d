/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that a client hands over (SCM_RIGHTS): by name, getfd, and as files, add-fd. */
#include "backend/chardev.h"
#include "backend/fdset.h"
#include "hmp.h"
#include "monitor_impl.h"

#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int received(struct qmp_call *c, struct tn_err *e)
{
    int fd = c->mon && c->mon->chr ? chardev_take_fd(c->mon->chr) : -1;
    return fd >= 0 ? fd : err_set(e, EINVAL, "No file descriptor supplied via SCM_RIGHTS");
}

/* ---- by name ---- */

static int getfd(struct qmp_call *c, struct tn_err *e)
{
    const char *name = arg_str(c, "fdname");
    int fd = received(c, e);
    if (fd < 0)
        return fd;
    if (isdigit((unsigned char)*name)) {
        close(fd);
        return err_set(e, EINVAL, "Parameter 'fdname' expects a name not starting with a digit");
    }
    fd_keep(c->vm, name, fd);
    return 0;
}

static int closefd(struct qmp_call *c, struct tn_err *e)
{
    const char *name = arg_str(c, "fdname");
    int fd = fd_take(c->vm, name);
    if (fd < 0)
        return err_set(e, ENOENT, "File descriptor named '%s' not found", name);
    close(fd);
    return 0;
}

int monitor_take_fd(struct vm *vm, const char *name, struct tn_err *e)
{
    char *end;
    if (!isdigit((unsigned char)*name)) {
        int fd = fd_take(vm, name);
        return fd >= 0 ? fd
                       : err_set(e, ENOENT, "File descriptor named '%s' has not been found", name);
    }
    errno = 0;
    long fd = strtol(name, &end, 10);
    return !*end && !errno && fd <= INT32_MAX
               ? (int)fd
               : err_set(e, EINVAL, "Invalid file descriptor number '%s'", name);
}

/* ---- sets ---- */

static int add_fd(struct qmp_call *c, struct tn_err *e)
{
    int64_t id = arg_int(c, "fdset-id", -1);
    int fd = received(c, e);
    if (fd < 0)
        return fd;
    if (arg_has(c, "fdset-id") && id < 0) {
        close(fd);
        return err_set(e, EINVAL, "Parameter 'fdset-id' expects a non-negative value");
    }
    id = fdset_add(c->vm, id, fd, arg_str(c, "opaque"));
    c->ret = kv_new(KV_DICT);
    ret_int(c->ret, "fdset-id", id);
    ret_int(c->ret, "fd", fd);
    return 0;
}

static int remove_fd(struct qmp_call *c, struct tn_err *e)
{
    int64_t fd = arg_int(c, "fd", -1);
    if (fd < -1 || fd > INT32_MAX || (arg_has(c, "fd") && fd < 0))
        return err_set(e, ENOENT, "File descriptor named 'fdset-id:%lld, fd:%lld' not found",
                       (long long)arg_int(c, "fdset-id", 0), (long long)fd);
    return fdset_remove(c->vm, arg_int(c, "fdset-id", 0), (int)fd, e);
}

static int query_fdsets(struct qmp_call *c, struct tn_err *e)
{
    const struct fdset *s;
    const struct fdset_entry *f;
    (void)e;
    c->ret = kv_new(KV_LIST);
    TAILQ_FOREACH(s, &fds_of(c->vm)->sets, link)
    {
        struct kv_node *set = ret_dict(c->ret, NULL);
        ret_int(set, "fdset-id", s->id);
        struct kv_node *list = ret_list(set, "fds");
        LIST_FOREACH(f, &s->fds, link)
        {
            struct kv_node *one = ret_dict(list, NULL);
            ret_int(one, "fd", f->fd);
            if (f->opaque)
                ret_str(one, "opaque", f->opaque);
        }
    }
    return 0;
}

/* ---- HMP ---- */

static int run_named(struct qmp_call *c, const char *command, const char *line, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *name = NULL;
    if (hmp_word(&a, "string", &name) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    kv_set(args, "fdname", name);
    return monitor_run(c, command, args, NULL, e);
}

static int hmp_getfd(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return run_named(c, "getfd", line, e);
}

static int hmp_closefd(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return run_named(c, "closefd", line, e);
}

/* ---- tables ---- */

static const struct qmp_member name_args[] = {{"fdname", "str", 0}, {0}};
static const struct qmp_member add_args[] = {{"fdset-id", "int", 1}, {"opaque", "str", 1}, {0}};
static const struct qmp_member remove_args[] = {{"fdset-id", "int", 0}, {"fd", "int", 1}, {0}};
static const struct qmp_member added[] = {{"fdset-id", "int", 0}, {"fd", "int", 0}, {0}};
static const struct qmp_member fd_info[] = {{"fd", "int", 0}, {"opaque", "str", 1}, {0}};
static const struct qmp_member set_info[] = {
    {"fdset-id", "int", 0}, {"fds", "[FdsetFdInfo]", 0}, {0}};

static const struct qmp_type types[] = {
    {.name = "q_obj_getfd-arg", .members = name_args},
    {.name = "q_obj_add-fd-arg", .members = add_args},
    {.name = "q_obj_remove-fd-arg", .members = remove_args},
    {.name = "AddfdInfo", .members = added},
    {.name = "FdsetFdInfo", .members = fd_info},
    {.name = "FdsetInfo", .members = set_info},
    {0},
};

static const struct qmp_command commands[] = {
    {.name = "getfd", .args = "q_obj_getfd-arg", .run = getfd},
    {.name = "closefd", .args = "q_obj_getfd-arg", .run = closefd},
    {.name = "add-fd", .args = "q_obj_add-fd-arg", .ret = "AddfdInfo", .run = add_fd},
    {.name = "remove-fd", .args = "q_obj_remove-fd-arg", .run = remove_fd},
    {.name = "query-fdsets", .ret = "[FdsetInfo]", .run = query_fdsets},
    {0},
};

static const struct hmp_command hmp[] = {
    {.names = "getfd",
     .params = "name",
     .help = "receive a file descriptor via SCM rights and assign it a name",
     .run = hmp_getfd},
    {.names = "closefd",
     .params = "name",
     .help = "close a file descriptor previously passed via SCM rights",
     .run = hmp_closefd},
    {0},
};

const struct qmp_module qmp_fd = {.types = types, .commands = commands, .hmp = hmp};
