/* SPDX-License-Identifier: BSD-2-Clause */
#include "fail.h"
#include "keyval.h"
#include "opt_apply.h"
#include "texts.h"
#include "util/alloc.h"
#include "values.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The index in names of the value of key; *out stays as it is if there is none. */
static int read_choice(const struct kv_node *kv, const char *key, const char *const *names,
                       unsigned *out, char **err)
{
    const char *text = kv_text(kv, key);
    size_t n = 0, i;
    while (names[n])
        n++;
    if (!text)
        return 0;
    int r = val_choice(key, text, names, n, &i, err);
    if (r == 0)
        *out = (unsigned)i;
    return r;
}

static int read_bool(const struct kv_node *kv, const char *key, bool *out, char **err)
{
    const char *text = kv_text(kv, key);
    return text ? val_bool(key, text, out, err) : 0;
}

static void replace(char **word, const char *text)
{
    if (!text)
        return;
    free(*word);
    *word = xstrdup(text);
}

/* ---- -global ---- */

/* driver.property=value; the value is all the rest, commas and all. */
static struct kv_node *short_global(const char *text)
{
    size_t d = strcspn(text, ".="), p = text[d] == '.' ? strcspn(text + d + 1, "=") : 0;
    if (!d || !p || text[d + 1 + p] != '=')
        return NULL;
    AUTO_FREE char *driver = xstrndup(text, d);
    AUTO_FREE char *property = xstrndup(text + d + 1, p);
    struct kv_node *kv = kv_new(KV_DICT);
    kv_set(kv, "driver", driver);
    kv_set(kv, "property", property);
    kv_set(kv, "value", text + d + 1 + p + 1);
    return kv;
}

int apply_global(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    struct kv_node *global = (*kv)->kind == KV_STRING ? short_global((*kv)->text) : kv_clone(*kv);
    if (!global)
        global = keyval_parse((*kv)->text, NULL);
    for (size_t i = 0; i < global->n_child; i++) {
        size_t k;
        if (val_choice("", global->child[i]->key, NAMES("driver", "property", "value"), 3, &k,
                       NULL) < 0) {
            cli_fail(err, TEXT_NO_KEY, global->child[i]->key);
            kv_free(global);
            return -EINVAL;
        }
    }
    if (kv_text(global, "driver") && kv_text(global, "property") && kv_text(global, "value"))
        return cli_append(s, &s->o->globals, "global", global, err);
    kv_free(global);
    return cli_fail(err, "options 'driver', 'property', and 'value' are required");
}

/* ---- identity ---- */

int apply_name(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    replace(&s->o->name, kv_text(*kv, "guest"));
    replace(&s->o->process_name, kv_text(*kv, "process"));
    return read_bool(*kv, "debug-threads", &s->o->debug_threads, err);
}

int apply_uuid(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    if (val_uuid(NULL, opt->name, (*kv)->text, s->o->uuid, NULL) < 0)
        return cli_fail(err, "failed to parse UUID string: wrong format");
    s->o->have_uuid = true;
    return 0;
}

int apply_fw_cfg(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    int sources = !!kv_text(*kv, "file") + !!kv_text(*kv, "string") + !!kv_text(*kv, "gen_id");
    const char *name = kv_text(*kv, "name");
    if (!name || !*name || sources != 1)
        return cli_fail(err, "name, plus exactly one of file, string and gen_id, are needed");
    if (strlen(name) > 55) /* a directory entry has 56 bytes with the NUL */
        return cli_fail(err, "name too long (max. 55 char)");
    struct kv_node *taken = *kv;
    *kv = NULL;
    return cli_append(s, &s->o->fw_cfg, opt->name, taken, err);
}

/* ---- actions ---- */

