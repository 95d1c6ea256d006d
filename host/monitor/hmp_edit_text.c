/* SPDX-License-Identifier: BSD-2-Clause */
#include "hmp_edit_text.h"

#include <ctype.h>
#include <string.h>

/* ---- places ---- */

static int continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

uint32_t text_before(const struct edit *ed, uint32_t at)
{
    if (at)
        at--;
    while (at && continues(ed->text[at]))
        at--;
    return at;
}

uint32_t text_after(const struct edit *ed, uint32_t at)
{
    if (at < ed->len)
        at++;
    while (at < ed->len && continues(ed->text[at]))
        at++;
    return at;
}

static int in_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static int not_blank(char c)
{
    return c != ' ';
}

static uint32_t back_over(const struct edit *ed, int (*is)(char))
{
    uint32_t at = ed->at;
    while (at && !is(ed->text[at - 1]))
        at--;
    while (at && is(ed->text[at - 1]))
        at--;
    return at;
}

uint32_t text_word_before(const struct edit *ed)
{
    return back_over(ed, in_word);
}

uint32_t text_blank_before(const struct edit *ed)
{
    return back_over(ed, not_blank);
}

uint32_t text_word_after(const struct edit *ed)
{
    uint32_t at = ed->at;
    while (at < ed->len && !in_word(ed->text[at]))
        at++;
    while (at < ed->len && in_word(ed->text[at]))
        at++;
    return at;
}

/* ---- the picture ---- */

static uint32_t columns(const char *s, uint32_t n)
{
    uint32_t c = 0;
    for (uint32_t i = 0; i < n; i++)
        c += !continues(s[i]);
    return c;
}

/* Columns for the text, behind the prompt; the last one stays empty, as a terminal may wrap there.
 */
static uint32_t room(const struct edit *ed)
{
    uint32_t prompt = (uint32_t)strlen(ed->prompt);
    if (!ed->cols)
        return UINT32_MAX;
    return ed->cols > prompt + 8 ? ed->cols - prompt - 1 : 8;
}

/* The cursor is seen, and as much of the line as fits. */
static void scroll(struct edit *ed)
{
    uint32_t most = room(ed);
    if (columns(ed->text, ed->len) <= most)
        ed->first = 0;
    if (ed->at < ed->first)
        ed->first = ed->at;
    while (columns(ed->text + ed->first, ed->at - ed->first) > most)
        ed->first = text_after(ed, ed->first);
}

static uint32_t last_shown(const struct edit *ed)
{
    uint32_t end = ed->first, most = room(ed);
    for (uint32_t n = 0; n < most && end < ed->len; n++)
        end = text_after(ed, end);
    return end;
}

void edit_show(struct edit *ed)
{
    scroll(ed);
    uint32_t end = last_shown(ed);
    buf_printf(&ed->out, "\r%s", ed->prompt);
    buf_add(&ed->out, ed->text + ed->first, end - ed->first);
    buf_str(&ed->out, "\033[K");
    if (ed->at != end)
        buf_printf(&ed->out, "\r\033[%uC",
                   (uint32_t)strlen(ed->prompt) +
                       columns(ed->text + ed->first, ed->at - ed->first));
}

void text_show_search(struct edit *ed)
{
    const char *line = ed->search.found < ed->history.n ? ed->history.line[ed->search.found] : "";
    BUF_AUTO b = {0};
    buf_printf(&b, "(search)'%s': %s", ed->search.part, line);
    uint32_t n = (uint32_t)b.len;
    while (n && ed->cols && (columns((char *)b.data, n) >= ed->cols || continues((char)b.data[n])))
        n--;
    buf_printf(&ed->out, "\r%.*s\033[K", (int)n, buf_cstr(&b));
}

/* ---- changes ---- */

static int echoes(const struct edit *ed, uint32_t shown_before)
{
    return ed->at == ed->len && ed->first == shown_before &&
           columns(ed->text + ed->first, ed->len - ed->first) <= room(ed);
}

void text_insert(struct edit *ed, const char *s, uint32_t n)
{
    if (n > EDIT_LINE_MAX - ed->len)
        return;
    memmove(ed->text + ed->at + n, ed->text + ed->at, ed->len - ed->at);
    memcpy(ed->text + ed->at, s, n);
    ed->len += n;
    ed->at += n;
    ed->text[ed->len] = 0;
    uint32_t first = ed->first;
    scroll(ed);
    if (echoes(ed, first))
        buf_add(&ed->out, s, n);
    else
        edit_show(ed);
}

void text_set(struct edit *ed, const char *s)
{
    uint32_t n = (uint32_t)strnlen(s, EDIT_LINE_MAX);
    memmove(ed->text, s, n);
    ed->text[n] = 0;
    ed->len = ed->at = n;
    edit_show(ed);
}

void text_move(struct edit *ed, uint32_t at)
{
    if (at == ed->at)
        return;
    ed->at = at;
    edit_show(ed);
}

void text_cut(struct edit *ed, uint32_t from, uint32_t to, int kill)
{
    if (from == to)
        return;
    if (kill) {
        memcpy(ed->killed, ed->text + from, to - from);
        ed->killed[to - from] = 0;
    }
    memmove(ed->text + from, ed->text + to, ed->len - to + 1);
    ed->len -= to - from;
    ed->at = from;
    edit_show(ed);
}

void text_swap(struct edit *ed)
{
    uint32_t end = ed->at == ed->len ? ed->at : text_after(ed, ed->at);
    uint32_t second = text_before(ed, end), first = text_before(ed, second);
    char moved[4];
    if (first == second)
        return;
    memcpy(moved, ed->text + first, second - first);
    memmove(ed->text + first, ed->text + second, end - second);
    memcpy(ed->text + first + (end - second), moved, second - first);
    ed->at = end;
    edit_show(ed);
}
