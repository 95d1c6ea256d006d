/* SPDX-License-Identifier: BSD-2-Clause */
/* Items, files, the directory, and reading them in order. */
#include "fwcfg_chip.h"
#include "util/bytes.h"
#include <errno.h>

uint8_t *fwcfg_bytes(struct fwcfg_item *item)
{
    return item->data ? item->data : item->small;
}

static struct fwcfg_item *find_item(struct fwcfg_chip *c, uint32_t key)
{
    for (uint32_t i = 0; i < c->n_items; i++)
        if (c->items[i].key == key)
            return &c->items[i];
    return NULL;
}

static struct fwcfg_item *find(struct fwcfg_chip *c, uint32_t key)
{
    uint32_t i = key - FWCFG_KEY_FILE_FIRST;
    return i < c->n_published ? &c->files[i] : find_item(c, key);
}

/* ---- adding and removing -------------------------------------------------------------------- */

static int check_key(struct fwcfg_chip *c, uint32_t key)
{
    uint32_t number = key & ~FWCFG_KEY_ARCH;
    if (number >= FWCFG_KEY_WRITE || key == FWCFG_KEY_FILE_DIR)
        return -EINVAL;
    if (!(key & FWCFG_KEY_ARCH) && number >= FWCFG_KEY_FILE_FIRST)
        return -EINVAL;
    return find_item(c, key) ? -EEXIST : 0;
}

static int check_sizes(const void *data, uint32_t size, uint32_t max)
{
    if (size > max || (!data && max > sizeof((struct fwcfg_item *)0)->small))
        return -EINVAL;
    return 0;
}

int fwcfg_chip_add_item(struct fwcfg_chip *c, uint32_t key, void *data, uint32_t size, uint32_t max,
                        const struct fwcfg_item_ops *ops, void *opaque)
{
    int r = check_key(c, key);
    if (r == 0)
        r = check_sizes(data, size, max);
    if (r < 0)
        return r;
    if (c->n_items == c->max_items)
        return -ENOSPC;
    c->items[c->n_items++] = (struct fwcfg_item){
        .key = (uint16_t)key, .data = data, .size = size, .max = max, .ops = ops, .opaque = opaque};
    return 0;
}

int fwcfg_chip_add_number(struct fwcfg_chip *c, uint32_t key, uint64_t value, uint32_t size)
{
    int r = fwcfg_chip_add_item(c, key, NULL, size, size, NULL, NULL);
    if (r == 0)
        put_le64(c->items[c->n_items - 1].small, value);
    return r;
}

struct fwcfg_item *fwcfg_chip_file(struct fwcfg_chip *c, const char *name)
{
    for (uint32_t i = 0; i < c->n_files; i++)
        if (name[0] && strcmp(c->files[i].name, name) == 0)
            return &c->files[i];
    return NULL;
}

static int check_name(struct fwcfg_chip *c, const char *name)
{
    size_t len = strlen(name);
    if (len == 0)
        return -EINVAL;
    if (len >= FWCFG_NAME_MAX)
        return -ENAMETOOLONG;
    return fwcfg_chip_file(c, name) ? -EEXIST : 0;
}

int fwcfg_chip_add_file(struct fwcfg_chip *c, const char *name, void *data, uint32_t size,
                        uint32_t max, const struct fwcfg_item_ops *ops, void *opaque)
{
    int r = check_name(c, name);
    if (r == 0)
        r = check_sizes(data, size, max);
    if (r < 0)
        return r;
    if (c->n_files == c->max_files)
        return -ENOSPC;
    struct fwcfg_item *f = &c->files[c->n_files++];
    *f = (struct fwcfg_item){.data = data, .size = size, .max = max, .ops = ops, .opaque = opaque};
    memcpy(f->name, name, strlen(name));
    return 0;
}

int fwcfg_chip_remove_file(struct fwcfg_chip *c, const char *name)
{
    struct fwcfg_item *f = fwcfg_chip_file(c, name);
    if (!f)
        return -ENOENT;
    if (f - c->files < c->n_published)
        *f = (struct fwcfg_item){.key = f->key};
    else
        *f = c->files[--c->n_files];
    return 0;
}

/* ---- publishing ----------------------------------------------------------------------------- */

static void drop_removed(struct fwcfg_chip *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->n_files; i++)
        if (c->files[i].name[0])
            c->files[kept++] = c->files[i];
    c->n_files = kept;
}

static void sort_files(struct fwcfg_chip *c)
{
    for (uint32_t i = 1; i < c->n_files; i++) {
        struct fwcfg_item f = c->files[i];
        uint32_t k = i;
        for (; k > 0 && strcmp(c->files[k - 1].name, f.name) > 0; k--)
            c->files[k] = c->files[k - 1];
        c->files[k] = f;
    }
}

void fwcfg_chip_publish(struct fwcfg_chip *c)
{
    drop_removed(c);
    sort_files(c);
    for (uint32_t i = 0; i < c->n_files; i++)
        c->files[i].key = (uint16_t)(FWCFG_KEY_FILE_FIRST + i);
    c->n_published = c->n_files;
    fwcfg_select(c, FWCFG_KEY_SIGNATURE);
}

/* ---- selecting ------------------------------------------------------------------------------ */

static void fill(struct fwcfg_item *item)
{
    if (!item->ops || !item->ops->fill)
        return;
    int64_t n = item->ops->fill(item->opaque, fwcfg_bytes(item), item->max);
    item->size = n < 0 ? 0 : n > item->max ? item->max : (uint32_t)n;
}

