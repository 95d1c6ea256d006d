/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of the host as disks: requests, each case with both engines. */
#include "file_image.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const engines[] = {", 'aio': 'io_uring'", ", 'aio': 'threads'"};
#define EACH_ENGINE(more)                                                                    \
    for (int engine_ = 0; engine_ < 2; engine_++)                                            \
        for (AUTO_FREE char *more = xasprintf("%s", engines[engine_]), *once_ = more; once_; \
             once_ = NULL)

TEST(what_is_written_is_read)
{
    EACH_ENGINE(more)
    {
        char a[8192], b[8192];
        make_image(1 << 20);
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        memset(a, 0x5a, sizeof a);
        CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 4096, a, sizeof a, 0), 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_READ, 4096, b, sizeof b, 0), 0);
        CHECK(memcmp(a, b, sizeof a) == 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_READ, 0, b, 4096, 0), 0);
        CHECK_EQ(b[0], 0);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(zeroes_with_and_without_unmap_read_as_zeroes)
{
    EACH_ENGINE(more)
    {
        char a[65536], b[65536], zero[65536] = {0};
        make_image(1 << 20);
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        memset(a, 0x11, sizeof a);
        for (uint32_t flags = 0; flags < 4; flags++) {
            struct stat st;
            CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 0, a, sizeof a, 0), 0);
            CHECK_EQ(rig_io(g, q, TN_BLK_WRITE_ZEROES, 4096, NULL, 32768, flags), 0);
            CHECK_EQ(rig_io(g, q, TN_BLK_READ, 0, b, sizeof b, 0), 0);
            CHECK(memcmp(a, b, 4096) == 0);
            CHECK(memcmp(b + 4096, zero, 32768) == 0);
            CHECK(memcmp(a, b + 36864, 65536 - 36864) == 0);
            stat(image, &st);
            CHECK_EQ(st.st_blocks * 512, flags & TN_BLKR_UNMAP ? 32768 : 65536);
        }
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(discard_gives_blocks_back)
{
    EACH_ENGINE(more)
    {
        char a[65536];
        struct stat st;
        make_image(1 << 20);
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        CHECK(rig_info(g).flags & TN_BLKF_DISCARD);
        memset(a, 0x11, sizeof a);
        CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 0, a, sizeof a, 0), 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_DISCARD, 0, NULL, sizeof a, 0), 0);
        stat(image, &st);
        CHECK_EQ(st.st_blocks, 0);
        CHECK_EQ(st.st_size, 1 << 20);
        CHECK_EQ(rig_io(g, q, TN_BLK_SECURE_ERASE, 0, NULL, sizeof a, 0), -ENOTSUP);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(what_a_truncated_file_has_lost_reads_as_zeroes)
{
    EACH_ENGINE(more)
    {
        char a[8192], b[8192], zero[8192] = {0};
        make_image(16384);
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        memset(a, 0x77, sizeof a);
        CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 4096, a, sizeof a, 0), 0);
        CHECK_EQ(truncate(image, 4096 + 700), 0);
        memset(b, 1, sizeof b);
        CHECK_EQ(rig_io(g, q, TN_BLK_READ, 4096, b, sizeof b, 0), 0);
        CHECK(memcmp(a, b, 700) == 0);
        CHECK(memcmp(b + 700, zero, sizeof b - 700) == 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_READ, 8192, b, sizeof b, 0), 0);
        CHECK(memcmp(b, zero, sizeof b) == 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 8192, a, sizeof a, 0), 0);
        CHECK_EQ(rig_io(g, q, TN_BLK_READ, 8192, b, sizeof b, 0), 0);
        CHECK(memcmp(a, b, sizeof b) == 0);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

