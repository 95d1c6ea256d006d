/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices: terminals: pseudo-terminals, serial lines, standard input and output. */
#include "chardev_rig.h"
#include "tap.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* ---- pty, serial ---- */

static char *pty_name(struct vm *vm, const char *id)
{
    AUTO_FREE char *name = chardev_filename(chardev_find(vm, id));
    return strncmp(name, "pty:", 4) == 0 ? xstrdup(name + 4) : NULL;
}

/* Adds a pseudo-terminal; the line that it prints becomes a comment of the test's own output. */
static struct device *add_pty(const char *text)
{
    printf("# ");
    return rig_chardev(text);
}

TEST(pty_comes_and_goes_with_its_other_end)
{
    struct rig *r = rig_begin();
    char buf[8] = "";
    CHECK(add_pty("pty,id=c,path=@/link"));
    AUTO_FREE char *name = pty_name(r->vm, "c");
    struct front *f = rig_front("c", NULL, 100);
    rig_write(f, "lost", 4); /* nobody there */
    CHECK(rig_quiet());
    CHECK_STR(f->events, "");
    int fd = open(rig_path("@/link"), O_RDWR | O_NOCTTY | O_NONBLOCK);
    CHECK(fd >= 0);
    RIG_UNTIL(f->nevents);
    CHECK_STR(f->events, "O");
    CHECK_EQ(write(fd, "in\r\x03", 4), 4);
    RIG_UNTIL(f->ngot == 4);
    CHECK(rig_got(f, "in\r\x03"));
    rig_write(f, "out", 3);
    CHECK_EQ(rig_read(fd, buf, 3), 3);
    CHECK_STR(buf, "out");
    close(fd);
    RIG_UNTIL(f->nevents == 2);
    CHECK_STR(f->events, "OC");
    CHECK(rig_quiet());
    fd = open(name, O_RDWR | O_NOCTTY);
    RIG_UNTIL(f->nevents == 3);
    CHECK_STR(f->events, "OCO");
    close(fd);
    CHECK(rig_sane(f));
}

TEST(a_chardev_that_fails_leaves_nothing_behind)
{
    rig_begin();
    uint32_t fds = rig_open_fds();
    rig_put_file("@/taken", "precious");
    CHECK(!rig_chardev("pty,id=c,path=@/taken"));
    CHECK(strstr(rig_error(), "Could not link"));
    CHECK_STR(rig_file("@/taken"), "precious");
    CHECK(!rig_chardev("stdio,id=c,logfile=@/no/log"));
    CHECK(!rig_chardev("stdio,id=c,signal=maybe"));
    CHECK(!rig_chardev("pty,id=c,colour=red"));
    CHECK_EQ(rig_open_fds(), fds);
    CHECK(rig_chardev("stdio,id=c,signal=off"));
}

TEST(pty_hung_up_without_room_does_not_spin)
{
    struct rig *r = rig_begin();
    CHECK(add_pty("pty,id=c"));
    AUTO_FREE char *name = pty_name(r->vm, "c");
    struct front *f = rig_front("c", NULL, 0);
    int fd = open(name, O_RDWR | O_NOCTTY);
    RIG_UNTIL(f->nevents);
    CHECK_EQ(write(fd, "abc", 3), 3);
    rig_settle();
    close(fd);
    CHECK(rig_quiet());
    rig_room(f, 10);
    RIG_UNTIL(f->nevents == 2);
    CHECK_STR(f->events, "OC");
}

