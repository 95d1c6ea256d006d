/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "fail.h"
#include "keyval.h"
#include "scan.h"
#include "texts.h"
#include "util/alloc.h"
#include "values.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct cli_where where_now(const struct cli_scan *s)
{
    return (struct cli_where){s->where ? xstrdup(s->where) : NULL, s->arg, s->line};
}

/* Room doubles at each power of two. */
static struct cli_item *new_item(struct cli_list *list)
{
    size_t n = list->n++;
    if ((n & (n - 1)) == 0)
        list->v = xrealloc(list->v, (n ? 2 * n : 1) * sizeof(*list->v));
    return &list->v[n];
}

int cli_append(struct cli_scan *s, struct cli_list *list, const char *group, struct kv_node *kv,
               char **err)
{
    const char *id = kv_text(kv, "id");
    int r = id ? val_id("id", id, err) : 0;
    if (r == 0 && id && cli_find_id(list, id))
        r = cli_fail(err, "Duplicate ID '%s' for %s", id, group);
    if (r < 0)
        kv_free(kv);
    else
        *new_item(list) = (struct cli_item){where_now(s), kv};
    return r;
}

struct cli_item *cli_find_id(const struct cli_list *list, const char *id)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *have = kv_text(list->v[i].kv, "id");
        if (have && strcmp(have, id) == 0)
            return &list->v[i];
    }
    return NULL;
}

void cli_warn(struct cli_scan *s, const char *fmt, ...)
{
    struct cli_options *o = s->o;
    BUF_AUTO line = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    o->warnings = xrealloc(o->warnings, (o->n_warnings + 1) * sizeof(*o->warnings));
    o->warnings[o->n_warnings++] = xasprintf("%s: warning: %s", s->where, buf_cstr(&line));
}

/* ---- one option ---- */

static bool takes_key(const struct cli_opt *opt, const char *key)
{
    for (const char *const *k = opt->keys; k && *k; k++) {
        if (strcmp(*k, key) == 0)
            return true;
    }
    return !opt->keys;
}

/* Unknown and missing keys, and a key of the wrong JSON type; not when help is asked for. */
static int check_keys(const struct cli_opt *opt, const struct kv_node *kv, char **err)
{
    if (keyval_help_wanted(kv, opt->implied) != KEYVAL_NO_HELP)
        return 0;
    for (size_t i = 0; i < kv->n_child; i++) {
        if (!takes_key(opt, kv->child[i]->key))
            return cli_fail(err, TEXT_NO_KEY, kv->child[i]->key);
    }
    const struct kv_node *id = kv_get(kv, "id"), *need = opt->need ? kv_get(kv, opt->need) : NULL;
    if (opt->need && !need)
        return cli_fail(err, TEXT_MISSING_KEY, opt->need);
    if (need && need->kind != KV_STRING)
        return cli_fail(err, TEXT_BAD_TYPE, opt->need, "string");
    if (id && id->kind != KV_STRING && opt->grammar == CLI_JSON)
        return cli_fail(err, "Invalid parameter type for 'id', expected: string");
    return 0;
}

int cli_apply(struct cli_scan *s, const struct cli_opt *opt, struct kv_node *kv, char **err)
{
    int r = kv && kv->kind == KV_DICT ? check_keys(opt, kv, err) : 0;
    if (r == 0)
        r = opt->apply(s, opt, &kv, err);
    kv_free(kv);
    return r;
}

static struct kv_node *parse_dotted(const char *arg, const char *implied, bool nest, char **err)
{
    if (nest && *arg == '{')
        return keyval_parse_or_json(arg, NULL, err);
    struct kv_node *flat = kv_new(KV_DICT), *nested = NULL;
    int r = keyval_parse_dotted(flat, "", arg, implied, err);
    if (r == 0 && !nest)
        return flat;
    if (r == 0)
        nested = keyval_nest(flat, err);
    kv_free(flat);
    return nested;
}

static struct kv_node *parse_argument(const struct cli_opt *opt, const char *arg, char **err)
{
    switch (opt->grammar) {
    case CLI_FLAT:
        return keyval_parse(arg, opt->implied);
    case CLI_JSON:
        return keyval_parse_or_json(arg, opt->implied, err);
    case CLI_DOTTED:
    case CLI_MERGED:
        return parse_dotted(arg, opt->implied, opt->grammar == CLI_DOTTED, err);
    case CLI_TEXT:
    case CLI_NO_ARG:
        break;
    }
    return kv_scalar(KV_STRING, arg);
}

static int apply_argument(struct cli_scan *s, const struct cli_opt *opt, const char *arg,
                          char **err)
{
    struct kv_node *kv = arg ? parse_argument(opt, arg, err) : NULL;
    return arg && !kv ? -EINVAL : cli_apply(s, opt, kv, err);
}

/* ---- the scan ---- */

