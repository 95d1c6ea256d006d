/* SPDX-License-Identifier: BSD-2-Clause */
#include "hmp_edit_text.h"

#include "util/alloc.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CTRL(c) ((c)&0x1f)
enum { ESC = 0x1b, DEL = 0x7f };
enum { ESC_NONE, ESC_BEGUN, ESC_CSI, ESC_SS3 }; /* ECMA-48 5.4 */

/* ---- life ---- */

void edit_init(struct edit *ed, const char *prompt)
{
    *ed = (struct edit){.prompt = prompt};
}

void edit_free(struct edit *ed)
{
    hmp_history_clear(&ed->history);
    free(ed->aside);
    buf_free(&ed->out);
}

static void forget_aside(struct edit *ed)
{
    free(ed->aside);
    ed->aside = NULL;
    ed->recalled = ed->history.n;
}

void edit_drop(struct edit *ed)
{
    ed->len = ed->at = ed->first = 0;
    ed->text[0] = 0;
    ed->esc.state = ESC_NONE;
    ed->wide.want = ed->search.on = ed->after_cr = ed->tabs = 0;
    forget_aside(ed);
}

void edit_begin(struct edit *ed)
{
    uint32_t after_cr = ed->after_cr;
    edit_drop(ed);
    ed->after_cr = after_cr;
    buf_str(&ed->out, ed->prompt);
}

/* ---- history ---- */

static void recall(struct edit *ed, uint32_t i)
{
    if (ed->recalled == ed->history.n && !ed->aside)
        ed->aside = xstrdup(ed->text);
    ed->recalled = i;
    if (i < ed->history.n) {
        text_set(ed, ed->history.line[i]);
        return;
    }
    AUTO_FREE char *back = ed->aside;
    ed->aside = NULL;
    text_set(ed, back ? back : "");
}

static void older(struct edit *ed)
{
    if (ed->recalled > 0 && ed->history.n)
        recall(ed, ed->recalled - 1);
}

static void newer(struct edit *ed)
{
    if (ed->recalled < ed->history.n)
        recall(ed, ed->recalled + 1);
}

static enum edit_event enter(struct edit *ed)
{
    buf_str(&ed->out, "\r\n");
    hmp_history_add(&ed->history, ed->text);
    forget_aside(ed);
    return EDIT_ENTER;
}

static void give_up(struct edit *ed)
{
    buf_str(&ed->out, "^C\r\n");
    edit_begin(ed);
}

/* ---- C-r ---- */

static void search_begin(struct edit *ed)
{
    ed->search.on = 1;
    ed->search.found = ed->history.n;
    ed->search.part[0] = 0;
    text_show_search(ed);
}

static void search_from(struct edit *ed, uint32_t before)
{
    int i = hmp_history_find(&ed->history, before, ed->search.part);
    if (i >= 0)
        ed->search.found = (uint32_t)i;
    text_show_search(ed);
}

static void search_add(struct edit *ed, const char *s, uint32_t n)
{
    size_t len = strlen(ed->search.part);
    if (len + n >= sizeof ed->search.part)
        return;
    memcpy(ed->search.part + len, s, n);
    ed->search.part[len + n] = 0;
    search_from(ed, ed->search.found < ed->history.n ? ed->search.found + 1 : ed->history.n);
}

static void search_shorten(struct edit *ed)
{
    size_t n = strlen(ed->search.part);
    while (n && ((unsigned char)ed->search.part[--n] & 0xc0) == 0x80)
        ;
    ed->search.part[n] = 0;
    search_from(ed, ed->history.n);
}

/* What was found becomes the line. */
static void search_end(struct edit *ed, int take)
{
    ed->search.on = 0;
    if (take && ed->search.found < ed->history.n)
        recall(ed, ed->search.found);
    else
        edit_show(ed);
}

/* 1 if the search has taken the key, 0 if it has ended with it. */
static int search_key(struct edit *ed, uint8_t key)
{
    switch (key) {
    case CTRL('r'):
        search_from(ed, ed->search.found);
        return 1;
    case CTRL('h'):
    case DEL:
        search_shorten(ed);
        return 1;
    case CTRL('g'):
    case CTRL('c'):
        search_end(ed, 0);
        return 1;
    default:
        search_end(ed, 1);
        return key == ESC; /* what it begins would move about: it only ends the search */
    }
}

/* ---- keys ---- */

static void clear_screen(struct edit *ed)
{
    buf_str(&ed->out, "\033[H\033[2J");
    edit_show(ed);
}

