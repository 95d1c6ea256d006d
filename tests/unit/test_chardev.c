/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices: the host's classes in a small VM, driven from both ends: the handle, files,
 * pipes, ring buffers. */
#include "chardev_rig.h"
#include "tap.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the handle ---- */

TEST(null_takes_everything_and_opens_at_once)
{
    rig_begin();
    CHECK(rig_chardev("null,id=c"));
    struct front *f = rig_front("c", NULL, 16);
    RIG_UNTIL(f->nevents);
    CHECK_STR(f->events, "O");
    static char big[200000];
    for (uint64_t left = sizeof big; left;) {
        int64_t r = rig_write(f, big, left);
        CHECK(r >= 0);
        left -= (uint64_t)r;
        rig_settle();
    }
    CHECK(rig_sane(f));
}

TEST(unknown_backends_and_properties_are_named)
{
    rig_begin();
    CHECK(!rig_chardev("nosuch,id=c"));
    CHECK(strstr(rig_error(), "nosuch"));
    CHECK(!rig_chardev("null,id=c,colour=red"));
    CHECK(strstr(rig_error(), "colour"));
    CHECK(!chardev_find(rig_begin()->vm, "c"));
}

TEST(one_front_end_at_a_time)
{
    rig_begin();
    CHECK(rig_chardev("null,id=c"));
    struct front *f = rig_front("c", NULL, 0);
    CHECK(f);
    CHECK(!rig_front("c", NULL, 0));
    CHECK(strstr(rig_error(), "already in use"));
    rig_unplug(f);
    CHECK(rig_front("c", NULL, 0));
}

TEST(a_chardev_in_use_is_not_removed)
{
    struct rig *r = rig_begin();
    struct device *d = rig_chardev("null,id=c");
    struct front *f = rig_front("c", NULL, 0);
    ERR_AUTO e = {0};
    CHECK(device_unplug(d, &e) == -EBUSY);
    rig_unplug(f);
    err_clear(&e);
    CHECK_EQ(device_unplug(d, &e), 0);
    rig_settle();
    CHECK(!chardev_find(r->vm, "c"));
}

TEST(the_host_as_front_end_writes_at_once)
{
    struct rig *r = rig_begin();
    static struct front f;
    memset(&f, 0, sizeof f);
    CHECK(rig_chardev("file,id=c,path=@/out"));
    struct tn_chr *c = chardev_find(r->vm, "c");
    CHECK_EQ(chardev_attach_host(c, &rig_host_ops, &f), 0);
    CHECK(chardev_frontend_open(c));
    CHECK(chardev_attach_host(c, &rig_host_ops, &f) == -EBUSY);
    CHECK_EQ(chardev_table.write(c, "hello", 5), 5);
    CHECK_STR(rig_file("@/out"), "hello");
    RIG_UNTIL(f.nevents);
    CHECK_STR(f.events, "O");
    chardev_detach_host(c, &rig_host_ops, &f);
    CHECK(!chardev_frontend_open(c));
    CHECK(rig_sane(&f));
}

TEST(a_property_that_names_no_chardev_fails)
{
    rig_begin();
    CHECK(!rig_front("nope", NULL, 0));
    CHECK(strstr(rig_error(), "nope"));
}

/* ---- file, pipe ---- */

TEST(file_takes_output_in_order_and_starts_anew)
{
    rig_begin();
    rig_put_file("@/out", "old text that is longer");
    CHECK(rig_chardev("file,id=c,path=@/out"));
    struct front *f = rig_front("c", NULL, 0);
    CHECK_EQ(rig_write(f, "one ", 4), 4);
    CHECK_EQ(rig_write(f, "two", 3), 3);
    rig_settle();
    CHECK_STR(rig_file("@/out"), "one two");
}

TEST(file_append_keeps_what_was_there)
{
    rig_begin();
    rig_put_file("@/out", "old ");
    CHECK(rig_chardev("file,id=c,path=@/out,append=on"));
    rig_write(rig_front("c", NULL, 0), "new", 3);
    rig_settle();
    CHECK_STR(rig_file("@/out"), "old new");
}

