/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_mem.h"

#include "cli/keyval.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the back end ---- */

struct mem_queue {
    struct mem_queue *next;
    struct mem *m;
    struct tn_ctx *ctx;
    struct tn_bh *bh;
    struct tn_blk_req *held[MEM_LOG];
    uint32_t n, dead;
};

static int mem_init(void *s, struct tn_dev *d)
{
    struct mem *m = s;
    m->dev = d;
    m->logical = 512;
    pthread_mutex_init(&m->lock, NULL);
    return 0;
}

static int mem_realize(void *s, struct tn_err *e)
{
    struct mem *m = s;
    struct stat st;
    if (m->filename && stat(m->filename, &st) == 0)
        m->size = (uint64_t)st.st_size;
    else if (m->filename)
        return tn_fail(m->dev, e, errno, "Could not open '%s': %s", m->filename, strerror(errno));
    m->feed = TN_GET(m->dev, struct tn_blk_feed, TN_BLOCK_FEED_1);
    m->data = calloc(1, m->size + (1 << 20));
    return 0;
}

static void mem_fini(void *s)
{
    free(((struct mem *)s)->data);
}

static int mem_info(void *s, struct tn_blk_info *out)
{
    const struct mem *m = s;
    struct tn_blk_info i = {.struct_size = out->struct_size,
                            .flags = m->flags | (m->open.read_only ? TN_BLKF_READONLY : 0),
                            .size = m->size,
                            .logical = m->logical,
                            .physical = m->logical,
                            .max_transfer = m->max_transfer,
                            .max_discard = m->max_discard,
                            .discard_align = m->discard_align,
                            .max_iov = m->max_iov,
                            .mem_align = m->mem_align};
    *out = i;
    return 0;
}

static int is_data(uint32_t op)
{
    return op == TN_BLK_READ || op == TN_BLK_WRITE;
}

static uint32_t breaks_rules(const struct mem *m, const struct tn_blk_req *r)
{
    uint64_t sum = 0, mask = m->logical - 1, align = m->mem_align ? m->mem_align - 1 : 0;
    uint32_t bad = r->op == TN_BLK_FLUSH ? 0 : ((r->off | r->len) & mask) != 0;
    bad |= r->op != TN_BLK_FLUSH && !r->len;
    bad |= r->op != TN_BLK_READ && m->open.read_only;
    bad |= r->off + r->len > ((m->size + 4095) & ~(uint64_t)4095) + m->logical;
    if (!is_data(r->op))
        return bad;
    for (uint32_t i = 0; i < r->niov; i++) {
        sum += r->iov[i].len;
        bad |= ((uintptr_t)r->iov[i].base & align) != 0;
        bad |= r->niov > 1 && m->logical > 1 && (r->iov[i].len & mask);
    }
    bad |= sum != r->len;
    bad |= m->max_transfer && r->len > m->max_transfer;
    return bad | (m->max_iov && r->niov > m->max_iov);
}

static void perform(struct mem *m, const struct tn_blk_req *r)
{
    uint8_t *at = m->data + r->off;
    for (uint32_t i = 0; i < r->niov && is_data(r->op); i++) {
        if (r->op == TN_BLK_READ)
            memcpy(r->iov[i].base, at, r->iov[i].len);
        else
            memcpy(at, r->iov[i].base, r->iov[i].len);
        at += r->iov[i].len;
    }
    if (r->op == TN_BLK_WRITE_ZEROES)
        memset(at, 0, r->len);
    if (r->op == TN_BLK_DISCARD)
        memset(at, 0xdd, r->len);
}

static void complete(struct mem_queue *q, uint32_t i)
{
    struct mem *m = q->m;
    struct tn_blk_req *r = q->held[i];
    int err = 0;
    memmove(&q->held[i], &q->held[i + 1], (q->n - i - 1) * sizeof q->held[0]);
    q->n--;
    pthread_mutex_lock(&m->lock);
    if (m->fail_op == r->op && m->fail_after-- == 0) {
        m->fail_op = 0;
        err = m->fail_err;
    }
    if (!err)
        perform(m, r);
    pthread_mutex_unlock(&m->lock);
    m->feed->done(m->dev, r, err);
}