static void delete_right(struct edit *ed)
{
    text_cut(ed, ed->at, text_after(ed, ed->at), 0);
}

static enum edit_event control(struct edit *ed, uint8_t key)
{
    switch (key) {
    case CTRL('a'):
        text_move(ed, 0);
        break;
    case CTRL('b'):
        text_move(ed, text_before(ed, ed->at));
        break;
    case CTRL('c'):
        give_up(ed);
        break;
    case CTRL('d'):
        delete_right(ed);
        break;
    case CTRL('e'):
        text_move(ed, ed->len);
        break;
    case CTRL('f'):
        text_move(ed, text_after(ed, ed->at));
        break;
    case CTRL('h'):
    case DEL:
        text_cut(ed, text_before(ed, ed->at), ed->at, 0);
        break;
    case CTRL('i'):
        ed->tabs++;
        return EDIT_TAB;
    case CTRL('k'):
        text_cut(ed, ed->at, ed->len, 1);
        break;
    case CTRL('l'):
        clear_screen(ed);
        break;
    case CTRL('n'):
        newer(ed);
        break;
    case CTRL('p'):
        older(ed);
        break;
    case CTRL('r'):
        search_begin(ed);
        break;
    case CTRL('t'):
        text_swap(ed);
        break;
    case CTRL('u'):
        text_cut(ed, 0, ed->at, 1);
        break;
    case CTRL('w'):
        text_cut(ed, text_blank_before(ed), ed->at, 1);
        break;
    case CTRL('y'):
        text_insert(ed, ed->killed, (uint32_t)strlen(ed->killed));
        break;
    case '\n':
    case '\r':
        return enter(ed);
    case ESC:
        ed->esc.state = ESC_BEGUN;
        break;
    }
    return EDIT_NONE;
}

/* ---- escape sequences ---- */

static void meta(struct edit *ed, uint8_t key)
{
    switch (tolower(key)) {
    case 'b':
        text_move(ed, text_word_before(ed));
        break;
    case 'f':
        text_move(ed, text_word_after(ed));
        break;
    case 'd':
        text_cut(ed, ed->at, text_word_after(ed), 1);
        break;
    case CTRL('h'):
    case DEL:
        text_cut(ed, text_word_before(ed), ed->at, 1);
        break;
    }
}

/* CSI number ~: a function key. */
static void function_key(struct edit *ed, uint32_t number)
{
    switch (number) {
    case 1:
    case 7:
        text_move(ed, 0);
        break;
    case 3:
        delete_right(ed);
        break;
    case 4:
    case 8:
        text_move(ed, ed->len);
        break;
    }
}

/* by_word: with Ctrl or Alt held. */
static void cursor_key(struct edit *ed, uint8_t final, int by_word)
{
    switch (final) {
    case 'A':
        older(ed);
        break;
    case 'B':
        newer(ed);
        break;
    case 'C':
        text_move(ed, by_word ? text_word_after(ed) : text_after(ed, ed->at));
        break;
    case 'D':
        text_move(ed, by_word ? text_word_before(ed) : text_before(ed, ed->at));
        break;
    case 'F':
        text_move(ed, ed->len);
        break;
    case 'H':
        text_move(ed, 0);
        break;
    }
}

static int is_final(uint8_t byte)
{
    return byte >= 0x40 && byte <= 0x7e;
}

static void csi(struct edit *ed, uint8_t byte)
{
    uint32_t *number = &ed->esc.number[ed->esc.n];
    if (isdigit(byte)) {
        *number = *number < 1000 ? *number * 10 + byte - '0' : *number;
        return;
    }
    if (byte == ';' && ed->esc.n == 0) {
        ed->esc.n++;
        return;
    }
    if (!is_final(byte))
        return;
    ed->esc.state = ESC_NONE;
    if (byte == '~')
        function_key(ed, ed->esc.number[0]);
    else
        cursor_key(ed, byte, ed->esc.number[0] > 1 || ed->esc.number[1] > 2);
}

static void escape(struct edit *ed, uint8_t byte)
{
    switch (ed->esc.state) {
    case ESC_BEGUN:
        memset(&ed->esc, 0, sizeof ed->esc);
        if (byte == '[' || byte == 'O')
            ed->esc.state = byte == '[' ? ESC_CSI : ESC_SS3;
        else
            meta(ed, byte);
        break;
    case ESC_CSI:
        csi(ed, byte);
        break;
    case ESC_SS3:
        ed->esc.state = ESC_NONE;
        cursor_key(ed, byte, 0);
        break;
    }
}

