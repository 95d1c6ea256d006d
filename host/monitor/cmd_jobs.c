/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs: work that goes on behind a command, with a name, until its result is dismissed. Those that
 * are there are QEMU's snapshots inside of images, which no format here can hold: they conclude
 * with the error that QEMU has for such an image. A machine is saved to a file by migrate and
 * savevm. */
#include "monitor_impl.h"

#include "core/loop.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum status { CREATED, RUNNING, ABORTING, CONCLUDED, NONE };
static const char *const status_names[] = {"created", "running", "aborting", "concluded", "null"};

struct job {
    LIST_ENTRY(job) entry;
    char *id, *device, *error;
    const char *type;
    enum status status;
};
struct jobs {
    struct vm *vm;
    LIST_HEAD(, job) all; /* the newest first */
    struct tn_bh *bh;     /* those that run are done */
};

static struct jobs *jobs_of(struct vm *vm)
{
    struct monitors *ms = vm->monitors;
    if (!ms->jobs) {
        ms->jobs = XNEW(struct jobs);
        ms->jobs->vm = vm;
        LIST_INIT(&ms->jobs->all);
    }
    return ms->jobs;
}

static void job_free(struct job *j)
{
    LIST_REMOVE(j, entry);
    free(j->id);
    free(j->device);
    free(j->error);
    free(j);
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    while (!LIST_EMPTY(&jobs->all))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
        job_free(LIST_FIRST(&jobs->all));
    if (jobs->bh)
        bh_del(jobs->bh);
    free(jobs);
}

static void set_status(struct vm *vm, struct job *j, enum status s)
{
    struct kv_node *data = kv_new(KV_DICT);
    j->status = s;
    ret_str(data, "status", status_names[s]);
    ret_str(data, "id", j->id);
    monitor_event(vm, "JOB_STATUS_CHANGE", data);
}

static struct job *find(struct vm *vm, const char *id)
{
    struct job *j;
    LIST_FOREACH(j, &jobs_of(vm)->all, entry)
    if (strcmp(j->id, id) == 0)
        break;
    return j;
}

/* ---- what a job does ---- */

static int has_node(struct vm *vm, const char *name)
{
    struct qmp_call c = {.vm = vm};
    struct kv_node *nodes = NULL;
    ERR_AUTO e = {0};
    int found = 0;
    if (monitor_run(&c, "query-named-block-nodes", NULL, &nodes, &e) < 0)
        return 0;
    for (size_t i = 0; i < nodes->n_child && !found; i++) {
        const char *node = kv_text(nodes->child[i], "node-name");
        found = node && strcmp(node, name) == 0;
    }
    kv_free(nodes);
    return found;
}

static char *why_not(struct vm *vm, const char *device)
{
    return !device ? xstrdup("At least one device is required for snapshot")
           : has_node(vm, device)
               ? xasprintf("Device '%s' is writable but does not support snapshots", device)
               : xasprintf("No block device node '%s'", device);
}

static void do_jobs(void *p)
{
    struct jobs *jobs = p;
    struct job *j;
    LIST_FOREACH(j, &jobs->all, entry)
    if (j->status == RUNNING) {
        j->error = why_not(jobs->vm, j->device);
        set_status(jobs->vm, j, ABORTING);
        set_status(jobs->vm, j, CONCLUDED);
    }
}

/* QEMU's identifiers: a letter, then letters, digits and -._ */
static int is_id(const char *id)
{
    if (!isalpha((unsigned char)*id))
        return 0;
    while (isalnum((unsigned char)*id) || (*id && strchr("-._", *id)))
        id++;
    return !*id;
}

static int start(struct qmp_call *c, const char *type, struct tn_err *e)
{
    struct jobs *jobs = jobs_of(c->vm);
    const char *id = arg_str(c, "job-id");
    const struct kv_node *devices = kv_get(c->args, "devices");
    if (!is_id(id))
        return err_set(e, EINVAL, "Invalid job ID '%s'", id);
    if (find(c->vm, id))
        return err_set(e, EEXIST, "Job ID '%s' already in use", id);
    struct job *j = XNEW(struct job);
    j->id = xstrdup(id);
    j->type = type;
    j->device = devices->n_child ? xstrdup(devices->child[0]->text) : NULL;
    LIST_INSERT_HEAD(&jobs->all, j, entry);
    if (!jobs->bh)
        jobs->bh = bh_new(c->vm->main, NULL, 0, do_jobs, jobs);
    set_status(c->vm, j, CREATED);
    set_status(c->vm, j, RUNNING);
    bh_kick(jobs->bh);
    return 0;
}

static int snapshot_save(struct qmp_call *c, struct tn_err *e)
{
    return start(c, "snapshot-save", e);
}

static int snapshot_load(struct qmp_call *c, struct tn_err *e)
{
    return start(c, "snapshot-load", e);
}

static int snapshot_delete(struct qmp_call *c, struct tn_err *e)
{
    return start(c, "snapshot-delete", e);
}

/* ---- what can be done to it ---- */

