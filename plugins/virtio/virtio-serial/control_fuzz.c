/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver that sends any message, and a host whose ports come and go meanwhile. What the driver is
 * told must make sense to it: a port is added when it is not there, and removed, named, opened when
 * it is (5.3.6.2.1). */
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "util/bytes.h"

enum { PORTS = 5 };

static void follow(uint8_t *known, const struct control_message *m)
{
    uint32_t id = get_le32(m->head + CONTROL_ID);
    uint16_t event = get_le16(m->head + CONTROL_EVENT);
    if (id >= PORTS || known[id] != (event != VIRTIO_CONSOLE_DEVICE_ADD))
        abort();
    known[id] = event != VIRTIO_CONSOLE_DEVICE_REMOVE;
}

static void step(struct control *c, uint8_t *known, const uint8_t *p)
{
    uint32_t id = (p[0] >> 4) % PORTS;
    struct control_message m;
    switch (p[0] & 7) {
    case 0:
        if (!c->port[id].present)
            control_add(c, id, p[1] & 1, p[1] & 2 ? "name" : NULL);
        break;
    case 1:
        if (c->port[id].present)
            control_remove(c, id);
        break;
    case 2:
        control_host_open(c, id, p[1] & 1);
        break;
    case 3:
        control_resize(c, id, p[1], p[2]);
        break;
    case 4:
    case 5:
        if (control_next(c, &m))
            follow(known, &m);
        break;
    case 6:
        control_receive(c, p);
        break;
    default:
        if (p[1] == 7) {
            control_reset(c);
            memset(known, 0, PORTS);
        } else {
            const uint8_t head[CONTROL_LEN] = {(uint8_t)id, 0, 0, 0, p[1] % 8, 0, p[2] % 4, 0};
            control_receive(c, head);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_port port[PORTS] = {0};
    struct control c = {.port = port, .nports = PORTS};
    uint8_t known[PORTS] = {0};
    for (size_t i = 0; i + CONTROL_LEN <= size; i += 3)
        step(&c, known, data + i);
    return 0;
}
