/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of -readconfig: sections of `[group "id"]` or `[group]`, each with lines of `key =
 * "value"`; empty lines and lines that start with "#" say nothing. There is no escape within the
 * quotes. */
#include "fail.h"
#include "keyval.h"
#include "scan.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct cli_scan *s;
    const char *file;
    int line;                  /* of the text at hand, from 1 */
    const struct cli_opt *opt; /* of the open section; NULL outside of any */
    struct kv_node *kv;        /* of the open section */
    int kv_line;               /* its last line, where messages about it point to */
    char **err;
};

static int fail_at(struct reader *r, int line, const char *what)
{
    r->s->located = true;
    return cli_fail(r->err, "%s:%d: %s", r->file, line, what);
}

/* Hands the open section to its option. */
static int end_section(struct reader *r)
{
    if (!r->opt)
        return 0;
    AUTO_FREE char *where = xasprintf("%s:%d", r->file, r->kv_line);
    AUTO_FREE char *what = NULL;
    const char *outer = r->s->where;
    r->s->where = where;
    r->s->line = r->kv_line;
    int rc = cli_apply(r->s, r->opt, r->kv, &what);
    r->s->where = outer;
    r->s->line = 0;
    r->opt = NULL;
    r->kv = NULL;
    return rc < 0 ? fail_at(r, r->kv_line, what ? what : "invalid section") : 0;
}

/* Dotted keys of a section nest like those of the option, once all are there. */
static int finish_section(struct reader *r)
{
    if (r->opt && r->opt->grammar == CLI_DOTTED) {
        AUTO_FREE char *what = NULL;
        struct kv_node *nested = keyval_nest(r->kv, &what);
        if (!nested)
            return fail_at(r, r->kv_line, what);
        kv_free(r->kv);
        r->kv = nested;
    }
    return end_section(r);
}

/* `"text"` with nothing but blanks behind; NULL if s is no such thing. The caller frees it. */
static char *take_quoted(const char *s, const char *behind)
{
    size_t n = *s == '"' ? strcspn(s + 1, "\"") : 0;
    if (*s != '"' || s[1 + n] != '"')
        return NULL;
    const char *rest = s + n + 2;
    if (strncmp(rest, behind, strlen(behind)) != 0)
        return NULL;
    rest += strlen(behind);
    return rest[strspn(rest, " \t\r")] ? NULL : xstrndup(s + 1, n);
}

static int begin_section(struct reader *r, const char *line)
{
    size_t n = strcspn(line + 1, " \t]");
    AUTO_FREE char *group = xstrndup(line + 1, n);
    const char *rest = line + 1 + n;
    bool anonymous = *rest == ']' && !rest[1 + strspn(rest + 1, " \t\r")];
    AUTO_FREE char *id = anonymous ? NULL : take_quoted(rest + strspn(rest, " \t"), "]");
    if (!anonymous && !id)
        return fail_at(r, r->line, "parse error, expected [group \"id\"]");
    r->opt = cli_opt_by_section(group);
    if (!r->opt) {
        AUTO_FREE char *what = xasprintf("There is no option group '%s'", group);
        return fail_at(r, r->line, what);
    }
    r->kv = kv_new(KV_DICT);
    r->kv_line = r->line;
    if (id)
        kv_add(r->kv, "id", kv_scalar(KV_STRING, id));
    return 0;
}

static int add_value(struct reader *r, const char *line)
{
    size_t n = strcspn(line, " \t=");
    const char *eq = line + n + strspn(line + n, " \t");
    AUTO_FREE char *value =
        n && *eq == '=' ? take_quoted(eq + 1 + strspn(eq + 1, " \t"), "") : NULL;
    if (!value)
        return fail_at(r, r->line, "parse error, expected key = \"value\"");
    if (!r->opt)
        return fail_at(r, r->line, "no group defined");
    AUTO_FREE char *key = xstrndup(line, n);
    kv_add(r->kv, key, kv_scalar(KV_STRING, value));
    r->kv_line = r->line;
    return 0;
}

static int read_line(struct reader *r, const char *line)
{
    line += strspn(line, " \t\r");
    if (!*line || *line == '#')
        return 0;
    if (*line != '[')
        return add_value(r, line);
    int rc = finish_section(r);
    return rc < 0 ? rc : begin_section(r, line);
}

int cli_readconfig(struct cli_scan *s, const char *file, const char *text, char **err)
{
    struct reader r = {.s = s, .file = file, .err = err};
    AUTO_FREE char *copy = xstrdup(text);
    int rc = 0;
    for (char *rest = copy, *line; rc == 0 && (line = strsep(&rest, "\n"));) {
        r.line++;
        rc = read_line(&r, line);
    }
    if (rc == 0)
        rc = finish_section(&r);
    kv_free(r.kv);
    return rc;
}
