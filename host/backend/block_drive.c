/* SPDX-License-Identifier: BSD-2-Clause */
/* -drive: a disk with everything about it in one option, as nodes: protocol, format, and what
 * snapshot=on and the limits put on top. */
#include "block_drive.h"

#include "cli/json.h"
#include "cli/keyval.h"
#include "cli/values.h"
#include "util/alloc.h"
#include "vm/machine.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- words of before: iops= is throttling.iops-total= ---- */

static const char *const renamed[][2] = {
    {"iops", "throttling.iops-total"},
    {"iops_rd", "throttling.iops-read"},
    {"iops_wr", "throttling.iops-write"},
    {"bps", "throttling.bps-total"},
    {"bps_rd", "throttling.bps-read"},
    {"bps_wr", "throttling.bps-write"},
    {"iops_max", "throttling.iops-total-max"},
    {"iops_rd_max", "throttling.iops-read-max"},
    {"iops_wr_max", "throttling.iops-write-max"},
    {"bps_max", "throttling.bps-total-max"},
    {"bps_rd_max", "throttling.bps-read-max"},
    {"bps_wr_max", "throttling.bps-write-max"},
    {"iops_size", "throttling.iops-size"},
    {"group", "throttling.group"},
    {"readonly", "read-only"},
};

static int rename_keys(struct kv_node *d, struct tn_err *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(renamed); i++) {
        const char *old = renamed[i][0], *now = renamed[i][1];
        const char *text = kv_text(d, old);
        if (!text)
            continue;
        if (kv_get(d, now))
            return err_set(e, EINVAL, "'%s' and its alias '%s' can't be used at the same time", now,
                           old);
        kv_set(d, now, text);
        kv_remove(d, old);
    }
    return 0;
}

/* ---- taking keys out ---- */

/* The text of key, which is not in d any more; NULL if it never was. The caller frees it. */
static char *take(struct kv_node *d, const char *key)
{
    const char *text = kv_text(d, key);
    char *out = text ? xstrdup(text) : NULL;
    kv_remove(d, key);
    return out;
}

static int take_bool(struct kv_node *d, const char *key, bool *out, struct tn_err *e)
{
    AUTO_FREE char *text = take(d, key);
    if (text && val_bool(key, text, out, NULL) < 0)
        return err_set(e, EINVAL, "Parameter '%s' expects 'on' or 'off'", key);
    return 0;
}

static int take_number(struct kv_node *d, const char *key, uint64_t *out, struct tn_err *e)
{
    AUTO_FREE char *text = take(d, key);
    if (text && val_u64(key, text, 0, INT64_MAX, out, NULL) < 0)
        return err_set(e, EINVAL, "Parameter '%s' expects a number", key);
    return 0;
}

/* ---- cache= ---- */

static int set_cache(struct kv_node *d, struct tn_err *e)
{
    static const struct {
        const char *name, *writeback, *direct, *no_flush;
    } modes[] = {
        {"writeback", "on", "off", "off"},  {"none", "on", "on", "off"},
        {"off", "on", "on", "off"},         {"writethrough", "off", "off", "off"},
        {"directsync", "off", "on", "off"}, {"unsafe", "on", "off", "on"},
    };
    AUTO_FREE char *mode = take(d, "cache");
    for (size_t i = 0; mode && i < ARRAY_SIZE(modes); i++) {
        if (strcmp(mode, modes[i].name) != 0)
            continue;
        const char *const v[][2] = {{"cache.writeback", modes[i].writeback},
                                    {"cache.direct", modes[i].direct},
                                    {"cache.no-flush", modes[i].no_flush}};
        for (size_t k = 0; k < ARRAY_SIZE(v); k++)
            if (!kv_get(d, v[k][0]))
                kv_set(d, v[k][0], v[k][1]);
        return 0;
    }
    return mode ? err_set(e, EINVAL, "invalid cache option") : 0;
}

/* aio= is about the protocol below the format. */
static int set_aio(struct kv_node *d, struct tn_err *e)
{
    static const char *const names[] = {"threads", "native", "io_uring"};
    AUTO_FREE char *aio = take(d, "aio");
    size_t i;
    if (!aio)
        return 0;
    if (val_choice("aio", aio, names, ARRAY_SIZE(names), &i, NULL) < 0)
        return err_set(e, EINVAL, "invalid aio option");
    if (!kv_get(d, "file.aio"))
        kv_set(d, "file.aio", aio);
    return 0;
}

