/* SPDX-License-Identifier: BSD-2-Clause */
/* Device status (2.1) and feature negotiation (2.2, 3.1). */
#include "virtio-transport/transport.h"
#include <errno.h>

enum { FEATURE_SELECTS = TN_VIRTIO_FEATURE_WORDS * 2 };

/* ---- features ---- */

static uint64_t offered_modern(const struct vt *v, uint32_t word)
{
    return word ? v->offered[word] : v->offered[0] & ~VIRTIO_LEGACY_BITS;
}

static uint32_t half(uint64_t word, uint32_t select)
{
    return (uint32_t)(word >> (select & 1 ? 32 : 0));
}

uint32_t vt_device_features(const struct vt *v, uint32_t select)
{
    return select < FEATURE_SELECTS ? half(offered_modern(v, select / 2), select) : 0;
}

uint32_t vt_driver_features(const struct vt *v, uint32_t select)
{
    return select < FEATURE_SELECTS ? half(v->driver[select / 2], select) : 0;
}

static bool features_are_fixed(struct vt *v)
{
    if (!(vt_status(v) & VIRTIO_CONFIG_S_FEATURES_OK))
        return false;
    vt_guest_error(v, "features are written after FEATURES_OK (3.1.1)");
    return true;
}

void vt_set_driver_features(struct vt *v, uint32_t select, uint32_t bits)
{
    if (features_are_fixed(v))
        return;
    if (select >= FEATURE_SELECTS) {
        if (bits)
            vt_guest_error(v, "features from bit %u on are not offered", select * 32);
        return;
    }
    uint64_t *word = &v->driver[select / 2];
    uint32_t shift = select & 1 ? 32 : 0;
    *word = (*word & ~((uint64_t)0xffffffffu << shift)) | (uint64_t)bits << shift;
}

uint32_t vt_device_features_legacy(const struct vt *v)
{
    return (uint32_t)v->offered[0];
}

void vt_set_driver_features_legacy(struct vt *v, uint32_t bits)
{
    if (vt_status(v) & VIRTIO_CONFIG_S_DRIVER_OK) {
        vt_guest_error(v, "features are written after DRIVER_OK");
        return;
    }
    v->driver[0] = bits;
    v->driver[1] = 0;
}

static uint32_t ring_flags(const uint64_t *f)
{
    static const struct {
        unsigned bit;
        uint32_t flag;
    } map[] = {
        {VIRTIO_F_RING_PACKED, TN_VQ_PACKED},          {VIRTIO_RING_F_EVENT_IDX, TN_VQ_EVENT_IDX},
        {VIRTIO_RING_F_INDIRECT_DESC, TN_VQ_INDIRECT}, {VIRTIO_F_ACCESS_PLATFORM, TN_VQ_TRANSLATED},
        {VIRTIO_F_IN_ORDER, TN_VQ_IN_ORDER},
    };
    uint32_t flags = f[0] & VIRTIO_BIT(VIRTIO_F_VERSION_1) ? 0 : TN_VQ_LEGACY;
    for (uint32_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (f[0] & VIRTIO_BIT(map[i].bit))
            flags |= map[i].flag;
    return flags;
}

static void agree(struct vt *v, const uint64_t *f, uint32_t vq_flags)
{
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        __atomic_store_n(&v->agreed[i], f[i], __ATOMIC_RELAXED);
    v->vq_flags = vq_flags;
}

static const char *objection(const struct vt *v)
{
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        if (v->driver[i] & ~offered_modern(v, i))
            return "features that were not offered are accepted (2.2)";
    if (v->early || (vt_status(v) & VIRTIO_CONFIG_S_DRIVER_OK))
        return "a driver that has begun as a legacy one goes on as another";
    if (!(v->driver[0] & VIRTIO_BIT(VIRTIO_F_VERSION_1)))
        return "VERSION_1 is not accepted (6.1)";
    if (v->offered[0] & ~v->driver[0] & VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM))
        return "ACCESS_PLATFORM is not accepted (6.1)";
    return NULL;
}