/* The directory tells sizes, so it makes every file first. */
static void prepare(struct fwcfg_chip *c)
{
    struct fwcfg_item *item = fwcfg_current(c);
    if (item)
        fill(item);
    else if (c->selected == FWCFG_KEY_FILE_DIR)
        for (uint32_t i = 0; i < c->n_published; i++)
            fill(&c->files[i]);
}

void fwcfg_select(struct fwcfg_chip *c, uint32_t key)
{
    uint32_t known = key & ~FWCFG_KEY_WRITE & 0xffff;
    c->offset = 0;
    c->selected = (uint16_t)known;
    if (known != FWCFG_KEY_FILE_DIR && !find(c, known))
        c->selected = FWCFG_KEY_NONE;
    prepare(c);
}

struct fwcfg_item *fwcfg_current(struct fwcfg_chip *c)
{
    return c->selected == FWCFG_KEY_FILE_DIR ? NULL : find(c, c->selected);
}

/* ---- reading -------------------------------------------------------------------------------- */

static uint32_t directory_size(const struct fwcfg_chip *c)
{
    return FWCFG_DIR_HEADER + c->n_published * FWCFG_DIR_ENTRY;
}

static void directory_entry(const struct fwcfg_item *f, uint8_t entry[FWCFG_DIR_ENTRY])
{
    memset(entry, 0, FWCFG_DIR_ENTRY);
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a directory with entries has files
    put_be32(entry + FWCFG_DIR_SIZE, f->size);
    put_be16(entry + FWCFG_DIR_SELECT, f->key);
    memcpy(entry + FWCFG_DIR_NAME, f->name, FWCFG_NAME_MAX);
}

/* The directory is made as it is read: it needs no memory of its own. Copies up to len bytes from
 * off on, at most to the end of the entry that off is in. */
static uint32_t copy_directory(const struct fwcfg_chip *c, uint32_t off, uint8_t *p, uint32_t len)
{
    uint8_t piece[FWCFG_DIR_ENTRY];
    uint32_t size = FWCFG_DIR_HEADER, at = off;
    if (off < FWCFG_DIR_HEADER) {
        put_be32(piece, c->n_published);
    } else {
        size = FWCFG_DIR_ENTRY;
        at = (off - FWCFG_DIR_HEADER) % FWCFG_DIR_ENTRY;
        directory_entry(&c->files[(off - FWCFG_DIR_HEADER) / FWCFG_DIR_ENTRY], piece);
    }
    uint32_t n = len < size - at ? len : size - at;
    memcpy(p, piece + at, n);
    return n;
}

static uint32_t selected_size(struct fwcfg_chip *c)
{
    struct fwcfg_item *item = fwcfg_current(c);
    if (c->selected == FWCFG_KEY_FILE_DIR)
        return directory_size(c);
    return item ? item->size : 0;
}

static void copy(struct fwcfg_chip *c, uint8_t *p, uint32_t len)
{
    struct fwcfg_item *item = fwcfg_current(c);
    if (item)
        memcpy(p, fwcfg_bytes(item) + c->offset, len);
    for (uint32_t n = 0; !item && n < len;)
        n += copy_directory(c, c->offset + n, p + n, len - n);
}

uint32_t fwcfg_take(struct fwcfg_chip *c, void *p, uint32_t len)
{
    uint32_t size = selected_size(c);
    uint32_t left = c->offset < size ? size - c->offset : 0;
    uint32_t n = len < left ? len : left;
    if (n)
        copy(c, p, n);
    memset((uint8_t *)p + n, 0, len - n);
    fwcfg_skip(c, n);
    return n;
}

void fwcfg_skip(struct fwcfg_chip *c, uint32_t len)
{
    c->offset = len > UINT32_MAX - c->offset ? UINT32_MAX : c->offset + len;
}

/* ---- life ----------------------------------------------------------------------------------- */

int fwcfg_chip_init(struct fwcfg_chip *c, uint32_t flags, struct fwcfg_item *items,
                    uint32_t max_items, struct fwcfg_item *files, uint32_t max_files,
                    const struct fwcfg_env *env, void *opaque)
{
    uint32_t id = FWCFG_ID_TRADITIONAL | (flags & FWCFG_FLAG_DMA ? FWCFG_ID_DMA : 0);
    if (max_items < 2 || max_files > FWCFG_KEY_WRITE - FWCFG_KEY_FILE_FIRST)
        return -EINVAL;
    *c = (struct fwcfg_chip){.items = items, .files = files, .max_items = max_items};
    c->max_files = max_files;
    c->flags = flags;
    c->env = env;
    c->opaque = opaque;
    fwcfg_chip_add_number(c, FWCFG_KEY_SIGNATURE, get_le32("QEMU"), 4);
    fwcfg_chip_add_number(c, FWCFG_KEY_ID, id, 4);
    return 0;
}

void fwcfg_chip_reset(struct fwcfg_chip *c)
{
    c->dma_address = 0;
    fwcfg_select(c, FWCFG_KEY_SIGNATURE);
}

void fwcfg_chip_loaded(struct fwcfg_chip *c)
{
    uint32_t offset = c->offset;
    fwcfg_select(c, c->selected);
    c->offset = offset;
    c->dma_address &= 0xffffffff00000000u;
}
