/* SPDX-License-Identifier: BSD-2-Clause */
/* The line editor of a terminal: bytes in, what they make of a line, and what to show for it.
 *
 * It owns no descriptor and never waits, so it stands behind any character device; it knows
 * nothing of commands. It writes for what every terminal since the VT100 understands. A line that
 * is typed at its end is echoed byte for byte, which is what programs that drive a monitor see.
 *
 * Text is UTF-8; a byte that cannot be part of it is ignored. Where the width of the terminal is
 * known, a longer line moves sideways within one row; else it is left to the terminal.
 *
 * One thread at a time. */
#ifndef TN_HOST_HMP_EDIT_H
#define TN_HOST_HMP_EDIT_H
#include "hmp_history.h"
#include "util/buf.h"

enum { EDIT_LINE_MAX = 4095 };

struct edit {
    const char *prompt;
    struct hmp_history history;
    char text[EDIT_LINE_MAX + 1];   /* NUL-terminated */
    uint32_t len, at;               /* in bytes, at on a character's first */
    uint32_t first;                 /* of the text that is shown, in bytes */
    uint32_t cols;                  /* of the terminal; 0: unknown */
    uint32_t recalled;              /* the line of history that is shown; history.n: none */
    char *aside;                    /* what was typed before history was asked; NULL: nothing */
    char killed[EDIT_LINE_MAX + 1]; /* by C-k, C-u, C-w and their like: C-y brings it back */
    struct {                        /* an escape sequence */
        uint32_t state;
        uint32_t number[2], n;
    } esc;
    struct { /* a character of several bytes */
        uint8_t byte[4];
        uint32_t n, want;
    } wide;
    struct {                /* C-r */
        uint32_t on, found; /* found: the line of history shown; history.n: none */
        char part[64];
    } search;
    uint32_t after_cr; /* the \n of a \r\n is no second Enter */
    uint32_t tabs;     /* in a row */
    struct buf out;    /* to be shown: the owner takes it away */
};

enum edit_event {
    EDIT_NONE,
    EDIT_ENTER, /* text is a line; edit_begin() makes ready for the next */
    EDIT_TAB,   /* edit_complete() answers it */
};

void edit_init(struct edit *ed, const char *prompt); /* a constant */
void edit_free(struct edit *ed);
/* An empty line: shows the prompt. */
void edit_begin(struct edit *ed);
/* The line as it stands, after something else was shown. */
void edit_show(struct edit *ed);
/* Forgets what was typed, shows nothing: whoever typed it has gone. */
void edit_drop(struct edit *ed);
enum edit_event edit_byte(struct edit *ed, uint8_t byte);
/* What the word before the cursor could become, one each line. What they have in common is put in;
 * if that is nothing, and it is the second time, they are listed. */
void edit_complete(struct edit *ed, const char *words);

#endif