int vt_negotiate(struct vt *v)
{
    const char *why = objection(v);
    if (why) {
        vt_guest_error(v, "%s", why);
        return -EINVAL;
    }
    uint32_t flags = ring_flags(v->driver);
    int r = v->ops->negotiated(v->s, v->driver, TN_VIRTIO_FEATURE_WORDS, flags);
    if (r < 0) {
        vt_guest_error(v, "the device cannot do with features 0x%llx",
                       (unsigned long long)v->driver[0]);
        return r;
    }
    agree(v, v->driver, flags);
    return 0;
}

/* A legacy driver learns of no refusal: bits that were not offered do not count. */
int vt_negotiate_legacy(struct vt *v)
{
    uint64_t f[TN_VIRTIO_FEATURE_WORDS] = {v->driver[0] & vt_device_features_legacy(v)};
    uint32_t flags = ring_flags(f);
    int r = v->ops->negotiated(v->s, f, TN_VIRTIO_FEATURE_WORDS, flags);
    if (r == 0)
        agree(v, f, flags);
    return r;
}

/* After a load: the child hears what was agreed on. */
int vt_negotiated_again(struct vt *v, struct tn_err *e)
{
    v->vq_flags = ring_flags(v->agreed);
    if (!(v->status & (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)) && !v->early)
        return 0;
    if (!v->ops)
        return tn_fail(v->d, e, EINVAL, "the state has a driver, the transport no device");
    int r = v->ops->negotiated(v->s, v->agreed, TN_VIRTIO_FEATURE_WORDS, v->vq_flags);
    return r < 0 ? tn_fail(v->d, e, EINVAL, "the device cannot do with features 0x%llx",
                           (unsigned long long)v->agreed[0])
                 : 0;
}

/* ---- status ---- */

uint32_t vt_status(const struct vt *v)
{
    return __atomic_load_n(&v->status, __ATOMIC_ACQUIRE);
}

static void add(struct vt *v, uint32_t bits)
{
    __atomic_or_fetch(&v->status, bits, __ATOMIC_RELEASE);
}

void vt_broken(struct vt *v, const char *why)
{
    add(v, VIRTIO_CONFIG_S_NEEDS_RESET);
    vt_guest_error(v, "%s", why);
    if (vt_status(v) & VIRTIO_CONFIG_S_DRIVER_OK)
        v->hooks->config_interrupt(v->t);
}

/* The bits of val that the driver sets now; it never takes one back but by 0 (2.1.1). */
static uint32_t news(struct vt *v, uint32_t val)
{
    uint32_t old = vt_status(v);
    if (old & ~val & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET)
        vt_guest_error(v, "status bits 0x%x are taken back", old & ~val);
    return val & ~old & 0xff & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET;
}

static bool may_write(struct vt *v)
{
    if (v->reset_wanted)
        vt_guest_error(v, "the status is written while the device is being reset");
    return !v->reset_wanted && v->ops;
}

static void driver_ok(struct vt *v)
{
    add(v, VIRTIO_CONFIG_S_DRIVER_OK);
    vt_start_queues(v);
}

void vt_set_status(struct vt *v, uint32_t val)
{
    if (!(val & 0xff)) {
        vt_begin_reset(v);
        return;
    }
    if (!may_write(v))
        return;
    uint32_t set = news(v, val);
    if ((set & VIRTIO_CONFIG_S_FEATURES_OK) && vt_negotiate(v) < 0)
        set &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
    add(v, set & ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK);
    if (!(set & VIRTIO_CONFIG_S_DRIVER_OK))
        return;
    if (vt_status(v) & VIRTIO_CONFIG_S_FEATURES_OK)
        driver_ok(v);
    else
        vt_guest_error(v, "DRIVER_OK without FEATURES_OK (3.1.1)");
}

void vt_set_status_legacy(struct vt *v, uint32_t val)
{
    if (!(val & 0xff)) {
        vt_begin_reset(v);
        vt_hold(v);
        return;
    }
    if (!may_write(v))
        return;
    uint32_t set = news(v, val);
    add(v, set & ~(uint32_t)(VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK));
    if (!(set & VIRTIO_CONFIG_S_DRIVER_OK))
        return;
    if (!v->early && vt_negotiate_legacy(v) < 0)
        vt_broken(v, "the device cannot do with a legacy driver's features");
    driver_ok(v);
}
