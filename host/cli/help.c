/* SPDX-License-Identifier: BSD-2-Clause */
#include "help.h"
#include "scan.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A sorted copy of n elements, which the caller frees. */
static void *sorted(const void *v, size_t n, size_t size,
                    int (*compare)(const void *, const void *))
{
    char *copy = xcalloc(n, size);
    if (n)
        memcpy(copy, v, n * size);
    qsort(copy, n, size, compare);
    return copy;
}

/* ---- devices ---- */

static int by_device_name(const void *a, const void *b)
{
    const struct help_device *x = a, *y = b;
    return strcasecmp(x->name, y->name);
}

static void print_device(struct buf *out, const struct help_device *d)
{
    buf_printf(out, "name \"%s\"", d->name);
    if (d->bus)
        buf_printf(out, ", bus %s", d->bus);
    if (d->alias)
        buf_printf(out, ", alias \"%s\"", d->alias);
    if (d->desc)
        buf_printf(out, ", desc \"%s\"", d->desc);
    if (d->no_user)
        buf_str(out, ", no-user");
    buf_str(out, "\n");
}

static bool in_group(const struct help_device *d, uint32_t group)
{
    return group ? d->groups & group : d->groups == 0;
}

/* Prints a group if it has a member; a blank line goes between two groups. */
static void print_group(struct buf *out, const char *title, uint32_t group,
                        const struct help_device *v, size_t n, bool *any)
{
    bool open = false;
    for (size_t i = 0; i < n; i++) {
        if (!in_group(&v[i], group))
            continue;
        if (!open)
            buf_printf(out, "%s%s devices:\n", *any ? "\n" : "", title);
        open = *any = true;
        print_device(out, &v[i]);
    }
}

void help_devices(struct buf *out, const struct help_device *v, size_t n)
{
    static const struct {
        const char *title;
        uint32_t group;
    } groups[] = {
        {"Controller/Bridge/Hub", HELP_BRIDGE},
        {"USB", HELP_USB},
        {"Storage", HELP_STORAGE},
        {"Network", HELP_NETWORK},
        {"Input", HELP_INPUT},
        {"Display", HELP_DISPLAY},
        {"Sound", HELP_SOUND},
        {"Misc", HELP_MISC},
        {"CPU", HELP_CPU},
        {"Watchdog", HELP_WATCHDOG},
        {"Uncategorized", 0},
    };
    AUTO_FREE struct help_device *s = sorted(v, n, sizeof(*v), by_device_name);
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        print_group(out, groups[i].title, groups[i].group, s, n, &any);
}

/* ---- properties ---- */

#define DESC_COLUMN 24 /* where " - description" starts, unless name and type are longer */

static char *property_line(const struct help_property *p)
{
    struct buf line = {0};
    buf_printf(&line, "  %s=<%s>", p->name, p->type);
    if (p->desc || p->def) {
        while (line.len < DESC_COLUMN)
            buf_add8(&line, ' ');
        buf_printf(&line, " - %s", p->desc ? p->desc : "");
    }
    if (p->def)
        buf_printf(&line, " (default: %s)", p->def);
    return buf_take(&line);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void help_properties(struct buf *out, const char *title, const struct help_property *v, size_t n)
{
    if (n == 0) {
        buf_printf(out, "There are no options for %s.\n", title);
        return;
    }
    AUTO_FREE char **lines = xcalloc(n, sizeof(*lines));
    for (size_t i = 0; i < n; i++)
        lines[i] = property_line(&v[i]);
    /* Whole lines are sorted, so "a-b=" stands before "a=". */
    qsort(lines, n, sizeof(*lines), by_text);
    buf_printf(out, "%s options:\n", title);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s\n", lines[i]);
        free(lines[i]);
    }
}

/* ---- machines, processors ---- */

void help_machines(struct buf *out, const struct help_machine *v, size_t n)
{
    buf_str(out, "Supported machines are:\n");
    for (size_t i = 0; i < n; i++) {
        if (v[i].alias)
            buf_printf(out, "%-20s %s (alias of %s)\n", v[i].alias, v[i].desc, v[i].name);
        buf_printf(out, "%-20s %s%s%s\n", v[i].name, v[i].desc, v[i].is_default ? " (default)" : "",
                   v[i].deprecated ? " (deprecated)" : "");
    }
}

