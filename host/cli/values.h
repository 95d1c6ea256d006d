/* SPDX-License-Identifier: BSD-2-Clause */
/* The values that options and properties take, read strictly: no leading blanks, nothing behind.
 *
 * Each function returns 0 and stores *out, or returns -EINVAL (not of the form) or -ERANGE (of the
 * form, out of bounds), leaves *out alone and sets *err to one line that names key. err may be
 * NULL. Every function is [any].
 *
 * owner is the class whose property key is (`edu` of `edu.addr`), or NULL for an option's own
 * parameter. */
#ifndef TN_CLI_VALUES_H
#define TN_CLI_VALUES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAL_KIB ((uint64_t)1 << 10)
#define VAL_MIB ((uint64_t)1 << 20)
#define VAL_GIB ((uint64_t)1 << 30)

/* A size in bytes: decimal with a fraction ("1.5G", ".5G") or hex, with a suffix B, k, M, G, T, P
 * or E (powers of 1024, either case). unit is what a number without suffix counts: 1, or VAL_MIB
 * for -m. A fraction of a byte is refused, fractions of larger units are rounded to the nearest
 * byte. A hex number takes no suffix, since B and E are digits. */
int val_size(const char *key, const char *text, uint64_t unit, uint64_t *out, char **err);

/* An unsigned integer in min..max; decimal, 0x hex or 0 octal. A negative number is refused, but
 * where max is 2^64-1 it stands for its two's complement, as QEMU users write `dma_mask=-1`. */
int val_u64(const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *out,
            char **err);
/* A signed integer in min..max, likewise. */
int val_s64(const char *key, const char *text, int64_t min, int64_t max, int64_t *out, char **err);

/* on, yes, true, y; off, no, false, n; lower case. */
int val_bool(const char *key, const char *text, bool *out, char **err);
/* One of the n names; *out is its index. */
int val_choice(const char *key, const char *text, const char *const *names, size_t n, size_t *out,
               char **err);

enum val_on_off_auto { VAL_AUTO, VAL_ON, VAL_OFF };
/* auto, on, off; no other spelling. */
int val_on_off_auto(const char *key, const char *text, enum val_on_off_auto *out, char **err);

/* Six bytes of two hex digits with ":" or "-" between them. */
int val_mac(const char *owner, const char *key, const char *text, uint8_t out[6], char **err);
/* 8-4-4-4-12 hex digits, in the order of RFC 4122 (network byte order). */
int val_uuid(const char *owner, const char *key, const char *text, uint8_t out[16], char **err);
/* SLOT or SLOT.FUNCTION in hex, 0x allowed: "4", "04.0", "1e.7". *out is slot * 8 + function; -1
 * for "-1", which means any free slot. (A JSON number in its place is the devfn itself: use
 * val_s64() with -1..255.) */
int val_pci_devfn(const char *owner, const char *key, const char *text, int32_t *out, char **err);

/* `[a,b,...]` of at most max unsigned integers, `[]` too, or one integer without brackets. *n is
 * how many. */
int val_u64_list(const char *key, const char *text, uint64_t *out, size_t max, size_t *n,
                 char **err);

/* An id, as keyval_is_id() has it. */
int val_id(const char *key, const char *text, char **err);

#endif