TEST(file_input_comes_only_as_far_as_there_is_room)
{
    rig_begin();
    rig_put_file("@/in", "0123456789");
    CHECK(rig_chardev("file,id=c,path=@/out,input-path=@/in"));
    struct front *f = rig_front("c", NULL, 3);
    rig_settle();
    CHECK(rig_got(f, "012"));
    CHECK(rig_quiet());
    rig_room(f, 4);
    rig_settle();
    CHECK(rig_got(f, "0123456"));
    CHECK_STR(f->events, "O");
    rig_room(f, 100);
    RIG_UNTIL(f->nevents == 2);
    CHECK(rig_got(f, "0123456789"));
    CHECK_STR(f->events, "OC");
    CHECK(rig_quiet()); /* a regular file is always readable: its end must end that */
    CHECK(rig_sane(f));
}

TEST(file_errors_name_the_file)
{
    rig_begin();
    CHECK(!rig_chardev("file,id=c,path=@/no/such"));
    CHECK_STR(rig_error(), rig_path("Could not open '@/no/such': No such file or directory"));
    CHECK(!rig_chardev("file,id=c"));
    CHECK_STR(rig_error(), "chardev: file: no filename given");
    CHECK(!rig_chardev("file,id=c,path=@/out,input-path=@/no"));
    CHECK(access(rig_path("@/out"), F_OK) < 0); /* nothing was created */
}

TEST(a_full_disk_loses_output_and_nothing_else)
{
    rig_begin();
    CHECK(rig_chardev("file,id=c,path=/dev/full"));
    struct front *f = rig_front("c", NULL, 0);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(rig_write(f, "x", 1), 1);
    rig_settle();
    CHECK(rig_quiet());
}

TEST(output_leaves_before_the_chardev_goes)
{
    rig_begin();
    CHECK(rig_chardev("file,id=c,path=/dev/null,logfile=@/log"));
    struct rig *r = rig_begin();
    CHECK(rig_chardev("file,id=c,path=@/out"));
    struct front *f = rig_front("c", NULL, 0);
    CHECK_EQ(rig_write(f, "last words", 10), 10);
    struct device *d = device_find(r->vm, TN_K_CHARDEV, "c");
    rig_unplug(f);
    device_free(d);
    CHECK_STR(rig_file("@/out"), "last words");
}

TEST(flush_all_writes_what_is_queued)
{
    struct rig *r = rig_begin();
    CHECK(rig_chardev("file,id=c,path=@/out"));
    struct front *f = rig_front("c", NULL, 0);
    CHECK_EQ(rig_write(f, "bye", 3), 3);
    chardev_flush_all(r->vm);
    CHECK_STR(rig_file("@/out"), "bye");
}

TEST(logfile_gets_a_copy)
{
    rig_begin();
    rig_put_file("@/log", "before ");
    CHECK(rig_chardev("null,id=c,logfile=@/log,logappend=on"));
    rig_write(rig_front("c", NULL, 0), "after", 5);
    rig_settle();
    CHECK_STR(rig_file("@/log"), "before after");
}

TEST(pipe_uses_in_and_out)
{
    rig_begin();
    char buf[8] = "";
    mkfifo(rig_path("@/p.in"), 0600);
    mkfifo(rig_path("@/p.out"), 0600);
    CHECK(rig_chardev("pipe,id=c,path=@/p"));
    struct front *f = rig_front("c", NULL, 100);
    AUTO_CLOSE int in = open(rig_path("@/p.in"), O_WRONLY),
                   out = open(rig_path("@/p.out"), O_RDONLY | O_NONBLOCK);
    CHECK_EQ(write(in, "abc", 3), 3);
    RIG_UNTIL(f->ngot == 3);
    CHECK(rig_got(f, "abc"));
    rig_write(f, "xyz", 3);
    CHECK_EQ(rig_read(out, buf, 3), 3);
    CHECK_STR(buf, "xyz");
    close(out);
    close(in); /* ours keep both open: no end of file, no SIGPIPE */
    out = in = -1;
    rig_write(f, "xyz", 3);
    CHECK(rig_quiet());
    CHECK_STR(f->events, "O");
}