/* ---- errors ---- */

static int take_action(struct kv_node *d, const char *key, int is_write, uint32_t *out,
                       struct tn_err *e)
{
    static const char *const names[] = {"ignore", "report", "stop", "enospc"};
    static const uint32_t policies[] = {TN_BLKE_IGNORE, TN_BLKE_REPORT, TN_BLKE_STOP,
                                        TN_BLKE_ENOSPC};
    AUTO_FREE char *text = take(d, key);
    size_t i;
    if (!text)
        return 0;
    if (val_choice(key, text, names, is_write ? 4 : 3, &i, NULL) < 0)
        return err_set(e, EINVAL, "'%s' invalid %s error action", text,
                       is_write ? "write" : "read");
    *out = policies[i];
    return 0;
}

/* ---- throttling.* ---- */

static int take_limits(struct kv_node *d, struct drive *v, struct tn_err *e)
{
    static const char *const names[THROTTLE_BUCKETS] = {"bps-total",  "bps-read",  "bps-write",
                                                        "iops-total", "iops-read", "iops-write"};
    throttle_limits_init(&v->limits);
    for (uint32_t i = 0; i < THROTTLE_BUCKETS; i++) {
        struct throttle_limit *l = &v->limits.of[i];
        AUTO_FREE char *avg = xasprintf("throttling.%s", names[i]), *max = xasprintf("%s-max", avg),
                       *length = xasprintf("%s-max-length", avg);
        if (take_number(d, avg, &l->avg, e) < 0 || take_number(d, max, &l->max, e) < 0 ||
            take_number(d, length, &l->length, e) < 0)
            return -EINVAL;
    }
    if (take_number(d, "throttling.iops-size", &v->limits.op_size, e) < 0)
        return -EINVAL;
    v->group = take(d, "throttling.group");
    return throttle_limits_check(&v->limits, e);
}

/* ---- stats-intervals.* ---- */

static int add_interval(struct drive *v, const char *text, struct tn_err *e)
{
    size_t len = strlen(text);
    uint64_t seconds = strspn(text, "0123456789") == len ? strtoull(text, NULL, 10) : 0;
    if (!seconds || seconds > UINT32_MAX)
        return err_set(e, EINVAL, "Invalid interval length: %s", text);
    v->intervals = xrealloc(v->intervals, (v->nintervals + 1) * sizeof v->intervals[0]);
    v->intervals[v->nintervals++] = seconds;
    return 0;
}

/* What is left has no number, or not the one that is next. */
static int refuse_intervals(const struct kv_node *d, const struct drive *v, struct tn_err *e)
{
    static const char all[] = "stats-intervals.";
    AUTO_FREE char *next = xasprintf("%s%u.", all, v->nintervals);
    for (size_t i = 0; i < d->n_child; i++) {
        const char *key = d->child[i]->key;
        if (strncmp(key, next, strlen(next)) == 0)
            return err_set(e, EINVAL, "The specification of stats-intervals is invalid");
        if (strncmp(key, all, strlen(all)) == 0)
            return err_set(e, EINVAL, "Invalid option %s", key);
    }
    return 0;
}

static int take_intervals(struct kv_node *d, struct drive *v, struct tn_err *e)
{
    for (;;) {
        AUTO_FREE char *key = xasprintf("stats-intervals.%u", v->nintervals), *text = take(d, key);
        if (!text)
            return refuse_intervals(d, v, e);
        if (add_interval(v, text, e) < 0)
            return -EINVAL;
    }
}

/* ---- where it is plugged in ---- */

static const char *default_interface(const struct vm *vm)
{
    const char *type = vm->machine && vm->machine->type ? vm->machine->type->name : "none";
    return strcmp(type, "q35") == 0 || strcmp(type, "pc") == 0 ? "ide" : "none";
}

static int take_interface(struct vm *vm, struct kv_node *d, struct drive *v, struct tn_err *e)
{
    static const char *const names[] = {"none", "ide", "scsi",   "floppy", "pflash",
                                        "mtd",  "sd",  "virtio", "xen"};
    AUTO_FREE char *text = take(d, "if"), *media = take(d, "media");
    const char *name = text ? text : default_interface(vm);
    size_t i;
    if (media && strcmp(media, "disk") != 0 && strcmp(media, "cdrom") != 0)
        return err_set(e, EINVAL, "'%s' invalid media", media);
    v->cdrom = media && strcmp(media, "cdrom") == 0;
    if (val_choice("if", name, names, ARRAY_SIZE(names), &i, NULL) < 0)
        return err_set(e, EINVAL, "unsupported bus type '%s'", name);
    v->interface = names[i];
    return 0;
}

