/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of this plugin. */
#ifndef TN_NET_SOCKET_CLASSES_H
#define TN_NET_SOCKET_CLASSES_H
#include "conn.h"
#include "packets.h"
#include <stdio.h>
#include <tenon/plugin.h>
#include <unistd.h>

extern const struct tn_class socket_class, stream_class, dgram_class;

#endif
