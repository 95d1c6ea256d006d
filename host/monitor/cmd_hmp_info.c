/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: what memory consists of, and what answers queries in words. */
#include "hmp_impl.h"

#include "util/alloc.h"
#include "vm/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* ---- memory ---- */

/* What the guest cannot write to: firmware, and what devices keep there. */
static int print_rom(void *o, const struct memory_piece *p)
{
    if (p->ro)
        buf_printf(o, "addr=%016" PRIx64 " size=0x%06" PRIx64 " mem=rom name=\"%s\"\n", p->gpa,
                   p->len, p->mem->name);
    return 0;
}

static int info_roms(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    if (hmp_end(&a) < 0)
        return -EINVAL;
    return c->vm->memory ? memory_each_piece(c->vm, print_rom, out) : 0;
}

struct at {
    uint64_t gpa;
    const char *name;
};

static int find_piece(void *o, const struct memory_piece *p)
{
    struct at *at = o;
    if (at->gpa < p->gpa || at->gpa - p->gpa >= p->len)
        return 0;
    at->name = p->mem->name;
    return 1;
}

/* 1: there is memory; 0: that there is none has been said. */
static int read_gpa(struct hmp_args *a, struct at *at, struct buf *out)
{
    if (hmp_number(a, &at->gpa) < 0 || hmp_end(a) < 0)
        return -EINVAL;
    if (a->c->vm->memory)
        memory_each_piece(a->c->vm, find_piece, at);
    if (!at->name)
        buf_printf(out, "No memory is mapped at address 0x%" PRIx64 "\n", at->gpa);
    return at->name != NULL;
}

static int gpa2hva(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct at at = {0, NULL};
    int r = read_gpa(&a, &at, out);
    if (r > 0)
        buf_printf(out, "Host virtual address for 0x%" PRIx64 " (%s) is %p\n", at.gpa, at.name,
                   memory_ptr(c->vm, at.gpa, 1));
    return r < 0 ? r : 0;
}

/* The frame is for root only: others read 0. proc(5), pagemap */
static int frame_of(const void *va, uint64_t *pa)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)va;
    AUTO_CLOSE int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t entry = 0;
    if (fd < 0 ||
        pread(fd, &entry, sizeof entry, (off_t)(at / page * sizeof entry)) != (ssize_t)sizeof entry)
        return -EIO;
    if (!(entry >> 63))
        return -ENOENT;
    *pa = (entry & ((1ull << 55) - 1)) * page + at % page;
    return entry & ((1ull << 55) - 1) ? 0 : -EPERM;
}

static int gpa2hpa(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct at at = {0, NULL};
    uint64_t pa = 0;
    int r = read_gpa(&a, &at, out);
    if (r <= 0)
        return r;
    const volatile uint8_t *va = memory_ptr(c->vm, at.gpa, 1);
    (void)*va; /* a page that nobody has touched is nowhere */
    r = frame_of((const void *)va, &pa);
    if (r == 0)
        buf_printf(out, "Host physical address for 0x%" PRIx64 " (%s) is 0x%" PRIx64 "\n", at.gpa,
                   at.name, pa);
    else if (r == -EPERM)
        return err_set(e, EPERM, "Host physical addresses are for root to see");
    else
        return err_set(e, -r, "Page not present");
    return 0;
}

struct blocks {
    struct buf *out;
    uint64_t offset; /* of one behind the other */
};

static int print_block(void *o, struct tn_mem *m)
{
    struct blocks *b = o;
    uint64_t page = 1ull << m->page_shift;
    buf_printf(b->out,
               "%24s  %5" PRIu64 " %s  0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx64
               " 0x%016" PRIxPTR " %3s\n",
               m->name, page >= 1 << 20 ? page >> 20 : page >> 10, page >= 1 << 20 ? "MiB" : "KiB",
               b->offset, m->len, m->len, (uintptr_t)m->va, "rw");
    b->offset += m->len;
    return 0;
}

static int info_ramblock(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct blocks b = {out, 0};
    if (hmp_end(&a) < 0)
        return -EINVAL;
    buf_printf(out, "%24s %8s  %18s %18s %18s %18s %3s\n", "Block Name", "PSize", "Offset", "Used",
               "Total", "HVA", "RO");
    return c->vm->memory ? memory_each(c->vm, print_block, &b) : 0;
}

/* ---- queries ---- */

static int info_iothreads(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    static const char *const members[][2] = {{"thread_id", "thread-id"},
                                             {"poll-max-ns", "poll-max-ns"},
                                             {"poll-grow", "poll-grow"},
                                             {"poll-shrink", "poll-shrink"},
                                             {"aio-max-batch", "aio-max-batch"}};
    struct hmp_args a = {c, line, e};
    KV_AUTO *list = NULL;
    if (hmp_end(&a) < 0 || monitor_run(c, "query-iothreads", NULL, &list, e) < 0)
        return -EINVAL;
    for (size_t i = 0; i < list->n_child; i++) {
        buf_printf(out, "%s:\n", kv_text(list->child[i], "id"));
        for (size_t k = 0; k < ARRAY_SIZE(members); k++)
            buf_printf(out, "  %s=%s\n", members[k][0], kv_text(list->child[i], members[k][1]));
    }
    return 0;
}

static int is_on(const struct kv_node *dict, const char *key)
{
    const char *text = kv_text(dict, key);
    return text && strcmp(text, "on") == 0;
}

static int info_mice(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    KV_AUTO *list = NULL;
    if (hmp_end(&a) < 0 || monitor_run(c, "query-mice", NULL, &list, e) < 0)
        return -EINVAL;
    if (!list->n_child)
        buf_str(out, "No mouse devices connected\n");
    for (size_t i = 0; i < list->n_child; i++) {
        const struct kv_node *m = list->child[i];
        buf_printf(out, "%c Mouse #%s: %s%s\n", is_on(m, "current") ? '*' : ' ',
                   kv_text(m, "index"), kv_text(m, "name"),
                   is_on(m, "absolute") ? " (absolute)" : "");
    }
    return 0;
}

static int watchdog_action(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *action = NULL;
    ERR_AUTO why = {0};
    (void)out;
    if (hmp_word(&a, "string", &action) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    ret_str(args, "action", action);
    if (monitor_run(c, "watchdog-set-action", args, NULL, &why) < 0)
        return err_set(e, EINVAL, "invalid parameter value: %s", action);
    return 0;
}

static void complete_action(struct qmp_call *c, const char *line, struct buf *out)
{
    static const char *const actions[] = {"reset", "shutdown", "poweroff",  "pause",
                                          "debug", "none",     "inject-nmi"};
    (void)c;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        hmp_offer(out, line, actions[i]);
}

static const struct hmp_command commands[] = {
    {"gpa2hva", "addr", "print the host virtual address corresponding to a guest physical address",
     0, gpa2hva, NULL},
    {"gpa2hpa", "addr", "print the host physical address corresponding to a guest physical address",
     0, gpa2hpa, NULL},
    {"watchdog_action", "[reset|shutdown|poweroff|pause|debug|none|inject-nmi]",
     "change watchdog action", 0, watchdog_action, complete_action},

    {"iothreads", "", "show iothreads", 1, info_iothreads, NULL},
    {"mice", "", "show which guest mouse is receiving events", 1, info_mice, NULL},
    {"ramblock", "", "Display system ramblock information", 1, info_ramblock, NULL},
    {"roms", "", "show roms", 1, info_roms, NULL},
    {0},
};

const struct qmp_module qmp_hmp_info = {.hmp = commands};
