/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP's line editor, history and arithmetic: bytes in, text out. */
#include "monitor/hmp_edit.h"
#include "monitor/hmp_expr.h"
#include "tap.h"

#include <stdlib.h>

/* ---- the editor ---- */

static struct edit ed;
static enum edit_event last;
static char said[8192]; /* what the editor wrote since the last type() */

static void start(void)
{
    edit_free(&ed);
    edit_init(&ed, "(qemu) ");
    edit_begin(&ed);
}

static void type(const char *keys)
{
    buf_free(&ed.out);
    for (; *keys; keys++) {
        last = edit_byte(&ed, (uint8_t)*keys);
        if (last == EDIT_ENTER && keys[1])
            edit_begin(&ed);
    }
    snprintf(said, sizeof said, "%s", buf_cstr(&ed.out));
}

/* What a terminal of one row shows: the line, and where the cursor is. */
static void picture(char *row, size_t n, size_t *cursor)
{
    size_t at = 0, len = 0;
    for (const char *p = buf_cstr(&ed.out); *p; p++) {
        unsigned right;
        if (*p == '\r') {
            at = 0;
        } else if (strncmp(p, "\033[K", 3) == 0) {
            len = at;
            p += 2;
        } else if (sscanf(p, "\033[%uC", &right) == 1) {
            at += right;
            p = strchr(p, 'C');
        } else if (at < n - 1) {
            row[at++] = *p;
            len = at > len ? at : len;
        }
    }
    row[len] = 0;
    *cursor = at;
}

TEST(a_line_is_echoed_byte_for_byte)
{
    start();
    type("info status");
    CHECK_STR(said, "info status");
    type("\r");
    CHECK_EQ(last, EDIT_ENTER);
    CHECK_STR(said, "\r\n");
    CHECK_STR(ed.text, "info status");
}

TEST(crlf_is_one_enter)
{
    start();
    type("a\r");
    CHECK_EQ(last, EDIT_ENTER);
    edit_begin(&ed);
    type("\n");
    CHECK_EQ(last, EDIT_NONE);
    type("b\n");
    CHECK_EQ(last, EDIT_ENTER);
    CHECK_STR(ed.text, "b");
}

static const struct {
    const char *keys, *text;
    uint32_t at;
} edits[] = {
    {"stop\001x", "xstop", 1},                                 /* C-a */
    {"stop\001\005x", "stopx", 5},                             /* C-e */
    {"stop\002\002x", "stxop", 3},                             /* C-b */
    {"stop\001\006x", "sxtop", 2},                             /* C-f */
    {"stop\177", "sto", 3},                                    /* DEL */
    {"stop\010", "sto", 3},                                    /* C-h */
    {"stop\001\004", "top", 0},                                /* C-d */
    {"stop\004", "stop", 4},                                   /* C-d at the end */
    {"a bc d\027", "a bc ", 5},                                /* C-w */
    {"a bc d\027\027\031", "a bc ", 5},                        /* C-w C-w C-y */
    {"a bc\025x", "x", 1},                                     /* C-u */
    {"a bc\002\025", "c", 0},                                  /* C-u in the middle */
    {"a bc\001\006\013", "a", 1},                              /* C-k */
    {"ab\024", "ba", 2},                                       /* C-t */
    {"abc\033[D\033[Dx", "axbc", 2},                           /* Left */
    {"abc\033[H\033[Cx", "axbc", 2},                           /* Home, Right */
    {"abc\033OHx\033OFy", "xabcy", 5},                         /* in application mode */
    {"abc\033[1~x\033[4~y", "xabcy", 5},                       /* Home, End of the Linux console */
    {"abc\033[D\033[3~", "ab", 2},                             /* Delete */
    {"one two three\033[1;5D\033[1;5Dx", "one xtwo three", 5}, /* C-Left */
    {"one two\001\033[1;5Cx", "onex two", 4},                  /* C-Right */
    {"one two\033bx", "one xtwo", 5},                          /* M-b */
    {"one two\001\033fx", "onex two", 4},                      /* M-f */
    {"one two\001\033d", " two", 0},                           /* M-d */
    {"/dev/a b-c\033\177", "/dev/a b-", 9},                    /* M-DEL */
    {"\303\244x\033[D\033[Dy", "y\303\244x", 1},               /* UTF-8 is moved over as a whole */
    {"\303\244\177z", "z", 1},                                 /* ... and taken out */
    {"a\303\377\200b", "ab", 2},                               /* and what is none is ignored */
    {"\355\240\200\300\200\364\220\200\200x", "x", 1},         /* surrogate, overlong, too large */
    {"a\033[99;99;99mb", "ab", 2},                             /* a sequence that means nothing */
    {"a\033zb", "ab", 2},
    {"junk\003ok", "ok", 2}, /* C-c */
};

