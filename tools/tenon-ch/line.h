/* SPDX-License-Identifier: BSD-2-Clause */
/* A command line that is being made, and the values KEY=VALUE,KEY=VALUE that it is made from. */
#ifndef TENON_CH_LINE_H
#define TENON_CH_LINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
    char **v; /* owned, and each of them; NULL-terminated */
    size_t n;
};
/* One more argument. */
void line_add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* To stdout, as a shell would want it. */
void line_print(const struct line *l);
void line_free(struct line *l);

enum { VALUE_PAIRS = 48 };

/* What stands behind one option. Brackets keep commas together: fd=[3,4]. */
struct value {
    const char *option;
    char *text; /* owned: what keys and values point into */
    const char *key[VALUE_PAIRS], *val[VALUE_PAIRS];
    bool used[VALUE_PAIRS];
    uint32_t n;
};
/* Ends the program with a line that names it if text has no such form. */
void value_parse(struct value *v, const char *option, const char *text);
/* The value of key, or NULL. A key that is never asked for is refused by value_done(). */
const char *value_get(struct value *v, const char *key);
bool value_flag(struct value *v, const char *key, bool otherwise); /* on, off, true, false; bare */
uint64_t value_number(struct value *v, const char *key, uint64_t otherwise);
void value_done(struct value *v);

/* s with each comma doubled, as a value of the other command line wants it. Owned by the caller. */
char *doubled(const char *s);

/* One line on stderr, status 1. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