static int refuse(struct qmp_call *c, const char *verb, struct tn_err *e)
{
    const struct job *j = find(c->vm, arg_str(c, "id"));
    return j ? err_set(e, EINVAL, "Job '%s' in state '%s' cannot accept command verb '%s'", j->id,
                       status_names[j->status], verb)
             : err_set(e, ENOENT, "Job not found");
}

static int job_cancel(struct qmp_call *c, struct tn_err *e)
{
    return refuse(c, "cancel", e);
}

static int job_pause(struct qmp_call *c, struct tn_err *e)
{
    return refuse(c, "pause", e);
}

static int job_resume(struct qmp_call *c, struct tn_err *e)
{
    return refuse(c, "resume", e);
}

static int job_complete(struct qmp_call *c, struct tn_err *e)
{
    return refuse(c, "complete", e);
}

static int job_finalize(struct qmp_call *c, struct tn_err *e)
{
    return refuse(c, "finalize", e);
}

static int job_dismiss(struct qmp_call *c, struct tn_err *e)
{
    struct job *j = find(c->vm, arg_str(c, "id"));
    if (!j || j->status != CONCLUDED)
        return refuse(c, "dismiss", e);
    set_status(c->vm, j, NONE);
    job_free(j);
    return 0;
}

static int query_jobs(struct qmp_call *c, struct tn_err *e)
{
    const struct job *j;
    (void)e;
    c->ret = kv_new(KV_LIST);
    LIST_FOREACH(j, &jobs_of(c->vm)->all, entry)
    {
        struct kv_node *d = ret_dict(c->ret, NULL);
        ret_int(d, "current-progress", j->status == CONCLUDED);
        ret_str(d, "status", status_names[j->status]);
        ret_int(d, "total-progress", 1);
        ret_str(d, "type", j->type);
        ret_str(d, "id", j->id);
        if (j->error)
            ret_str(d, "error", j->error);
    }
    return 0;
}

/* ---- tables ---- */

static const char *const types_of_jobs[] = {
    "commit", "stream",        "mirror",        "backup",          "create",
    "amend",  "snapshot-load", "snapshot-save", "snapshot-delete", NULL};
static const char *const statuses[] = {"undefined", "created",   "running", "paused",
                                       "ready",     "standby",   "waiting", "pending",
                                       "aborting",  "concluded", "null",    NULL};
static const struct qmp_member info[] = {{"id", "str", 0},
                                         {"type", "JobType", 0},
                                         {"status", "JobStatus", 0},
                                         {"current-progress", "int", 0},
                                         {"total-progress", "int", 0},
                                         {"error", "str", 1},
                                         {0}};
static const struct qmp_member snapshot_args[] = {
    {"job-id", "str", 0}, {"tag", "str", 0}, {"vmstate", "str", 0}, {"devices", "[str]", 0}, {0}};
static const struct qmp_member delete_args[] = {
    {"job-id", "str", 0}, {"tag", "str", 0}, {"devices", "[str]", 0}, {0}};
static const struct qmp_member id_args[] = {{"id", "str", 0}, {0}};
static const struct qmp_member change[] = {{"id", "str", 0}, {"status", "JobStatus", 0}, {0}};

static const struct qmp_type types[] = {
    {.name = "JobType", .meta = QMP_ENUM, .values = types_of_jobs},
    {.name = "JobStatus", .meta = QMP_ENUM, .values = statuses},
    {.name = "JobInfo", .members = info},
    {.name = "snapshot-save-arg", .members = snapshot_args},
    {.name = "snapshot-delete-arg", .members = delete_args},
    {.name = "job-arg", .members = id_args},
    {.name = "JOB_STATUS_CHANGE-arg", .members = change},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "snapshot-save", .args = "snapshot-save-arg", .run = snapshot_save},
    {.name = "snapshot-load", .args = "snapshot-save-arg", .run = snapshot_load},
    {.name = "snapshot-delete", .args = "snapshot-delete-arg", .run = snapshot_delete},
    {.name = "query-jobs", .ret = "[JobInfo]", .flags = QMP_PRECONFIG, .run = query_jobs},
    {.name = "job-cancel", .args = "job-arg", .flags = QMP_PRECONFIG, .run = job_cancel},
    {.name = "job-pause", .args = "job-arg", .flags = QMP_PRECONFIG, .run = job_pause},
    {.name = "job-resume", .args = "job-arg", .flags = QMP_PRECONFIG, .run = job_resume},
    {.name = "job-complete", .args = "job-arg", .flags = QMP_PRECONFIG, .run = job_complete},
    {.name = "job-finalize", .args = "job-arg", .flags = QMP_PRECONFIG, .run = job_finalize},
    {.name = "job-dismiss", .args = "job-arg", .flags = QMP_PRECONFIG, .run = job_dismiss},
    {0},
};
static const struct qmp_event events[] = {{"JOB_STATUS_CHANGE", "JOB_STATUS_CHANGE-arg", 0, NULL},
                                          {0}};

const struct qmp_module qmp_jobs = {.types = types, .commands = commands, .events = events};
