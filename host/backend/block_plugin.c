/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own block classes, as a plugin that is built in; and every -blockdev and -drive in
 * turn. */
#include "block_drive.h"

#include "cli/options.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/plugin.h>

/* The disks of the option that was just read come from it. */
static void note_where(struct vm *vm, const struct cli_item *item)
{
    for (struct block_disk *n = block_state(vm)->disks; n; n = n->next)
        if (!n->where)
            n->where = item->where.text;
}

static int located(struct tn_err *e, struct tn_err *why, const struct cli_item *item)
{
    if (item->where.text)
        err_prefix(why, "%s: ", item->where.text);
    return err_move(e, why);
}

int block_add_all(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    for (size_t i = 0; i < o->blockdevs.n; i++) {
        ERR_AUTO why = {0};
        if (block_add_node(vm, o->blockdevs.v[i].kv, &why) < 0)
            return located(e, &why, &o->blockdevs.v[i]);
    }
    for (size_t i = 0; i < o->drives.n; i++) {
        ERR_AUTO why = {0};
        if (block_add_drive(vm, o->drives.v[i].kv, o->snapshot, &why) < 0)
            return located(e, &why, &o->drives.v[i]);
        note_where(vm, &o->drives.v[i]);
    }
    return 0;
}

/* Where there is no PCI bus, the machine's virtio-mmio slots take disks. */
int block_add_disks(struct vm *vm, struct tn_err *e)
{
    for (const struct block_disk *n = block_state(vm)->disks; n; n = n->next) {
        ERR_AUTO why = {0};
        KV_AUTO *dict = kv_new(KV_DICT);
        kv_set(dict, "driver", vm->pci ? "virtio-blk-pci" : "virtio-blk-device");
        kv_set(dict, "drive", n->drive);
        if (device_add(vm, TN_K_DEVICE, dict, NULL, &why) < 0) {
            err_prefix(&why, "%s: ", n->where ? n->where : n->drive);
            return err_move(e, &why);
        }
    }
    return 0;
}

struct names {
    struct buf *out;
    int any;
};

static int add_name(void *o, const struct class_entry *c)
{
    struct names *n = o;
    if (!(c->flags & TN_C_INTERNAL))
        buf_printf(n->out, "%s%s", n->any++ ? " " : "", c->name);
    return 0;
}

void block_list_formats(struct vm *vm, struct buf *out)
{
    struct names n = {out, 0};
    buf_str(out, "Supported formats: ");
    registry_each(vm->registry, TN_K_BLOCK, add_name, &n);
    buf_str(out, "\n");
}

void block_forget_all(struct vm *vm)
{
    struct block_state *s = vm->block;
    if (!s)
        return;
    for (struct block_slot *p = s->slots, *next; p; p = next) {
        next = p->next;
        free(p->drive);
        free(p);
    }
    for (struct block_disk *p = s->disks, *next; p; p = next) {
        next = p->next;
        free(p->drive);
        free(p);
    }
    free(s);
    vm->block = NULL;
}

static const struct tn_class *const classes[] = {&blk_raw_class,        &blk_throttle_class,
                                                 &blk_empty_class,      &blk_snapshot_class,
                                                 &throttle_group_class, NULL};

const struct tn_plugin block_plugin = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "block",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "Block devices of the host",
    .classes = classes,
};
