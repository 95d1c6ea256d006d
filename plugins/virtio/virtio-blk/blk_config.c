/* SPDX-License-Identifier: BSD-2-Clause */
/* What the disk is: features and configuration space (VIRTIO 1.3, 5.2.3 to 5.2.5). */
#include <errno.h>
#include <string.h>

#include "blk_regs.h"
#include "util/bytes.h"
#include "virtio_blk.h"

#define BIT(n) ((uint64_t)1 << (n))

enum { BLOCK_MIN = 512, BLOCK_MAX = 2 << 20, QUEUE_SIZE_MAX = 1024 };

/* ---- properties ---- */

static int check_block_size(struct virtio_blk *s, const char *name, uint64_t v, struct tn_err *e)
{
    if (v < BLOCK_MIN || v > BLOCK_MAX)
        return tn_fail(s->v.d, e, EINVAL, "parameter %s must be between %d and %d", name, BLOCK_MIN,
                       BLOCK_MAX);
    return v & (v - 1) ? tn_fail(s->v.d, e, EINVAL, "parameter %s must be a power of 2", name) : 0;
}

static int check_blocks(struct virtio_blk *s, struct tn_err *e)
{
    struct blk_props *p = &s->p;
    uint32_t logical = s->info.logical ? s->info.logical : BLOCK_MIN;
    if (!p->logical)
        p->logical = logical;
    if (!p->physical)
        p->physical = s->info.physical > p->logical ? s->info.physical : p->logical;
    int r = check_block_size(s, "logical_block_size", p->logical, e);
    if (r == 0)
        r = check_block_size(s, "physical_block_size", p->physical, e);
    if (r == 0 && p->logical > p->physical)
        return tn_fail(s->v.d, e, EINVAL, "logical_block_size > physical_block_size not supported");
    if (r == 0 && p->logical < logical)
        return tn_fail(s->v.d, e, EINVAL, "logical_block_size is below that of the drive, %u",
                       logical);
    return r;
}

static int check_io_sizes(struct virtio_blk *s, struct tn_err *e)
{
    struct blk_props *p = &s->p;
    bool as_drive = p->backend_defaults != TN_OFF;
    if (!p->min_io && as_drive && s->info.min_io % p->logical == 0)
        p->min_io = s->info.min_io;
    if (!p->opt_io && as_drive && s->info.opt_io % p->logical == 0)
        p->opt_io = s->info.opt_io;
    if (p->min_io % p->logical)
        return tn_fail(s->v.d, e, EINVAL,
                       "min_io_size must be a multiple of the logical block size");
    if (p->min_io / p->logical > UINT16_MAX)
        return tn_fail(s->v.d, e, EINVAL, "min_io_size must not exceed %u logical blocks",
                       UINT16_MAX);
    if (p->opt_io % p->logical)
        return tn_fail(s->v.d, e, EINVAL,
                       "opt_io_size must be a multiple of the logical block size");
    return p->opt_io / p->logical > UINT32_MAX
               ? tn_fail(s->v.d, e, EINVAL, "opt_io_size is too large")
               : 0;
}

static int check_discard(struct virtio_blk *s, struct tn_err *e)
{
    struct blk_props *p = &s->p;
    bool given = p->discard_granularity != UINT32_MAX;
    if (!given && p->backend_defaults != TN_OFF && s->info.discard_align)
        p->discard_granularity = s->info.discard_align;
    if (given && p->discard_granularity % p->logical)
        return tn_fail(s->v.d, e, EINVAL,
                       "discard_granularity must be a multiple of the logical block size");
    if (p->discard && (!p->max_discard || p->max_discard > BLK_MAX_SECTORS))
        return tn_fail(s->v.d, e, EINVAL,
                       "invalid max-discard-sectors property (%u), must be between 1 and %d",
                       p->max_discard, BLK_MAX_SECTORS);
    if (p->write_zeroes && (!p->max_write_zeroes || p->max_write_zeroes > BLK_MAX_SECTORS))
        return tn_fail(s->v.d, e, EINVAL,
                       "invalid max-write-zeroes-sectors property (%u), must be between 1 and %d",
                       p->max_write_zeroes, BLK_MAX_SECTORS);
    return p->max_secure_erase && p->max_secure_erase <= BLK_MAX_SECTORS
               ? 0
               : tn_fail(s->v.d, e, EINVAL,
                         "invalid max-secure-erase-sectors property (%u), must be between 1 and %d",
                         p->max_secure_erase, BLK_MAX_SECTORS);
}

static int check_range(struct virtio_blk *s, const char *name, uint32_t v, uint32_t most,
                       struct tn_err *e)
{
    return v && v <= most ? 0
                          : tn_fail(s->v.d, e, EINVAL, "%s must be between 1 and %u", name, most);
}

