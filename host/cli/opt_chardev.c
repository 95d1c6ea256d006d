/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_short.h"
#include "fail.h"
#include "keyval.h"
#include "opt_apply.h"
#include "util/alloc.h"
#include "values.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int apply_chardev(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    if (!kv_text(*kv, "id") && keyval_help_wanted(*kv, opt->implied) == KEYVAL_NO_HELP)
        return cli_fail(err, "chardev: no id specified");
    return apply_item(s, opt, kv, err);
}

char *cli_add_chardev(struct cli_scan *s, const char *text, const char *id, char **err)
{
    struct kv_node *kv = chardev_short_parse(text, id, err);
    if (!kv)
        return NULL;
    char *used = xstrdup(kv_text(kv, "id"));
    if (!kv_get(kv, "backend")) {
        kv_free(kv);
        return used;
    }
    if (cli_append(s, &s->o->chardevs, "chardev", kv, err) == 0)
        return used;
    free(used);
    return NULL;
}

/* Adds a monitor on a chardev that is there; id may be NULL. */
static int add_mon(struct cli_scan *s, const char *id, const char *chardev, const char *mode,
                   bool pretty, char **err)
{
    struct kv_node *mon = kv_new(KV_DICT);
    if (id)
        kv_set(mon, "id", id);
    kv_set(mon, "chardev", chardev);
    kv_set(mon, "mode", mode);
    if (pretty)
        kv_set(mon, "pretty", "on");
    return cli_append(s, &s->o->mons, "mon", mon, err);
}

int cli_add_monitor(struct cli_scan *s, const char *text, const char *mode, bool pretty, char **err)
{
    AUTO_FREE char *id = xasprintf("compat_monitor%u", s->n_monitors++);
    AUTO_FREE char *chardev = cli_add_chardev(s, text, id, err);
    return chardev ? add_mon(s, id, chardev, mode, pretty, err) : -EINVAL;
}

int cli_add_serial(struct cli_scan *s, const char *text, char **err)
{
    unsigned port = s->n_serials++;
    struct kv_node *serial = kv_new(KV_DICT);
    if (strcmp(text, "none") != 0) {
        AUTO_FREE char *id = xasprintf("serial%u", port);
        AUTO_FREE char *chardev = cli_add_chardev(s, text, id, err);
        if (!chardev) {
            kv_free(serial);
            return -EINVAL;
        }
        kv_set(serial, "chardev", chardev);
    }
    const char *chardev = kv_text(serial, "chardev");
    bool muxed = chardev && strncmp(text, "mon:", 4) == 0;
    int r = muxed ? add_mon(s, NULL, chardev, "readline", false, err) : 0;
    int r2 = cli_append(s, &s->o->serials, "serial", serial, err);
    return r < 0 ? r : r2;
}

int apply_serial(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    s->said_serial = true;
    s->said_monitor |= strncmp((*kv)->text, "mon:", 4) == 0;
    return cli_add_serial(s, (*kv)->text, err);
}

int apply_parallel(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)s, (void)opt;
    if (strcmp((*kv)->text, "none") == 0)
        return 0;
    return cli_fail(err, "there is no parallel port; only 'none' is accepted");
}

int apply_monitor(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    s->said_monitor = true;
    if (strcmp((*kv)->text, "none") == 0)
        return 0;
    bool pretty = strchr(opt->data, ',');
    return cli_add_monitor(s, (*kv)->text, pretty ? "control" : opt->data, pretty, err);
}

int apply_debugcon(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    AUTO_FREE char *chardev = cli_add_chardev(s, (*kv)->text, "debugcon", err);
    if (!chardev)
        return -EINVAL;
    struct kv_node *device = kv_new(KV_DICT);
    kv_set(device, "driver", "isa-debugcon");
    kv_set(device, "id", "debugcon");
    kv_set(device, "chardev", chardev);
    return cli_append(s, &s->o->devices, "device", device, err);
}

int apply_qtest(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv, char **err)
{
    (void)opt;
    if (s->o->qtest)
        return cli_fail(err, "there can be only one -qtest");
    s->o->qtest = cli_add_chardev(s, (*kv)->text, "qtest", err);
    return s->o->qtest ? 0 : -EINVAL;
}
