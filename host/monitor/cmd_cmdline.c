/* SPDX-License-Identifier: BSD-2-Clause */
/* query-command-line-options: the options that have a group of keys, from the table that the
 * command line is read by. */
#include "monitor.h"

#include "cli/scan.h"
#include "util/alloc.h"
#include "vm/machine.h"
#include <errno.h>
#include <string.h>

/* Keys of options whose reader checks them, so that the table has none. */
struct group {
    const char *name;
    const char *const *keys;
};
static const char *const smp_keys[] = {"cpus",  "sockets", "dies",    "modules",
                                       "cores", "threads", "maxcpus", NULL};
static const char *const boot_keys[] = {"order", "once", "menu", "strict", NULL};
static const char *const machine_keys[] = {
    "type", "accel", "memory-backend", "kernel", "initrd", "append", "firmware",
    "usb",  "acpi",  "mem-merge",      "memory", "smp",    "boot",   NULL};
static const char *const mon_keys[] = {"chardev", "mode", "pretty", NULL};
static const char *const chardev_keys[] = {
    "backend", "path",      "host",     "port",  "fd",      "to",           "ipv4",
    "ipv6",    "wait",      "server",   "delay", "nodelay", "reconnect-ms", "reconnect",
    "telnet",  "mux",       "signal",   "name",  "size",    "chardev",      "append",
    "logfile", "logappend", "abstract", "tight", "cols",    "rows",         NULL};
static const struct group groups[] = {{"smp-opts", smp_keys},
                                      {"boot-opts", boot_keys},
                                      {"machine", machine_keys},
                                      {"mon", mon_keys},
                                      {"chardev", chardev_keys}};

static const char *const *keys_of(const struct cli_opt *o)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if (strcmp(groups[i].name, o->section) == 0)
            return groups[i].keys;
    return o->keys;
}

static int is_among(const char *const *words, const char *word)
{
    for (; words && *words; words++)
        if (strcmp(*words, word) == 0)
            return 1;
    return 0;
}

/* The command line knows texts only; what they must be is for clients. */
static const char *type_of(const char *key)
{
    static const char *const booleans[] = {
        "pretty",        "menu",      "strict",     "usb",      "acpi",    "mem-merge", "ipv4",
        "ipv6",          "wait",      "server",     "delay",    "nodelay", "telnet",    "mux",
        "signal",        "append",    "logappend",  "abstract", "tight",   "enable",    "cpu-pm",
        "debug-threads", "timestamp", "guest-name", NULL};
    static const char *const numbers[] = {
        "cpus", "sockets", "dies", "modules",   "cores",        "threads", "maxcpus", "slots",
        "fd",   "set",     "to",   "reconnect", "reconnect-ms", "cols",    "rows",    NULL};
    static const char *const sizes[] = {"size", "maxmem", NULL};
    return is_among(booleans, key)  ? "boolean"
           : is_among(numbers, key) ? "number"
           : is_among(sizes, key)   ? "size"
                                    : "string";
}

static void put_key(struct kv_node *list, const char *key)
{
    struct kv_node *p = ret_dict(list, NULL);
    ret_str(p, "name", key);
    ret_str(p, "type", type_of(key));
}

static void put_option(struct kv_node *list, const struct cli_opt *o)
{
    struct kv_node *d = ret_dict(list, NULL), *keys = ret_list(d, "parameters");
    ret_str(d, "option", o->section);
    for (const char *const *k = keys_of(o); k && *k; k++)
        put_key(keys, *k);
    if (strcmp(o->section, "machine") != 0)
        return;
    for (const struct machine_type *const *t = machine_types; *t; t++)
        for (const char *const *k = (*t)->keys; k && *k; k++)
            put_key(keys, *k);
}

/* Several spellings share a section: the first is it. */
static int is_first(const struct cli_opt *o)
{
    return o->section && cli_opt_by_section(o->section) == o;
}

static int query_command_line_options(struct qmp_call *c, struct tn_err *e)
{
    const char *wanted = arg_str(c, "option");
    c->ret = kv_new(KV_LIST);
    for (size_t i = 0; i < cli_n_opts; i++)
        if (is_first(&cli_opts[i]) && (!wanted || strcmp(cli_opts[i].section, wanted) == 0))
            put_option(c->ret, &cli_opts[i]);
    if (wanted && !c->ret->n_child)
        return err_set(e, EINVAL, "invalid option name: %s", wanted);
    return 0;
}

static const struct qmp_member arg[] = {{"option", "str", 1}, {0}};
static const struct qmp_member info[] = {
    {"option", "str", 0}, {"parameters", "[CommandLineParameterInfo]", 0}, {0}};
static const struct qmp_member parameter[] = {{"name", "str", 0},
                                              {"type", "CommandLineParameterType", 0},
                                              {"help", "str", 1},
                                              {"default", "str", 1},
                                              {0}};
static const char *const parameter_types[] = {"string", "boolean", "number", "size", NULL};

static const struct qmp_type types[] = {
    {"query-command-line-options-arg", QMP_OBJECT, arg, NULL, NULL, NULL},
    {"CommandLineOptionInfo", QMP_OBJECT, info, NULL, NULL, NULL},
    {"CommandLineParameterInfo", QMP_OBJECT, parameter, NULL, NULL, NULL},
    {"CommandLineParameterType", QMP_ENUM, NULL, parameter_types, NULL, NULL},
    {0}};
static const struct qmp_command commands[] = {
    {"query-command-line-options", "query-command-line-options-arg", "[CommandLineOptionInfo]",
     QMP_PRECONFIG, query_command_line_options, NULL},
    {0}};

const struct qmp_module qmp_cmdline = {.types = types, .commands = commands};
