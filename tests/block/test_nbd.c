/* SPDX-License-Identifier: BSD-2-Clause */
/* Exports of nbdkit and qemu-nbd as disks. */
#include "block_rig.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct tn_plugin tn_plugin_v1;

static char dir[] = "/tmp/tenon-nbd.XXXXXX";
static char sock[64];
static pid_t server;

static void stop(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
}

static void end_all(void)
{
    stop();
    AUTO_FREE char *rm = xasprintf("rm -rf %s", dir);
    if (system(rm) != 0)
        fprintf(stderr, "%s stays\n", dir);
}

static int listens(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, sock);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int r = connect(fd, (struct sockaddr *)&a, sizeof a);
    close(fd);
    return r == 0;
}

/* The program runs until stop(); its socket is there on return. */
static void spawn(const char *command)
{
    AUTO_FREE char *line = xasprintf("exec %s >/dev/null 2>&1", command);
    stop();
    unlink(sock);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it goes with who started it */
        execl("/bin/sh", "sh", "-c", line, NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000 && !listens(); i++)
        usleep(10000);
}

static void nbdkit(const char *what)
{
    AUTO_FREE char *line = xasprintf("nbdkit -f -U %s %s", sock, what);
    spawn(line);
}

static struct rig *try_disk(const char *more)
{
    AUTO_FREE char *options = xasprintf(
        "{'driver': 'nbd', 'id': 'b', 'server.type': 'unix', 'server.path': '%s'%s}", sock, more);
    return rig_new(&tn_plugin_v1, options);
}

static struct rig *disk(const char *more)
{
    struct rig *g = try_disk(more);
    if (!g) {
        fprintf(stderr, "%s\n", fixture_error);
        abort();
    }
    return g;
}

/* In another thread, perhaps. */
static int has_ended(const struct rig_req *r)
{
    return __atomic_load_n(&r->ended, __ATOMIC_ACQUIRE) != 0;
}

static uint64_t ms(struct rig *g)
{
    return clock_now(&g->vm->clock, TN_CLK_REAL) / 1000000;
}

/* ---- opening ---- */

TEST(wrong_options_are_refused_by_name)
{
    CHECK(!rig_new(&tn_plugin_v1, "nbd,id=b"));
    CHECK_STR(fixture_error, "Parameter 'server' is missing");
    CHECK(!rig_new(&tn_plugin_v1, "{'driver': 'nbd', 'id': 'b', 'server.type': 'unix'}"));
    CHECK_STR(fixture_error, "Parameter 'server.path' is missing");
    CHECK(!rig_new(&tn_plugin_v1, "{'driver': 'nbd', 'id': 'b', 'server.type': 'inet'}"));
    CHECK_STR(fixture_error, "Parameter 'server.host' is missing");
    CHECK(!rig_new(&tn_plugin_v1, "{'driver': 'nbd', 'id': 'b', 'server.type': 'fd'}"));
    CHECK_STR(fixture_error, "Parameter 'server.type' does not accept value 'fd'");
    CHECK(!try_disk(", 'tls-creds': 'tls0'"));
    CHECK_STR(fixture_error, "TLS is not supported here: tls-creds=tls0");
}

TEST(nobody_there_is_an_error_at_once)
{
    AUTO_FREE char *expected =
        xasprintf("Failed to connect to '%s': No such file or directory", sock);
    stop();
    unlink(sock);
    CHECK(!try_disk(""));
    CHECK_STR(fixture_error, expected);
    CHECK(!rig_new(&tn_plugin_v1, "{'driver': 'nbd', 'id': 'b', 'server.type': 'inet', "
                                  "'server.host': '127.0.0.1', 'server.port': '1'}"));
    CHECK_STR(fixture_error, "Failed to connect to '127.0.0.1:1': Connection refused");
}

TEST(a_server_that_says_nothing_is_given_up)
{
    AUTO_FREE char *expected =
        xasprintf("Failed to connect to '%s': the server does not answer", sock);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    stop();
    unlink(sock);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", sock);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_EQ(listen(fd, 1), 0);
    CHECK(!try_disk(""));
    CHECK_STR(fixture_error, expected);
    close(fd);
}

