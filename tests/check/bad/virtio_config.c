/* SPDX-License-Identifier: BSD-2-Clause */
/* It writes a byte behind what is read of its configuration.
 * breaks: virtio/config
 * says: beside its buffer */
#define IN_CONFIG_READ(s, off, buf, len) ((uint8_t *)buf)[len] = 0
#include "virtio_dev.h"