TEST(pipe_falls_back_to_one_fifo)
{
    rig_begin();
    mkfifo(rig_path("@/p"), 0600);
    CHECK(rig_chardev("pipe,id=c,path=@/p"));
    struct front *f = rig_front("c", NULL, 100);
    AUTO_CLOSE int in = open(rig_path("@/p"), O_WRONLY);
    CHECK_EQ(write(in, "abc", 3), 3);
    RIG_UNTIL(f->ngot == 3);
    CHECK(rig_got(f, "abc"));
    CHECK(!rig_chardev("pipe,id=d,path=@/none"));
    CHECK_STR(rig_error(), rig_path("Could not open '@/none': No such file or directory"));
}

TEST(a_slow_reader_makes_writes_short_and_then_writable)
{
    rig_begin();
    static uint8_t data[1 << 20], back[1 << 20];
    mkfifo(rig_path("@/p.in"), 0600);
    mkfifo(rig_path("@/p.out"), 0600);
    for (uint32_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    CHECK(rig_chardev("pipe,id=c,path=@/p"));
    struct front *f = rig_front("c", NULL, 0);
    AUTO_CLOSE int out = open(rig_path("@/p.out"), O_RDONLY | O_NONBLOCK);
    uint32_t sent = 0, shorts = 0, received = 0;
    while (received < sizeof data) {
        uint32_t before = f->writables;
        int64_t r = rig_write(f, data + sent, sizeof data - sent);
        CHECK(r >= 0);
        sent += (uint32_t)r;
        shorts += sent < sizeof data;
        for (int i = 0;
             i < 400 && received < sent && (sent == sizeof data || f->writables == before); i++) {
            ssize_t n = read(out, back + received, sizeof back - received);
            received += n > 0 ? (uint32_t)n : 0;
            loop_once(rig_vm(), 1000000u);
        }
        CHECK(sent == sizeof data || f->writables != before);
    }
    CHECK(shorts > 2);
    CHECK(memcmp(data, back, sizeof data) == 0);
    CHECK(rig_sane(f));
}

struct writer {
    struct front *f;
    int done;
};

static void *write_lines(void *p)
{
    struct writer *w = p;
    for (int i = 0; i < 3000; i++) {
        char line[16];
        int n = snprintf(line, sizeof line, "line %d\n", i), at = 0;
        while (at < n)
            at += (int)rig_write(w->f, line + at, (uint64_t)(n - at));
    }
    __atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

TEST(another_thread_writes_while_the_loop_runs)
{
    rig_begin();
    CHECK(rig_chardev("file,id=c,path=@/out"));
    struct writer w = {rig_front("c", NULL, 0), 0};
    pthread_t t;
    pthread_create(&t, NULL, write_lines, &w);
    while (!__atomic_load_n(&w.done, __ATOMIC_ACQUIRE))
        loop_once(rig_vm(), 1000000u);
    pthread_join(t, NULL);
    rig_settle();
    const char *text = rig_file("@/out");
    for (int i = 0; i < 3000; i++) {
        char line[16];
        int n = snprintf(line, sizeof line, "line %d\n", i);
        CHECK(strncmp(text, line, (size_t)n) == 0);
        text += n;
    }
    CHECK_STR(text, "");
}

/* ---- ringbuf ---- */

TEST(ringbuf_keeps_the_newest)
{
    struct rig *r = rig_begin();
    char buf[32] = "";
    CHECK(rig_chardev("ringbuf,id=c,size=8"));
    struct tn_chr *c = chardev_find(r->vm, "c");
    struct front *f = rig_front("c", NULL, 0);
    rig_write(f, "0123456789ab", 12);
    CHECK_EQ(chardev_ringbuf_read(c, buf, 5), 5);
    CHECK_STR(buf, "45678");
    CHECK_EQ(chardev_ringbuf_write(c, "xyz", 3), 0);
    CHECK_EQ(chardev_ringbuf_read(c, buf, sizeof buf), 6);
    CHECK(memcmp(buf, "9abxyz", 6) == 0);
    CHECK_EQ(chardev_ringbuf_read(c, buf, sizeof buf), 0);
    CHECK(!rig_chardev("ringbuf,id=d,size=1000"));
    CHECK_STR(rig_error(), "size of ringbuf chardev must be power of two");
    CHECK(rig_chardev("null,id=n"));
    CHECK(chardev_ringbuf_read(chardev_find(r->vm, "n"), buf, 1) == -EINVAL);
}

/* ---- mux ---- */

TEST(mux_switches_by_ctrl_a_c)
{
    struct rig *r = rig_begin();
    static struct front mon;
    memset(&mon, 0, sizeof mon);
    mon.room = 100;
    char buf[512];
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off,mux=on"));
    struct tn_chr *c = chardev_find(r->vm, "c");
    CHECK_EQ(chardev_attach_host(c, &rig_host_ops, &mon), 0);
    struct front *f = rig_front("c", NULL, 100);
    CHECK(f);
    int fd = rig_connect("@/s");
    RIG_UNTIL(f->nevents && mon.nevents);
    static const char keys[] = "guest\x01"
                               "cquit\x01\x01\x01"
                               "cback\x01"
                               "bz";
    CHECK_EQ(write(fd, keys, sizeof keys - 1), sizeof keys - 1);
    RIG_UNTIL(f->ngot >= 10);
    CHECK(rig_got(f, "guestbackz"));
    CHECK(rig_got(&mon, "quit\x01"));
    CHECK_STR(f->events, "OUIB");
    CHECK_STR(mon.events, "UOIU");
    CHECK_EQ(write(fd, "\x01", 1), 1);
    rig_settle();
    CHECK_EQ(write(fd, "h", 1), 1);
    uint32_t n = rig_read(fd, buf, 20);
    buf[n] = 0;
    CHECK(strstr(buf, "C-a h"));
    CHECK_EQ(chardev_table.write(c, "(monitor)", 9), 9);
    chardev_detach_host(c, &rig_host_ops, &mon);
    close(fd);
    RIG_UNTIL(f->events[f->nevents - 1] == 'C');
    CHECK(rig_sane(f) && rig_sane(&mon));
}

/* ---- the sandbox has closed ---- */

TEST(nothing_is_opened_once_the_machine_runs)
{
    struct rig *r = rig_begin();
    r->vm->sealed = 1;
    static const char *const late[] = {"file,id=c,path=@/out",
                                       "socket,id=c,path=@/s,server=on,wait=off", "pty,id=c"};
    for (unsigned i = 0; i < ARRAY_SIZE(late); i++) {
        CHECK(!rig_chardev(late[i]));
        CHECK(strstr(rig_error(), "any more: the machine runs"));
    }
    CHECK(rig_chardev("null,id=c"));
    CHECK(rig_chardev("ringbuf,id=d"));
}

int main(void)
{
    RUN(null_takes_everything_and_opens_at_once);
    RUN(unknown_backends_and_properties_are_named);
    RUN(one_front_end_at_a_time);
    RUN(a_chardev_in_use_is_not_removed);
    RUN(the_host_as_front_end_writes_at_once);
    RUN(a_property_that_names_no_chardev_fails);
    RUN(file_takes_output_in_order_and_starts_anew);
    RUN(file_append_keeps_what_was_there);
    RUN(file_input_comes_only_as_far_as_there_is_room);
    RUN(file_errors_name_the_file);
    RUN(a_full_disk_loses_output_and_nothing_else);
    RUN(output_leaves_before_the_chardev_goes);
    RUN(flush_all_writes_what_is_queued);
    RUN(logfile_gets_a_copy);
    RUN(pipe_uses_in_and_out);
    RUN(pipe_falls_back_to_one_fifo);
    RUN(a_slow_reader_makes_writes_short_and_then_writable);
    RUN(another_thread_writes_while_the_loop_runs);
    RUN(ringbuf_keeps_the_newest);
    RUN(mux_switches_by_ctrl_a_c);
    RUN(nothing_is_opened_once_the_machine_runs);
    rig_end();
    return tap_done();
}
