/* SPDX-License-Identifier: BSD-2-Clause */
/* Results: TAP (version 14), a summary, JSON. */
#include "run.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"pass", "fail", "skip", "crash", "hang", "exit"};
    return names[v];
}

static int good(const struct result *r)
{
    return r->verdict == V_PASS || r->verdict == V_SKIP;
}

static void notes(const struct result *r)
{
    const char *s = buf_cstr(&r->notes);
    while (*s) {
        size_t n = strcspn(s, "\n");
        printf("#   %.*s\n", (int)n, s);
        s += n + (s[n] == '\n');
    }
}

void report_line(const struct result *r, uint32_t number, int verbose)
{
    printf("%s %u - %s", good(r) ? "ok" : "not ok", number, r->name);
    if (r->verdict == V_SKIP)
        printf(" # SKIP %s", buf_cstr(&r->why));
    putchar('\n');
    if (!good(r)) {
        printf("# %s: %s\n", verdict_name(r->verdict), buf_cstr(&r->why));
        printf("# the rule: %s (%s)\n", r->test->rule, r->test->from);
    }
    if (!good(r) || verbose)
        notes(r);
    fflush(stdout);
}

void report_summary(const struct report *p)
{
    uint32_t count[V_EXIT + 1] = {0};
    double slowest = 0;
    const char *slow = "";
    for (uint32_t i = 0; i < p->n; i++) {
        count[p->r[i].verdict]++;
        if (p->r[i].seconds > slowest) {
            slowest = p->r[i].seconds;
            slow = p->r[i].name;
        }
    }
    printf("# %s: %u passed, %u failed, %u crashed, %u hung, %u ended the process, %u skipped\n",
           p->o->path, count[V_PASS], count[V_FAIL], count[V_CRASH], count[V_HANG], count[V_EXIT],
           count[V_SKIP]);
    for (uint32_t i = 0; i < p->n; i++)
        if (!good(&p->r[i]))
            printf("# %-5s %s: %s\n", verdict_name(p->r[i].verdict), p->r[i].name,
                   buf_cstr(&p->r[i].why));
    printf("# the slowest: %s, %.1f s\n", slow, slowest);
}

static void json_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++)
        if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
            fprintf(f, "\\u%04x", (unsigned char)*s);
        else
            fputc(*s, f);
    fputc('"', f);
}

static void json_member(FILE *f, const char *key, const char *value)
{
    fprintf(f, ", \"%s\": ", key);
    json_string(f, value);
}

static void json_result(FILE *f, const struct result *r)
{
    fputs("    {\"name\": ", f);
    json_string(f, r->name);
    json_member(f, "verdict", verdict_name(r->verdict));
    json_member(f, "rule", r->test->rule);
    json_member(f, "from", r->test->from);
    if (r->why.len)
        json_member(f, "why", buf_cstr(&r->why));
    if (r->notes.len && !good(r))
        json_member(f, "notes", buf_cstr(&r->notes));
    fprintf(f, ", \"seconds\": %.3f}", r->seconds);
}

int report_json(const struct report *p, const char *file)
{
    FILE *f = fopen(file, "we");
    int bad = 0;
    if (!f)
        return -errno;
    for (uint32_t i = 0; i < p->n; i++)
        bad |= !good(&p->r[i]);
    fputs("{\n  \"plugin\": ", f);
    json_string(f, p->o->path);
    fprintf(f, ",\n  \"abi\": \"%u.%u\",\n  \"conforms\": %s,\n  \"tests\": [\n", TN_ABI_MAJOR,
            TN_ABI_MINOR, bad ? "false" : "true");
    for (uint32_t i = 0; i < p->n; i++) {
        json_result(f, &p->r[i]);
        fputs(i + 1 < p->n ? ",\n" : "\n", f);
    }
    fputs("  ]\n}\n", f);
    return fclose(f) ? -errno : 0;
}

void report_free(struct report *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        buf_free(&p->r[i].why);
        buf_free(&p->r[i].notes);
    }
    free(p->r);
}
