/* SPDX-License-Identifier: BSD-2-Clause */
/* dump-guest-memory, query-dump, query-dump-guest-memory-capability: guest memory as an ELF core
 * file. The machine stands still meanwhile; with detach=true the monitor does not wait. */
#include "hmp.h"

#include "core/loop.h"
#include "core/progress.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "vm/dump.h"
#include "vm/machine.h"
#include "vm/run.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The dump that is under way, and how the last one ended. */
struct dump_job {
    struct vm *vm;
    struct dump *dump; /* NULL: none is under way */
    struct tn_bh *bh;  /* of a detached one */
    enum dump_status status;
    uint64_t done, total;
    uint32_t resume; /* the machine ran before */
};

static const char *const statuses[] = {"none", "active", "completed", "failed", NULL};
static const char *const formats[] = {"elf",
                                      "kdump-zlib",
                                      "kdump-lzo",
                                      "kdump-snappy",
                                      "kdump-raw-zlib",
                                      "kdump-raw-lzo",
                                      "kdump-raw-snappy",
                                      "win-dmp",
                                      NULL};

void dump_job_free(struct dump_job *j)
{
    if (!j)
        return;
    if (j->bh)
        bh_del(j->bh);
    dump_free(j->dump);
    free(j);
}

static struct dump_job *job_of(struct vm *vm)
{
    struct machine *m = vm->machine;
    if (!m->dump) {
        m->dump = XNEW(struct dump_job);
        m->dump->vm = vm;
    }
    return m->dump;
}

/* ---- progress ---- */

static void fill_result(struct kv_node *out, const struct dump_job *j)
{
    ret_uint(out, "total", j->total);
    ret_str(out, "status", statuses[j->status]);
    ret_uint(out, "completed", j->done);
}

static void finish(struct dump_job *j, int err, const struct tn_err *e)
{
    struct kv_node *data = kv_new(KV_DICT);
    j->status = err < 0 ? DUMP_FAILED : DUMP_COMPLETED;
    fill_result(ret_dict(data, "result"), j);
    if (err < 0)
        ret_str(data, "error", err_text(e));
    monitor_event(j->vm, "DUMP_COMPLETED", data);
    dump_free(j->dump);
    j->dump = NULL;
    if (j->resume)
        run_resume(j->vm);
}

/* 1: there is more. */
static int step(struct dump_job *j, struct tn_err *e)
{
    int r = dump_step(j->dump, e);
    j->done = dump_done(j->dump);
    if (r <= 0)
        finish(j, r, e);
    return r;
}

static void detached_step(void *p)
{
    struct dump_job *j = p;
    ERR_AUTO e = {0};
    if (j->dump && step(j, &e) > 0)
        bh_kick(j->bh);
}

/* ---- start ---- */

static int check_format(const struct qmp_call *c, struct tn_err *e)
{
    const char *format = arg_str(c, "format");
    if (!format || strcmp(format, "elf") == 0)
        return 0;
    if (strncmp(format, "kdump", 5) == 0 &&
        (arg_bool(c, "paging", 0) || arg_has(c, "begin") || arg_has(c, "length")))
        return err_set(e, EINVAL, "kdump-compressed format doesn't support paging or filter");
    return err_set(e, ENOTSUP, "%s is not available now", format);
}

static int check_range(const struct qmp_call *c, struct tn_err *e)
{
    if (arg_has(c, "begin") && !arg_has(c, "length"))
        return err_set(e, EINVAL, "Parameter 'length' is missing");
    if (!arg_has(c, "begin") && arg_has(c, "length"))
        return err_set(e, EINVAL, "Parameter 'begin' is missing");
    if (arg_has(c, "length") && arg_int(c, "length", 0) <= 0)
        return err_set(e, EINVAL, "parameter 'length' expects a non-zero size");
    return 0;
}

static int open_target(struct qmp_call *c, struct tn_err *e)
{
    const char *where = arg_str(c, "protocol");
    if (strncmp(where, "fd:", 3) == 0)
        return monitor_take_fd(c->vm, where + 3, e);
    if (strncmp(where, "file:", 5) != 0)
        return err_set(e, EINVAL, "parameter 'protocol' must start with 'file:' or 'fd:'");
    int fd = open(where + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR);
    return fd < 0 ? err_set(e, errno, "Could not create '%s': %s", where + 5, strerror(errno)) : fd;
}

static int begin(struct dump_job *j, struct qmp_call *c, struct tn_err *e)
{
    struct dump_options o = {.fd = open_target(c, e),
                             .paging = (uint32_t)arg_bool(c, "paging", 0),
                             .clipped = (uint32_t)arg_has(c, "begin"),
                             .begin = (uint64_t)arg_int(c, "begin", 0),
                             .length = (uint64_t)arg_int(c, "length", 0)};
    if (o.fd < 0)
        return o.fd;
    j->resume = run_state(c->vm) == RUN_RUNNING;
    if (j->resume)
        run_pause(c->vm);
    j->done = 0;
    j->dump = dump_begin(c->vm, &o, e);
    if (!j->dump && j->resume)
        run_resume(c->vm);
    if (!j->dump)
        return -EINVAL;
    j->total = dump_total(j->dump);
    j->status = DUMP_ACTIVE;
    return 0;
}

static int all_steps(struct dump_job *j, struct tn_err *e)
{
    struct progress p;
    int err;
    progress_begin(&p, "dumping guest memory", j->total);
    while ((err = step(j, e)) > 0)
        progress_at(&p, j->done);
    progress_end(&p);
    return err;
}

