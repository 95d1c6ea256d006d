/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the command line share. */
#ifndef TN_TEST_CLI_SCAN_H
#define TN_TEST_CLI_SCAN_H
#include "cli/json.h"
#include "cli/options.h"
#include "tap.h"
#include "util/alloc.h"
#include <stdlib.h>

/* One command line and what became of it. Words are cut at blanks. */
struct scan {
    struct cli_options o;
    char *err, *copy, *argv[64];
    int argc, r;
};

static void scan_cleanup(struct scan *s)
{
    cli_options_free(&s->o);
    free(s->err);
    free(s->copy);
}

#define SCAN(name, text) __attribute__((cleanup(scan_cleanup))) struct scan name = scan_line(text)

static struct scan scan_line(const char *text)
{
    struct scan s = {.copy = xstrdup(text), .argv = {(char *)"tenon"}, .argc = 1};
    for (char *rest = s.copy, *word; s.argc < 64 && (word = strsep(&rest, " "));) {
        if (*word)
            s.argv[s.argc++] = word;
    }
    s.r = cli_options_scan(&s.o, s.argc, s.argv, &s.err);
    return s;
}

/* Checks that the command line is refused with this line. */
static inline void check_error(const char *text, const char *line)
{
    SCAN(s, text);
    CHECK_STR(s.err, line);
    CHECK(s.r < 0);
}

/* Checks that it is refused, with this phrase in the line. */
static inline void check_error_has(const char *text, const char *phrase)
{
    SCAN(s, text);
    CHECK(s.r < 0);
    if (!strstr(s.err, phrase))
        CHECK_STR(s.err, phrase);
}

static inline void check_item(const struct cli_list *list, size_t i, const char *json)
{
    struct buf b = {0};
    CHECK(i < list->n);
    json_print(&b, list->v[i].kv, 0);
    AUTO_FREE char *got = buf_take(&b);
    CHECK_STR(got, json);
}

static inline void check_kv(const struct kv_node *kv, const char *json)
{
    struct buf b = {0};
    CHECK(kv);
    json_print(&b, kv, 0);
    AUTO_FREE char *got = buf_take(&b);
    CHECK_STR(got, json);
}

#endif