/* ---- text ---- */

static void typed(struct edit *ed, const char *s, uint32_t n)
{
    if (ed->search.on)
        search_add(ed, s, n);
    else
        text_insert(ed, s, n);
}

static uint32_t bytes_of(uint8_t first) /* RFC 3629, 3 */
{
    return first >= 0xc2 && first < 0xe0   ? 2
           : first >= 0xe0 && first < 0xf0 ? 3
           : first >= 0xf0 && first < 0xf5 ? 4
                                           : 0;
}

/* RFC 3629, 4: no longer form than needed, no surrogates, nothing above U+10FFFF. */
static int second_fits(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second < 0xa0;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second < 0x90;
    default:
        return 1;
    }
}

static void wide(struct edit *ed, uint8_t byte)
{
    int more = (byte & 0xc0) == 0x80;
    if (!more || !ed->wide.want || (ed->wide.n == 1 && !second_fits(ed->wide.byte[0], byte))) {
        ed->wide.want = more ? 0 : bytes_of(byte);
        ed->wide.n = 0;
    }
    if (!ed->wide.want)
        return;
    ed->wide.byte[ed->wide.n++] = byte;
    if (ed->wide.n < ed->wide.want)
        return;
    ed->wide.want = 0;
    typed(ed, (const char *)ed->wide.byte, ed->wide.n);
}

static enum edit_event key(struct edit *ed, uint8_t byte)
{
    if (byte != CTRL('i'))
        ed->tabs = 0;
    if (byte >= 0x80)
        wide(ed, byte);
    else if (ed->esc.state)
        escape(ed, byte);
    else if (byte >= ' ' && byte != DEL)
        typed(ed, (const char *)&byte, 1);
    else if (!ed->search.on || !search_key(ed, byte))
        return control(ed, byte);
    return EDIT_NONE;
}

enum edit_event edit_byte(struct edit *ed, uint8_t byte)
{
    int second_half = byte == '\n' && ed->after_cr;
    ed->after_cr = byte == '\r';
    if (byte < 0x80)
        ed->wide.want = 0;
    return second_half ? EDIT_NONE : key(ed, byte);
}

/* ---- Tab ---- */

/* How much all the words have in common. */
static size_t common(const char *words)
{
    size_t n = strcspn(words, "\n");
    for (const char *w = words; *w;) {
        size_t len = strcspn(w, "\n"), i = 0;
        while (i < n && i < len && w[i] == words[i])
            i++;
        n = i;
        w += len + (w[len] == '\n');
    }
    while (n && ((unsigned char)words[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static uint32_t longest(const char *words)
{
    uint32_t most = 0;
    for (const char *w = words; *w;) {
        uint32_t len = (uint32_t)strcspn(w, "\n");
        most = len > most ? len : most;
        w += len + (w[len] == '\n');
    }
    return most;
}

static void list(struct edit *ed, const char *words)
{
    uint32_t width = longest(words) + 2, cols = ed->cols ? ed->cols : 80, x = 0;
    buf_str(&ed->out, "\r\n");
    for (const char *w = words; *w;) {
        uint32_t len = (uint32_t)strcspn(w, "\n");
        if (x && x + width >= cols) {
            buf_str(&ed->out, "\r\n");
            x = 0;
        }
        buf_printf(&ed->out, "%-*.*s", (int)width, (int)len, w);
        x += width;
        w += len + (w[len] == '\n');
    }
    buf_str(&ed->out, "\r\n");
    edit_show(ed);
}

/* The end of an option's key, of a folder, or one among several: nothing is put behind it. */
static int goes_on(const char *words, size_t n)
{
    return words[n] != '\n' || words[n + 1] || (n && strchr("=/,", words[n - 1]));
}

void edit_complete(struct edit *ed, const char *words)
{
    uint32_t word = ed->at;
    while (word && ed->text[word - 1] != ' ')
        word--;
    size_t n = common(words), have = ed->at - word;
    if (!strchr(words, '\n'))
        return;
    if (n >= have && memcmp(words, ed->text + word, have) == 0) {
        text_insert(ed, words + have, (uint32_t)(n - have));
        if (!goes_on(words, n))
            text_insert(ed, " ", 1);
    }
    if (n == have && goes_on(words, n) && words[strcspn(words, "\n") + 1] && ed->tabs > 1)
        list(ed, words);
}
