/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands of the tables' own shapes, with values that the input chooses, given to a whole machine
 * without a guest: whatever they ask for, there is an answer, and it is of the command's type. */
#include "cli/options.h"
#include "core/loop.h"
#include "monitor/qmp_impl.h"
#include "start.h"
#include "util/alloc.h"
#include "vm/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 6 };

struct input {
    const uint8_t *at;
    size_t left;
};

static uint32_t next(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->at++;
}

/* Words that are something to one command or another. */
static const char *const words[] = {
    "",
    "x",
    "r",
    "/",
    "/machine",
    "/machine/peripheral/r",
    "type",
    "realized",
    "mon",
    "nul",
    "io",
    "virtio-rng-pci",
    "iothread",
    "rng-builtin",
    "null",
    "vga",
    "pci.0",
    "0",
    "18446744073709551615",
    "-1",
    "on",
    "info qtree",
    "info status",
    "device",
};
static const char *const numbers[] = {"0",
                                      "1",
                                      "2",
                                      "-1",
                                      "255",
                                      "4096",
                                      "1099511627776",
                                      "9223372036854775807",
                                      "18446744073709551615",
                                      "-5",
                                      "0.5"};

/* Commands that end the program, write files, or wait for somebody. */
static const char *const apart[] = {"quit",
                                    "memsave",
                                    "pmemsave",
                                    "dump-guest-memory",
                                    "migrate",
                                    "migrate-incoming",
                                    "chardev-add",
                                    "chardev-change",
                                    "netdev_add",
                                    "blockdev-add",
                                    "object-add",
                                    "trace-file",
                                    "screendump",
                                    "system_reset",
                                    "x-exit-preconfig",
                                    "x-trace-file",
                                    "human-monitor-command",
                                    "x-dump-topology",
                                    "migrate-recover",
                                    "snapshot-save",
                                    "snapshot-load"};

static int is_apart(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(apart); i++)
        if (strcmp(apart[i], name) == 0)
            return 1;
    return 0;
}

static struct kv_node *make(struct input *in, const char *type, int depth);

static void make_members(struct input *in, struct kv_node *d, const struct qmp_member *m, int depth)
{
    for (; m && m->name; m++)
        if (!m->optional || next(in) & 1)
            kv_add(d, m->name, make(in, m->type, depth + 1));
}

static const struct qmp_member *more_of(const struct qmp_type *t, const struct kv_node *d)
{
    const char *tag = t->tag ? kv_text(d, t->tag) : NULL;
    for (const struct qmp_case *c = t->cases; tag && c && c->name; c++)
        if (strcmp(c->name, tag) == 0)
            return c->more;
    return NULL;
}

static struct kv_node *make_object(struct input *in, const struct qmp_type *t, int depth)
{
    struct kv_node *d = kv_new(KV_DICT);
    if (depth > MAX_DEPTH)
        return d;
    make_members(in, d, t->members, depth);
    make_members(in, d, more_of(t, d), depth);
    return d;
}

static size_t count(const char *const *v)
{
    size_t n = 0;
    while (v[n])
        n++;
    return n;
}

static struct kv_node *make_of_table(struct input *in, const struct qmp_type *t, int depth)
{
    size_t n = 0;
    if (t->meta == QMP_ENUM)
        return kv_scalar(KV_STRING, t->values[next(in) % count(t->values)]);
    if (t->meta == QMP_OBJECT)
        return make_object(in, t, depth);
    while (t->members[n].name)
        n++;
    return make(in, t->members[next(in) % n].type, depth + 1);
}

static struct kv_node *make_builtin(struct input *in, const struct qmp_builtin *b)
{
    uint32_t v = next(in);
    if (b->range || strcmp(b->name, "number") == 0)
        return kv_scalar(KV_NUMBER, numbers[v % ARRAY_SIZE(numbers)]);
    if (strcmp(b->name, "bool") == 0)
        return kv_scalar(KV_BOOL, v & 1 ? "on" : "off");
    if (strcmp(b->name, "null") == 0)
        return kv_scalar(KV_NULL, "");
    return kv_scalar(KV_STRING, words[v % ARRAY_SIZE(words)]);
}

