/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: what is logged, and where to. */
#include "hmp.h"

#include "core/err.h"
#include "core/services.h"
#include "core/trace_host.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *help;
} items[] = {
    {"none", "remove all logs"},
    {"all", "everything but trace events"},
    {"unimp", "log unimplemented functionality"},
    {"guest_errors", "log when the guest OS does something invalid (eg accessing a\n"
                     "non-existent register)"},
    {"trace:PATTERN", "enable trace events"},
};

static int is_item(const char *word)
{
    if (strncmp(word, "trace:", 6) == 0)
        return word[6] != 0;
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        if (strcmp(items[i].name, word) == 0)
            return 1;
    return 0;
}

static void list_items(struct buf *out)
{
    buf_str(out, "Log items (comma separated):\n");
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        buf_printf(out, "%-15s %s\n", items[i].name, items[i].help);
}

/* Each word of list, which is cut to pieces. */
static int each(char *list, int (*fn)(void *o, const char *word), void *o)
{
    int r = 0;
    for (char *word; r == 0 && (word = strsep(&list, ","));)
        r = fn(o, word);
    return r;
}

static int check(void *o, const char *word)
{
    (void)o;
    return is_item(word) ? 0 : -EINVAL;
}

struct chosen {
    struct vm *vm;
    struct tn_err *e;
    int guest_errors;
};

static int choose(void *o, const char *word)
{
    struct chosen *c = o;
    c->guest_errors |= strcmp(word, "guest_errors") == 0 || strcmp(word, "all") == 0;
    return strncmp(word, "trace:", 6) == 0 ? tracer_enable(c->vm, word + 6, c->e) : 0;
}

static int set_items(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct chosen chosen = {c->vm, e, 0};
    AUTO_FREE char *words = NULL;
    if (hmp_word(&a, "string", &words) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    AUTO_FREE char *copy = xstrdup(words);
    if (each(copy, check, NULL) < 0) {
        list_items(out);
        return 0;
    }
    int r = each(words, choose, &chosen);
    if (r == 0)
        log_set_guest_errors(chosen.guest_errors);
    return r;
}

static void complete_item(struct qmp_call *c, const char *line, struct buf *out)
{
    (void)c;
    for (size_t i = 0; i + 1 < ARRAY_SIZE(items); i++)
        hmp_offer(out, line, items[i].name);
    hmp_offer(out, line, "trace:");
}

static int logfile(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *name = NULL;
    if (hmp_word(&a, "filename", &name) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    int r = log_open(name);
    if (r < 0)
        buf_printf(out, "Error opening logfile %s: %s\n", name, strerror(-r));
    return 0;
}

static const struct hmp_command commands[] = {
    {"log", "item1[,...]", "activate logging of the specified items", 0, set_items, complete_item},
    {"logfile", "filename", "output logs to 'filename'", 0, logfile, NULL},
    {0},
};

const struct qmp_module qmp_hmp_log = {.hmp = commands};