/* Puts "where: " before *err, but not before what says already where in a -readconfig file. */
static int locate(const struct cli_scan *s, int r, const char *where, char **err)
{
    if (r < 0 && err && *err && !s->located) {
        char *line = xasprintf("%s: %s", where, *err);
        free(*err);
        *err = line;
    }
    return r;
}

static int scan_disk_image(struct cli_scan *s, const char *file, char **err)
{
    s->where = file;
    return locate(s, apply_argument(s, cli_opt_by_name("hda"), file, err), file, err);
}

/* Takes one option and its argument; returns how many words they were. */
static int scan_option(struct cli_scan *s, int left, char *const *argv, char **err)
{
    const char *word = argv[0], *name = word + 1 + (word[1] == '-');
    const struct cli_opt *opt = cli_opt_by_name(name);
    if (!opt)
        return cli_fail(err, "%s: invalid option", word);
    if (opt->arg && left < 2)
        return cli_fail(err, "%s: requires an argument", word);
    const char *arg = opt->arg ? argv[1] : NULL;
    AUTO_FREE char *where = arg ? xasprintf("%s %s", word, arg) : xstrdup(word);
    s->where = where;
    int r = apply_argument(s, opt, arg, err);
    s->where = NULL;
    return r < 0 ? locate(s, r, where, err) : arg ? 2 : 1;
}

static int scan_words(struct cli_scan *s, int argc, char *const *argv, char **err)
{
    for (s->arg = 1; s->arg < argc;) {
        char *const *at = argv + s->arg;
        bool option = at[0][0] == '-' && at[0][1];
        int r = option ? scan_option(s, argc - s->arg, at, err) : scan_disk_image(s, at[0], err);
        if (r < 0)
            return r;
        s->arg += option ? r : 1;
    }
    s->arg = 0;
    s->where = NULL;
    return cli_finish(s, err);
}

static bool is_called(const char *argv0, const char *name)
{
    const char *slash = strrchr(argv0, '/');
    return strcmp(slash ? slash + 1 : argv0, name) == 0;
}

/* Programs that were made for one version of QEMU refuse what another one answers. */
static int scan_environment(struct cli_options *o, char **err)
{
    const char *version = getenv("TENON_QEMU_VERSION");
    if (!version || strcmp(version, "10.0") == 0)
        return 0;
    o->as_qemu_7 = strcmp(version, "7.2") == 0;
    if (!o->as_qemu_7)
        *err = xasprintf("TENON_QEMU_VERSION=%s: it is 7.2 or 10.0", version);
    return o->as_qemu_7 ? 0 : -EINVAL;
}

int cli_options_scan(struct cli_options *o, int argc, char *const *argv, char **err)
{
    *o = (struct cli_options){.sandbox = {.enable = true, .obsolete = CLI_DENY}};
    o->as_qemu = argc > 0 && is_called(argv[0], "qemu-system-x86_64");
    struct cli_scan s = {.o = o, .machine = kv_new(KV_DICT)};
    int r = scan_environment(o, err);
    if (r == 0)
        r = scan_words(&s, argc, argv, err);
    kv_free(s.machine);
    return r;
}

char *cli_message(const char *program, const struct cli_where *where, const char *message)
{
    const char *text = where ? where->text : NULL;
    return xasprintf("%s:%s%s%s %s", program, text && !where->line ? " " : "", text ? text : "",
                     text ? ":" : "", message);
}

/* ---- the end ---- */

static void list_free(struct cli_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->v[i].where.text);
        kv_free(list->v[i].kv);
    }
    free(list->v);
}

static void free_lists(struct cli_options *o)
{
    struct cli_list *const lists[] = {
        &o->accels,    &o->devices,   &o->objects, &o->chardevs,  &o->mons,
        &o->serials,   &o->netdevs,   &o->nets,    &o->nics,      &o->drives,
        &o->blockdevs, &o->audiodevs, &o->numa,    &o->globals,   &o->fw_cfg,
        &o->traces,    &o->plugins,   &o->add_fds, &o->data_dirs, &o->plugin_dirs,
    };
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        list_free(lists[i]);
}

static void free_words(struct cli_options *o)
{
    char *const words[] = {o->kernel,       o->initrd,  o->append,    o->dtb,
                           o->bios,         o->cpu,     o->name,      o->vga,
                           o->process_name, o->pidfile, o->log_file,  o->log_items,
                           o->incoming,     o->qtest,   o->qtest_log, o->dump_topology};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        free(words[i]);
}

void cli_options_free(struct cli_options *o)
{
    free_lists(o);
    free_words(o);
    kv_free(o->machine);
    kv_free(o->display);
    kv_free(o->overcommit);
    kv_free(o->audio);
    for (size_t i = 0; i < o->n_warnings; i++)
        free(o->warnings[i]);
    free(o->warnings);
    *o = (struct cli_options){0};
}
