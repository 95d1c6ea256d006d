/* SPDX-License-Identifier: BSD-2-Clause */
/* memsave, pmemsave: guest memory as bytes in a file. */
#include "hmp.h"
#include "hmp_cpu.h"

#include "util/alloc.h"
#include "util/buf.h"
#include "vm/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 4096 };

struct save {
    struct vm *vm;
    const char *filename;
    uint64_t at, size;
    uint32_t cpu, is_virtual;
    int fd;
};

static int write_all(const struct save *s, const uint8_t *p, size_t len, struct tn_err *e)
{
    while (len) {
        ssize_t n = write(s->fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, n < 0 ? errno : EIO, "writing memory to '%s' failed", s->filename);
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

/* What is mapped nowhere is an error by virtual address; by physical one it reads as zeros. */
static int read_chunk(const struct save *s, uint64_t at, uint8_t *p, size_t len, struct tn_err *e)
{
    uint64_t gpa = at;
    int found = !s->is_virtual || hmp_cpu_translate(s->vm, s->cpu, at, &gpa) == 0;
    if (found && memory_read(s->vm, gpa, p, len) == 0)
        return 0;
    if (s->is_virtual)
        return err_set(e, EFAULT, "Invalid addr 0x%016" PRIx64 "/size %" PRIu64 " specified", s->at,
                       s->size);
    memset(p, 0, len);
    return 0;
}

static int save_all(const struct save *s, struct tn_err *e)
{
    uint8_t page[CHUNK];
    int err = 0;
    for (uint64_t done = 0, n; done < s->size && err == 0; done += n) {
        uint64_t at = s->at + done, left = s->size - done;
        n = CHUNK - at % CHUNK;
        n = n < left ? n : left;
        err = read_chunk(s, at, page, (size_t)n, e);
        if (err == 0)
            err = write_all(s, page, (size_t)n, e);
    }
    return err;
}

/* More than there is memory for is a mistake, and would fill the disk with zeros. */
static int check(const struct save *s, struct tn_err *e)
{
    int wraps = s->size && s->size - 1 > UINT64_MAX - s->at;
    if (wraps || s->size > (uint64_t)1 << 47)
        return err_set(e, EINVAL, "Invalid addr 0x%016" PRIx64 "/size %" PRIu64 " specified", s->at,
                       s->size);
    if (s->is_virtual && !hmp_cpu_exists(s->vm, s->cpu))
        return err_set(e, EINVAL, "Parameter 'cpu-index' expects a CPU number");
    return 0;
}

static int run(struct save *s, struct tn_err *e)
{
    int err = check(s, e);
    if (err < 0)
        return err;
    s->fd = open(s->filename, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->fd < 0)
        return err_set(e, errno, "Could not open '%s': %s", s->filename, strerror(errno));
    err = save_all(s, e);
    if (close(s->fd) < 0 && err == 0)
        err = err_set(e, errno, "writing memory to '%s' failed", s->filename);
    return err;
}

static struct save asked(const struct qmp_call *c, uint32_t is_virtual)
{
    return (struct save){.vm = c->vm,
                         .filename = arg_str(c, "filename"),
                         .at = arg_uint(c, "val", 0),
                         .size = arg_uint(c, "size", 0),
                         .cpu = (uint32_t)arg_int(c, "cpu-index", 0),
                         .is_virtual = is_virtual};
}

static int memsave(struct qmp_call *c, struct tn_err *e)
{
    struct save s = asked(c, 1);
    return run(&s, e);
}

static int pmemsave(struct qmp_call *c, struct tn_err *e)
{
    struct save s = asked(c, 0);
    return run(&s, e);
}

/* ---- HMP: addr size file ---- */

static int hmp_save(struct qmp_call *c, const char *line, uint32_t is_virtual, uint32_t cpu,
                    struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct save s = {.vm = c->vm, .cpu = cpu, .is_virtual = is_virtual};
    uint32_t size;
    AUTO_FREE char *file = NULL;
    if (hmp_number(&a, &s.at) < 0 || hmp_u32(&a, "size", &size) < 0 ||
        hmp_word(&a, "filename", &file) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    s.size = size;
    s.filename = file;
    return run(&s, e);
}

static int hmp_memsave(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return hmp_save(c, line, 1, 0, e);
}

static int hmp_pmemsave(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return hmp_save(c, line, 0, 0, e);
}

/* ---- tables ---- */

static const struct qmp_member memsave_args[] = {{"val", "uint64", 0},
                                                 {"size", "size", 0},
                                                 {"filename", "str", 0},
                                                 {"cpu-index", "int", 1},
                                                 {NULL, NULL, 0}};
static const struct qmp_member pmemsave_args[] = {
    {"val", "uint64", 0}, {"size", "size", 0}, {"filename", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "memsave-arg", .meta = QMP_OBJECT, .members = memsave_args},
    {.name = "pmemsave-arg", .meta = QMP_OBJECT, .members = pmemsave_args},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "memsave", .args = "memsave-arg", .run = memsave},
    {.name = "pmemsave", .args = "pmemsave-arg", .run = pmemsave},
    {0},
};
static const struct hmp_command hmp[] = {
    {"memsave", "addr size file",
     "save to disk virtual memory dump starting at 'addr' of size 'size'", 0, hmp_memsave, NULL},
    {"pmemsave", "addr size file",
     "save to disk physical memory dump starting at 'addr' of size 'size'", 0, hmp_pmemsave, NULL},
    {0},
};

const struct qmp_module qmp_memory_save = {.types = types, .commands = commands, .hmp = hmp};