TEST(serial_sets_the_line_up_and_carries_bytes)
{
    rig_begin();
    char buf[8] = "";
    AUTO_CLOSE int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
    AUTO_FREE char *text = xasprintf("serial,id=c,path=%s", ptsname(master));
    CHECK(rig_chardev(text));
    struct front *f = rig_front("c", NULL, 100);
    struct tn_chr_params p = {sizeof p, .baud = 9601, .data_bits = 7, .stop_bits = 2,
                              .parity = 'E'};
    rig_write(f, "a", 1);
    CHECK_EQ(chardev_table.set(f->chr, TN_CHR_SET_PARAMS, &p, sizeof p), 0);
    rig_write(f, "b", 1);
    CHECK_EQ(rig_read(master, buf, 2), 2);
    CHECK_STR(buf, "ab");
    struct termios t;
    CHECK_EQ(tcgetattr(master, &t), 0);
    CHECK_EQ(cfgetospeed(&t), B9600);
    CHECK_EQ(t.c_cflag & CSTOPB, CSTOPB);
    CHECK_EQ(write(master, "\x03z", 2), 2);
    RIG_UNTIL(f->ngot == 2);
    CHECK(rig_got(f, "\x03z"));
    uint32_t one = 1;
    CHECK(chardev_table.set(f->chr, TN_CHR_SET_MODEM, &one, sizeof one) ==
          0); /* a pty has no such lines: learned later */
    rig_settle();
    CHECK(chardev_table.set(f->chr, TN_CHR_SET_MODEM, &one, sizeof one) == -ENOTSUP);
    CHECK(chardev_table.set(f->chr, 77, &one, sizeof one) == -EINVAL);
    CHECK(chardev_table.set(f->chr, TN_CHR_SET_PARAMS, &p, 4) == -EINVAL);
    for (uint32_t i = 0; i < 100; i++)
        CHECK_EQ(chardev_table.set(f->chr, TN_CHR_SET_BREAK, &one, sizeof one), 0);
    rig_settle();
    close(master);
    master = -1;
    RIG_UNTIL(f->nevents == 2);
    CHECK_STR(f->events, "OC");
    CHECK(rig_quiet());
    CHECK(!rig_chardev("serial,id=d,path=@/none"));
}

TEST(set_without_a_line_is_not_supported)
{
    rig_begin();
    uint32_t v = 1;
    CHECK(rig_chardev("null,id=c"));
    struct front *f = rig_front("c", NULL, 0);
    CHECK(chardev_table.set(f->chr, TN_CHR_SET_BREAK, &v, sizeof v) == -ENOTSUP);
    CHECK(chardev_table.set(f->chr, TN_CHR_GET_MODEM, &v, sizeof v) == -ENOTSUP);
}

/* ---- stdio ---- */

struct saved {
    int in, out;
};

static struct saved use_stdio(int in, int out)
{
    fflush(stdout);
    struct saved s = {fcntl(0, F_DUPFD_CLOEXEC, 3), fcntl(1, F_DUPFD_CLOEXEC, 3)};
    if (in >= 0)
        dup2(in, 0);
    else
        close(0);
    dup2(out, 1);
    return s;
}

static void give_stdio_back(struct saved s)
{
    dup2(s.in, 0);
    dup2(s.out, 1);
    close(s.in);
    close(s.out);
}

struct stdio_result {
    char got[16], events[8], out[16];
    int quiet, second, description_changed;
};

static void try_stdio(struct stdio_result *o, int in, int out, int out_reader)
{
    struct saved s = use_stdio(in, out);
    struct device *d = rig_chardev("stdio,id=c");
    o->second = rig_chardev("stdio,id=d") != NULL;
    struct front *f = d ? rig_front("c", NULL, 10) : NULL;
    if (f) {
        rig_write(f, "output", 6);
        RIG_UNTIL(f->nevents == 2);
        rig_read(out_reader, o->out, 6);
        o->quiet = rig_quiet();
        memcpy(o->got, f->got, f->ngot < 15 ? f->ngot : 15);
        memcpy(o->events, f->events, 7);
        o->description_changed = (fcntl(out, F_GETFL) & O_NONBLOCK) != 0;
        rig_unplug(f);
    }
    if (d)
        device_free(d);
    give_stdio_back(s);
}

TEST(stdio_reads_a_pipe_to_its_end)
{
    rig_begin();
    struct stdio_result o = {0};
    int in[2], out[2];
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    CHECK_EQ(write(in[1], "input", 5), 5);
    close(in[1]);
    try_stdio(&o, in[0], out[1], out[0]);
    CHECK_STR(o.got, "input");
    CHECK_STR(o.events, "OC");
    CHECK_STR(o.out, "output");
    CHECK(o.quiet && !o.second && !o.description_changed);
    close(in[0]);
    close(out[0]);
    close(out[1]);
}