TEST(keys_edit_the_line)
{
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        start();
        type(edits[i].keys);
        CHECK_STR(ed.text, edits[i].text);
        CHECK_EQ(ed.at, edits[i].at);
    }
}

TEST(the_picture_is_the_line)
{
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char row[256], want[256];
        size_t cursor;
        if (strchr(edits[i].keys, '\003') || (unsigned char)edits[i].keys[0] >= 0x80)
            continue;
        start();
        for (const char *k = edits[i].keys; *k; k++)
            edit_byte(&ed, (uint8_t)*k);
        picture(row, sizeof row, &cursor);
        snprintf(want, sizeof want, "(qemu) %s", edits[i].text);
        CHECK_STR(row, want);
        CHECK_EQ(cursor, 7 + edits[i].at);
    }
}

TEST(a_long_line_moves_within_the_row)
{
    char row[256];
    size_t cursor;
    start();
    ed.cols = 40;
    for (int i = 0; i < 100; i++) {
        edit_byte(&ed, (uint8_t)('0' + i % 10));
        picture(row, sizeof row, &cursor);
        CHECK(strlen(row) < 40 && cursor < 40);
    }
    CHECK(strstr(row, "456789") != NULL);
    edit_byte(&ed, 1);
    picture(row, sizeof row, &cursor);
    CHECK_EQ(cursor, 7);
    CHECK(strncmp(row, "(qemu) 0123456789", 17) == 0);
}

TEST(a_line_has_an_end)
{
    start();
    for (int i = 0; i < 5000; i++)
        edit_byte(&ed, 'a');
    CHECK_EQ(ed.len, EDIT_LINE_MAX);
    edit_byte(&ed, 0xc3);
    edit_byte(&ed, 0xa4);
    CHECK_EQ(ed.len, EDIT_LINE_MAX);
}

TEST(history_goes_up_and_down)
{
    start();
    type("one\rtwo\rthree\rhalf");
    type("\033[A");
    CHECK_STR(ed.text, "three");
    type("\020\020\020");
    CHECK_STR(ed.text, "one");
    type("\016");
    CHECK_STR(ed.text, "two");
    type("\033[B\033[B\033[B");
    CHECK_STR(ed.text, "half");
}

TEST(a_line_that_comes_again_moves_to_the_end)
{
    start();
    type("one\rtwo\rone\r\r");
    CHECK_EQ(ed.history.n, 2);
    CHECK_STR(ed.history.line[0], "two");
    CHECK_STR(ed.history.line[1], "one");
}

TEST(history_forgets_the_oldest)
{
    char line[16];
    start();
    for (int i = 0; i < HMP_HISTORY + 10; i++) {
        snprintf(line, sizeof line, "line%d\r", i);
        type(line);
        edit_begin(&ed);
    }
    CHECK_EQ(ed.history.n, HMP_HISTORY);
    CHECK_STR(ed.history.line[0], "line10");
}

TEST(search_finds_backwards)
{
    start();
    type("info pci\rstop\rinfo block\rcont\r");
    edit_begin(&ed);
    type("\022inf");
    CHECK(strstr(said, "(search)'inf': info block") != NULL);
    type("\022\r");
    CHECK_EQ(last, EDIT_ENTER);
    CHECK_STR(ed.text, "info pci");
    edit_begin(&ed);
    type("half\022st\007");
    CHECK_STR(ed.text, "half");
    type("\025\022sto\005!");
    CHECK_STR(ed.text, "stop!");
    type("\025\022xx\177\177inf\033"); /* it was used last, so it comes first */
    CHECK_STR(ed.text, "info pci");
}

TEST(tab_puts_in_what_words_have_in_common)
{
    start();
    type("sys\t");
    CHECK_EQ(last, EDIT_TAB);
    edit_complete(&ed, "system_powerdown\nsystem_reset\n");
    CHECK_STR(ed.text, "system_");
    type("r\t");
    edit_complete(&ed, "system_reset\n");
    CHECK_STR(ed.text, "system_reset ");
}

