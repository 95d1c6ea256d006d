/* SPDX-License-Identifier: BSD-2-Clause */
/* Items are handed to the hardware, and taken back, only from the main thread with no device lock
 * held: the hardware calls fill() and written() with its own lock held and takes the owner's
 * inside, so nobody may take them the other way round. */
#include "fwcfg_host.h"

#include "device.h"
#include "loop.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 55 };
#define REPORT_SUFFIX ".addr"

struct entry {
    struct managed m; /* of its device; none for the machine's */
    struct fwcfg *all;
    TAILQ_ENTRY(entry) link;
    char *name; /* NULL: key */
    uint32_t key;
    uint8_t *data; /* owned */
    uint64_t len;
    struct device *dev;
    struct domain *domain; /* of dev: fill() and written() run with it */
    int64_t (*fill)(void *s, void *p, uint64_t max);
    void (*written)(void *s, uint64_t off, uint64_t len, const void *p);
    void *s;
    uint32_t given; /* the hardware has it */
    uint32_t dead;  /* its owner has gone: callbacks do nothing */
    uint32_t is_blob, below_4g;
    uint64_t align, gpa;  /* gpa: with the lock */
    struct entry *report; /* of a blob */
};
struct fwcfg {
    struct vm *vm;
    TAILQ_HEAD(, entry) entries;
    pthread_mutex_t lock; /* leaf: entries' gpa, and the list against gpa() */
    uint32_t connected, scheduled;
};

