/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns fuzz input into text of the grammars here: random bytes hardly ever spell a key. */
#ifndef TN_CLI_FUZZ_TEXT_H
#define TN_CLI_FUZZ_TEXT_H
#include <stddef.h>
#include <stdint.h>

/* The input as a string that the caller frees: as it is (up to a NUL) if its first byte is odd,
 * else one token of a small vocabulary for each further byte. */
char *fuzz_text(const uint8_t *data, size_t size);

#endif
