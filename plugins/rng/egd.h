/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of the Entropy Gathering Daemon's protocol, of which one command is used: 0x02,
 * "read entropy, waiting for it", with a count of 1 to 255; the daemon answers with that many bytes
 * and nothing around them.
 *
 * The daemon is untrusted: no more is taken from it than was asked for, and what it owes is
 * forgotten when it hangs up.
 */
#ifndef TN_RNG_EGD_H
#define TN_RNG_EGD_H
#include <stdint.h>

enum { EGD_READ_BLOCKING = 0x02, EGD_MAX = 255, EGD_COMMAND_LEN = 2 };

struct egd {
    uint8_t pool[EGD_MAX];
    uint8_t command[EGD_COMMAND_LEN];
    uint8_t open; /* the daemon is there */
    uint32_t have,
        owed; /* bytes in the pool; asked for and not yet come: never more than EGD_MAX together */
    uint32_t sent, to_send; /* bytes of command */
};

/* The daemon came or went. */
void egd_opened(struct egd *s);
void egd_closed(struct egd *s);
/* Takes up to len bytes (at least 1) out of the pool: as many as can be asked for at once, or those
 * that there are if no more will come by themselves. 0: none yet; there may be a command to send
 * now. */
uint32_t egd_take(struct egd *s, uint8_t *buf, uint32_t len);
/* What is to be sent: *n bytes at the returned pointer. */
const uint8_t *egd_command(const struct egd *s, uint32_t *n);
void egd_sent(struct egd *s, uint32_t n); /* that much of it has been */
/* Bytes that are taken from the daemon now, and they: n is at most egd_room(). */
uint32_t egd_room(const struct egd *s);
void egd_receive(struct egd *s, const uint8_t *p, uint32_t n);

#endif
