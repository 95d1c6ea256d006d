/* SPDX-License-Identifier: BSD-2-Clause */
/* The two grammars of `key=value,...`, which QEMU's options are written in.
 *
 * Both: `,,` within a value is one comma; the first item may leave out "key=" where the option
 * names an implied key (`-device edu` is `driver=edu`); one comma at the end is ignored; a later
 * value of a key wins.
 *
 * Flat (keyval_parse): -device, -object, -chardev, -m ... A bare `key` is `key=on` and `nokey` is
 * `key=off`. Dotted (keyval_parse_dotted): -M, -smp, -boot, -display ... Every item needs "=" (but
 * `help`), and keys are paths: `cxl-fmw.0.targets.1=hb`.
 *
 * Every function is [any]. */
#ifndef TN_CLI_KEYVAL_H
#define TN_CLI_KEYVAL_H
#include "kvtree.h"

/* Parses the flat grammar. implied names the first item's key, or is NULL. Returns a dict, which
 * the caller owns and in which keys may repeat; it cannot fail. */
struct kv_node *keyval_parse(const char *text, const char *implied);

/* As keyval_parse(), but an argument that starts with "{" is a JSON object. NULL with *err set if
 * it is a bad one. */
struct kv_node *keyval_parse_or_json(const char *text, const char *implied, char **err);

/* Parses the dotted grammar and sets each value in flat, a dict of dotted keys; prefix ("smp." or
 * "") goes before each key. Returns 0, or -EINVAL with *err set and flat possibly changed. */
int keyval_parse_dotted(struct kv_node *flat, const char *prefix, const char *text,
                        const char *implied, char **err);

/* Turns dotted keys into nested dicts; a dict whose keys are 0..n-1 becomes a list. Since flat may
 * be gathered from several options first, `-M cxl-fmw.0.size=4G -M
 * cxl-fmw.0.interleave-granularity=4k` describes one window. Returns a tree that the caller owns,
 * or NULL with *err set. */
struct kv_node *keyval_nest(const struct kv_node *flat, char **err);

/* What an option asks help about. */
enum keyval_help {
    KEYVAL_NO_HELP,
    KEYVAL_HELP_TYPES,      /* `-device help`, `-device ?` */
    KEYVAL_HELP_PROPERTIES, /* `-device edu,help` */
};
/* implied is the key that names the type. */
enum keyval_help keyval_help_wanted(const struct kv_node *kv, const char *implied);

/* Whether text is an id: a letter, then letters, digits, "-", "." and "_". */
bool keyval_is_id(const char *text);

#endif