/* Either all three are given, or they are made up as BIOSes do. */
static int check_geometry(struct virtio_blk *s, struct tn_err *e)
{
    struct blk_props *p = &s->p;
    if (!p->cyls && !p->heads && !p->secs) {
        uint64_t cyls = s->info.size / (16 * 63 * BLK_SECTOR);
        p->cyls = cyls > 16383 ? 16383 : cyls < 2 ? 2 : (uint32_t)cyls;
        p->heads = 16;
        p->secs = 63;
        return 0;
    }
    int r = check_range(s, "cyls", p->cyls, 65535, e);
    if (r == 0)
        r = check_range(s, "heads", p->heads, 255, e);
    return r == 0 ? check_range(s, "secs", p->secs, 255, e) : r;
}

static int check_queues(struct virtio_blk *s, struct tn_err *e)
{
    uint32_t size = s->p.queue_size;
    if (!s->p.num_queues)
        return tn_fail(s->v.d, e, EINVAL, "num-queues property must be larger than 0");
    if (size <= 2)
        return tn_fail(s->v.d, e, EINVAL, "invalid queue-size property (%u), must be > 2", size);
    if (size & (size - 1) || size > QUEUE_SIZE_MAX)
        return tn_fail(s->v.d, e, EINVAL,
                       "invalid queue-size property (%u), must be a power of 2 (max %d)", size,
                       QUEUE_SIZE_MAX);
    return 0;
}