TEST(open_timeout_waits_for_the_server)
{
    AUTO_FREE char *line = xasprintf("sleep 1; exec nbdkit -f -U %s memory 1M", sock);
    stop();
    unlink(sock);
    server = fork();
    if (server == 0) {
        execl("/bin/sh", "sh", "-c", line, NULL);
        _exit(127);
    }
    struct rig *g = disk(", 'open-timeout': 10");
    CHECK_EQ(rig_info(g).size, 1 << 20);
    rig_free(g);
}

TEST(an_export_that_is_not_there_is_said)
{
    nbdkit("--filter=exportname memory 1M exportname=a exportname-strict=true");
    struct rig *g = try_disk(", 'export': 'a'");
    rig_free(g);
    CHECK(g);
    g = try_disk(", 'export': 'zzz'");
    rig_free(g);
    CHECK(!g);
    CHECK(strstr(fixture_error, "Failed to connect to"));
    CHECK(strstr(fixture_error, "server has no export named 'zzz'"));
}

TEST(size_and_block_sizes_are_the_servers)
{
    nbdkit("--filter=blocksize-policy memory 8M blocksize-minimum=4096 blocksize-preferred=65536 "
           "blocksize-maximum=1M");
    struct rig *g = disk("");
    struct tn_blk_info i = rig_info(g);
    CHECK_EQ(i.size, 8 << 20);
    CHECK_EQ(i.logical, 4096);
    CHECK_EQ(i.min_io, 65536);
    CHECK_EQ(i.max_transfer, 1 << 20);
    CHECK(i.flags & TN_BLKF_WRITE_CACHE);
    CHECK(i.flags & TN_BLKF_FUA);
    CHECK(i.flags & TN_BLKF_DISCARD);
    CHECK(i.flags & TN_BLKF_WRITE_ZEROES);
    rig_free(g);
}

TEST(a_read_only_export_wants_read_only)
{
    nbdkit("-r memory 1M");
    CHECK(!try_disk(""));
    CHECK(strstr(fixture_error, "request on write denied without write permission"));
    struct rig *g = disk(", 'auto-read-only': true");
    CHECK(rig_info(g).flags & TN_BLKF_READONLY);
    rig_free(g);
    g = disk(", 'read-only': true");
    CHECK(rig_info(g).flags & TN_BLKF_READONLY);
    rig_free(g);
}

/* ---- requests ---- */

static void stress(const char *what)
{
    nbdkit(what);
    struct rig *g = disk("");
    struct tn_ctx *io = rig_iothread(g, "io"), *io2 = rig_iothread(g, "io2");
    void *q = rig_queue(g, io), *p = rig_queue(g, io2);
    struct stress_load l = {
        .area = 4 << 20, .depth = 16, .ops = 1500, .seed = 5, .zeroes = 1, .fua = 1};
    CHECK_EQ(rig_stress(g, io, q, &l), 0);
    l.seed = 6;
    CHECK_EQ(rig_stress(g, io2, p, &l), 0);
    rig_queue_del(g, io, q);
    CHECK_EQ(rig_stress(g, io2, p, &l), 0); /* the other's connection has moved */
    rig_queue_del(g, io2, p);
    rig_free(g);
}

TEST(many_requests_over_a_connection_for_each_queue)
{
    stress("memory 4M");
}

TEST(many_requests_over_one_connection_for_all)
{
    stress("--filter=multi-conn memory 4M multi-conn-mode=disable");
}