static int dump_guest_memory(struct qmp_call *c, struct tn_err *e)
{
    struct dump_job *j = job_of(c->vm);
    if (j->dump)
        return err_set(e, EBUSY, "There is a dump in process, please wait.");
    int err = check_format(c, e);
    if (err == 0)
        err = check_range(c, e);
    if (err == 0)
        err = begin(j, c, e);
    if (err < 0)
        return err;
    if (arg_bool(c, "detach", 0)) {
        if (!j->bh)
            j->bh = bh_new(c->vm->main, NULL, 0, detached_step, j);
        bh_kick(j->bh);
        return 0;
    }
    return all_steps(j, e);
}

static int query_dump(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    fill_result(c->ret, job_of(c->vm));
    return 0;
}

static int query_capability(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_str(ret_list(c->ret, "formats"), NULL, "elf");
    return 0;
}

/* ---- HMP ---- */

static const char flag_letters[] = "pdzlsRw";
enum { PAGING = 1, DETACH = 2, ZLIB = 4, LZO = 8, SNAPPY = 16, RAW = 32, WIN = 64 };

static const char *format_of(uint32_t flags)
{
    uint32_t raw = flags & RAW;
    return flags & WIN      ? "win-dmp"
           : flags & ZLIB   ? raw ? "kdump-raw-zlib" : "kdump-zlib"
           : flags & LZO    ? raw ? "kdump-raw-lzo" : "kdump-lzo"
           : flags & SNAPPY ? raw ? "kdump-raw-snappy" : "kdump-snappy"
                            : "elf";
}

static int hmp_range(struct hmp_args *a, struct kv_node *args)
{
    static const char *const keys[] = {"begin", "length"};
    for (int i = 0; i < 2 && hmp_more(a); i++) {
        uint64_t v;
        if (hmp_number(a, &v) < 0)
            return -EINVAL;
        ret_uint(args, keys[i], v);
    }
    return 0;
}

static int hmp_dump(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint32_t flags = 0;
    AUTO_FREE char *file = NULL;
    KV_AUTO *args = kv_new(KV_DICT);
    (void)out;
    if (hmp_flags(&a, flag_letters, &flags) < 0 || hmp_word(&a, "filename", &file) < 0)
        return -EINVAL;
    AUTO_FREE char *where = xasprintf("file:%s", file);
    ret_bool(args, "paging", (flags & PAGING) != 0);
    ret_bool(args, "detach", (flags & DETACH) != 0);
    ret_str(args, "protocol", where);
    ret_str(args, "format", format_of(flags));
    if (hmp_range(&a, args) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    return monitor_run(c, "dump-guest-memory", args, NULL, e);
}

static int info_dump(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    const struct dump_job *j = job_of(c->vm);
    (void)line;
    (void)e;
    buf_printf(out, "Status: %s\n", statuses[j->status]);
    if (j->status == DUMP_ACTIVE && j->total)
        buf_printf(out, "Finished: %.2f %%\n", 100.0 * (double)j->done / (double)j->total);
    return 0;
}

/* ---- tables ---- */

static const struct qmp_member dump_args[] = {
    {"paging", "bool", 0}, {"protocol", "str", 0}, {"detach", "bool", 1},
    {"begin", "int", 1},   {"length", "int", 1},   {"format", "DumpGuestMemoryFormat", 1},
    {NULL, NULL, 0}};
static const struct qmp_member result[] = {
    {"status", "DumpStatus", 0}, {"completed", "int", 0}, {"total", "int", 0}, {NULL, NULL, 0}};
static const struct qmp_member capability[] = {{"formats", "[DumpGuestMemoryFormat]", 0},
                                               {NULL, NULL, 0}};
static const struct qmp_member completed[] = {
    {"result", "DumpQueryResult", 0}, {"error", "str", 1}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "DumpGuestMemoryFormat", .meta = QMP_ENUM, .values = formats},
    {.name = "DumpStatus", .meta = QMP_ENUM, .values = statuses},
    {.name = "dump-guest-memory-arg", .meta = QMP_OBJECT, .members = dump_args},
    {.name = "DumpQueryResult", .meta = QMP_OBJECT, .members = result},
    {.name = "DumpGuestMemoryCapability", .meta = QMP_OBJECT, .members = capability},
    {.name = "DUMP_COMPLETED-arg", .meta = QMP_OBJECT, .members = completed},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "dump-guest-memory", .args = "dump-guest-memory-arg", .run = dump_guest_memory},
    {.name = "query-dump", .ret = "DumpQueryResult", .run = query_dump},
    {.name = "query-dump-guest-memory-capability",
     .ret = "DumpGuestMemoryCapability",
     .run = query_capability},
    {0},
};
static const struct qmp_event events[] = {
    {.name = "DUMP_COMPLETED", .data = "DUMP_COMPLETED-arg"},
    {0},
};
static const struct hmp_command hmp[] = {
    {"dump-guest-memory", "[-p] [-d] [-z|-l|-s|-w] [-R] filename [begin length]",
     "dump guest memory into file 'filename'.", 0, hmp_dump, NULL},
    {"dump", "", "Display the latest dump status", 1, info_dump, NULL},
    {0},
};

const struct qmp_module qmp_dump = {
    .types = types, .commands = commands, .events = events, .hmp = hmp};
