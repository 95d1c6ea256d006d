/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk: a disk on the virtio-bus (VIRTIO 1.3, section 5.2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/machine.h>
#include <tenon/plugin.h>

#include "blk_regs.h"
#include "virtio_blk.h"

/* ---- virtio-bus ---- */

static int offer(void *self, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    struct virtio_blk *s = self;
    (void)e;
    if (nwords)
        f[0] |= s->offered;
    return 0;
}

static int negotiated(void *self, const uint64_t *f, uint32_t nwords, uint32_t vq_flags)
{
    struct virtio_blk *s = self;
    int r = vdev_negotiated(self, f, nwords, vq_flags);
    if (r == 0)
        blk_config_negotiated(s, vq_flags & TN_VQ_LEGACY);
    return r;
}

static void config_read(void *self, uint32_t off, void *buf, uint32_t len)
{
    struct virtio_blk *s = self;
    if (off <= s->config_len && len <= s->config_len - off)
        memcpy(buf, s->config + off, len);
}

static void config_write(void *self, uint32_t off, const void *buf, uint32_t len)
{
    blk_config_write(self, off, buf, len);
}

/* Without TN_VQ_RESTORE the driver has given up what was kept. */
static int queue_start(void *self, const struct tn_vq *q)
{
    struct virtio_blk *s = self;
    if (q->index < s->v.nq && !(q->flags & TN_VQ_RESTORE))
        blk_queue_forget(&s->q[q->index]);
    return vdev_queue_start(self, q);
}

static int reset_queues(void *self)
{
    struct virtio_blk *s = self;
    for (uint32_t i = 0; i < s->v.nq; i++)
        blk_queue_forget(&s->q[i]);
    int r = vdev_reset(self);
    blk_config_reset(s);
    return r;
}

static const struct tn_virtio_ops ops = {
    .struct_size = sizeof ops,
    .device_id = BLK_DEVICE_ID,
    .pci_legacy_id = BLK_LEGACY_PCI_ID,
    .pci_class_rev = BLK_CLASS_REV,
    .features = offer,
    .negotiated = negotiated,
    .config_read = config_read,
    .config_write = config_write,
    .queue_start = queue_start,
    .queue_stop = vdev_queue_stop,
    .reset = reset_queues,
    .kick = vdev_kick,
};

/* ---- the drive ---- */

static void drain_begin(void *self)
{
    struct virtio_blk *s = self;
    __atomic_add_fetch(&s->drained, 1, __ATOMIC_ACQ_REL);
}

static void drain_end(void *self)
{
    struct virtio_blk *s = self;
    if (__atomic_sub_fetch(&s->drained, 1, __ATOMIC_ACQ_REL))
        return;
    for (uint32_t i = 0; i < s->nlanes; i++)
        s->v.loop->kick(s->lane[i].turn);
    for (uint32_t i = 0; i < s->v.nq; i++)
        vdev_poke(&s->v.q[i]);
}

static void resized(void *self)
{
    struct virtio_blk *s = self;
    if (blk_config_resize(s))
        s->v.port->config_changed(s->v.p);
}

/* A disk's medium stays: one that is gone fails its requests. */
static void medium(void *self, uint32_t what)
{
    (void)what;
    resized(self);
}

static const struct tn_blk_ops drive_ops = {.struct_size = sizeof drive_ops,
                                            .drain_begin = drain_begin,
                                            .drain_end = drain_end,
                                            .resized = resized,
                                            .media = medium};

static int attach_drive(struct virtio_blk *s, struct tn_err *e)
{
    s->block = TN_GET(s->v.d, struct tn_block, TN_BLOCK_1);
    s->info.struct_size = sizeof s->info;
    int r = s->block->info(s->p.drive, &s->info);
    if (r < 0)
        return tn_fail(s->v.d, e, -r, "the drive cannot be used: %s", strerror(-r));
    uint32_t flags = (s->info.flags & TN_BLKF_READONLY ? 0 : TN_BLKA_WRITE) |
                     (s->p.share_rw ? TN_BLKA_SHARE_RW : 0);
    r = s->block->attach(s->p.drive, s->v.d, flags, &drive_ops, s, e);
    return r < 0 ? r : blk_config_check(s, e);
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    vdev_init(self, d);
    return 0;
}

static uint32_t count_queues(const struct virtio_blk *s)
{
    void *p;
    const struct tn_virtio_port *port = s->v.d->core->port(s->v.d, &p);
    uint32_t nq = s->p.num_queues == BLK_QUEUES_AUTO ? port->queues_hint(p, 0) : s->p.num_queues;
    return nq ? nq : 1;
}

static int set_up_queues(struct virtio_blk *s, uint32_t nq, struct tn_err *e)
{
    struct tn_ctx **ctx = calloc(nq, sizeof(struct tn_ctx *));
    int r = ctx ? blk_map_queues(s, ctx, nq, e)
                : tn_fail(s->v.d, e, ENOMEM, "no memory for the queues");
    if (r == 0) /* header and status lie in pieces of their own, and most transfers are few pages */
        r = vdev_queues(&s->v, nq, sizeof(struct blk_rq), 8, e);
    for (uint32_t i = 0; r == 0 && i < nq; i++) {
        s->v.q[i].ctx = ctx[i];
        s->v.q[i].handle = blk_queue_handle;
        s->v.q[i].stopping = blk_queue_stopping;
        s->v.q[i].max_size = s->p.queue_size;
    }
    free(ctx);
    if (r == 0)
        r = vdev_setup(&s->v, s->config_len, e);
    return r == 0 ? blk_queues_init(s, e) : r;
}

static void say_boot_order(struct virtio_blk *s)
{
    const struct tn_machine *machine = TN_GET(s->v.d, struct tn_machine, TN_MACHINE_1);
    if (TN_HAS(machine, boot))
        machine->boot(s->v.d, s->p.bootindex, "disk@0,0");
}

static const struct tn_trace_event trace_events[BLK_TRACES] = {
    [BLK_TRACE_REQUEST] = {"virtio_blk_request",
                           "queue %lu: %lu is operation %lu at %lu, %lu bytes", 0, 0},
    [BLK_TRACE_COMPLETE] = {"virtio_blk_req_complete", "queue %lu: %lu ends with status %lu", 0, 0},
    [BLK_TRACE_KEEP] = {"virtio_blk_keep", "queue %lu: %lu is kept until the machine runs", 0, 0},
};

static void add_traces(struct virtio_blk *s)
{
    memcpy(s->events, trace_events, sizeof trace_events);
    s->trace = TN_GET(s->v.d, struct tn_trace, TN_TRACE_1);
    if (s->trace)
        s->trace->add(s->v.d, s->events, BLK_TRACES, sizeof s->events[0]);
}

static void let_go(void *self)
{
    struct virtio_blk *s = self;
    blk_queues_fini(s);
    vdev_fini(&s->v);
}

static int realize(void *self, struct tn_err *e)
{
    struct virtio_blk *s = self;
    int r = attach_drive(s, e);
    if (r < 0)
        return r;
    uint32_t nq = count_queues(s);
    blk_config_build(s, nq);
    r = set_up_queues(s, nq, e);
    if (r < 0) {
        let_go(s);
        return r;
    }
    blk_config_reset(s);
    add_traces(s);
    say_boot_order(s);
    return 0;
}

/* The transport has stopped the queues before, and starts them after. */
static int quiesce(void *self, uint32_t why, uint32_t flags)
{
    (void)self;
    (void)why;
    (void)flags;
    return 0;
}

static void resume(void *self)
{
    struct virtio_blk *s = self;
    for (uint32_t i = 0; i < s->v.nq; i++) {
        __atomic_store_n(&s->q[i].retry, 1, __ATOMIC_RELEASE);
        vdev_poke(&s->v.q[i]);
    }
}

/* ---- class ---- */

static const char *const on_error[] = {
    [TN_BLKE_AUTO] = "auto", [TN_BLKE_REPORT] = "report", [TN_BLKE_IGNORE] = "ignore",
    [TN_BLKE_STOP] = "stop", [TN_BLKE_ENOSPC] = "enospc", NULL};

static const struct tn_prop vqs_row[] = {{.type = TN_P_U16, .size = sizeof(uint16_t)}};
static const struct tn_prop vq_map_rows[] = {
    TN_PROP_REF(struct blk_vq_map, ctx, "iothread", IOTHREAD, TN_PF_REQUIRED, "who serves"),
    {.name = "vqs",
     .help = "which queues",
     .type = TN_P_LIST,
     .offset = offsetof(struct blk_vq_map, vqs),
     .size = sizeof(struct tn_list),
     .sub = vqs_row,
     .nsub = 1,
     .sub_stride = sizeof vqs_row[0]},
};

#define P(f, name, type, def, help) TN_PROP(struct virtio_blk, p.f, name, type, def, help)

static const struct tn_prop props[] = {
    TN_PROP_REF(struct virtio_blk, p.drive, "drive", DRIVE, TN_PF_REQUIRED,
                "Node name or ID of a block device to use as a backend"),
    P(logical, "logical_block_size", SIZE, 0, "A power of two between 512 B and 2 MiB"),
    P(physical, "physical_block_size", SIZE, 0, "A power of two between 512 B and 2 MiB"),
    P(min_io, "min_io_size", SIZE, 0, NULL),
    P(opt_io, "opt_io_size", SIZE, 0, NULL),
    P(discard_granularity, "discard_granularity", SIZE, UINT32_MAX, NULL),
    P(write_cache, "write-cache", ONOFFAUTO, TN_AUTO, NULL),
    P(share_rw, "share-rw", BOOL, 0, NULL),
    P(backend_defaults, "backend_defaults", ONOFFAUTO, TN_AUTO, NULL),
    P(account_invalid, "account-invalid", ONOFFAUTO, TN_AUTO, NULL),
    P(account_failed, "account-failed", ONOFFAUTO, TN_AUTO, NULL),
    TN_PROP_ENUM(struct virtio_blk, p.rerror, "rerror", on_error, TN_BLKE_AUTO,
                 "Error handling policy (report/ignore/enospc/stop/auto)"),
    TN_PROP_ENUM(struct virtio_blk, p.werror, "werror", on_error, TN_BLKE_AUTO,
                 "Error handling policy (report/ignore/enospc/stop/auto)"),
    P(cyls, "cyls", U32, 0, NULL),
    P(heads, "heads", U32, 0, NULL),
    P(secs, "secs", U32, 0, NULL),
    P(lcyls, "lcyls", U32, 0, NULL),
    P(lheads, "lheads", U32, 0, NULL),
    P(lsecs, "lsecs", U32, 0, NULL),
    TN_PROP_STR(struct virtio_blk, p.serial, "serial", NULL, NULL),
    P(config_wce, "config-wce", BOOL, 1, NULL),
    P(merging, "request-merging", BOOL, 1, NULL),
    P(num_queues, "num-queues", U16, BLK_QUEUES_AUTO, NULL),
    P(queue_size, "queue-size", U16, 256, NULL),
    P(seg_max_adjust, "seg-max-adjust", BOOL, 1, NULL),
    P(discard, "discard", BOOL, 1, NULL),
    P(report_discard_granularity, "report-discard-granularity", BOOL, 1, NULL),
    P(write_zeroes, "write-zeroes", BOOL, 1, NULL),
    P(max_discard, "max-discard-sectors", U32, BLK_MAX_SECTORS, NULL),
    P(max_write_zeroes, "max-write-zeroes-sectors", U32, BLK_MAX_SECTORS, NULL),
    P(max_secure_erase, "max-secure-erase-sectors", U32, BLK_MAX_SECTORS, NULL),
    TN_PROP_REF(struct virtio_blk, p.iothread, "iothread", IOTHREAD, 0, NULL),
    {.name = "iothread-vq-mapping",
     .help = "IOThread virtqueue mapping list [{\"iothread\":\"<id>\", \"vqs\":[1,2,3,...]},...]",
     .type = TN_P_LIST,
     .flags = TN_PF_NODEFAULT,
     .offset = offsetof(struct virtio_blk, p.vq_map),
     .size = sizeof(struct tn_list),
     .sub = vq_map_rows,
     .nsub = 2,
     .sub_stride = sizeof vq_map_rows[0]},
    TN_PROP_ROW(struct virtio_blk, p.bootindex, "bootindex", I32, TN_PF_NODEFAULT, 0, -1, 0, 0,
                NULL, NULL, NULL),
};

static const struct tn_class virtio_blk = {
    .struct_size = sizeof virtio_blk,
    .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_STORAGE,
    .name = "virtio-blk",
    .desc = "a virtio disk",
    .bus = TN_VIRTIO_BUS,
    .instance_size = sizeof(struct virtio_blk),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &blk_state,
    .bus_ops = &ops,
    .init = init,
    .realize = realize,
    .quiesce = quiesce,
    .resume = resume,
    .unrealize = let_go,
    .traces = trace_events,
    .ntraces = BLK_TRACES,
    .trace_stride = sizeof trace_events[0],
};

static const struct tn_class *const classes[] = {&virtio_blk, NULL};
static const char *const needs[] = {TN_BLOCK_1, TN_LOOP_1, TN_DMA_1, NULL};
static const char *const wants[] = {TN_MACHINE_1, TN_STREAM_1, TN_TRACE_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "virtio-blk",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "virtio block device",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
