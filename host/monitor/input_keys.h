/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of keys. [any] */
#ifndef TN_HOST_INPUT_KEYS_H
#define TN_HOST_INPUT_KEYS_H
#include <stdint.h>

enum { INPUT_KEYS = 162 };
extern const char *const input_key_names[INPUT_KEYS + 1]; /* QKeyCode; NULL-terminated */

/* EV_KEY's code of a QKeyCode; 0: "unmapped"; -1: there is no such name. */
int input_key(const char *name);
/* Of a scan code of set 1, with 0x80 for a leading 0xe0; -1: no key. */
int input_key_of_number(uint64_t number);

#endif
