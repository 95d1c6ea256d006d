/* SPDX-License-Identifier: BSD-2-Clause */
/* tenon-man TEMPLATE OUTPUT: manual pages from the tables that the program itself works by. A line
 * of the template that is @OPTIONS@, @COMMANDS@, @EVENTS@, @TYPES@ or @HMP@ becomes what the host's
 * tables say; the rest is hand-written man(7). */
#include "cli/help.h"
#include "cli/scan.h"
#include "monitor/monitor.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- man(7) ---- */

/* One line of text, without a newline; s ends at n characters. */
static void put(FILE *f, const char *s, size_t n)
{
    if (n && (*s == '.' || *s == '\''))
        fputs("\\&", f);
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\\' || s[i] == '-')
            fputs(s[i] == '-' ? "\\-" : "\\e", f);
        else
            fputc(s[i], f);
}

static void put_word(FILE *f, char font, const char *s)
{
    fprintf(f, "\\f%c", font);
    for (; *s; s++)
        if (*s != '\n')
            put(f, s, 1);
    fputs("\\fR", f);
}

/* Text of several lines, each broken where it is. */
static void put_text(FILE *f, const char *s)
{
    for (int first = 1; *s; first = 0) {
        size_t n = strcspn(s, "\n");
        if (!first)
            fputs(".br\n", f);
        put(f, s, n);
        fputc('\n', f);
        s += n + (s[n] == '\n');
    }
}

/* ---- options ---- */

/* Forms of one option stand together: those without a help of their own go with the next one that
 * has one and does the same, as -M with -machine. */
static int is_alias(const struct cli_opt *o)
{
    const struct cli_opt *next = o + 1;
    return !o->help && next < cli_opts + cli_n_opts && next->apply == o->apply &&
           next->group == o->group;
}

static void put_option(FILE *f, const struct cli_opt *o, int more)
{
    fputs(more ? ".TQ\n" : ".TP\n", f);
    fputs("\\fB\\-\\fR", f);
    put_word(f, 'B', o->name);
    if (o->arg) {
        fputc(' ', f);
        put_word(f, 'I', o->arg);
    }
    fputc('\n', f);
    if (o->help)
        put_text(f, o->help);
    else if (!is_alias(o))
        put_text(f, "Accepted, and of no interest for new command lines.");
}

static void put_options(FILE *f)
{
    for (int g = 0; g < CLI_N_GROUPS; g++) {
        fprintf(f, ".SS %s\n", cli_group_title((enum cli_group)g));
        int more = 0;
        for (size_t i = 0; i < cli_n_opts; i++)
            if ((int)cli_opts[i].group == g) {
                put_option(f, &cli_opts[i], more);
                more = is_alias(&cli_opts[i]);
            }
    }
}

/* ---- QMP ---- */

struct names { /* entries of all modules, sorted by their first member, which is the name */
    const void **v;
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

static void add(struct names *l, const void *entry)
{
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = entry;
}

static void sort(struct names *l)
{
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_name);
}

static const struct qmp_type *type_named(const char *name)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_type *t = (*m)->types; t && t->name; t++)
            if (strcmp(t->name, name) == 0)
                return t;
    return NULL;
}

static void put_members(FILE *f, const struct qmp_member *m)
{
    for (; m && m->name; m++) {
        fputs(".br\n", f);
        put_word(f, 'B', m->name);
        fputs(": ", f);
        put_word(f, 'I', m->type);
        fputs(m->optional ? " (may be left out)\n" : "\n", f);
    }
}

static void put_cases(FILE *f, const struct qmp_type *t)
{
    for (const struct qmp_case *c = t->cases; c && c->name; c++) {
        if (!c->more || !c->more->name)
            continue;
        fputs(".br\n", f);
        put_word(f, 'R', "where ");
        put_word(f, 'B', t->tag);
        put_word(f, 'R', " is ");
        put_word(f, 'B', c->name);
        fputs(", also:\n", f);
        put_members(f, c->more);
    }
}

static void put_values(FILE *f, const char *const *v)
{
    fputs("One of:", f);
    for (; v && *v; v++) {
        fputc(' ', f);
        put_word(f, 'B', *v);
        fputs(v[1] ? "," : "", f);
    }
    fputc('\n', f);
}

/* What an object type is made of, as lines below a heading. */
static void put_object(FILE *f, const char *name)
{
    const struct qmp_type *t = name ? type_named(name) : NULL;
    if (!t)
        return;
    put_members(f, t->members);
    put_cases(f, t);
}