#define FLAG_COLUMNS 75 /* of a line of feature flags */

static void print_flags(struct buf *out, const char *const *flags, size_t n)
{
    AUTO_FREE const char **s = sorted(flags, n, sizeof(*flags), by_text);
    size_t column = 0;
    for (size_t i = 0; i < n; i++) {
        size_t width = strlen(s[i]);
        bool wrap = column == 0 || column + 1 + width > FLAG_COLUMNS;
        buf_printf(out, "%s%s%s", column && wrap ? "\n" : "", wrap ? "  " : " ", s[i]);
        column = wrap ? 2 + width : column + 1 + width;
    }
    buf_str(out, column ? "\n" : "");
}

void help_cpus(struct buf *out, const struct help_cpu *v, size_t n, const char *const *flags,
               size_t n_flags)
{
    buf_str(out, "Available CPUs:\n");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "  %-20s  %s\n", v[i].name, v[i].desc ? v[i].desc : "");
    buf_str(out, "\nRecognized CPUID flags:\n");
    print_flags(out, flags, n_flags);
    buf_str(out, "\n");
}

/* ---- plain lists ---- */

static void print_names(struct buf *out, const char *title, const char *indent,
                        const char *const *names, size_t n)
{
    buf_printf(out, "%s\n", title);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%s\n", indent, names[i]);
}

void help_objects(struct buf *out, const char *const *names, size_t n)
{
    AUTO_FREE const char **s = sorted(names, n, sizeof(*names), by_text);
    print_names(out, "List of user creatable objects:", "  ", s, n);
}

void help_chardevs(struct buf *out, const char *const *names, size_t n)
{
    print_names(out, "Available chardev backend types: ", "  ", names, n);
}

void help_netdevs(struct buf *out, const char *const *names, size_t n)
{
    print_names(out, "Available netdev backend types:", "", names, n);
}

void help_accels(struct buf *out, const char *const *names, size_t n)
{
    print_names(out, "Accelerators supported in QEMU binary:", "", names, n);
}

/* ---- -help ---- */

static const char *const group_titles[CLI_N_GROUPS] = {
    [CLI_GROUP_STANDARD] = "Standard options",
    [CLI_GROUP_BLOCK] = "Block device options",
    [CLI_GROUP_USB] = "USB convenience options",
    [CLI_GROUP_DISPLAY] = "Display options",
    [CLI_GROUP_NETWORK] = "Network options",
    [CLI_GROUP_CHARDEV] = "Character device options",
    [CLI_GROUP_BOOT] = "Boot Image or Kernel specific",
    [CLI_GROUP_DEBUG] = "Debug/Expert options",
    [CLI_GROUP_OBJECT] = "Generic object creation",
};

const char *cli_group_title(enum cli_group g)
{
    return group_titles[g];
}

#define HELP_COLUMN 16

/* Prints text line by line, each after the first (or each, if not in_line) from HELP_COLUMN on. */
static void print_indented(struct buf *out, const char *text, size_t column)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        buf_printf(out, "%*s%.*s\n", (int)(column < HELP_COLUMN ? HELP_COLUMN - column : 0), "",
                   (int)n, text);
        text += n + (text[n] == '\n');
        column = 0;
    }
}

static void print_option(struct buf *out, const struct cli_opt *opt)
{
    size_t start = out->len;
    buf_printf(out, "-%s%s%s", opt->name, opt->arg ? " " : "", opt->arg ? opt->arg : "");
    size_t width = out->len - start;
    if (width >= HELP_COLUMN || !opt->help) {
        buf_str(out, "\n");
        width = 0;
    }
    if (opt->help)
        print_indented(out, opt->help, width);
}

void cli_print_help(struct buf *out, const char *program)
{
    buf_printf(out, "usage: %s [options] [disk_image]\n", program);
    for (int g = 0; g < CLI_N_GROUPS; g++) {
        buf_printf(out, "\n%s:\n", group_titles[g]);
        for (size_t i = 0; i < cli_n_opts; i++) {
            if ((int)cli_opts[i].group == g)
                print_option(out, &cli_opts[i]);
        }
    }
}