struct fwcfg *fwcfg_host_new(struct vm *vm)
{
    struct fwcfg *f = XNEW(struct fwcfg);
    f->vm = vm;
    TAILQ_INIT(&f->entries);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

static void entry_free(struct entry *it)
{
    pthread_mutex_lock(&it->all->lock);
    TAILQ_REMOVE(&it->all->entries, it, link);
    pthread_mutex_unlock(&it->all->lock);
    domain_unref(it->domain);
    free(it->name);
    free(it->data);
    free(it);
}

void fwcfg_host_free(struct fwcfg *f)
{
    if (!f)
        return;
    // NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed leaves the list
    while (!TAILQ_EMPTY(&f->entries))
        entry_free(TAILQ_FIRST(&f->entries));
    // NOLINTEND(clang-analyzer-unix.Malloc)
    pthread_mutex_destroy(&f->lock);
    f->vm->fwcfg = NULL; /* a sync() may still be scheduled */
    free(f);
}

/* Set by the main thread before the grace period in which the owner's callbacks end. */
static int is_dead(const struct entry *it)
{
    return __atomic_load_n(&it->dead, __ATOMIC_ACQUIRE) != 0;
}

static void bury(struct entry *it)
{
    __atomic_store_n(&it->dead, 1, __ATOMIC_RELEASE);
}

static struct entry *find(struct fwcfg *f, const char *name, uint32_t key)
{
    struct entry *it;
    TAILQ_FOREACH(it, &f->entries, link)
    if (!is_dead(it) &&
        (name ? it->name && strcmp(it->name, name) == 0 : !it->name && it->key == key))
        return it;
    return NULL;
}

/* ---- to the hardware ---- */

static int64_t fill(void *s, void *p, uint64_t max)
{
    struct entry *it = s;
    int entered = domain_enter(it->domain);
    int64_t n = is_dead(it) ? -ENODEV : it->fill(it->s, p, max);
    domain_leave(it->domain, entered);
    return n > (int64_t)max ? (int64_t)max : n;
}

int64_t fwcfg_host_read(struct vm *vm, const char *name, void *p, uint64_t max)
{
    struct entry *it = vm->fwcfg ? find(vm->fwcfg, name, 0) : NULL;
    return it && it->fill ? fill(it, p, max) : -ENOENT;
}

static void written(void *s, uint64_t off, uint64_t len, const void *p)
{
    struct entry *it = s;
    int entered = it->domain ? domain_enter(it->domain) : 0;
    if (!is_dead(it))
        it->written(it->s, off, len, p);
    if (it->domain)
        domain_leave(it->domain, entered);
}

static int give(struct entry *it, const struct tn_fwcfg_ops *hw, void *self, struct tn_err *e)
{
    struct tn_fwcfg_item item = {.struct_size = sizeof item,
                                 .key = it->key,
                                 .name = it->name,
                                 .data = it->data,
                                 .len = it->len,
                                 .fill = it->fill ? fill : NULL,
                                 .written = it->written ? written : NULL,
                                 .s = it};
    int r = hw->add(self, &item, e);
    it->given = r >= 0;
    return r < 0 ? r : 0;
}

/* Takes back what is dead and gives what is new; with the hardware's lock. */
static int exchange(struct fwcfg *f, const struct tn_fwcfg_ops *hw, void *self, struct tn_err *e)
{
    struct entry *it, *next;
    for (it = TAILQ_FIRST(&f->entries); it; it = next) {
        next = TAILQ_NEXT(it, link);
        if (!is_dead(it))
            continue;
        if (it->given && it->name)
            hw->del(self, it->name);
        it->given = 0;
        if (!it->m.dev) /* else release() is still to come */
            entry_free(it);
    }
    TAILQ_FOREACH(it, &f->entries, link)
    {
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed has left the list
        int r = it->given || is_dead(it) ? 0 : give(it, hw, self, e);
        if (r < 0)
            return err_set(e, -r, "fw_cfg: '%s' is refused: %s", it->name ? it->name : "item",
                           strerror(-r));
    }
    return 0;
}

static int sync_now(struct fwcfg *f, struct tn_err *e)
{
    struct device *d = device_providing(f->vm, TN_FWCFG_DEVICE_1);
    void *self;
    const struct tn_fwcfg_ops *hw = d ? device_iface(d, TN_FWCFG_DEVICE_1, &self) : NULL;
    if (!hw)
        return 0;
    domain_lock(d->domain);
    int r = exchange(f, hw, self, e);
    domain_unlock(d->domain);
    return r;
}

static void sync_later(void *s)
{
    struct vm *vm = s;
    if (!vm->fwcfg)
        return;
    vm->fwcfg->scheduled = 0;
    sync_now(vm->fwcfg, NULL);
}

/* Something came or went. */
static void changed(struct fwcfg *f)
{
    if (!f->connected || f->scheduled)
        return;
    f->scheduled = 1;
    bh_once(f->vm->main, NULL, sync_later, f->vm);
}

int fwcfg_host_connect(struct vm *vm, struct tn_err *e)
{
    if (!vm->fwcfg)
        return 0;
    vm->fwcfg->connected = 1;
    return sync_now(vm->fwcfg, e);
}

int fwcfg_host_sync(struct vm *vm, struct tn_err *e)
{
    return vm->fwcfg && vm->fwcfg->connected ? sync_now(vm->fwcfg, e) : 0;
}

/* ---- registration ---- */

static void stop(struct managed *m)
{
    bury((struct entry *)m);
    changed(((struct entry *)m)->all);
}

/* The device goes; what the hardware still has of it goes in sync_now(). */
static void release(struct managed *m)
{
    struct entry *it = (struct entry *)m;
    managed_del(m);
    m->dev = NULL;
    bury(it);
    if (it->given)
        changed(it->all);
    else
        entry_free(it);
}

/* 0 with the entry in *out, which is NULL otherwise; or -errno with e. */
static int new_entry(struct fwcfg *f, struct device *d, uint32_t key, const char *name,
                     struct entry **out, struct tn_err *e)
{
    *out = NULL;
    if (!f)
        return err_set(e, ENODEV, "this machine has no fw_cfg");
    if (name && (!*name || strlen(name) > NAME_MAX_LEN))
        return err_set(e, EINVAL, "fw_cfg: '%s' is not a name of 1 to %d characters", name,
                       NAME_MAX_LEN);
    if (find(f, name, key))
        return err_set(e, EEXIST,
                       name ? "fw_cfg: '%s' exists already" : "fw_cfg: item%s 0x%x exists already",
                       name ? name : "", key);
    struct entry *it = XNEW(struct entry);
    *it = (struct entry){.m = {.stop = stop, .release = release},
                         .all = f,
                         .key = key,
                         .dev = d,
                         .gpa = TN_ANYWHERE};
    it->name = name ? xstrdup(name) : NULL;
    it->domain = d ? domain_ref(d->domain) : NULL;
    pthread_mutex_lock(&f->lock);
    TAILQ_INSERT_TAIL(&f->entries, it, link);
    pthread_mutex_unlock(&f->lock);
    managed_add(d, &it->m);
    *out = it;
    return 0;
}

static int add_file(struct fwcfg *f, struct device *d, uint32_t key, const char *name,
                    const void *p, uint64_t len, struct entry **out, struct tn_err *e)
{
    if (len > UINT32_MAX)
        return err_set(e, EFBIG, "fw_cfg: '%s' is longer than 4 GiB", name);
    int r = new_entry(f, d, key, name, out, e);
    if (!*out)
        return r;
    (*out)->data = xcalloc(1, len + 1);
    (*out)->len = len;
    if (len)
        memcpy((*out)->data, p, len);
    changed(f);
    return 0;
}

int fwcfg_host_add(struct vm *vm, uint32_t key, const char *name, const void *p, uint64_t len,
                   struct tn_err *e)
{
    struct entry *it;
    return add_file(vm->fwcfg, NULL, key, name, p, len, &it, e);
}

int fwcfg_host_replace(struct vm *vm, const char *name, const void *p, uint64_t len,
                       struct tn_err *e)
{
    struct entry *it = vm->fwcfg ? find(vm->fwcfg, name, 0) : NULL;
    if (it && it->dev)
        return err_set(e, EEXIST, "fw_cfg: '%s' is %s's", name, device_id(it->dev));
    if (it)
        release(&it->m);
    return fwcfg_host_add(vm, 0, name, p, len, e);
}

/* ---- TN_FWCFG_1 ---- */

static int t_file(struct tn_dev *pub, const char *name, const void *p, uint64_t len,
                  struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct entry *it;
    return name ? add_file(d->vm->fwcfg, d, 0, name, p, len, &it, e) : -EINVAL;
}

static int t_dynamic(struct tn_dev *pub, const char *name, uint64_t max,
                     int64_t (*fill_fn)(void *s, void *p, uint64_t max),
                     void (*written_fn)(void *s, uint64_t off, uint64_t len, const void *p),
                     void *s, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct entry *it;
    if (!name || !fill_fn || max > UINT32_MAX)
        return err_set(e, EINVAL, "fw_cfg: '%s' is not a file that can be made", name ? name : "");
    int r = new_entry(d->vm->fwcfg, d, 0, name, &it, e);
    if (!it)
        return r;
    it->len = max;
    it->fill = fill_fn;
    it->written = written_fn;
    it->s = s;
    changed(d->vm->fwcfg);
    return 0;
}

static void set_gpa(struct entry *blob, uint64_t gpa)
{
    pthread_mutex_lock(&blob->all->lock);
    blob->gpa = gpa;
    pthread_mutex_unlock(&blob->all->lock);
}

/* Firmware tells where it has put a blob: a little-endian address in a file of 8 bytes. */
static void reported(void *s, uint64_t off, uint64_t len, const void *p)
{
    struct entry *blob = s;
    if (off == 0 && len == 8)
        set_gpa(blob, get_le64(p));
}

static int add_report(struct device *d, struct entry *blob, struct tn_err *e)
{
    static const uint8_t unknown[8] = {0};
    AUTO_FREE char *name = xasprintf("%s" REPORT_SUFFIX, blob->name);
    int r = add_file(d->vm->fwcfg, d, 0, name, unknown, sizeof unknown, &blob->report, e);
    if (!blob->report)
        return r;
    blob->report->written = reported;
    blob->report->s = blob;
    return 0;
}

static int t_blob(struct tn_dev *pub, const char *name, const void *p, uint64_t len, uint64_t align,
                  uint32_t below_4g, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct entry *blob = NULL;
    if (!name || !len || !align || align & (align - 1) || align > (1u << 20))
        return err_set(e, EINVAL, "fw_cfg: '%s' is not a blob that can be placed",
                       name ? name : "");
    int r = add_file(d->vm->fwcfg, d, 0, name, p, len, &blob, e);
    if (!blob)
        return r;
    blob->is_blob = 1;
    blob->align = align;
    blob->below_4g = below_4g;
    r = add_report(d, blob, e);
    if (r < 0)
        release(&blob->m);
    return r;
}

static uint64_t t_gpa(struct tn_dev *pub, const char *name)
{
    struct fwcfg *f = device_of(pub)->vm->fwcfg;
    uint64_t gpa = TN_ANYWHERE;
    if (!f)
        return gpa;
    pthread_mutex_lock(&f->lock);
    struct entry *it = find(f, name, 0);
    if (it && it->is_blob)
        gpa = it->gpa;
    pthread_mutex_unlock(&f->lock);
    return gpa;
}

const struct tn_fwcfg fwcfg_table = {.struct_size = sizeof fwcfg_table,
                                     .file = t_file,
                                     .dynamic = t_dynamic,
                                     .blob = t_blob,
                                     .gpa = t_gpa};

/* ---- blobs ---- */

int fwcfg_host_blobs(struct vm *vm, int (*fn)(void *o, const struct fwcfg_blob *b), void *o)
{
    struct entry *it;
    int r = 0;
    if (!vm->fwcfg)
        return 0;
    TAILQ_FOREACH(it, &vm->fwcfg->entries, link)
    {
        if (is_dead(it) || !it->is_blob)
            continue;
        struct fwcfg_blob b = {it->name, it->report->name, it->data,
                               it->len,  it->align,        it->below_4g};
        if ((r = fn(o, &b)) != 0)
            break;
    }
    return r;
}

void fwcfg_host_placed(struct vm *vm, const char *name, uint64_t gpa)
{
    struct entry *it = vm->fwcfg ? find(vm->fwcfg, name, 0) : NULL;
    if (it && it->is_blob)
        set_gpa(it, gpa);
}
