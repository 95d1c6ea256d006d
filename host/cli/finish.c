/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be said only when every option was seen. */
#include "fail.h"
#include "keyval.h"
#include "scan.h"
#include "texts.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the machine ---- */

/* -M accel=kvm:qtest is -accel kvm -accel qtest. */
static int split_accel(struct cli_scan *s, char **err)
{
    const char *text = kv_text(s->machine, "accel");
    if (!text)
        return 0;
    if (s->o->accels.n)
        return cli_fail(err, "The -accel and \"-machine accel=\" options are incompatible");
    AUTO_FREE char *copy = xstrdup(text);
    for (char *rest = copy, *name; (name = strsep(&rest, ":"));) {
        struct kv_node *accel = kv_new(KV_DICT);
        kv_set(accel, "accel", name);
        cli_append(s, &s->o->accels, "accel", accel, NULL);
    }
    kv_remove(s->machine, "accel");
    return 0;
}

static char *take_word(struct cli_scan *s, const char *key)
{
    const char *text = kv_text(s->machine, key);
    char *copy = text ? xstrdup(text) : NULL;
    kv_remove(s->machine, key);
    return copy;
}

static void take_words(struct cli_scan *s)
{
    struct cli_options *o = s->o;
    o->kernel = take_word(s, "kernel");
    o->initrd = take_word(s, "initrd");
    o->append = take_word(s, "append");
    o->dtb = take_word(s, "dtb");
    o->bios = take_word(s, "firmware");
}

static int check_boot_words(const struct cli_options *o, char **err)
{
    const char *orphan = o->kernel ? NULL : o->append ? "append" : o->initrd ? "initrd" : NULL;
    return orphan ? cli_fail(err, "-%s only allowed with -kernel option", orphan) : 0;
}

static int read_machine(struct cli_options *o, char **err)
{
    struct cli_smp given;
    if (cli_memory_read(&o->memory, kv_get(o->machine, "memory"), err) < 0 ||
        cli_smp_read(&given, kv_get(o->machine, "smp"), err) < 0 ||
        cli_smp_complete(&o->smp, &given, err) < 0 ||
        cli_boot_read(&o->boot, kv_get(o->machine, "boot"), err) < 0)
        return -EINVAL;
    kv_remove(o->machine, "memory");
    kv_remove(o->machine, "smp");
    kv_remove(o->machine, "boot");
    return check_boot_words(o, err);
}

static int finish_machine(struct cli_scan *s, char **err)
{
    if (split_accel(s, err) < 0)
        return -EINVAL;
    take_words(s);
    s->o->machine = keyval_nest(s->machine, err);
    return s->o->machine ? read_machine(s->o, err) : -EINVAL;
}

/* ---- defaults ---- */

/* A serial port given as a device takes the place of the default one. */
static bool has_device(const struct cli_options *o, const char *type)
{
    for (size_t i = 0; i < o->devices.n; i++) {
        const char *driver = kv_text(o->devices.v[i].kv, "driver");
        if (driver && strcmp(driver, type) == 0)
            return true;
    }
    return false;
}

/* One stdio serves both the first serial port and the monitor; what the user placed elsewhere stays
 * there. */
static int nographic_defaults(struct cli_scan *s, bool serial, bool monitor, char **err)
{
    if (serial)
        return cli_add_serial(s, monitor ? "mon:stdio" : "stdio", err);
    return monitor ? cli_add_monitor(s, "stdio", "readline", false, err) : 0;
}

static int add_defaults(struct cli_scan *s, char **err)
{
    struct cli_options *o = s->o;
    bool serial = !o->nodefaults && !s->said_serial && !has_device(o, "isa-serial");
    bool monitor = !o->nodefaults && !s->said_monitor;
    o->default_net = !o->nodefaults && !s->said_net;
    o->default_monitor = monitor && !o->nographic;
    if (o->nographic && o->daemonize)
        return cli_fail(err, "-nographic cannot be used with -daemonize");
    if (o->nographic && !o->display) {
        o->display = kv_new(KV_DICT);
        kv_set(o->display, "type", "none");
    }
    /* no window, so nothing to show a serial port in: it is there if it is asked for */
    return o->nographic ? nographic_defaults(s, serial, monitor, err) : 0;
}

/* ---- references ---- */

static int unknown_chardev(const struct cli_item *item, const char *id, char **err)
{
    const char *where = item->where.text;
    return cli_fail(err, "%s%s" TEXT_NO_CHARDEV, where ? where : "", where ? ": " : "", id);
}

static int check_chardevs(const struct cli_options *o, const struct cli_list *list, char **err)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *id = kv_text(list->v[i].kv, "chardev");
        if (id && !cli_find_id(&o->chardevs, id))
            return unknown_chardev(&list->v[i], id, err);
    }
    return 0;
}

static int check_modes(const struct cli_options *o, char **err)
{
    for (size_t i = 0; i < o->mons.n; i++) {
        const char *mode = kv_text(o->mons.v[i].kv, "mode");
        if (mode && strcmp(mode, "readline") != 0 && strcmp(mode, "control") != 0)
            return cli_fail(err, "%s: Parameter 'mode' does not accept value '%s'",
                            o->mons.v[i].where.text, mode);
    }
    return 0;
}

static int check_references(const struct cli_options *o, char **err)
{
    if (o->qtest && !cli_find_id(&o->chardevs, o->qtest))
        return cli_fail(err, "-qtest: " TEXT_NO_CHARDEV, o->qtest);
    int r = check_chardevs(o, &o->serials, err);
    if (r == 0)
        r = check_modes(o, err);
    return r < 0 ? r : check_chardevs(o, &o->mons, err);
}

int cli_finish(struct cli_scan *s, char **err)
{
    int r = finish_machine(s, err);
    if (s->o->dump_topology)
        s->o->start_paused = true;
    if (r == 0)
        r = add_defaults(s, err);
    return r < 0 ? r : check_references(s->o, err);
}