static struct kv_node *make_list(struct input *in, const char *element, int depth)
{
    struct kv_node *l = kv_new(KV_LIST);
    for (uint32_t n = depth > MAX_DEPTH ? 0 : next(in) % 4; n--;)
        kv_add(l, NULL, make(in, element, depth + 1));
    return l;
}

static struct kv_node *make(struct input *in, const char *type, int depth)
{
    AUTO_FREE char *element = qmp_list_element(type);
    const struct qmp_builtin *b = qmp_builtin_find(type, strlen(type));
    uint32_t how = next(in);
    if (how >= 250) /* now and then of another type */
        return how & 1 ? kv_new(KV_LIST) : kv_scalar(KV_STRING, "?");
    if (element)
        return make_list(in, element, depth);
    return b ? make_builtin(in, b) : make_of_table(in, qmp_type_find(type), depth);
}

/* ---- the machine, made once ---- */

static int no_work(struct monitor *m)
{
    (void)m;
    return 0;
}
static void no_free(struct monitor *m)
{
    (void)m;
}
static const struct monitor_ops ops = {no_work, NULL, no_free};

struct rig {
    struct cli_options options;
    struct vm *vm;
    struct monitor mon;
    const struct qmp_command **commands;
    size_t n;
};

static void collect(struct rig *r)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_command *c = (*m)->commands; c && c->name; c++) {
            if (is_apart(c->name) || c->flags & QMP_FREE_ARGS)
                continue;
            r->commands = xrealloc(r->commands, (r->n + 1) * sizeof *r->commands);
            r->commands[r->n++] = c;
        }
}

static struct rig *rig_new(void)
{
    static const char *const argv[] = {"tenon",    "-accel",
                                       "qtest",    "-sandbox",
                                       "off",      "-display",
                                       "none",     "-nodefaults",
                                       "-M",       "q35",
                                       "-m",       "16M",
                                       "-device",  "virtio-rng-pci,id=r",
                                       "-object",  "iothread,id=io",
                                       "-chardev", "null,id=nul",
                                       "-chardev", "null,id=mon",
                                       "-mon",     "chardev=mon,mode=control",
                                       "-S",       NULL};
    struct rig *r = XNEW(struct rig);
    ERR_AUTO e = {0};
    char *text = NULL;
    if (cli_options_scan(&r->options, ARRAY_SIZE(argv) - 1, (char **)(uintptr_t)argv, &text) < 0)
        abort();
    r->vm = start_vm(&r->options, NULL);
    if (!r->vm || start_machine(r->vm, &r->options, &e) < 0) {
        fprintf(stderr, "%s\n", err_text(&e));
        abort();
    }
    r->mon = (struct monitor){.ops = &ops, .vm = r->vm};
    collect(r);
    return r;
}

static void rig_free(struct rig *r)
{
    vm_free(r->vm);
    cli_options_free(&r->options);
    free(r->commands);
    free(r);
}

static void check_reply(const struct qmp_command *c, const struct kv_node *reply)
{
    ERR_AUTO e = {0};
    const struct kv_node *ret = reply ? kv_get(reply, "return") : NULL;
    if (!reply || (!ret && !kv_text(kv_get(reply, "error"), "desc")))
        abort();
    if (ret && (c->ret ? qmp_check_value(NULL, c->ret, ret, &e) : qmp_check_args(NULL, NULL, ret, 0, &e)) < 0) {
        fprintf(stderr, "%s: %s\n", c->name, err_text(&e));
        abort();
    }
}

static void run_one(struct rig *r, struct input *in)
{
    const struct qmp_command *c = r->commands[(next(in) << 8 | next(in)) % r->n];
    KV_AUTO *request = kv_new(KV_DICT);
    ret_str(request, "execute", c->name);
    if (c->args)
        kv_add(request, "arguments", make_object(in, qmp_type_find(c->args), 0));
    KV_AUTO *reply = qmp_dispatch(&r->mon, QMP_COMMANDS, 0, request);
    if (strcmp(c->name, "qmp_capabilities") != 0)
        check_reply(c, reply);
    for (int i = 0; i < 3; i++)
        loop_once(r->vm->main, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct rig *r = rig_new();
    while (in.left > 4 && !run_ended(r->vm))
        run_one(r, &in);
    rig_free(r);
    return 0;
}
