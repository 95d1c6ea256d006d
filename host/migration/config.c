/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "core/state.h"
#include "core/state_format.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/dirty.h"
#include "vm/machine.h"
#include "vm/vcpu.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- blocks of RAM ---- */

static int is_guests(const struct tn_mem *m)
{
    return m->mapped || m->user || m->m.dev;
}

static int count_block(void *o, struct tn_mem *m)
{
    *(uint32_t *)o += is_guests(m) != 0;
    return 0;
}

static int add_block(void *o, struct tn_mem *m)
{
    struct mig_blocks *b = o;
    if (!is_guests(m))
        return 0;
    char *name = m->m.dev ? xasprintf("%s/%s", m->m.dev->path, m->name) : xstrdup(m->name);
    uint32_t at = b->n++;
    for (; at && strcmp(b->name[at - 1], name) > 0; at--) {
        b->name[at] = b->name[at - 1];
        b->mem[at] = b->mem[at - 1];
    }
    b->name[at] = name;
    b->mem[at] = m;
    return 0;
}

static void make_room(struct mig_blocks *b, uint32_t n)
{
    *b = (struct mig_blocks){.mem = xcalloc(n + 1, sizeof *b->mem),
                             .name = xcalloc(n + 1, sizeof *b->name),
                             .pages = xcalloc(n + 1, sizeof *b->pages)};
}

int mig_blocks_find(struct vm *vm, struct mig_blocks *b, struct tn_err *e)
{
    uint32_t n = 0;
    memory_each(vm, count_block, &n);
    make_room(b, n);
    memory_each(vm, add_block, b);
    for (uint32_t i = 0; i < b->n; i++) {
        b->pages[i] = (b->mem[i]->len + DIRTY_PAGE - 1) >> DIRTY_SHIFT;
        if (strlen(b->name[i]) >= MIG_NAME)
            return err_set(e, EINVAL, "the name of memory '%s' is too long", b->name[i]);
        if (b->mem[i]->len % DIRTY_PAGE)
            return err_set(e, EINVAL, "memory '%s' ends inside a page", b->name[i]);
        if (i && strcmp(b->name[i], b->name[i - 1]) == 0)
            return err_set(e, EINVAL, "two blocks of memory have the name '%s'", b->name[i]);
    }
    return 0;
}

void mig_blocks_fini(struct mig_blocks *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        free(b->name[i]);
    free(b->name);
    free(b->mem);
    free(b->pages);
    *b = (struct mig_blocks){0};
}

/* ---- devices ---- */

int mig_each_device(struct vm *vm, int (*fn)(void *o, struct device *d), void *o)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        int r = d->stage == DEV_REALIZED && d->pub.cls->kind == TN_K_DEVICE ? fn(o, d) : 0;
        if (r)
            return r;
    }
    return 0;
}

/* ---- the table ---- */

struct named {
    char name[MIG_NAME], cls[MIG_NAME];
    uint32_t name_len, cls_len;
    uint64_t len;
};
struct config {
    char text[2][MIG_NAME];
    uint32_t machine_len, version_len, nblocks, ndevices, nvcpus, room;
    uint32_t page_size;
    struct named *block, *device;
    uint32_t *vcpu;
};

#define TEXT(T, f, nm, n)                                                                  \
    {                                                                                      \
        .name = nm, .type = TN_S_BYTES, .offset = offsetof(T, f), .count = offsetof(T, n), \
        .flags = TN_SF_COUNT_AT, .max = MIG_NAME                                           \
    }
#define LIST(f, nm, n, st, most)                                                        \
    {                                                                                   \
        .name = nm, .type = TN_S_SUB, .offset = offsetof(struct config, f),             \
        .count = offsetof(struct config, n), .sub = st, .stride = sizeof(struct named), \
        .max = most, .flags = TN_SF_PTR | TN_SF_COUNT_AT                                \
    }
#define TABLE(nm, rows)                                                                         \
    {                                                                                           \
        .struct_size = sizeof(struct tn_state), .version = 1, .min_version = 1, .name = nm,     \
        .fields = rows, .nfields = sizeof rows / sizeof rows[0], .field_stride = sizeof rows[0] \
    }