/* Bus and unit are counted per interface; IDE and SCSI have several units on a bus. */
static uint64_t units_of(const char *interface)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): one of names[] */
    return strcmp(interface, "ide") == 0 ? 2 : strcmp(interface, "scsi") == 0 ? 7 : 0;
}

const char *block_drive_at(struct vm *vm, const char *interface, uint64_t bus, uint64_t unit)
{
    for (const struct block_slot *s = block_state(vm)->slots; s; s = s->next)
        if (strcmp(s->interface, interface) == 0 && s->bus == bus && s->unit == unit)
            return s->drive;
    return NULL;
}

static int slot_taken(struct vm *vm, const struct drive *v)
{
    return block_drive_at(vm, v->interface, v->bus, v->unit) != NULL;
}

static void next_free(struct vm *vm, struct drive *v, int same_bus)
{
    uint64_t units = units_of(v->interface);
    while (slot_taken(vm, v)) {
        v->unit++;
        if (units && v->unit >= units && !same_bus) {
            v->unit -= units;
            v->bus++;
        }
    }
}

static int take_slot(struct vm *vm, struct kv_node *d, struct drive *v, struct tn_err *e)
{
    uint64_t none = ~(uint64_t)0, bus = 0, unit = none, index = none;
    uint64_t units = units_of(v->interface);
    int have_bus = kv_get(d, "bus") != NULL;
    if (take_number(d, "bus", &bus, e) < 0 || take_number(d, "unit", &unit, e) < 0 ||
        take_number(d, "index", &index, e) < 0)
        return -EINVAL;
    if (index != none && (bus || unit != none))
        return err_set(e, EINVAL, "index cannot be used with bus and unit");
    v->bus = index == none ? bus : units ? index / units : 0;
    v->unit = index == none ? unit : units ? index % units : index;
    if (v->unit == none) {
        v->unit = 0;
        next_free(vm, v, have_bus);
    }
    if (units && v->unit >= units)
        return err_set(e, EINVAL, "unit %llu too big (max is %llu)", (unsigned long long)v->unit,
                       (unsigned long long)(units - 1));
    if (slot_taken(vm, v))
        return err_set(e, EEXIST, "drive with bus=%llu, unit=%llu (index=%llu) exists",
                       (unsigned long long)v->bus, (unsigned long long)v->unit,
                       (unsigned long long)v->bus * units + v->unit);
    return 0;
}

static char *default_id(const struct drive *v)
{
    const char *media = strcmp(v->interface, "ide") == 0 || strcmp(v->interface, "scsi") == 0
                            ? (v->cdrom ? "-cd" : "-hd")
                            : "";
    if (*media)
        return xasprintf("%s%llu%s%llu", v->interface, (unsigned long long)v->bus, media,
                         (unsigned long long)v->unit);
    return xasprintf("%s%llu", v->interface, (unsigned long long)v->unit);
}

static int has_interface(const struct vm *vm, const struct drive *v)
{
    if (strcmp(v->interface, "pflash") == 0)
        return vm->machine && vm->machine->type && v->bus == 0 &&
               v->unit < vm->machine->type->flash_units;
    return strcmp(v->interface, "none") == 0 || strcmp(v->interface, "virtio") == 0;
}

/* "-drive if=ide": the machine has no such controller. */
static int check_interface(const struct vm *vm, const struct drive *v, struct tn_err *e)
{
    if (has_interface(vm, v))
        return 0;
    err_set(e, ENOTSUP, "machine type does not support if=%s,bus=%llu,unit=%llu", v->interface,
            (unsigned long long)v->bus, (unsigned long long)v->unit);
    err_hint(e, "if=virtio makes a virtio disk; if=none is for a -device's drive=");
    return -ENOTSUP;
}