int apply_action(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    struct cli_actions *a = &s->o->actions;
    unsigned reboot = a->reboot, shutdown = a->shutdown, panic = a->panic, watchdog = a->watchdog;
    if (read_choice(*kv, "reboot", NAMES("reset", "shutdown"), &reboot, err) < 0 ||
        read_choice(*kv, "shutdown", NAMES("poweroff", "pause"), &shutdown, err) < 0 ||
        read_choice(*kv, "panic", NAMES("shutdown", "pause", "exit-failure", "none"), &panic, err) <
            0 ||
        read_choice(*kv, "watchdog",
                    NAMES("reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi"),
                    &watchdog, err) < 0)
        return -EINVAL;
    *a = (struct cli_actions){reboot, shutdown, panic, watchdog};
    return 0;
}

int apply_action_fixed(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                       char **err)
{
    (void)kv;
    KV_AUTO *action = keyval_parse(opt->data, NULL);
    return apply_action(s, opt, &action, err);
}

int apply_watchdog_action(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                          char **err)
{
    KV_AUTO *action = kv_new(KV_DICT);
    kv_set(action, "watchdog", (*kv)->text);
    return apply_action(s, opt, &action, err);
}

/* ---- -rtc ---- */

/* Reads a date in UTC; one that the calendar does not have is none: timegm() moves it to another
 * month, and a leap second to another minute. */
static bool read_date(const char *text, int64_t *out)
{
    struct tm tm = {0};
    const char *end = strptime(text, strchr(text, 'T') ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &tm);
    struct tm asked = tm;
    if (!end || *end)
        return false;
    *out = timegm(&tm);
    return tm.tm_mon == asked.tm_mon && tm.tm_sec == asked.tm_sec;
}

static int read_rtc_base(struct cli_rtc *rtc, const char *text, char **err)
{
    if (strcmp(text, "utc") == 0)
        rtc->base = CLI_RTC_UTC;
    else if (strcmp(text, "localtime") == 0)
        rtc->base = CLI_RTC_LOCALTIME;
    else if (read_date(text, &rtc->date))
        rtc->base = CLI_RTC_DATE;
    else
        return cli_fail(
            err, "invalid datetime format; valid formats: '2006-06-17T16:01:21' or '2006-06-17'");
    return 0;
}

int apply_rtc(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    struct cli_rtc *rtc = &s->o->rtc;
    const char *base = kv_text(*kv, "base");
    unsigned clock = rtc->clock, slew = rtc->driftfix_slew;
    if ((base && read_rtc_base(rtc, base, err) < 0) ||
        read_choice(*kv, "clock", NAMES("host", "rt", "vm"), &clock, err) < 0 ||
        read_choice(*kv, "driftfix", NAMES("none", "slew"), &slew, err) < 0)
        return -EINVAL;
    rtc->clock = clock;
    rtc->driftfix_slew = slew;
    return 0;
}

/* ---- -sandbox, -msg, -plugin-trust ---- */

static int read_deny(const struct kv_node *kv, const char *key, bool children, enum cli_deny *out,
                     char **err)
{
    unsigned v = *out;
    int r = read_choice(
        kv, key, children ? NAMES("allow", "deny", "children") : NAMES("allow", "deny"), &v, err);
    *out = v;
    return r;
}

int apply_sandbox(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    struct cli_sandbox *sb = &s->o->sandbox;
    if (read_bool(*kv, "enable", &sb->enable, err) < 0 ||
        read_deny(*kv, "obsolete", false, &sb->obsolete, err) < 0 ||
        read_deny(*kv, "elevateprivileges", true, &sb->elevateprivileges, err) < 0 ||
        read_deny(*kv, "spawn", false, &sb->spawn, err) < 0)
        return -EINVAL;
    return read_deny(*kv, "resourcecontrol", false, &sb->resourcecontrol, err);
}

int apply_msg(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    int r = read_bool(*kv, "timestamp", &s->o->msg_timestamp, err);
    return r < 0 ? r : read_bool(*kv, "guest-name", &s->o->msg_guest_name, err);
}

int apply_plugin_trust(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                       char **err)
{
    (void)opt;
    const char *whom = (*kv)->text;
    if (strcmp(whom, "any") != 0 && strcmp(whom, "owner") != 0)
        return cli_fail(err, "'%s' is neither 'owner' nor 'any'", whom);
    s->o->plugin_trust_any = strcmp(whom, "any") == 0;
    return 0;
}
