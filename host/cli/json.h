/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON form of an option's argument: `-device '{"driver":"nvme","serial":"a"}'`.
 *
 * RFC 8259, plus strings in single quotes, which QEMU takes too. Not accepted: a member named
 * twice, a NUL (U+0000), an unpaired surrogate, bytes that are not UTF-8, and more than
 * KV_MAX_DEPTH levels. */
#ifndef TN_CLI_JSON_H
#define TN_CLI_JSON_H
#include "kvtree.h"

/* Parses the one JSON value that text holds. Returns a tree that the caller owns, or NULL with *err
 * set ("JSON parse error, ..."). [any] */
struct kv_node *json_parse(const char *text, char **err);

/* The tree as QEMU writes JSON: US-ASCII, what is not UTF-8 as U+FFFD, strings for what came
 * without a type; in one line, or with pretty indented by four. [any] */
void json_print(struct buf *out, const struct kv_node *n, int pretty);

#endif
