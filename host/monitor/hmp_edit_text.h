/* SPDX-License-Identifier: BSD-2-Clause */
/* Between hmp_edit.c (keys) and hmp_edit_text.c (what they do to the line and its picture). */
#ifndef TN_HOST_HMP_EDIT_TEXT_H
#define TN_HOST_HMP_EDIT_TEXT_H
#include "hmp_edit.h"

/* ---- places in the text: all on a character's first byte ---- */
uint32_t text_before(const struct edit *ed, uint32_t at); /* one character back; 0 at the start */
uint32_t text_after(const struct edit *ed, uint32_t at);
uint32_t text_word_before(const struct edit *ed); /* of the cursor: a word of letters and digits */
uint32_t text_word_after(const struct edit *ed);
uint32_t text_blank_before(const struct edit *ed); /* ... of anything but blanks */

/* ---- changes, shown ---- */
void text_insert(struct edit *ed, const char *s, uint32_t n); /* as much as there is room for */
void text_set(struct edit *ed, const char *s);                /* the cursor at its end */
void text_move(struct edit *ed, uint32_t at);
/* Takes [from, to) out; kill: for C-y. */
void text_cut(struct edit *ed, uint32_t from, uint32_t to, int kill);
void text_swap(struct edit *ed); /* C-t: the two characters before the cursor */

void text_show_search(struct edit *ed);

#endif
