/* SPDX-License-Identifier: BSD-2-Clause */
/* host/sandbox/spawner: programs that another process starts. */
#include "sandbox/spawner.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static struct spawner *make(void)
{
    ERR_AUTO e = {0};
    struct spawner *s = spawner_new(1, &e);
    CHECK(s != NULL);
    return s;
}

/* A shell's line; its standard output is out, if that is not -1. */
static int shell(struct spawner *s, const char *line, int out)
{
    ERR_AUTO e = {0};
    char sh[] = "sh", c[] = "-c";
    AUTO_FREE char *copy = xstrdup(line);
    char *args[] = {sh, c, copy, NULL};
    return spawner_run(s, &(struct spawn){args, {out}, {1}, out >= 0}, &e);
}

TEST(the_status_of_a_program_comes_back)
{
    struct spawner *s = make();
    int status = -1, fd = shell(s, "exit 7", -1);
    CHECK(fd >= 0);
    CHECK(spawner_wait(fd, -1, &status) == 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    close(fd);
    spawner_free(s);
}

TEST(what_cannot_be_started_is_named)
{
    struct spawner *s = make();
    ERR_AUTO e = {0}, none = {0};
    char name[] = "/no/such/program";
    char *args[] = {name, NULL};
    CHECK(spawner_run(s, &(struct spawn){.args = args}, &e) == -ENOENT);
    CHECK(strstr(err_text(&e), "/no/such/program") != NULL);
    CHECK(spawner_run(NULL, &(struct spawn){.args = args}, &none) == -EPERM);
    spawner_free(s);
}

/* Its output comes where it was sent, with an end, and it has no other descriptor of ours. */
TEST(a_program_has_the_descriptors_that_it_is_given_and_no_other)
{
    struct spawner *s = make();
    char text[64] = {0};
    int p[2];
    CHECK(pipe(p) == 0);
    int fd = shell(s, "ls /proc/self/fd | tr '\\n' ' '", p[1]);
    close(p[1]);
    CHECK(fd >= 0);
    size_t n = 0;
    for (ssize_t got; (got = read(p[0], text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)got;
    CHECK(strncmp(text, "0 1 2 3 ", 8) == 0 && n == 8); /* 3 is the folder that ls reads */
    close(p[0]);
    close(fd);
    spawner_free(s);
}

/* Who does not wait any more ends it; so does the end of the machine. */
TEST(a_program_that_nobody_waits_for_ends)
{
    struct spawner *s = make();
    char byte;
    for (int turn = 0; turn < 2; turn++) {
        int p[2], wake = eventfd(1, 0), status;
        CHECK(pipe(p) == 0);
        int fd = shell(s, "echo; exec sleep 1000", p[1]);
        close(p[1]);
        CHECK(fd >= 0 && read(p[0], &byte, 1) == 1);
        CHECK(spawner_wait(fd, wake, &status) == -ECANCELED);
        close(fd);
        CHECK(read(p[0], &byte, 1) == 0); /* nobody has the other end any more */
        close(p[0]);
        close(wake);
    }
    spawner_free(s);
}

/* Whatever the numbers were that its descriptors had before. */
TEST(a_program_has_them_by_the_numbers_it_wants)
{
    struct spawner *s = make();
    ERR_AUTO e = {0};
    char sh[] = "sh", c[] = "-c", line[] = "echo five >&5; echo six >&6; echo seven >&7";
    char *args[] = {sh, c, line, NULL};
    struct spawn p = {.args = args, .as = {5, 6, 7}, .nfds = SPAWN_FDS};
    int in[SPAWN_FDS], status = -1;
    char text[8] = "";
    for (int i = 0; i < SPAWN_FDS; i++) {
        int end[2];
        CHECK(pipe(end) == 0);
        in[i] = end[0];
        p.fd[i] = end[1];
    }
    int fd = spawner_run(s, &p, &e);
    CHECK(fd >= 0 && spawner_wait(fd, -1, &status) == 0 && status == 0);
    CHECK(read(in[0], text, 5) == 5 && memcmp(text, "five\n", 5) == 0);
    CHECK(read(in[1], text, 4) == 4 && memcmp(text, "six\n", 4) == 0);
    CHECK(read(in[2], text, 6) == 6 && memcmp(text, "seven\n", 6) == 0);
    p.as[0] = SPAWN_AS_MAX + 1;
    CHECK(spawner_run(s, &p, &e) == -EINVAL);
    for (int i = 0; i < SPAWN_FDS; i++) {
        close(in[i]);
        close(p.fd[i]);
    }
    close(fd);
    spawner_free(s);
}

/* One that is to stay outlives who asked for it, and a terminal's signals. */
TEST(a_program_that_stays_runs_on)
{
    struct spawner *s = make();
    ERR_AUTO e = {0};
    char sh[] = "sh", c[] = "-c", line[] = "read x; cut -d' ' -f6 /proc/self/stat; echo $$";
    char *args[] = {sh, c, line, NULL};
    int in[2], out[2];
    char text[64] = "";
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    int fd = spawner_run(
        s, &(struct spawn){args, {in[0], out[1]}, {0, 1}, 2, .flags = SPAWN_STAYS}, &e);
    close(in[0]);
    close(out[1]);
    CHECK(fd >= 0);
    close(fd);
    spawner_free(s);
    usleep(50000); /* time to be ended, if it were */
    close(in[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(out[0], text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)got;
    int session = 0, pid = 1;
    CHECK(sscanf(text, "%d %d", &session, &pid) == 2 && session == pid);
    close(out[0]);
}

/* Another process of the same user gets nothing, though it knows the address. */
TEST(another_process_of_the_same_user_gets_nothing)
{
    struct spawner *s = make();
    pid_t pid = fork();
    if (pid == 0)
        _exit(shell(s, "exit 0", -1) < 0 ? 0 : 1);
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK(status == 0);
    int fd = shell(s, "exit 0", -1);
    CHECK(fd >= 0);
    close(fd);
    spawner_free(s);
}

TEST(a_request_has_a_limit)
{
    struct spawner *s = make();
    AUTO_FREE char *line = xcalloc(1, SPAWN_MAX_BYTES + 8);
    memset(line, ' ', SPAWN_MAX_BYTES + 4);
    CHECK(shell(s, line, -1) == -E2BIG);
    spawner_free(s);
}

int main(void)
{
    RUN(the_status_of_a_program_comes_back);
    RUN(what_cannot_be_started_is_named);
    RUN(a_program_has_the_descriptors_that_it_is_given_and_no_other);
    RUN(a_program_that_nobody_waits_for_ends);
    RUN(a_program_has_them_by_the_numbers_it_wants);
    RUN(a_program_that_stays_runs_on);
    RUN(another_process_of_the_same_user_gets_nothing);
    RUN(a_request_has_a_limit);
    return tap_done();
}