/* Short reads resume in the middle of a list of buffers. */
TEST(the_end_of_a_file_within_scattered_buffers)
{
    EACH_ENGINE(more)
    {
        uint8_t a[4096], b[6][512];
        make_image(16384);
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        memset(a, 0x42, sizeof a);
        CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 0, a, sizeof a, 0), 0);
        CHECK_EQ(truncate(image, 1300), 0);
        struct tn_iov v[6];
        for (int i = 0; i < 6; i++)
            v[i] = (struct tn_iov){b[i], 512};
        struct rig_req r = {0};
        memset(b, 9, sizeof b);
        rig_fill(&r, TN_BLK_READ, 0, b, sizeof b, 0);
        r.r.iov = v;
        r.r.niov = 6;
        CHECK_EQ(rig_wait(g, q, &r), 0);
        for (uint32_t i = 0; i < sizeof b; i++)
            CHECK_EQ(b[i / 512][i % 512], i < 1300 ? 0x42 : 0);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(a_full_file_system_is_enospc)
{
    AUTO_FREE char *at = xasprintf("%s/small", dir);
    mkdir(at, 0700);
    if (mount("none", at, "tmpfs", 0, "size=64k") < 0)
        SKIP("no mounts here");
    EACH_ENGINE(more)
    {
        static char a[131072];
        AUTO_FREE char *o =
            xasprintf("{'driver': 'file', 'id': 'b', 'filename': '%s/f'%s}", at, more);
        AUTO_FREE char *file = xasprintf("%s/f", at);
        int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
        close(fd);
        struct rig *g = rig_new(&tn_plugin_v1, o);
        CHECK(g);
        void *q = rig_queue(g, g->vm->main);
        int err = rig_io(g, q, TN_BLK_WRITE, 0, a, sizeof a, 0);
        int zeroes = rig_io(g, q, TN_BLK_WRITE_ZEROES, 0, NULL, sizeof a, 0);
        int small = rig_io(g, q, TN_BLK_WRITE, 0, a, 4096, 0);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
        CHECK_EQ(-err, ENOSPC);
        CHECK_EQ(-zeroes, ENOSPC);
        CHECK_EQ(small, 0);
    }
    umount2(at, MNT_DETACH);
}