static int check_id(struct vm *vm, const char *id, struct tn_err *e)
{
    if (!keyval_is_id(id)) {
        err_set(e, EINVAL, "Parameter 'id' expects an identifier");
        err_hint(e,
                 "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
        return -EINVAL;
    }
    struct device *d = block_find(vm, id);
    if (!d)
        return 0;
    return blk_of(d)->drive && strcmp(blk_of(d)->drive, id) == 0
               ? err_set(e, EEXIST, "Duplicate ID '%s' for drive", id)
               : err_set(e, EEXIST, "Device name '%s' conflicts with an existing node name", id);
}

/* ---- the option as a whole ---- */

/* Everything that is not about nodes. What is left in d is. */
static int take_all(struct vm *vm, struct kv_node *d, struct drive *v, struct tn_err *e)
{
    int r = rename_keys(d, e);
    v->id = take(d, "id");
    if (r == 0 && v->id)
        r = check_id(vm, v->id, e);
    if (r == 0)
        r = set_cache(d, e);
    if (r == 0)
        r = take_interface(vm, d, v, e);
    if (r == 0)
        r = take_slot(vm, d, v, e);
    if (r == 0)
        r = take_action(d, "werror", 1, &v->werror, e);
    if (r == 0)
        r = take_action(d, "rerror", 0, &v->rerror, e);
    if (r == 0)
        r = take_bool(d, "snapshot", &v->snapshot, e);
    if (r == 0)
        r = take_bool(d, "copy-on-read", &v->copy_on_read, e);
    if (r == 0)
        r = take_bool(d, "stats-account-invalid", &v->account_invalid, e);
    if (r == 0)
        r = take_bool(d, "stats-account-failed", &v->account_failed, e);
    if (r == 0)
        r = take_intervals(d, v, e);
    if (r == 0)
        r = set_aio(d, e);
    if (r == 0)
        r = take_limits(d, v, e);
    if (r == 0 && v->copy_on_read)
        return err_set(e, ENOTSUP, "copy-on-read: there is no image format with a backing file");
    if (r == 0 && v->cdrom)
        kv_set(d, "read-only", "on");
    return r;
}

static int take_file(struct kv_node *d, struct drive *v, struct tn_err *e)
{
    const char *node = kv_text(d, "node-name");
    if (node && v->id && strcmp(node, v->id) == 0)
        return err_set(e, EEXIST, "Device name '%s' conflicts with an existing node name", node);
    v->file = take(d, "file");
    v->format = take(d, "format");
    if (v->format && kv_get(d, "driver"))
        return err_set(e, EINVAL, "Cannot specify both 'driver' and 'format'");
    if (v->format)
        kv_set(d, "driver", v->format);
    if (v->file && !*v->file) {
        free(v->file);
        v->file = NULL;
    }
    return 0;
}

static void drive_free(struct drive *v)
{
    free(v->id);
    free(v->file);
    free(v->format);
    free(v->group);
    free(v->intervals);
}

static void keep_slot(struct vm *vm, const struct drive *v)
{
    struct block_slot *s = XNEW(struct block_slot);
    *s = (struct block_slot){block_state(vm)->slots, xstrdup(v->id), v->interface, v->bus, v->unit};
    block_state(vm)->slots = s;
}

void block_forget_slot(struct vm *vm, const char *drive)
{
    for (struct block_slot **at = &block_state(vm)->slots; *at; at = &(*at)->next)
        if (strcmp((*at)->drive, drive) == 0) {
            struct block_slot *s = *at;
            *at = s->next;
            free(s->drive);
            free(s);
            return;
        }
}

static void keep_disk(struct vm *vm, const char *id)
{
    struct block_disk *n = XNEW(struct block_disk), **at = &block_state(vm)->disks;
    n->drive = xstrdup(id);
    while (*at)
        at = &(*at)->next;
    *at = n;
}

static int add(struct vm *vm, struct kv_node *d, struct drive *v, struct tn_err *e)
{
    int r = take_all(vm, d, v, e);
    if (r == 0)
        r = take_file(d, v, e);
    if (r == 0)
        r = check_interface(vm, v, e);
    if (r == 0 && !v->id)
        v->id = default_id(v);
    if (r == 0)
        r = drive_open(vm, d, v, e);
    if (r != 0)
        return r;
    keep_slot(vm, v);
    if (strcmp(v->interface, "virtio") == 0)
        keep_disk(vm, v->id);
    return 0;
}

int block_add_drive(struct vm *vm, const struct kv_node *dict, int snapshot, struct tn_err *e)
{
    KV_AUTO *d = kv_clone(dict);
    struct drive v = {.snapshot = snapshot != 0, .account_invalid = true, .account_failed = true};
    int r = add(vm, d, &v, e);
    drive_free(&v);
    return r;
}