static const struct tn_field block_fields[] = {TEXT(struct named, name, "name", name_len),
                                               TN_FIELD_ROW(struct named, len, "bytes", U64, 1)};
static const struct tn_state block_state = TABLE("block", block_fields);
static const struct tn_field device_fields[] = {TEXT(struct named, name, "path", name_len),
                                                TEXT(struct named, cls, "class", cls_len)};
static const struct tn_state device_state = TABLE("device", device_fields);
static const struct tn_field fields[] = {
    TEXT(struct config, text[0], "machine", machine_len),
    TEXT(struct config, text[1], "host", version_len),
    TN_FIELD_ROW(struct config, page_size, "page-size", U32, 1),
    {.name = "vcpus",
     .type = TN_S_U32,
     .offset = offsetof(struct config, vcpu),
     .count = offsetof(struct config, nvcpus),
     .max = MIG_MAX_BLOCKS,
     .flags = TN_SF_PTR | TN_SF_COUNT_AT},
    LIST(block, "blocks", nblocks, &block_state, MIG_MAX_BLOCKS),
    LIST(device, "devices", ndevices, &device_state, MIG_MAX_DEVICES),
};
static const struct tn_state config_state = TABLE("configuration", fields);

static uint32_t put_text(char *to, const char *text)
{
    size_t n = strlen(text);
    n = n < MIG_NAME ? n : MIG_NAME - 1;
    memcpy(to, text, n);
    return (uint32_t)n;
}

static int add_device(void *o, struct device *d)
{
    struct config *c = o;
    if (c->ndevices == c->room) {
        c->room = c->room ? 2 * c->room : 64;
        c->device = xrealloc(c->device, c->room * sizeof *c->device);
    }
    struct named *n = &c->device[c->ndevices++];
    *n = (struct named){.len = 0};
    n->name_len = put_text(n->name, d->path);
    n->cls_len = put_text(n->cls, d->pub.cls->name);
    return 0;
}

static void add_vcpus(struct vm *vm, struct config *c)
{
    c->vcpu = xcalloc(vcpus_max(vm) + 1, sizeof *c->vcpu);
    for (uint32_t i = 0; i < vcpus_max(vm); i++)
        if (vcpus_present(vm, i))
            c->vcpu[c->nvcpus++] = i;
}

static void fill(struct vm *vm, const struct mig_blocks *b, struct config *c)
{
    *c = (struct config){.page_size = DIRTY_PAGE, .block = xcalloc(b->n + 1, sizeof *c->block)};
    c->machine_len = put_text(c->text[0], vm->machine->type->name);
    c->version_len = put_text(c->text[1], TENON_VERSION);
    for (uint32_t i = 0; i < b->n; i++) {
        struct named *n = &c->block[c->nblocks++];
        n->name_len = put_text(n->name, b->name[i]);
        n->len = b->mem[i]->len;
    }
    add_vcpus(vm, c);
    mig_each_device(vm, add_device, c);
}

static void clear(struct config *c)
{
    free(c->block);
    free(c->device);
    free(c->vcpu);
}

int mig_config_save(struct vm *vm, const struct mig_blocks *b, struct buf *out, struct tn_err *e)
{
    struct config c;
    fill(vm, b, &c);
    int r = state_write(&config_state, &c, out, e);
    clear(&c);
    return r;
}

/* ---- reading ---- */

static uint32_t items(const struct state_part *root, const char *name)
{
    const struct state_item *it = state_find(root, name, 0);
    return it ? it->count : 0;
}