static void complete_all(void *p)
{
    struct mem_queue *q = p;
    for (uint32_t n = q->n; n && q->n; n--)
        complete(q, q->m->reverse ? q->n - 1 : 0);
    if (q->n)
        bh_kick(q->bh);
}

static void *mem_queue(void *s, struct tn_ctx *c, struct tn_err *e)
{
    struct mem *m = s;
    struct mem_queue *q = XNEW(struct mem_queue);
    (void)e;
    q->m = m;
    q->ctx = c;
    q->bh = bh_new(c, NULL, TN_LF_NOLOCK, complete_all, q);
    q->next = m->queues;
    m->queues = q;
    return q;
}

static void mem_queue_del(void *p)
{
    struct mem_queue *q = p, **at = &q->m->queues;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    q->m->bad += q->n != 0;
    bh_del(q->bh);
    free(q);
}

static int mem_submit(void *p, struct tn_blk_req *r)
{
    struct mem_queue *q = p;
    struct mem *m = q->m;
    if (m->slots && q->n >= m->slots)
        return -EAGAIN;
    pthread_mutex_lock(&m->lock);
    m->bad += breaks_rules(m, r);
    if (m->n < MEM_LOG)
        m->log[m->n++] = (struct mem_seen){r->op, r->flags, r->niov, r->off, r->len, r->iov};
    q->held[q->n++] = r;
    m->most = q->n > m->most ? q->n : m->most;
    pthread_mutex_unlock(&m->lock);
    if (!m->hold)
        bh_kick(q->bh);
    return 0;
}

static void mem_cancel(void *p, struct tn_blk_req *r)
{
    struct mem_queue *q = p;
    for (uint32_t i = 0; i < q->n; i++)
        if (q->held[i] == r) {
            q->m->fail_op = r->op;
            q->m->fail_after = 0;
            q->m->fail_err = -ECANCELED;
            if (i) { /* the next that is completed */
                q->held[i] = q->held[0];
                q->held[0] = r;
            }
            bh_kick(q->bh);
            return;
        }
    q->m->bad++;
}

static int mem_access(void *s, uint32_t flags, struct tn_err *e)
{
    struct mem *m = s;
    if (m->locking && strcmp(m->locking, "busy") == 0 && (flags & TN_BLKA_WRITE))
        return tn_fail(m->dev, e, EBUSY, "Failed to get \"write\" lock");
    m->access = flags;
    m->accesses++;
    return 0;
}

static int mem_resize(void *s, uint64_t size, struct tn_err *e)
{
    struct mem *m = s;
    for (struct mem_queue *q = m->queues; q; q = q->next)
        m->bad += q->n != 0;
    if (size > m->size + (1 << 20))
        return tn_fail(m->dev, e, EFBIG, "too large");
    m->size = size;
    return 0;
}

static const struct tn_blk_backend mem_ops = {
    .struct_size = sizeof mem_ops,
    .info = mem_info,
    .queue = mem_queue,
    .queue_del = mem_queue_del,
    .submit = mem_submit,
    .cancel = mem_cancel,
    .access = mem_access,
    .resize = mem_resize,
};

