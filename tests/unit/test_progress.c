/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/progress.h"
#include "tap.h"
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

/* The standard error as a terminal, or as a file; and what is written there. */
struct screen {
    int saved, keyboard, end;
    char text[512];
};

static void screen_open(struct screen *s, int terminal)
{
    int p[2];
    *s = (struct screen){.saved = dup(2)};
    if (terminal) {
        CHECK_EQ(openpty(&s->keyboard, &s->end, NULL, NULL, NULL), 0);
    } else {
        CHECK_EQ(pipe(p), 0);
        s->keyboard = p[0];
        s->end = p[1];
    }
    dup2(s->end, 2);
}

static const char *screen_text(struct screen *s)
{
    struct pollfd f = {.fd = s->keyboard, .events = POLLIN};
    ssize_t n = poll(&f, 1, 0) > 0 ? read(s->keyboard, s->text, sizeof s->text - 1) : 0;
    s->text[n > 0 ? n : 0] = 0;
    return s->text;
}

static void screen_close(struct screen *s)
{
    dup2(s->saved, 2);
    close(s->saved);
    close(s->keyboard);
    close(s->end);
}

static void back_date(struct progress *p)
{
    p->begun_ns -= 2000000000u;
}

TEST(work_that_is_soon_done_shows_nothing)
{
    struct screen s;
    struct progress p;
    screen_open(&s, 1);
    progress_begin(&p, "work", 100);
    progress_at(&p, 50);
    progress_end(&p);
    CHECK_STR(screen_text(&s), "");
    screen_close(&s);
}

TEST(a_line_follows_long_work_and_goes_at_its_end)
{
    struct screen s;
    struct progress p;
    screen_open(&s, 1);
    progress_begin(&p, "memory 'm0'", (uint64_t)8 << 30);
    back_date(&p);
    progress_at(&p, (uint64_t)3 << 30);
    CHECK_STR(screen_text(&s), "\r\033[Ktenon: memory 'm0': 37%, 3072 of 8192 MiB");
    progress_end(&p);
    CHECK_STR(screen_text(&s), "\r\033[K");
    screen_close(&s);
}

TEST(a_line_is_shown_four_times_a_second_at_most)
{
    struct screen s;
    struct progress p;
    screen_open(&s, 1);
    progress_begin(&p, "work", 1000);
    back_date(&p);
    progress_at(&p, 1);
    screen_text(&s);
    for (uint64_t i = 2; i < 100; i++)
        progress_at(&p, i);
    CHECK_STR(screen_text(&s), "");
    progress_end(&p);
    screen_close(&s);
}

TEST(what_is_no_terminal_sees_nothing)
{
    struct screen s;
    struct progress p;
    screen_open(&s, 0);
    progress_begin(&p, "work", 100);
    back_date(&p);
    progress_at(&p, 50);
    progress_end(&p);
    CHECK_STR(screen_text(&s), "");
    screen_close(&s);
}

int main(void)
{
    RUN(work_that_is_soon_done_shows_nothing);
    RUN(a_line_follows_long_work_and_goes_at_its_end);
    RUN(a_line_is_shown_four_times_a_second_at_most);
    RUN(what_is_no_terminal_sees_nothing);
    return tap_done();
}