/* Room for what the file says that it has, which it does have: the parser has seen it. */
static int parse(const void *p, size_t len, struct config *c, struct tn_err *e)
{
    struct state_part root;
    *c = (struct config){0};
    int r = state_parse(p, len, &root, e);
    if (r == 0 &&
        (items(&root, "blocks") > MIG_MAX_BLOCKS || items(&root, "devices") > MIG_MAX_DEVICES ||
         items(&root, "vcpus") > MIG_MAX_BLOCKS))
        r = err_set(e, EINVAL, "a machine with more devices than can be");
    if (r == 0) {
        c->block = xcalloc(items(&root, "blocks") + 1, sizeof *c->block);
        c->device = xcalloc(items(&root, "devices") + 1, sizeof *c->device);
        c->vcpu = xcalloc(items(&root, "vcpus") + 1, sizeof *c->vcpu);
    }
    state_parse_free(&root);
    return r < 0 ? r : state_read(&config_state, c, p, len, e);
}

static int same_text(const char *a, uint32_t na, const char *b, uint32_t nb)
{
    return na == nb && memcmp(a, b, na) == 0;
}

static const struct named *find(const struct named *list, uint32_t n, const struct named *x)
{
    for (uint32_t i = 0; i < n; i++)
        if (same_text(list[i].name, list[i].name_len, x->name, x->name_len))
            return &list[i];
    return NULL;
}

static int check_devices(const struct config *there, const struct config *here, struct tn_err *e)
{
    for (uint32_t i = 0; i < there->ndevices; i++) {
        const struct named *d = &there->device[i], *mine = find(here->device, here->ndevices, d);
        if (!mine)
            return err_set(e, ENODEV, "device '%.*s' of class '%.*s' is not here", (int)d->name_len,
                           d->name, (int)d->cls_len, d->cls);
        if (!same_text(d->cls, d->cls_len, mine->cls, mine->cls_len))
            return err_set(e, EINVAL, "device '%.*s' is a '%.*s' there and a '%.*s' here",
                           (int)d->name_len, d->name, (int)d->cls_len, d->cls, (int)mine->cls_len,
                           mine->cls);
    }
    for (uint32_t i = 0; i < here->ndevices; i++)
        if (!find(there->device, there->ndevices, &here->device[i]))
            return err_set(e, ENODEV, "device '%.*s' is here only", (int)here->device[i].name_len,
                           here->device[i].name);
    return 0;
}

static int check_blocks(const struct config *there, const struct config *here, struct tn_err *e)
{
    for (uint32_t i = 0; i < there->nblocks; i++) {
        const struct named *b = &there->block[i], *mine = find(here->block, here->nblocks, b);
        if (!mine)
            return err_set(e, EINVAL, "memory '%.*s' is not here", (int)b->name_len, b->name);
        if (mine->len != b->len)
            return err_set(e, EINVAL,
                           "memory '%.*s' has 0x%" PRIx64 " bytes there and 0x%" PRIx64 " here",
                           (int)b->name_len, b->name, b->len, mine->len);
        if (find(there->block, i, b))
            return err_set(e, EINVAL, "memory '%.*s' comes twice", (int)b->name_len, b->name);
    }
    return there->nblocks == here->nblocks
               ? 0
               : err_set(e, EINVAL, "there are %u blocks of memory, and %u here", there->nblocks,
                         here->nblocks);
}

static int check(const struct config *there, const struct config *here, struct tn_err *e)
{
    if (!same_text(there->text[0], there->machine_len, here->text[0], here->machine_len))
        return err_set(e, EINVAL, "the machine is a '%.*s' there and a '%.*s' here",
                       (int)there->machine_len, there->text[0], (int)here->machine_len,
                       here->text[0]);
    if (there->page_size != here->page_size)
        return err_set(e, EINVAL, "pages of %u bytes", there->page_size);
    if (there->nvcpus != here->nvcpus ||
        (here->nvcpus && memcmp(there->vcpu, here->vcpu, here->nvcpus * sizeof *here->vcpu) != 0))
        return err_set(e, EINVAL, "there are %u vCPUs, and %u here, or others", there->nvcpus,
                       here->nvcpus);
    int r = check_blocks(there, here, e);
    return r < 0 ? r : check_devices(there, here, e);
}

