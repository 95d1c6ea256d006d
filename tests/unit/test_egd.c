/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of the EGD protocol: command 0x02, a count, that many bytes. */
#include "egd.h"
#include "tap.h"

static uint8_t got[512];

static uint32_t command(struct egd *s)
{
    uint32_t n;
    const uint8_t *p = egd_command(s, &n);
    uint32_t word = n == 2 ? (uint32_t)p[0] << 8 | p[1] : n;
    egd_sent(s, n);
    return word;
}

TEST(asks_for_what_is_wanted_and_gives_it_when_it_is_complete)
{
    struct egd s = {0};
    egd_opened(&s);
    CHECK_EQ(egd_take(&s, got, 4), 0);
    CHECK_EQ(command(&s), 0x0204);
    CHECK_EQ(egd_room(&s), 4);
    egd_receive(&s, (const uint8_t *)"abc", 3);
    CHECK_EQ(egd_take(&s, got, 4), 0);
    CHECK_EQ(command(&s), 0); /* and asks for nothing more */
    egd_receive(&s, (const uint8_t *)"d", 1);
    CHECK_EQ(egd_take(&s, got, 4), 4);
    CHECK(memcmp(got, "abcd", 4) == 0);
    CHECK_EQ(egd_room(&s), 0);
}

TEST(asks_for_no_more_than_one_command_can)
{
    struct egd s = {0};
    uint8_t data[EGD_MAX] = {1};
    egd_opened(&s);
    CHECK_EQ(egd_take(&s, got, 100000), 0);
    CHECK_EQ(command(&s), 0x02ff);
    egd_receive(&s, data, EGD_MAX);
    CHECK_EQ(egd_take(&s, got, 100000), EGD_MAX);
}

TEST(takes_no_byte_that_it_did_not_ask_for)
{
    struct egd s = {0};
    uint8_t data[300] = {0};
    egd_opened(&s);
    CHECK_EQ(egd_room(&s), 0);
    egd_receive(&s, data, 300);
    CHECK_EQ(s.have, 0);
    egd_take(&s, got, 10);
    egd_receive(&s, data, 300);
    CHECK_EQ(s.have, 10);
    CHECK_EQ(egd_room(&s), 0);
}

TEST(asks_again_when_the_daemon_has_come_back)
{
    struct egd s = {0};
    egd_opened(&s);
    egd_take(&s, got, 8);
    command(&s);
    egd_receive(&s, (const uint8_t *)"abc", 3);
    egd_closed(&s);
    CHECK_EQ(egd_room(&s), 0);
    CHECK_EQ(egd_take(&s, got, 2), 2); /* what had come is good */
    CHECK_EQ(egd_take(&s, got, 8), 1);
    CHECK_EQ(egd_take(&s, got, 8), 0);
    CHECK_EQ(command(&s), 0); /* nobody is there */
    egd_opened(&s);
    CHECK_EQ(egd_take(&s, got, 8), 0);
    CHECK_EQ(command(&s), 0x0208);
}

TEST(a_command_leaves_in_pieces)
{
    struct egd s = {0};
    uint32_t n;
    egd_opened(&s);
    egd_take(&s, got, 5);
    CHECK_EQ(*egd_command(&s, &n), EGD_READ_BLOCKING);
    CHECK_EQ(n, 2);
    egd_sent(&s, 1);
    CHECK_EQ(*egd_command(&s, &n), 5);
    CHECK_EQ(n, 1);
    egd_sent(&s, 1);
    egd_command(&s, &n);
    CHECK_EQ(n, 0);
}

TEST(bytes_of_a_cancelled_request_serve_the_next)
{
    struct egd s = {0};
    egd_opened(&s);
    egd_take(&s, got, 6);
    command(&s);
    egd_receive(&s, (const uint8_t *)"abcdef", 6);
    CHECK_EQ(egd_take(&s, got, 2), 2);
    CHECK_EQ(egd_take(&s, got, 3), 3);
    CHECK(memcmp(got, "cde", 3) == 0);
    CHECK_EQ(egd_take(&s, got, 3), 1); /* what is there, rather than a question for the rest */
}

int main(void)
{
    RUN(asks_for_what_is_wanted_and_gives_it_when_it_is_complete);
    RUN(asks_for_no_more_than_one_command_can);
    RUN(takes_no_byte_that_it_did_not_ask_for);
    RUN(asks_again_when_the_daemon_has_come_back);
    RUN(a_command_leaves_in_pieces);
    RUN(bytes_of_a_cancelled_request_serve_the_next);
    return tap_done();
}
