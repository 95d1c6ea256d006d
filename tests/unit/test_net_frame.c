/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames on a byte stream: lengths of 32 bits, big-endian, before each. */
#include "frame.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static uint8_t buf[FRAME_BUFFER];
static struct frame_reader r;

static void begin(void)
{
    r = (struct frame_reader){.buf = buf};
}

static uint32_t feed(const void *p, uint32_t n)
{
    uint8_t *to;
    uint32_t room = frame_room(&r, &to);
    n = n < room ? n : room;
    memcpy(to, p, n);
    frame_filled(&r, n);
    return n;
}

TEST(nothing_comes_of_part_of_a_frame)
{
    static const uint8_t stream[] = {0, 0, 0, 3, 'a', 'b', 'c'};
    const uint8_t *p;
    uint32_t len;
    begin();
    for (uint32_t i = 0; i < sizeof stream; i++) {
        CHECK_EQ(frame_next(&r, &p, &len), 0);
        feed(stream + i, 1);
    }
    CHECK_EQ(frame_next(&r, &p, &len), 1);
    CHECK_EQ(len, 3);
    CHECK(memcmp(p, "abc", 3) == 0);
    frame_pop(&r);
    CHECK_EQ(frame_next(&r, &p, &len), 0);
}

TEST(frames_that_came_together_come_apart)
{
    static const uint8_t stream[] = {0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 2, 'b', 'c', 0};
    const uint8_t *p;
    uint32_t len;
    begin();
    feed(stream, sizeof stream);
    CHECK(frame_next(&r, &p, &len) == 1 && len == 1 && *p == 'a');
    frame_pop(&r);
    CHECK(frame_next(&r, &p, &len) == 1 && len == 0);
    frame_pop(&r);
    CHECK(frame_next(&r, &p, &len) == 1 && len == 2 && p[1] == 'c');
    frame_pop(&r);
    CHECK_EQ(frame_next(&r, &p, &len), 0);
}

TEST(the_longest_frame_fits_and_a_longer_one_is_refused)
{
    static uint8_t zeros[FRAME_MAX];
    const uint8_t *p;
    uint32_t len;
    begin();
    feed((const uint8_t[]){0, FRAME_MAX >> 16, (FRAME_MAX >> 8) & 255, FRAME_MAX & 255}, 4);
    for (uint32_t left = FRAME_MAX; left;)
        left -= feed(zeros, left);
    CHECK_EQ(frame_next(&r, &p, &len), 1);
    CHECK_EQ(len, FRAME_MAX);
    frame_pop(&r);
    feed((const uint8_t[]){0, (FRAME_MAX + 1) >> 16, ((FRAME_MAX + 1) >> 8) & 255,
                           (FRAME_MAX + 1) & 255},
         4);
    CHECK_EQ(frame_next(&r, &p, &len), -EPROTO);
    frame_reset(&r);
    CHECK_EQ(frame_next(&r, &p, &len), 0);
}

TEST(there_is_room_as_long_as_no_frame_is_whole)
{
    static const uint8_t zeros[7777];
    uint8_t *to;
    const uint8_t *p;
    uint32_t len;
    begin();
    for (int i = 0; i < 1000; i++) {
        static const uint8_t head[4] = {0, 0, 200, 0};
        feed(head, 4);
        for (uint32_t left = 51200; left;) {
            CHECK(frame_room(&r, &to) > 0);
            left -= feed(zeros, left < sizeof zeros ? left : sizeof zeros);
        }
        CHECK_EQ(frame_next(&r, &p, &len), 1);
        frame_pop(&r);
    }
}

int main(void)
{
    RUN(nothing_comes_of_part_of_a_frame);
    RUN(frames_that_came_together_come_apart);
    RUN(the_longest_frame_fits_and_a_longer_one_is_refused);
    RUN(there_is_room_as_long_as_no_frame_is_whole);
    return tap_done();
}