TEST(a_server_without_any_extra)
{
    nbdkit("--filter=nozero eval get_size='echo 1M' can_write='exit 0' pwrite='cat >/dev/null' "
           "pread='head -c $3 /dev/zero' zeromode=none");
    char b[4096] = {1};
    struct rig *g = disk("");
    void *q = rig_queue(g, g->vm->main);
    CHECK_EQ(rig_info(g).flags, TN_BLKF_INSERTED);
    CHECK_EQ(-rig_io(g, q, TN_BLK_WRITE_ZEROES, 0, NULL, 4096, 0), ENOTSUP);
    CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 0, b, 4096, TN_BLKR_FUA), 0);
    CHECK_EQ(rig_io(g, q, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    CHECK_EQ(-rig_io(g, q, TN_BLK_DISCARD, 0, NULL, 4096, 0), ENOTSUP);
    CHECK_EQ(-rig_io(g, q, TN_BLK_SECURE_ERASE, 0, NULL, 4096, 0), ENOTSUP);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

TEST(errors_of_the_server_are_passed_on)
{
    char b[4096] = {1};
    nbdkit("--filter=error memory 1M error-pread=EIO error-pread-rate=100% "
           "error-pwrite=ENOSPC error-pwrite-rate=100%");
    struct rig *g = disk("");
    void *q = rig_queue(g, g->vm->main);
    CHECK_EQ(-rig_io(g, q, TN_BLK_READ, 0, b, 4096, 0), EIO);
    CHECK_EQ(-rig_io(g, q, TN_BLK_WRITE, 0, b, 4096, 0), ENOSPC);
    CHECK_EQ(rig_io(g, q, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

/* ---- a server that dies ---- */

TEST(without_a_delay_requests_fail_when_the_server_is_gone)
{
    char b[4096];
    nbdkit("--filter=delay memory 1M delay-read=5");
    struct rig *g = disk("");
    void *q = rig_queue(g, g->vm->main);
    struct rig_req r = {0};
    rig_fill(&r, TN_BLK_READ, 0, b, sizeof b, 0);
    CHECK_EQ(g->be->submit(q, &r.r), 0);
    fixture_spin(g->vm);
    uint64_t t0 = ms(g);
    stop();
    CHECK(rig_until(g, &r.ended));
    CHECK_EQ(-r.err, EIO);
    CHECK(ms(g) - t0 < 3000);
    CHECK_EQ(-rig_io(g, q, TN_BLK_READ, 0, b, sizeof b, 0), EIO);
    nbdkit("memory 1M"); /* and is found again */
    int err = -EIO;
    for (int i = 0; i < 500 && err; i++) {
        usleep(10000);
        fixture_spin(g->vm);
        err = rig_io(g, q, TN_BLK_READ, 0, b, sizeof b, 0);
    }
    CHECK_EQ(err, 0);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

TEST(within_the_delay_requests_wait_and_are_sent_again)
{
    char b[4096] = {0};
    nbdkit("--filter=delay memory 1M delay-read=5");
    struct rig *g = disk(", 'reconnect-delay': 20");
    struct tn_ctx *io = rig_iothread(g, "io");
    void *q = rig_queue(g, io);
    struct rig_req r[3] = {0};
    for (int i = 0; i < 2; i++) {
        rig_fill(&r[i], TN_BLK_READ, 0, b, sizeof b, 0);
        CHECK_EQ(g->be->submit(q, &r[i].r), 0);
    }
    usleep(100000);
    stop();
    usleep(100000);
    rig_fill(&r[2], TN_BLK_WRITE, 4096, b, sizeof b, 0);
    CHECK_EQ(g->be->submit(q, &r[2].r), 0);
    usleep(100000);
    CHECK(!has_ended(&r[0]) && !has_ended(&r[2]));
    nbdkit("pattern 1M"); /* of the same size, but not to be written to: another export */
    usleep(100000);
    CHECK(!has_ended(&r[0]) && !has_ended(&r[2]));
    nbdkit("memory 1M");
    for (int i = 0; i < 3; i++) {
        CHECK(rig_until(g, &r[i].ended));
        CHECK_EQ(r[i].err, 0);
    }
    rig_queue_del(g, io, q);
    rig_free(g);
}

TEST(after_the_delay_they_fail)
{
    char b[4096];
    nbdkit("--filter=delay memory 1M delay-read=5");
    struct rig *g = disk(", 'reconnect-delay': 1");
    void *q = rig_queue(g, g->vm->main);
    struct rig_req r = {0};
    rig_fill(&r, TN_BLK_READ, 0, b, sizeof b, 0);
    CHECK_EQ(g->be->submit(q, &r.r), 0);
    fixture_spin(g->vm);
    stop();
    uint64_t t0 = ms(g);
    CHECK(rig_until(g, &r.ended));
    CHECK_EQ(-r.err, EIO);
    CHECK(ms(g) - t0 >= 900);
    CHECK(ms(g) - t0 < 5000);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

TEST(a_waiting_request_can_be_cancelled)
{
    char b[4096];
    nbdkit("memory 1M");
    struct rig *g = disk(", 'reconnect-delay': 1000");
    void *q = rig_queue(g, g->vm->main);
    stop();
    fixture_spin(g->vm);
    struct rig_req r = {0};
    rig_fill(&r, TN_BLK_READ, 0, b, sizeof b, 0);
    CHECK_EQ(g->be->submit(q, &r.r), 0);
    fixture_spin(g->vm);
    CHECK_EQ(r.ended, 0);
    g->be->cancel(q, &r.r);
    CHECK_EQ(r.ended, 0);
    CHECK(rig_until(g, &r.ended));
    CHECK_EQ(-r.err, ECANCELED);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

/* A server that is killed and started again and again under load. */
TEST(data_survive_a_server_that_comes_and_goes)
{
    AUTO_FREE char *file = xasprintf("%s/disk", dir);
    AUTO_FREE char *what = xasprintf("file %s", file);
    AUTO_FREE char *make = xasprintf("truncate -s 4M %s", file);
    CHECK_EQ(system(make), 0);
    nbdkit(what);
    pid_t killer = fork();
    if (killer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 4; i++) {
            usleep(150000);
            kill(server, SIGKILL);
            usleep(50000);
            server = 0;
            nbdkit(what);
        }
        pause();
    }
    struct rig *g = disk(", 'reconnect-delay': 30");
    struct tn_ctx *io = rig_iothread(g, "io");
    void *q = rig_queue(g, io);
    struct stress_load l = {
        .area = 4 << 20, .depth = 8, .ops = 4000, .seed = 9, .zeroes = 1, .fua = 0};
    uint32_t wrong = rig_stress(g, io, q, &l);
    rig_queue_del(g, io, q);
    rig_free(g);
    kill(killer, SIGKILL);
    waitpid(killer, NULL, 0);
    CHECK_EQ(wrong, 0);
}

TEST(qemu_nbd_serves_a_qcow2)
{
    AUTO_FREE char *make = xasprintf("qemu-img create -q -f qcow2 %s/disk.qcow2 8M", dir);
    AUTO_FREE char *serve = xasprintf("qemu-nbd -t -f qcow2 -k %s %s/disk.qcow2", sock, dir);
    AUTO_FREE char *check = xasprintf("qemu-img check -q %s/disk.qcow2", dir);
    if (system(make) != 0)
        SKIP("no qemu-img");
    spawn(serve);
    struct rig *g = disk("");
    CHECK_EQ(rig_info(g).size, 8 << 20);
    struct tn_ctx *io = rig_iothread(g, "io");
    void *q = rig_queue(g, io);
    struct stress_load l = {
        .area = 8 << 20, .depth = 16, .ops = 1000, .seed = 3, .zeroes = 1, .fua = 1};
    uint32_t wrong = rig_stress(g, io, q, &l);
    rig_queue_del(g, io, q);
    rig_free(g);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    server = 0;
    CHECK_EQ(wrong, 0);
    CHECK_EQ(system(check), 0);
}

int main(void)
{
    if (system("nbdkit --version >/dev/null 2>&1") != 0) {
        printf("1..0 # SKIP no nbdkit here\n");
        return 0;
    }
    if (!mkdtemp(dir))
        return 1;
    snprintf(sock, sizeof sock, "%s/s", dir);
    RUN(wrong_options_are_refused_by_name);
    RUN(nobody_there_is_an_error_at_once);
    RUN(a_server_that_says_nothing_is_given_up);
    RUN(open_timeout_waits_for_the_server);
    RUN(an_export_that_is_not_there_is_said);
    RUN(size_and_block_sizes_are_the_servers);
    RUN(a_read_only_export_wants_read_only);
    RUN(many_requests_over_a_connection_for_each_queue);
    RUN(many_requests_over_one_connection_for_all);
    RUN(a_server_without_any_extra);
    RUN(errors_of_the_server_are_passed_on);
    RUN(without_a_delay_requests_fail_when_the_server_is_gone);
    RUN(within_the_delay_requests_wait_and_are_sent_again);
    RUN(after_the_delay_they_fail);
    RUN(a_waiting_request_can_be_cancelled);
    RUN(data_survive_a_server_that_comes_and_goes);
    RUN(qemu_nbd_serves_a_qcow2);
    end_all();
    return tap_done();
}