static const struct tn_prop mem_props[] = {
    TN_PROP(struct mem, size, "size", SIZE, 1 << 20, NULL),
    TN_PROP(struct mem, max_transfer, "max-transfer", SIZE, 0, NULL),
    TN_PROP(struct mem, max_discard, "max-discard", SIZE, 0, NULL),
    TN_PROP(struct mem, discard_align, "discard-align", SIZE, 0, NULL),
    TN_PROP(struct mem, logical, "logical", U32, 512, NULL),
    TN_PROP(struct mem, mem_align, "mem-align", U32, 0, NULL),
    TN_PROP(struct mem, max_iov, "max-iov", U32, 0, NULL),
    TN_PROP(struct mem, slots, "slots", U32, 0, NULL),
    TN_PROP(struct mem, flags, "flags", U32,
            TN_BLKF_WRITE_CACHE | TN_BLKF_DISCARD | TN_BLKF_WRITE_ZEROES, NULL),
    TN_PROP(struct mem, hold, "hold", BOOL, 0, NULL),
    TN_PROP(struct mem, reverse, "reverse", BOOL, 0, NULL),
    TN_PROP_STR(struct mem, locking, "locking", NULL, NULL),
    TN_BLK_OPEN_PROPS(struct mem, open),
    TN_PROP_STR(struct mem, filename, "filename", NULL, NULL),
};

#define MEM_CLASS(nm)                                                                         \
    {                                                                                         \
        .struct_size = sizeof(struct tn_class), .kind = TN_K_BLOCK, .name = nm,               \
        .instance_size = sizeof(struct mem), .props = mem_props,                              \
        .nprops = sizeof mem_props / sizeof mem_props[0], .prop_stride = sizeof mem_props[0], \
        .bus_ops = &mem_ops, .init = mem_init, .realize = mem_realize, .fini = mem_fini       \
    }
static const struct tn_class mem_class = MEM_CLASS("mem"), file_class = MEM_CLASS("file");

void mem_release(struct mem *m, uint32_t n)
{
    while (n-- && m->queues && m->queues->n)
        complete(m->queues, m->reverse ? m->queues->n - 1 : 0);
}

uint32_t mem_held(const struct mem *m)
{
    return m->queues ? m->queues->n : 0;
}

uint32_t mem_count(const struct mem *m, uint32_t op)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++)
        n += m->log[i].op == op;
    return n;
}

/* ---- the front end ---- */

static void drain_begin(void *s)
{
    ((struct disk *)s)->drains++;
}

static void drain_end(void *s)
{
    ((struct disk *)s)->undrains++;
}

static void resized(void *s)
{
    ((struct disk *)s)->resized++;
}

static const struct tn_blk_ops disk_ops = {
    .struct_size = sizeof disk_ops,
    .drain_begin = drain_begin,
    .drain_end = drain_end,
    .resized = resized,
};

static int disk_init(void *s, struct tn_dev *d)
{
    ((struct disk *)s)->dev = d;
    return 0;
}

static int disk_realize(void *s, struct tn_err *e)
{
    struct disk *d = s;
    d->block = TN_GET(d->dev, struct tn_block, TN_BLOCK_1);
    int r = d->block->attach(d->drive, d->dev, d->flags, &disk_ops, d, e);
    if (r < 0 || d->no_queue)
        return r;
    d->q = d->block->queue(d->drive, d->iothread, d->queue_flags);
    return d->q ? 0 : -ENOMEM;
}

static const struct tn_prop disk_props[] = {
    TN_PROP_REF(struct disk, drive, "drive", DRIVE, TN_PF_REQUIRED, NULL),
    TN_PROP_REF(struct disk, iothread, "iothread", IOTHREAD, 0, NULL),
    TN_PROP(struct disk, flags, "flags", U32, TN_BLKA_WRITE, NULL),
    TN_PROP(struct disk, queue_flags, "queue-flags", U32, TN_LF_NOLOCK, NULL),
    TN_PROP(struct disk, no_queue, "no-queue", U32, 0, NULL),
};

static const struct tn_class disk_class = {
    .struct_size = sizeof disk_class,
    .flags = TN_C_HOTPLUG,
    .name = "disk",
    .instance_size = sizeof(struct disk),
    .props = disk_props,
    .nprops = sizeof disk_props / sizeof disk_props[0],
    .prop_stride = sizeof disk_props[0],
    .init = disk_init,
    .realize = disk_realize,
};

