/* SPDX-License-Identifier: BSD-2-Clause */
/* From a line to a command, and what it says back. */
#include "hmp_impl.h"

#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the commands of all modules ---- */

static int is_called(const struct hmp_command *h, const char *name, size_t n)
{
    for (const char *form = h->names; *form;) {
        size_t len = strcspn(form, "|");
        if (len == n && memcmp(form, name, n) == 0)
            return 1;
        form += len + (form[len] == '|');
    }
    return 0;
}

/* Calls fn for each until it is not 0. */
static const struct hmp_command *each(uint32_t info,
                                      int (*fn)(void *o, const struct hmp_command *h), void *o)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct hmp_command *h = (*m)->hmp; h && h->names; h++)
            if (h->info == info && fn(o, h))
                return h;
    return NULL;
}

struct called {
    const char *name;
    size_t n;
};

static int matches(void *o, const struct hmp_command *h)
{
    const struct called *c = o;
    return is_called(h, c->name, c->n);
}

const struct hmp_command *hmp_find(const char *name, size_t n, uint32_t info)
{
    struct called c = {name, n};
    return each(info, matches, &c);
}

struct sorted {
    const struct hmp_command **v;
    size_t n;
};

static int collect(void *o, const struct hmp_command *h)
{
    struct sorted *s = o;
    s->v = xrealloc(s->v, (s->n + 2) * sizeof *s->v);
    s->v[s->n++] = h;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct hmp_command *const *)a)->names,
                  (*(const struct hmp_command *const *)b)->names);
}

const struct hmp_command **hmp_sorted(uint32_t info)
{
    struct sorted s = {xcalloc(1, sizeof *s.v), 0};
    each(info, collect, &s);
    qsort(s.v, s.n, sizeof *s.v, by_name);
    s.v[s.n] = NULL;
    return s.v;
}

/* ---- one line ---- */

/* What is to be run, and how it was called: "info registers". */
struct parsed {
    const struct hmp_command *h;
    const char *rest;
    const char *name; /* as typed */
    size_t n;
    uint32_t info;
};

static const char *skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

/* A name ends at a blank, or at the "/" of x/4xb. */
static size_t name_length(const char *p)
{
    return strcspn(p, "/ \t\n\r\f\v");
}

/* 0, or -ENOENT: rest is then what could not be found. */
static int parse(const char *line, struct parsed *p)
{
    *p = (struct parsed){.name = skip_blanks(line)};
    p->n = name_length(p->name);
    p->rest = p->name;
    p->h = hmp_find(p->name, p->n, 0);
    if (!p->h)
        return -ENOENT;
    p->rest = skip_blanks(p->name + p->n);
    if (strcmp(p->h->names, "info") != 0 || !*p->rest)
        return 0;
    p->info = 1;
    p->name = p->rest;
    p->n = name_length(p->name);
    p->h = hmp_find(p->name, p->n, 1);
    p->rest = p->h ? skip_blanks(p->name + p->n) : p->name;
    return p->h ? 0 : -ENOENT;
}

static void say_error(const struct parsed *p, const struct tn_err *e, struct buf *out)
{
    int usage = e->cls == hmp_usage_error;
    if (!usage && e->cls != hmp_syntax_error) {
        buf_printf(out, "Error: %s\n", err_text(e));
        if (e->hint)
            buf_printf(out, "%s\n", e->hint);
        return;
    }
    buf_printf(out, "%s%s%s\n", usage ? p->h->names : "", usage ? ": " : "", err_text(e));
    buf_printf(out, "Try \"help %s%.*s\" for more information\n", p->info ? "info " : "", (int)p->n,
               p->name);
}

/* What can be asked before the machine is made. */
static int is_early(const struct parsed *p)
{
    static const char *const early[] = {"exit_preconfig", "help|?", "info", "quit|q",  "chardev",
                                        "history",        "kvm",    "name", "version", "uuid"};
    for (size_t i = 0; i < ARRAY_SIZE(early); i++)
        if (strcmp(p->h->names, early[i]) == 0)
            return 1;
    return 0;
}

static char *without_end(const char *line)
{
    size_t n = strlen(line);
    while (n && isspace((unsigned char)line[n - 1]))
        n--;
    return xstrndup(line, n);
}

void hmp_run(struct qmp_call *c, const char *line, struct buf *out)
{
    AUTO_FREE char *trimmed = without_end(line);
    ERR_AUTO e = {0};
    struct parsed p;
    if (!*skip_blanks(trimmed))
        return;
    if (parse(trimmed, &p) < 0)
        buf_printf(out, "unknown command: '%s%.*s'\n", p.info ? "info " : "",
                   (int)name_length(p.rest), p.rest);
    else if (monitors_preconfig(c->vm) && !is_early(&p))
        buf_printf(out,
                   "Command '%.*s' not available with -preconfig until machine initialization has "
                   "completed.\n",
                   (int)p.n, p.name);
    else if (p.h->run(c, p.rest, out, &e) < 0)
        say_error(&p, &e, out);
}

void monitor_hmp(struct qmp_call *from, const char *line, struct buf *out)
{
    BUF_AUTO text = {0};
    hmp_run(from, line, &text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            buf_add8(out, '\r');
        buf_add8(out, text.data[i]);
    }
}

/* ---- completion ---- */

static void offer_names(uint32_t info, const char *head, struct buf *words)
{
    AUTO_FREE const struct hmp_command **all = hmp_sorted(info);
    for (const struct hmp_command **h = all; *h; h++)
        for (const char *form = (*h)->names; *form;) {
            size_t len = strcspn(form, "|");
            AUTO_FREE char *name = xstrndup(form, len);
            hmp_offer(words, head, name);
            form += len + (form[len] == '|');
        }
}

/* help and info are followed by names. */
static int names_follow(const char *line, const char **head, uint32_t *info)
{
    struct called word = {line, name_length(line)};
    const char *rest = skip_blanks(line + word.n);
    *head = line;
    *info = 0;
    if (!line[word.n])
        return 1;
    if (word.n == 4 && memcmp(line, "info", 4) == 0)
        *info = 1;
    else if (!(word.n == 4 && memcmp(line, "help", 4) == 0) && !(word.n == 1 && *line == '?'))
        return 0;
    *head = rest;
    if (!*info && rest[name_length(rest)] && memcmp(rest, "info", 4) == 0) {
        *info = 1;
        *head = skip_blanks(rest + 4);
    }
    return !(*head)[name_length(*head)];
}

void hmp_complete(struct qmp_call *c, const char *line, struct buf *words)
{
    const char *head;
    uint32_t info;
    struct parsed p;
    line = skip_blanks(line);
    if (names_follow(line, &head, &info))
        offer_names(info, head, words);
    else if (parse(line, &p) == 0 && p.h->complete && !monitors_preconfig(c->vm))
        p.h->complete(c, p.rest, words);
}