TEST(stdio_lives_without_input)
{
    rig_begin();
    int out[2], devnull = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(pipe2(out, O_CLOEXEC) == 0);
    struct stdio_result a = {0}, b = {0};
    try_stdio(&a, devnull, out[1], out[0]);
    CHECK_STR(a.events, "OC");
    CHECK_STR(a.out, "output");
    CHECK(a.quiet);
    try_stdio(&b, -1, out[1], out[0]);
    CHECK_STR(b.events, "O");
    CHECK_STR(b.out, "output");
    CHECK(b.quiet);
    close(devnull);
    close(out[0]);
    close(out[1]);
}

TEST(stdio_survives_a_reader_that_left)
{
    rig_begin();
    int out[2], devnull = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(pipe2(out, O_CLOEXEC) == 0);
    close(out[0]);
    struct saved s = use_stdio(devnull, out[1]);
    struct device *d = rig_chardev("stdio,id=c");
    struct front *f = d ? rig_front("c", NULL, 10) : NULL;
    int64_t n = 0;
    for (int i = 0; f && i < 5; i++) {
        n += rig_write(f, "void", 4);
        rig_settle();
    }
    int quiet = rig_quiet();
    rig_end();
    give_stdio_back(s);
    CHECK_EQ(n, 20);
    CHECK(quiet);
    close(devnull);
    close(out[1]);
}

TEST(stdio_makes_the_terminal_raw_and_puts_it_back)
{
    rig_begin();
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
    pid_t child = fork(); /* a session of its own, whose terminal it is */
    if (child == 0) {
        setsid();
        int slave = open(ptsname(master), O_RDWR);
        struct termios before, raw, after;
        use_stdio(slave, slave);
        tcgetattr(0, &before);
        struct device *d = rig_chardev("stdio,id=c");
        tcgetattr(0, &raw);
        if (!d || raw.c_lflag & (ICANON | ECHO) || !(raw.c_lflag & ISIG) || !(raw.c_oflag & OPOST))
            _exit(1);
        device_free(d);
        tcgetattr(0, &after);
        if (after.c_lflag != before.c_lflag)
            _exit(2);
        d = rig_chardev("stdio,id=c,signal=off");
        tcgetattr(0, &raw);
        if (!d || raw.c_lflag & ISIG)
            _exit(3);
        if (fcntl(slave, F_GETFL) & O_NONBLOCK)
            _exit(4);
        raise(SIGTERM); /* puts the terminal back as well */
        _exit(5);
    }
    int status = 0;
    waitpid(child, &status, 0);
    struct termios t;
    CHECK_EQ(tcgetattr(master, &t), 0);
    CHECK(t.c_lflag & ICANON);
    CHECK(t.c_lflag & ECHO);
    close(master);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGTERM);
}

TEST(stopping_puts_the_terminal_back_for_as_long)
{
    rig_begin();
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status = 0;
    CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
    struct termios t;
    pid_t leader = fork();
    if (leader == 0) { /* the shell: a session leader with one job */
        setsid();
        int slave = open(ptsname(master), O_RDWR);
        signal(SIGTTOU, SIG_IGN);
        pid_t job = fork();
        if (job == 0) {
            setpgid(0, 0);
            tcsetpgrp(slave, getpid());
            signal(SIGTTOU, SIG_DFL);
            use_stdio(slave, slave);
            if (!rig_chardev("stdio,id=c"))
                _exit(1);
            raise(SIGTSTP);
            tcgetattr(0, &t);
            _exit(t.c_lflag & ICANON ? 2 : 42);
        }
        waitpid(job, &status, WUNTRACED);
        tcgetattr(slave, &t);
        if (!WIFSTOPPED(status) || !(t.c_lflag & ICANON))
            _exit(3);
        kill(job, SIGCONT);
        waitpid(job, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
    }
    waitpid(leader, &status, 0);
    close(master);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 42);
}

int main(void)
{
    RUN(pty_comes_and_goes_with_its_other_end);
    RUN(a_chardev_that_fails_leaves_nothing_behind);
    RUN(pty_hung_up_without_room_does_not_spin);
    RUN(serial_sets_the_line_up_and_carries_bytes);
    RUN(set_without_a_line_is_not_supported);
    RUN(stdio_reads_a_pipe_to_its_end);
    RUN(stdio_lives_without_input);
    RUN(stdio_survives_a_reader_that_left);
    RUN(stdio_makes_the_terminal_raw_and_puts_it_back);
    RUN(stopping_puts_the_terminal_back_for_as_long);
    rig_end();
    return tap_done();
}