static struct vm *vm;
static uint32_t submitting, seed = 1;

FIXTURE_PLUGIN(rig_plugin, &mem_class, &file_class, &pass_class, &disk_class);

static void done(void *arg, int err)
{
    struct asked *a = arg;
    a->err = err;
    a->inside += submitting;
    a->locked = domain_held(device_of(a->d->dev)->domain) != 0;
    __atomic_add_fetch(&a->ended, 1, __ATOMIC_RELEASE);
}

/* ---- from the test ---- */

void block_vm_end(void)
{
    if (vm)
        vm_free(vm);
    vm = NULL;
}

struct vm *block_vm(void)
{
    block_vm_end();
    vm = fixture_vm_with(&rig_plugin);
    fixture_register(vm, &block_plugin);
    rnd_seed(1);
    return vm;
}

static int add_drive_as(const char *text, int snapshot)
{
    ERR_AUTO e = {0};
    KV_AUTO *kv = keyval_parse(text, NULL);
    int r = block_add_drive(vm, kv, snapshot, &e);
    snprintf(fixture_error, sizeof fixture_error, "%s", err_text(&e));
    return r;
}

int add_drive(const char *text)
{
    return add_drive_as(text, 0);
}

int add_drive_snapshot(const char *text)
{
    return add_drive_as(text, 1);
}

int add_blockdev(const char *text)
{
    ERR_AUTO e = {0};
    char *why = NULL;
    KV_AUTO *flat = kv_new(KV_DICT);
    KV_AUTO *tree = NULL;
    if (*text == '{')
        tree = keyval_parse_or_json(text, NULL, &why);
    else if (keyval_parse_dotted(flat, "", text, "driver", &why) == 0)
        tree = keyval_nest(flat, &why);
    int r = tree ? block_add_node(vm, tree, &e) : -EINVAL;
    snprintf(fixture_error, sizeof fixture_error, "%s", why ? why : err_text(&e));
    free(why);
    return r;
}

struct tn_blk *blk(const char *name)
{
    struct device *d = block_find(vm, name);
    return d ? d->handle : NULL;
}

struct mem *mem_of(const char *name)
{
    struct device *d = block_find(vm, name);
    return d ? device_self(block_protocol(d)) : NULL;
}

struct disk *add_disk(const char *options)
{
    char text[256];
    snprintf(text, sizeof text, "disk,%s", options);
    struct device *d = fixture_add(vm, TN_K_DEVICE, text);
    return d ? device_self(d) : NULL;
}

int ask_start(struct disk *d, struct asked *a, uint32_t op, uint64_t off, uint64_t len,
              const struct tn_iov *v, uint32_t n, uint32_t flags)
{
    *a = (struct asked){.d = d};
    submitting = 1;
    int r = d->block->submit(d->q, op, off, len, v, n, flags, done, a);
    submitting = 0;
    return r;
}

int ask_wait(struct asked *a)
{
    if (!fixture_until(vm, &a->ended))
        return -ETIME;
    return a->inside || a->ended > 1 ? -EPROTO : a->err;
}

int ask_iov(struct disk *d, uint32_t op, uint64_t off, uint64_t len, const struct tn_iov *v,
            uint32_t n, uint32_t flags)
{
    struct asked a;
    int r = ask_start(d, &a, op, off, len, v, n, flags);
    if (r < 0)
        return r;
    d->block->flush_batch(d->q);
    return ask_wait(&a);
}

int ask(struct disk *d, uint32_t op, uint64_t off, void *buf, uint64_t len, uint32_t flags)
{
    struct tn_iov v = {buf, len};
    return ask_iov(d, op, off, len, &v, buf ? 1 : 0, flags);
}

void rnd_seed(uint32_t s)
{
    seed = s * 2654435761u + 1;
}

uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return below ? seed % below : seed;
}