static void put_commands(FILE *f)
{
    struct names l = {0};
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_command *c = (*m)->commands; c && c->name; c++)
            add(&l, c);
    sort(&l);
    for (size_t i = 0; i < l.n; i++) {
        const struct qmp_command *c = l.v[i];
        fputs(".TP\n", f);
        put_word(f, 'B', c->name);
        fputs("\nReturns ", f);
        put_word(f, 'I', c->ret ? c->ret : "nothing");
        fputs(".\n", f);
        if (c->features) {
            fputs("Features: ", f);
            put(f, c->features, strlen(c->features));
            fputs(".\n", f);
        }
        if (c->flags & QMP_OOB)
            fputs("May be executed out of band.\n", f);
        if (c->flags & QMP_FREE_ARGS)
            fputs("Takes further arguments.\n", f);
        put_object(f, c->args);
    }
    free(l.v);
}

static void put_events(FILE *f)
{
    struct names l = {0};
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_event *e = (*m)->events; e && e->name; e++)
            add(&l, e);
    sort(&l);
    for (size_t i = 0; i < l.n; i++) {
        const struct qmp_event *e = l.v[i];
        fputs(".TP\n", f);
        put_word(f, 'B', e->name);
        fputc('\n', f);
        if (e->interval_ms)
            fprintf(f, "At most one in %u ms, the newest.\n", e->interval_ms);
        else
            fputs("Each is sent.\n", f);
        put_object(f, e->data);
    }
    free(l.v);
}

/* Is t the arguments of one command or the data of one event, and shown there? */
static int is_shown_elsewhere(const struct qmp_type *t)
{
    size_t n = strlen(t->name);
    return n > 4 && strcmp(t->name + n - 4, "-arg") == 0;
}

static void put_type(FILE *f, const struct qmp_type *t)
{
    fputs(".TP\n", f);
    put_word(f, 'B', t->name);
    fputc('\n', f);
    if (t->meta == QMP_ENUM) {
        put_values(f, t->values);
        return;
    }
    fputs(t->meta == QMP_ALTERNATE ? "A value of one of these types.\n" : "An object.\n", f);
    put_members(f, t->members);
    put_cases(f, t);
}

static void put_types(FILE *f)
{
    struct names l = {0};
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_type *t = (*m)->types; t && t->name; t++)
            if (!is_shown_elsewhere(t))
                add(&l, t);
    sort(&l);
    for (size_t i = 0; i < l.n; i++)
        put_type(f, l.v[i]);
    free(l.v);
}

static void put_hmp(FILE *f)
{
    struct names l = {0};
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct hmp_command *c = (*m)->hmp; c && c->names; c++)
            add(&l, c);
    sort(&l);
    for (size_t i = 0; i < l.n; i++) {
        const struct hmp_command *c = l.v[i];
        fputs(".TP\n", f);
        if (c->info)
            put_word(f, 'B', "info ");
        put_word(f, 'B', c->names);
        if (c->params && *c->params) {
            fputc(' ', f);
            put_word(f, 'I', c->params);
        }
        fputc('\n', f);
        put_text(f, c->help && *c->help ? c->help : c->names);
    }
    free(l.v);
}

/* ---- the page ---- */

static void put_line(FILE *f, const char *line)
{
    static const struct {
        const char *mark;
        void (*put)(FILE *f);
    } parts[] = {{"@OPTIONS@\n", put_options},
                 {"@COMMANDS@\n", put_commands},
                 {"@EVENTS@\n", put_events},
                 {"@TYPES@\n", put_types},
                 {"@HMP@\n", put_hmp}};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (strcmp(line, parts[i].mark) == 0) {
            parts[i].put(f);
            return;
        }
    const char *version = strstr(line, "@VERSION@");
    if (version)
        fprintf(f, "%.*s" TENON_VERSION "%s", (int)(version - line), line, version + 9);
    else
        fputs(line, f);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: tenon-man TEMPLATE OUTPUT\n", stderr);
        return 2;
    }
    FILE *in = fopen(argv[1], "r"), *out = in ? fopen(argv[2], "w") : NULL;
    char *line = NULL;
    size_t room = 0;
    if (!out) {
        fprintf(stderr, "tenon-man: %s: %s\n", in ? argv[2] : argv[1], strerror(errno));
        return 1;
    }
    while (getline(&line, &room, in) > 0)
        put_line(out, line);
    free(line);
    fclose(in);
    return fclose(out) != 0;
}