TEST(a_limit_on_file_size_is_efbig)
{
    EACH_ENGINE(more)
    {
        char a[16384] = {1};
        struct rlimit was, is;
        make_image(4096);
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &was);
        is = (struct rlimit){8192, was.rlim_max};
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        setrlimit(RLIMIT_FSIZE, &is);
        int over = rig_io(g, q, TN_BLK_WRITE, 8192, a, 4096, 0);
        int half = rig_io(g, q, TN_BLK_WRITE, 0, a, sizeof a, 0);
        setrlimit(RLIMIT_FSIZE, &was);
        CHECK_EQ(-over, EFBIG);
        CHECK_EQ(-half, EFBIG);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(unknown_operations_are_refused)
{
    EACH_ENGINE(more)
    {
        make_image(4096);
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        CHECK_EQ(rig_io(g, q, 99, 0, NULL, 512, 0), -ENOTSUP);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

/* The front end may resume before the back end. */
TEST(requests_before_the_first_resume_are_done_after_it)
{
    EACH_ENGINE(more)
    {
        char a[512] = "early";
        make_image(4096);
        AUTO_FREE char *o =
            xasprintf("{'driver': 'file', 'id': 'b', 'filename': '%s'%s}", image, more);
        struct rig *g = rig_new_cold(&tn_plugin_v1, o);
        void *q = rig_queue(g, g->vm->main);
        struct rig_req r = {0};
        rig_fill(&r, TN_BLK_WRITE, 0, a, sizeof a, 0);
        CHECK_EQ(g->be->submit(q, &r.r), 0);
        g->be->flush_batch(q);
        CHECK_EQ(r.ended, 0);
        fixture_start(g->vm);
        CHECK(rig_until(g, &r.ended));
        CHECK_EQ(r.err, 0);
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(cancelled_requests_end_once)
{
    EACH_ENGINE(more)
    {
        static char a[64][4096];
        static struct rig_req r[64];
        make_image(1 << 20);
        struct rig *g = open_file(more);
        void *q = rig_queue(g, g->vm->main);
        memset(r, 0, sizeof r);
        for (int i = 0; i < 64; i++) {
            rig_fill(&r[i], TN_BLK_WRITE, (uint64_t)i * 4096, a[i], 4096, 0);
            CHECK_EQ(g->be->submit(q, &r[i].r), 0);
        }
        for (int i = 0; i < 64; i += 2)
            g->be->cancel(q, &r[i].r);
        g->be->flush_batch(q);
        for (int i = 0; i < 64; i++) {
            CHECK(rig_until(g, &r[i].ended));
            CHECK(r[i].err == 0 || (i % 2 == 0 && r[i].err == -ECANCELED));
        }
        rig_queue_del(g, g->vm->main, q);
        rig_free(g);
    }
}

TEST(a_queue_says_when_it_is_full)
{
    static char a[512];
    static struct rig_req r[1024];
    make_image(4096);
    struct rig *g = open_file(engines[0]);
    void *q = rig_queue(g, g->vm->main);
    uint32_t n = 0;
    memset(r, 0, sizeof r);
    for (; n < 1024; n++) {
        rig_fill(&r[n], TN_BLK_READ, 0, a, 512, 0);
        if (g->be->submit(q, &r[n].r) == -EAGAIN)
            break;
    }
    CHECK_EQ(n, 248);
    g->be->flush_batch(q);
    for (uint32_t i = 0; i < n; i++)
        CHECK(rig_until(g, &r[i].ended));
    CHECK_EQ(rig_io(g, q, TN_BLK_READ, 0, a, 512, 0), 0);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

/* A filter around us answers io_uring_setup with EPERM, as those of containers do. */
static void refuse_io_uring(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_SIZE(code), code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(2);
}

TEST(where_io_uring_is_refused_threads_do_the_work)
{
    make_image(4096);
    pid_t pid = fork();
    if (pid == 0) {
        char a[512] = "x", b[512] = "";
        refuse_io_uring();
        struct rig *g = open_file("");
        void *q = rig_queue(g, g->vm->main);
        int bad = rig_io(g, q, TN_BLK_WRITE, 0, a, sizeof a, 0);
        bad |= rig_io(g, q, TN_BLK_READ, 0, b, sizeof b, 0);
        _exit(bad || b[0] != 'x');
    }
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK_EQ(status, 0);
}

static int ring_fd(void)
{
    char path[32], name[64] = "";
    for (int fd = 3; fd < 256; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, name, sizeof name - 1);
        name[n > 0 ? n : 0] = 0;
        if (strcmp(name, "anon_inode:[io_uring]") == 0)
            return fd;
    }
    return -1;
}

/* IORING_REGISTER_RESTRICTIONS: what is not named there is EACCES, registrations included. */
TEST(a_ring_does_nothing_but_its_requests)
{
    char block[512] = "";
    make_image(4096);
    struct rig *g = open_file(engines[0]);
    void *q = rig_queue(g, g->vm->main);
    CHECK_EQ(rig_io(g, q, TN_BLK_WRITE, 0, block, sizeof block, 0), 0);
    CHECK_EQ(rig_io(g, q, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    int fd = ring_fd(), set[1] = {-1};
    CHECK(fd >= 0);
    errno = 0;
    CHECK_EQ(syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES, set, 1), -1);
    CHECK_EQ(errno, EACCES);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

static void stress(const char *more, uint64_t area)
{
    make_image(area);
    struct rig *g = open_file(more);
    struct tn_ctx *io = rig_iothread(g, "io");
    void *q = rig_queue(g, g->vm->main), *t = rig_queue(g, io);
    struct stress_load l = {
        .area = area, .depth = 32, .ops = 3000, .seed = 1, .zeroes = 1, .fua = 0};
    CHECK_EQ(rig_stress(g, g->vm->main, q, &l), 0);
    l.seed = 2;
    CHECK_EQ(rig_stress(g, io, t, &l), 0);
    rig_queue_del(g, io, t);
    rig_queue_del(g, g->vm->main, q);
    rig_free(g);
}

TEST(many_requests_at_a_time_io_uring)
{
    stress(engines[0], 4 << 20);
}

TEST(many_requests_at_a_time_threads)
{
    stress(engines[1], 4 << 20);
}

TEST(many_requests_past_the_cache)
{
    for (int i = 0; i < 2; i++) {
        AUTO_FREE char *more = xasprintf("%s, 'cache.direct': true", engines[i]);
        stress(more, 4 << 20);
    }
}

int main(void)
{
    if (file_begin() < 0)
        return 1;
    RUN(what_is_written_is_read);
    RUN(zeroes_with_and_without_unmap_read_as_zeroes);
    RUN(discard_gives_blocks_back);
    RUN(what_a_truncated_file_has_lost_reads_as_zeroes);
    RUN(the_end_of_a_file_within_scattered_buffers);
    RUN(a_full_file_system_is_enospc);
    RUN(a_limit_on_file_size_is_efbig);
    RUN(unknown_operations_are_refused);
    RUN(requests_before_the_first_resume_are_done_after_it);
    RUN(cancelled_requests_end_once);
    RUN(a_queue_says_when_it_is_full);
    RUN(where_io_uring_is_refused_threads_do_the_work);
    RUN(a_ring_does_nothing_but_its_requests);
    RUN(many_requests_at_a_time_io_uring);
    RUN(many_requests_at_a_time_threads);
    RUN(many_requests_past_the_cache);
    if (file_end() < 0)
        return 1;
    return tap_done();
}
