/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio-bus, which has one child, and the transport's life around it. */
#include "virtio-transport/transport.h"
#include <errno.h>
#include <stdlib.h>

void vt_init(struct vt *v, struct tn_dev *d, const struct vt_hooks *hooks, void *t)
{
    v->d = d;
    v->hooks = hooks;
    v->t = t;
    v->quiescent = true;
}

static void progress(void *s)
{
    vt_progress(s);
}

static int check_compat(struct vt *v, struct tn_err *e)
{
    static const char *const names[] = {"use-started", "use-disabled-flag"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!(v->compat >> i & 1))
            return tn_fail(v->d, e, ENOTSUP, "%s=off: there is no old behaviour to go back to",
                           names[i]);
    return 0;
}

int vt_realize(struct vt *v, struct tn_err *e)
{
    int r = check_compat(v, e);
    if (r < 0)
        return r;
    v->loop = TN_GET(v->d, struct tn_loop, TN_LOOP_1);
    v->os = TN_GET(v->d, struct tn_os, TN_OS_1);
    v->progress = v->loop->bh(v->d, NULL, 0, progress, v);
    if (!v->progress)
        return tn_fail(v->d, e, ENOMEM, "no memory for a bottom half");
    return v->d->core->bus_create(v->d, &vt_bus_type, NULL, &vt_port, v, &v->bus, e);
}

void vt_fini(struct vt *v)
{
    free(v->q);
    v->q = NULL;
    v->nqueues = 0;
}

/* ---- the bus type ---- */

static int check(void *bus, void *child, struct tn_dev *d, const void *ops, struct tn_err *e)
{
    (void)bus;
    (void)child;
    const struct tn_virtio_ops *o = ops;
    return o && o->struct_size >= sizeof *o ? 0 : tn_fail(d, e, EINVAL, "this is no virtio device");
}

static int attach(void *bus, void *child, struct tn_dev *d, const void *ops, void *s,
                  struct tn_err *e)
{
    struct vt *v = bus;
    struct vt_child *c = child;
    (void)e;
    c->vt = v;
    v->allowed = &c->v;
    v->child = d;
    v->ops = ops;
    v->s = s;
    return 0;
}

/* Ring and transport features are the user's to allow and the child's to take back; it adds its
 * own. */
static int offer(struct vt *v, struct tn_err *e)
{
    uint64_t may = v->allowed->features, f[TN_VIRTIO_FEATURE_WORDS] = {0};
    const uint64_t reserved = VIRTIO_LEGACY_BITS | (uint64_t)0x1fff << VIRTIO_TRANSPORT_F_START;
    if (v->ops->flags & TN_VIO_NO_PACKED)
        may &= ~VIRTIO_BIT(VIRTIO_F_RING_PACKED);
    if (!v->legacy)
        may &= ~VIRTIO_LEGACY_BITS;
    may = v->modern ? may | VIRTIO_BIT(VIRTIO_F_VERSION_1) : may & 0xffffffffu;
    f[0] = may;
    int r = v->ops->features(v->s, f, TN_VIRTIO_FEATURE_WORDS, e);
    f[0] &= ~reserved | may;
    if (v->modern)
        f[0] |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
    v->offered[0] = f[0];
    v->offered[1] = v->modern ? f[1] : 0;
    return r < 0 ? r : 0;
}

static int plugged(void *bus, void *child, struct tn_err *e)
{
    struct vt *v = bus;
    (void)child;
    if (!v->q)
        return tn_fail(v->d, e, EINVAL, "the device did not say how many queues it has");
    int r = v->hooks->plugged(v->t, e);
    return r < 0 ? r : offer(v, e);
}

static void detach(void *bus, void *child)
{
    struct vt *v = bus;
    (void)child;
    v->child = NULL;
    v->ops = NULL;
    v->allowed = NULL;
}

static const struct tn_prop props[] = {TN_VIRTIO_BUS_PROPS(struct vt_child)};

const struct tn_bus_type vt_bus_type = {
    .struct_size = sizeof vt_bus_type,
    .flags = TN_BUS_ONE_DOMAIN,
    .max_children = 1,
    .name = TN_VIRTIO_BUS,
    .child_ops = TN_VIRTIO_DEVICE_1,
    .port_ops = TN_VIRTIO_PORT_1,
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .child_size = sizeof(struct vt_child),
    .check = check,
    .attach = attach,
    .plugged = plugged,
    .detach = detach,
};
