/* SPDX-License-Identifier: BSD-2-Clause */
/* Device configuration space (2.5): bytes of the child's. */
#include "util/bytes.h"
#include "virtio-transport/transport.h"

static bool inside(const struct vt *v, uint64_t off, uint32_t size)
{
    return v->ops && off < v->config_len && size <= v->config_len - off && size <= 4;
}

uint64_t vt_config_read(struct vt *v, uint64_t off, uint32_t size)
{
    uint8_t bytes[8] = {0};
    if (!inside(v, off, size))
        return ones(size);
    v->ops->config_read(v->s, (uint32_t)off, bytes, size);
    return get_le64(bytes);
}

void vt_config_write(struct vt *v, uint64_t off, uint64_t value, uint32_t size)
{
    uint8_t bytes[8];
    if (!inside(v, off, size) || !v->ops->config_write) {
        vt_guest_error(v, "device configuration has no %u bytes to write at 0x%llx", size,
                       (unsigned long long)off);
        return;
    }
    put_le64(bytes, value);
    v->ops->config_write(v->s, (uint32_t)off, bytes, size);
}

uint32_t vt_generation(const struct vt *v)
{
    return __atomic_load_n(&v->generation, __ATOMIC_ACQUIRE);
}