TEST(a_second_tab_lists)
{
    start();
    type("info st\t");
    edit_complete(&ed, "stats\nstatus\n");
    CHECK_STR(ed.text, "info stat");
    CHECK(strstr(buf_cstr(&ed.out), "stats") == NULL);
    type("\t");
    edit_complete(&ed, "stats\nstatus\n");
    CHECK(strstr(buf_cstr(&ed.out), "\r\nstats") != NULL);
    CHECK(strstr(buf_cstr(&ed.out), "status") != NULL);
    CHECK_STR(ed.text, "info stat");
}

TEST(tab_with_nothing_to_offer_changes_nothing)
{
    start();
    type("xyz\t");
    edit_complete(&ed, "");
    CHECK_STR(ed.text, "xyz");
    edit_complete(&ed, "other\n"); /* from a broken completer */
    CHECK_STR(ed.text, "xyz");
}

/* ---- arithmetic ---- */

static int reg(void *o, const char *name, uint64_t *v)
{
    (void)o;
    *v = 0x1000;
    return strcmp(name, "eax") != 0;
}

static uint64_t value(const char *text)
{
    struct tn_err e = {0};
    uint64_t v = 0;
    int r = hmp_expr(&text, reg, NULL, &v, &e);
    CHECK_STR(e.text ? e.text : "", "");
    CHECK_EQ(r, 0);
    CHECK_STR(text, "");
    return v;
}

static void refused(const char *text, const char *why)
{
    ERR_AUTO e = {0};
    uint64_t v;
    CHECK(hmp_expr(&text, reg, NULL, &v, &e) < 0);
    CHECK_STR(e.text, why);
}

TEST(expressions_have_values)
{
    CHECK_EQ(value("1+2*3"), 7);
    CHECK_EQ(value("(1+2)*3"), 9);
    CHECK_EQ(value(" 0x10 + 010 "), 24);
    CHECK_EQ(value("5&3|8"), 9); /* of one precedence, from the left */
    CHECK_EQ(value("6^3"), 5);
    CHECK_EQ(value("7%4"), 3);
    CHECK_EQ(value("-1"), ~(uint64_t)0);
    CHECK_EQ(value("~1"), ~(uint64_t)1);
    CHECK_EQ(value("-(-3)"), 3);
    CHECK_EQ(value("'a'+1"), 'b');
    CHECK_EQ(value("$eax/2"), 0x800);
    CHECK_EQ(value("10-3-2"), 5);
    CHECK_EQ(value("0xffffffffffffffff"), ~(uint64_t)0);
}

TEST(what_is_no_expression_is_named)
{
    refused("", "unexpected end of expression");
    refused("1+", "unexpected end of expression");
    refused("(1", "')' expected");
    refused("!1", "invalid char '!' in expression");
    refused("1/0", "division by zero");
    refused("1%0", "division by zero");
    refused("99999999999999999999", "number too large");
    refused("$nosuch", "unknown register");
    refused("$", "unknown register");
    refused("'", "character constant expected");
    refused("'ab'", "missing terminating ' character");
    refused("((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1",
            "expression too deep");
}

TEST(an_expression_ends_where_another_begins)
{
    const char *text = "1 + 1 0x2000";
    ERR_AUTO e = {0};
    uint64_t v;
    CHECK_EQ(hmp_expr(&text, reg, NULL, &v, &e), 0);
    CHECK_EQ(v, 2);
    CHECK_STR(text, "0x2000");
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    RUN(a_line_is_echoed_byte_for_byte);
    RUN(crlf_is_one_enter);
    RUN(keys_edit_the_line);
    RUN(the_picture_is_the_line);
    RUN(a_long_line_moves_within_the_row);
    RUN(a_line_has_an_end);
    RUN(history_goes_up_and_down);
    RUN(a_line_that_comes_again_moves_to_the_end);
    RUN(history_forgets_the_oldest);
    RUN(search_finds_backwards);
    RUN(tab_puts_in_what_words_have_in_common);
    RUN(a_second_tab_lists);
    RUN(tab_with_nothing_to_offer_changes_nothing);
    RUN(expressions_have_values);
    RUN(what_is_no_expression_is_named);
    RUN(an_expression_ends_where_another_begins);
    edit_free(&ed);
    return tap_done();
}
