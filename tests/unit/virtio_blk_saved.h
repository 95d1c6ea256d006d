/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved state of a virtio disk: fields by name, kept until the program ends. */
#ifndef TN_VIRTIO_BLK_SAVED_H
#define TN_VIRTIO_BLK_SAVED_H
#include <errno.h>
#include <string.h>
#include <tenon/state.h>

struct saved_item {
    const char *name;
    uint32_t bytes, count;
    uint64_t data[64];
};
static struct saved_item saved[8];
static uint32_t nsaved;

static uint32_t width(uint32_t type)
{
    return type == TN_S_U16 ? 2 : type == TN_S_BOOL ? 1 : 8;
}

static int rig_put(struct tn_save *o, const char *name, uint32_t type, const void *p, uint32_t n)
{
    (void)o;
    struct saved_item *i = &saved[nsaved++];
    *i = (struct saved_item){name, width(type) * n, n, {0}};
    memcpy(i->data, p, i->bytes);
    return 0;
}

static struct saved_item *saved_as(const char *name)
{
    for (uint32_t i = 0; i < nsaved; i++)
        if (strcmp(saved[i].name, name) == 0)
            return &saved[i];
    return NULL;
}

static int rig_get_item(struct tn_load *l, const char *name, uint32_t type, void *p, uint32_t n)
{
    (void)l;
    const struct saved_item *i = saved_as(name);
    if (!i)
        return -ENOENT;
    if (i->bytes != width(type) * n)
        return -EINVAL;
    memcpy(p, i->data, i->bytes);
    return 0;
}

static int64_t rig_get_count(struct tn_load *l, const char *name)
{
    (void)l;
    const struct saved_item *i = saved_as(name);
    return i ? (int64_t)i->count : -ENOENT;
}

static int rig_put_sub(struct tn_save *o, const char *name, const struct tn_state *st,
                       const void *s)
{
    int r = 0;
    (void)name;
    for (uint32_t i = 0; i < st->nfields && r == 0; i++) {
        const struct tn_field *f = &st->fields[i];
        r = rig_put(o, f->name, f->type, (const char *)s + f->offset, f->count);
    }
    return r;
}

static int rig_get_sub(struct tn_load *l, const char *name, const struct tn_state *st, void *s)
{
    int r = 0;
    (void)name;
    for (uint32_t i = 0; i < st->nfields && r == 0; i++) {
        const struct tn_field *f = &st->fields[i];
        r = rig_get_item(l, f->name, f->type, (char *)s + f->offset, f->count);
    }
    return r;
}

#endif