static void reorder(const struct config *there, const struct mig_blocks *mine,
                    struct mig_blocks *order)
{
    make_room(order, there->nblocks);
    for (uint32_t i = 0; i < there->nblocks; i++)
        for (uint32_t k = 0; k < mine->n; k++)
            if (same_text(mine->name[k], (uint32_t)strlen(mine->name[k]), there->block[i].name,
                          there->block[i].name_len)) {
                order->name[i] = xstrdup(mine->name[k]);
                order->mem[i] = mine->mem[k];
                order->pages[i] = mine->pages[k];
            }
    order->n = there->nblocks;
}

int mig_config_check(struct vm *vm, const void *p, size_t len, struct mig_blocks *order,
                     struct tn_err *e)
{
    struct mig_blocks mine;
    struct config there = {0}, here = {0};
    *order = (struct mig_blocks){0};
    int r = mig_blocks_find(vm, &mine, e);
    if (r == 0)
        r = parse(p, len, &there, e);
    if (r == 0) {
        fill(vm, &mine, &here);
        r = check(&there, &here, e);
    }
    if (r == 0)
        reorder(&there, &mine, order);
    clear(&there);
    clear(&here);
    mig_blocks_fini(&mine);
    return r;
}

int mig_config_pages(const void *p, size_t len, uint64_t **pages, uint32_t *n, struct tn_err *e)
{
    struct config c;
    int r = parse(p, len, &c, e);
    *pages = xcalloc(c.nblocks + 1, sizeof **pages);
    for (uint32_t i = 0; i < c.nblocks; i++)
        (*pages)[i] = (c.block[i].len >> DIRTY_SHIFT) + (c.block[i].len % DIRTY_PAGE != 0);
    *n = r == 0 ? c.nblocks : 0;
    clear(&c);
    return r;
}

/* ---- printing ---- */

/* A file may say anything. */
static void put_safe(struct buf *out, const char *text, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        buf_add8(out, text[i] < 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\'
                          ? '?'
                          : (uint8_t)text[i]);
}

static void put_json(const struct config *c, struct buf *out)
{
    buf_str(out, "{\"machine\": \"");
    put_safe(out, c->text[0], c->machine_len);
    buf_str(out, "\", \"host\": \"");
    put_safe(out, c->text[1], c->version_len);
    buf_printf(out, "\", \"page-size\": %u, \"vcpus\": [", c->page_size);
    for (uint32_t i = 0; i < c->nvcpus; i++)
        buf_printf(out, "%s%u", i ? ", " : "", c->vcpu[i]);
    buf_str(out, "], \"blocks\": [");
    for (uint32_t i = 0; i < c->nblocks; i++) {
        buf_str(out, i ? ", {\"name\": \"" : "{\"name\": \"");
        put_safe(out, c->block[i].name, c->block[i].name_len);
        buf_printf(out, "\", \"bytes\": %" PRIu64 "}", c->block[i].len);
    }
    buf_str(out, "], \"devices\": [");
    for (uint32_t i = 0; i < c->ndevices; i++) {
        buf_str(out, i ? ", {\"path\": \"" : "{\"path\": \"");
        put_safe(out, c->device[i].name, c->device[i].name_len);
        buf_str(out, "\", \"class\": \"");
        put_safe(out, c->device[i].cls, c->device[i].cls_len);
        buf_str(out, "\"}");
    }
    buf_str(out, "]}");
}

static void put_summary(const struct config *c, struct buf *out)
{
    buf_str(out, "machine ");
    put_safe(out, c->text[0], c->machine_len);
    buf_str(out, ", saved by version ");
    put_safe(out, c->text[1], c->version_len);
    buf_printf(out, ", %u vCPUs, %u devices\n", c->nvcpus, c->ndevices);
    for (uint32_t i = 0; i < c->nblocks; i++) {
        buf_str(out, "memory  ");
        put_safe(out, c->block[i].name, c->block[i].name_len);
        buf_printf(out, " 0x%" PRIx64 " bytes\n", c->block[i].len);
    }
}

int mig_config_print(const void *p, size_t len, int json, struct buf *out, struct tn_err *e)
{
    struct config c;
    int r = parse(p, len, &c, e);
    if (r == 0)
        (json ? put_json : put_summary)(&c, out);
    clear(&c);
    return r;
}
