/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TN_HOST_ADDR_PUT_H
#define TN_HOST_ADDR_PUT_H
#include <stdint.h>

struct kv_node;

/* Adds to out, a dict, what QMP's SocketAddress says of a struct sockaddr of len bytes. */
void addr_put(struct kv_node *out, const void *addr, uint32_t len);

#endif