int blk_config_check(struct virtio_blk *s, struct tn_err *e)
{
    static int (*const checks[])(struct virtio_blk *, struct tn_err *) = {
        check_queues, check_blocks, check_io_sizes, check_discard, check_geometry};
    if (!(s->info.flags & TN_BLKF_INSERTED))
        return tn_fail(s->v.d, e, ENOMEDIUM, "Device needs media, but drive is empty");
    for (uint32_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        int r = checks[i](s, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- features ---- */

static bool erases(const struct virtio_blk *s)
{
    return s->info.flags & TN_BLKF_SECURE_ERASE;
}

static uint64_t features(const struct virtio_blk *s, uint32_t nq)
{
    uint64_t f = BIT(BLK_F_SEG_MAX) | BIT(BLK_F_GEOMETRY) | BIT(BLK_F_BLK_SIZE) |
                 BIT(BLK_F_TOPOLOGY) | BIT(BLK_F_FLUSH);
    f |= s->limits.readonly ? BIT(BLK_F_RO) : 0;
    f |= s->p.config_wce ? BIT(BLK_F_CONFIG_WCE) : 0;
    f |= nq > 1 ? BIT(BLK_F_MQ) : 0;
    f |= s->p.discard ? BIT(BLK_F_DISCARD) : 0;
    f |= s->p.write_zeroes ? BIT(BLK_F_WRITE_ZEROES) : 0;
    return f | (erases(s) ? BIT(BLK_F_SECURE_ERASE) : 0);
}

/* The layout ends with the last field of what is offered: a legacy BAR is no larger than needed. */
static uint32_t config_len(uint64_t f)
{
    return f & BIT(BLK_F_SECURE_ERASE)   ? BLK_CONFIG_LEN
           : f & BIT(BLK_F_WRITE_ZEROES) ? BLK_CFG_MAX_SECURE_ERASE_SECTORS
           : f & BIT(BLK_F_DISCARD)      ? BLK_CFG_MAX_WRITE_ZEROES_SECTORS
                                         : BLK_CFG_MAX_DISCARD_SECTORS;
}

/* ---- configuration space ---- */

static uint32_t log2_of(uint64_t v)
{
    return (uint32_t)(63 - __builtin_clzll(v));
}

/* A descriptor each for header and status. */
static uint32_t seg_max(const struct virtio_blk *s)
{
    uint32_t n = s->p.seg_max_adjust ? s->p.queue_size - 2u : 128 - 2;
    return s->info.max_iov && s->info.max_iov < n ? s->info.max_iov : n;
}

static void put_capacity(struct virtio_blk *s)
{
    uint64_t sectors = s->info.size / s->p.logical * (s->p.logical >> BLK_SECTOR_SHIFT);
    __atomic_store_n(&s->limits.sectors, sectors, __ATOMIC_RELAXED);
    put_le64(s->config + BLK_CFG_CAPACITY, sectors);
}

static void put_topology(struct virtio_blk *s)
{
    const struct blk_props *p = &s->p;
    uint8_t *c = s->config;
    put_le16(c + BLK_CFG_CYLINDERS, (uint16_t)p->cyls);
    c[BLK_CFG_HEADS] = (uint8_t)p->heads;
    c[BLK_CFG_SECTORS] = (uint8_t)p->secs;
    put_le32(c + BLK_CFG_BLK_SIZE, (uint32_t)p->logical);
    c[BLK_CFG_PHYSICAL_BLOCK_EXP] = (uint8_t)log2_of(p->physical / p->logical);
    put_le16(c + BLK_CFG_MIN_IO_SIZE, (uint16_t)(p->min_io / p->logical));
    put_le32(c + BLK_CFG_OPT_IO_SIZE, (uint32_t)(p->opt_io / p->logical));
}

static void put_ranges(struct virtio_blk *s)
{
    const struct blk_props *p = &s->p;
    uint8_t *c = s->config;
    bool known = p->report_discard_granularity && p->discard_granularity != UINT32_MAX;
    uint32_t align = (uint32_t)((known ? p->discard_granularity : p->logical) >> BLK_SECTOR_SHIFT);
    if (p->discard) {
        put_le32(c + BLK_CFG_MAX_DISCARD_SECTORS, p->max_discard);
        put_le32(c + BLK_CFG_MAX_DISCARD_SEG, BLK_MAX_SEG);
        put_le32(c + BLK_CFG_DISCARD_SECTOR_ALIGNMENT, align);
    }
    if (p->write_zeroes) {
        put_le32(c + BLK_CFG_MAX_WRITE_ZEROES_SECTORS, p->max_write_zeroes);
        put_le32(c + BLK_CFG_MAX_WRITE_ZEROES_SEG, BLK_MAX_SEG);
        c[BLK_CFG_WRITE_ZEROES_MAY_UNMAP] = 1;
    }
    if (erases(s)) {
        put_le32(c + BLK_CFG_MAX_SECURE_ERASE_SECTORS, p->max_secure_erase);
        put_le32(c + BLK_CFG_MAX_SECURE_ERASE_SEG, BLK_MAX_SEG);
        put_le32(c + BLK_CFG_SECURE_ERASE_SECTOR_ALIGNMENT, align);
    }
}

static void set_limits(struct virtio_blk *s)
{
    struct blk_limits *l = &s->limits;
    l->block_sectors = (uint32_t)(s->p.logical >> BLK_SECTOR_SHIFT);
    l->readonly = s->info.flags & TN_BLKF_READONLY;
    l->discard = (struct blk_range_limit){s->p.max_discard, s->p.discard ? BLK_MAX_SEG : 0};
    l->write_zeroes =
        (struct blk_range_limit){s->p.max_write_zeroes, s->p.write_zeroes ? BLK_MAX_SEG : 0};
    l->secure_erase = (struct blk_range_limit){s->p.max_secure_erase, erases(s) ? BLK_MAX_SEG : 0};
}

void blk_config_build(struct virtio_blk *s, uint32_t nq)
{
    set_limits(s);
    s->offered = features(s, nq);
    s->config_len = config_len(s->offered);
    put_capacity(s);
    put_le32(s->config + BLK_CFG_SEG_MAX, seg_max(s));
    put_topology(s);
    put_le16(s->config + BLK_CFG_NUM_QUEUES, (uint16_t)nq);
    put_ranges(s);
    s->drive_wce = s->p.write_cache == TN_AUTO ? (s->info.flags & TN_BLKF_WRITE_CACHE) != 0
                                               : s->p.write_cache == TN_ON;
}

bool blk_config_resize(struct virtio_blk *s)
{
    uint64_t before = s->limits.sectors;
    struct tn_blk_info info = {.struct_size = sizeof info};
    if (s->block->info(s->p.drive, &info) < 0)
        return false;
    s->info.size = info.size;
    put_capacity(s);
    return s->limits.sectors != before;
}

/* ---- the write cache ---- */

/* A drive that cannot be switched is written to stable storage request by request. */
void blk_config_set_cache(struct virtio_blk *s, bool writeback)
{
    bool switched = s->block->write_cache(s->p.drive, writeback) == 0;
    s->config[BLK_CFG_WRITEBACK] = writeback;
    __atomic_store_n(&s->fua, !writeback && !switched, __ATOMIC_RELAXED);
}

void blk_config_reset(struct virtio_blk *s)
{
    blk_config_set_cache(s, s->drive_wce);
}

/* 5.2.5.2 and 5.2.6.2: without FLUSH nothing would ever become stable, so that each write has to.
 * 5.2.5.3: a legacy driver may have set the field before it is heard here, and it stays. */
void blk_config_negotiated(struct virtio_blk *s, bool legacy)
{
    bool flush = vdev_has(&s->v, BLK_F_FLUSH);
    if (!vdev_has(&s->v, BLK_F_CONFIG_WCE))
        blk_config_set_cache(s, flush);
    else if (!flush && !legacy)
        blk_config_set_cache(s, false);
}

/* Only writeback can be written: with CONFIG_WCE, or by a legacy driver before it has chosen. */
void blk_config_write(struct virtio_blk *s, uint32_t off, const uint8_t *p, uint32_t len)
{
    bool hit = off <= BLK_CFG_WRITEBACK && BLK_CFG_WRITEBACK - off < len;
    bool chosen = s->v.features[0] || s->v.features[1];
    if (hit && (chosen ? vdev_has(&s->v, BLK_F_CONFIG_WCE) : s->p.config_wce))
        blk_config_set_cache(s, p[BLK_CFG_WRITEBACK - off] & 1);
}
