/* SPDX-License-Identifier: BSD-2-Clause */
#include "opt_apply.h"
#include "fail.h"
#include "keyval.h"
#include "util/alloc.h"
#include "values.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(struct cli_scan *s, const struct cli_opt *opt)
{
    return (char *)s->o + opt->field;
}

int apply_flag(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)kv, (void)err;
    *(bool *)field(s, opt) = true;
    return 0;
}

int apply_word(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)err;
    char **word = field(s, opt);
    free(*word);
    *word = xstrdup((*kv)->text);
    return 0;
}

int apply_text_item(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    return apply_item(s, opt, kv, err);
}

int apply_item(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    struct cli_list *list = field(s, opt);
    s->said_net |= list == &s->o->nets || list == &s->o->nics || list == &s->o->netdevs;
    s->said_monitor |= list == &s->o->mons;
    struct kv_node *taken = *kv;
    *kv = NULL;
    return cli_append(s, list, opt->name, taken, err);
}

int apply_dict(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)err;
    struct kv_node **dict = field(s, opt);
    for (size_t i = 0; *dict && i < (*dict)->n_child; i++) {
        struct kv_node *old = (*dict)->child[i];
        if (!kv_get(*kv, old->key))
            kv_add(*kv, old->key, kv_clone(old));
    }
    kv_free(*dict);
    *dict = *kv;
    *kv = NULL;
    return 0;
}

/* ---- the machine ---- */

int apply_machine(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    for (size_t i = 0; i < (*kv)->n_child; i++) {
        struct kv_node *n = (*kv)->child[i];
        AUTO_FREE char *key = xasprintf("%s%s", opt->data, n->key);
        kv_set(s->machine, key, n->text);
        kv_get(s->machine, key)->flag = n->flag;
    }
    KV_AUTO *check = keyval_nest(s->machine, err);
    return check ? 0 : -EINVAL;
}

int apply_machine_word(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                       char **err)
{
    (void)err;
    kv_set(s->machine, opt->data, (*kv)->text);
    return 0;
}

int apply_machine_fixed(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                        char **err)
{
    (void)kv;
    return keyval_parse_dotted(s->machine, "", opt->data, NULL, err);
}

int apply_machine_deprecated(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                             char **err)
{
    cli_warn(s, "-%s is deprecated, use '-machine %s' instead", opt->name, opt->data);
    return apply_machine_fixed(s, opt, kv, err);
}

int apply_memory(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    uint64_t v;
    const char *size = kv_text(*kv, "size"), *maxmem = kv_text(*kv, "maxmem"),
               *slots = kv_text(*kv, "slots");
    if ((size && val_size("size", size, VAL_MIB, &v, err) < 0) ||
        (maxmem && val_size("maxmem", maxmem, 1, &v, err) < 0) ||
        (slots && val_u64("slots", slots, 0, UINT64_MAX, &v, err) < 0))
        return -EINVAL;
    return apply_machine(s, opt, kv, err);
}

/* ---- shorthands ---- */

int apply_drive_short(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                      char **err)
{
    struct kv_node *drive = keyval_parse(opt->data, NULL);
    kv_set(drive, "file", (*kv)->text);
    return cli_append(s, &s->o->drives, "drive", drive, err);
}

static int add_usb_braille(struct cli_scan *s, struct kv_node *device, char **err)
{
    AUTO_FREE char *id = cli_add_chardev(s, "braille", "braille", err);
    if (!id) {
        kv_free(device);
        return -EINVAL;
    }
    kv_set(device, "chardev", id);
    return cli_append(s, &s->o->devices, "device", device, err);
}

int apply_usbdevice(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    static const char *const names[] = {"mouse", "tablet", "keyboard", "wacom-tablet", "braille"};
    static const char *const types[] = {"usb-mouse", "usb-tablet", "usb-kbd", "usb-wacom-tablet",
                                        "usb-braille"};
    size_t i;
    if (val_choice(opt->name, (*kv)->text, names, ARRAY_SIZE(names), &i, NULL) < 0)
        return cli_fail(err, "could not add USB device '%s'", (*kv)->text);
    kv_set(s->machine, "usb", "on");
    struct kv_node *device = kv_new(KV_DICT);
    kv_set(device, "driver", types[i]);
    if (strcmp(names[i], "braille") == 0)
        return add_usb_braille(s, device, err);
    return cli_append(s, &s->o->devices, "device", device, err);
}

/* ---- -set group.id.key=value ---- */

int apply_set(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    const char *text = (*kv)->text;
    size_t g = strcspn(text, ".="), i = text[g] == '.' ? strcspn(text + g + 1, ".=") : 0;
    const char *key = text + g + 1 + i + 1,
               *eq = i && text[g + 1 + i] == '.' ? strchr(key, '=') : NULL;
    if (!g || !eq || eq == key)
        return cli_fail(err, "can't parse: \"%s\", expected group.id.key=value", text);
    AUTO_FREE char *group = xstrndup(text, g);
    AUTO_FREE char *id = xstrndup(text + g + 1, i);
    AUTO_FREE char *name = xstrndup(key, (size_t)(eq - key));
    const struct cli_opt *target = cli_opt_by_section(group);
    bool is_list = target && (target->apply == apply_item || target->apply == apply_chardev);
    struct cli_item *item = is_list ? cli_find_id(field(s, target), id) : NULL;
    if (!target)
        return cli_fail(err, "There is no option group '%s'", group);
    if (!item)
        return cli_fail(err, "there is no %s \"%s\" defined", group, id);
    kv_set(item->kv, name, eq + 1);
    return 0;
}

/* ---- -readconfig ---- */

#define MAX_CONFIG ((size_t)1 << 20) /* no hand-written machine comes near */

static void close_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

/* The file as a string, which the caller frees; NULL with *err set. */
static char *read_config(const char *path, char **err)
{
    __attribute__((cleanup(close_file))) FILE *f = fopen(path, "re");
    if (!f) {
        cli_fail(err, "Could not open '%s': %s", path, strerror(errno));
        return NULL;
    }
    BUF_AUTO text = {0};
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof(block), f)) > 0 && text.len <= MAX_CONFIG)
        buf_add(&text, block, n);
    if (ferror(f) || text.len > MAX_CONFIG || memchr(buf_cstr(&text), 0, text.len)) {
        cli_fail(err, "'%s' is no configuration file", path);
        return NULL;
    }
    return xstrdup(buf_cstr(&text));
}

int apply_readconfig(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    AUTO_FREE char *text = read_config((*kv)->text, err);
    return text ? cli_readconfig(s, (*kv)->text, text, err) : -EINVAL;
}
