/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of what virtio registers hold, in QEMU's words. Any thread. */
#ifndef TN_HOST_VIRTIO_WORDS_H
#define TN_HOST_VIRTIO_WORDS_H
#include <stdint.h>

struct virtio_word {
    uint8_t bit;
    const char *text; /* NULL ends a table */
};
extern const struct virtio_word virtio_status_words[];  /* VIRTIO 1.3 2.1 */
extern const struct virtio_word virtio_feature_words[]; /* of rings and transports, 6 */
/* Features of a device type (VIRTIO 1.3 5), in the order in which they are shown; an empty table
 * for one that has no words. */
const struct virtio_word *virtio_device_words(uint32_t device_id);

#endif
