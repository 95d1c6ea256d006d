/* SPDX-License-Identifier: BSD-2-Clause */
/* x-query-*: for programs, what `info` says to people, as one text. */
#include "hmp_impl.h"

#include "util/buf.h"
#include <errno.h>
#include <string.h>

/* The text of `info NAME`. */
static int ask(struct qmp_call *c, const char *name, struct tn_err *e)
{
    const struct hmp_command *info = hmp_find(name, strlen(name), 1);
    BUF_AUTO text = {0};
    int r = info ? info->run(c, "", &text, e)
                 : err_set(e, ENOTSUP, "this program is built without HMP, which answers this");
    if (r < 0)
        return r;
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "human-readable-text", buf_cstr(&text));
    return 0;
}

#define ASKS(fn, name)                                  \
    static int fn(struct qmp_call *c, struct tn_err *e) \
    {                                                   \
        return ask(c, name, e);                         \
    }
ASKS(interrupt_controllers, "pic")
ASKS(irq, "irq")
ASKS(jit, "jit")
ASKS(numa, "numa")
ASKS(opcount, "opcount")
ASKS(ramblock, "ramblock")
ASKS(roms, "roms")
ASKS(usb, "usb")

static const struct qmp_member text[] = {{"human-readable-text", "str", 0}, {0}};
static const struct qmp_type types[] = {{.name = "HumanReadableText", .members = text}, {0}};

#define QUERY(n, fn)                                                                        \
    {                                                                                       \
        .name = "x-query-" n, .ret = "HumanReadableText", .run = fn, .features = "unstable" \
    }
static const struct qmp_command commands[] = {
    QUERY("interrupt-controllers", interrupt_controllers),
    QUERY("irq", irq),
    QUERY("jit", jit),
    QUERY("numa", numa),
    QUERY("opcount", opcount),
    QUERY("ramblock", ramblock),
    QUERY("roms", roms),
    QUERY("usb", usb),
    {0},
};

const struct qmp_module qmp_x_query = {.types = types, .commands = commands};
