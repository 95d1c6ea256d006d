/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of the host as disks: what is opened, resized and locked. */
#include "file_image.h"
#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- what is opened ---- */

TEST(the_size_is_rounded_up_to_a_sector)
{
    make_image(1000);
    struct rig *g = open_file("");
    CHECK_EQ(rig_info(g).size, 1024);
    CHECK_EQ(rig_info(g).logical, 512);
    CHECK_EQ(rig_info(g).flags & TN_BLKF_READONLY, 0);
    CHECK(rig_info(g).flags & TN_BLKF_WRITE_CACHE);
    CHECK(rig_info(g).flags & TN_BLKF_FUA);
    rig_free(g);
}

TEST(what_is_no_file_is_refused_by_name)
{
    CHECK(!rig_new(&tn_plugin_v1, "file,id=b,filename=/nonexistent"));
    CHECK_STR(fixture_error, "Could not open '/nonexistent': No such file or directory");
    CHECK(!rig_new(&tn_plugin_v1, "file,id=b,filename=/tmp"));
    CHECK_STR(fixture_error, "Could not open '/tmp': Is a directory");
    CHECK(!rig_new(&tn_plugin_v1, "file,id=b,filename=/dev/null"));
    CHECK_STR(fixture_error, "'file' driver requires '/dev/null' to be a regular file");
    CHECK(!rig_new(&tn_plugin_v1, "host_device,id=b,filename=/etc/passwd"));
    CHECK_STR(fixture_error, "'host_device' driver requires '/etc/passwd' to be a block device");
    CHECK(!rig_new(&tn_plugin_v1, "file,id=b"));
    CHECK_STR(fixture_error, "Parameter 'filename' is missing");
}

TEST(native_aio_wants_direct_io)
{
    make_image(4096);
    CHECK(!try_file(", 'aio': 'native'"));
    CHECK_STR(fixture_error, "aio=native was specified, but it requires cache.direct=on, which was "
                             "not specified.");
    rig_free(open_file(", 'aio': 'native', 'cache.direct': true"));
}

TEST(a_read_only_file_opens_with_auto_read_only)
{
    if (geteuid() == 0) { /* root may write whatever its mode: a read-only mount says no */
        AUTO_FREE char *at = xasprintf("%s/ro", dir);
        mkdir(at, 0700);
        if (mount("none", at, "tmpfs", 0, "size=1m") < 0)
            SKIP("no mounts here");
        AUTO_FREE char *file = xasprintf("%s/f", at);
        int fd = open(file, O_RDWR | O_CREAT, 0600);
        CHECK(fd >= 0 && ftruncate(fd, 4096) == 0);
        close(fd);
        mount("none", at, NULL, MS_REMOUNT | MS_RDONLY, NULL);
        AUTO_FREE char *plain = xasprintf("file,id=b,filename=%s", file);
        AUTO_FREE char *automatic = xasprintf("%s,auto-read-only=on", plain);
        struct rig *no = rig_new(&tn_plugin_v1, plain);
        AUTO_FREE char *why = xstrdup(fixture_error);
        struct rig *g = rig_new(&tn_plugin_v1, automatic);
        uint32_t flags = g ? rig_info(g).flags : 0;
        rig_free(g);
        umount2(at, MNT_DETACH);
        CHECK(!no);
        CHECK(strstr(why, "Read-only file system") != NULL);
        CHECK(flags & TN_BLKF_READONLY);
        return;
    }
    make_image(4096);
    chmod(image, 0400);
    CHECK(!try_file(""));
    struct rig *g = open_file(", 'auto-read-only': true");
    CHECK(rig_info(g).flags & TN_BLKF_READONLY);
    rig_free(g);
}

/* ---- resize ---- */

TEST(resize_changes_the_file)
{
    struct stat st;
    make_image(4096);
    struct rig *g = open_file("");
    CHECK_EQ(g->be->resize(g->self, 12288, NULL), 0);
    stat(image, &st);
    CHECK_EQ(st.st_size, 12288);
    CHECK_EQ(rig_info(g).size, 12288);
    CHECK_EQ(g->changed, 1);
    rig_free(g);
    g = open_file(", 'read-only': true");
    CHECK_EQ(-g->be->resize(g->self, 4096, NULL), EACCES);
    rig_free(g);
}

/* ---- locks: the bytes are QEMU's ---- */

static int lock_refused(struct rig *g, uint32_t use, char text[256])
{
    ERR_AUTO e = {0};
    int r = g->be->access(g->self, use, &e);
    snprintf(text, 256, "%s%s%s", r < 0 ? err_text(&e) : "", r < 0 && e.hint ? "|" : "",
             r < 0 && e.hint ? e.hint : "");
    return r;
}

TEST(two_writers_exclude_each_other)
{
    char text[256], expected[256];
    const uint32_t rw = TN_BLKA_READ | TN_BLKA_WRITE;
    make_image(4096);
    struct rig *a = open_file("");
    struct rig *b = open_file("");
    CHECK_EQ(lock_refused(a, rw, text), 0);
    CHECK_EQ(-lock_refused(b, rw, text), EBUSY);
    snprintf(expected, sizeof expected,
             "Failed to get \"write\" lock|Is another process using the image [%s]?", image);
    CHECK_STR(text, expected);
    CHECK_EQ(-lock_refused(b, TN_BLKA_READ, text), EBUSY);
    CHECK(strstr(text, "Failed to get shared \"write\" lock") == text);
    CHECK_EQ(lock_refused(a, 0, text), 0);
    CHECK_EQ(lock_refused(b, rw, text), 0);
    CHECK_EQ(lock_refused(b, 0, text), 0);
    CHECK_EQ(lock_refused(a, rw | TN_BLKA_SHARE_RW, text), 0);
    CHECK_EQ(lock_refused(b, rw | TN_BLKA_SHARE_RW, text), 0);
    rig_free(b);
    rig_free(a);
}

TEST(readers_share_and_the_last_lock_goes_with_the_file)
{
    char text[256];
    make_image(4096);
    struct rig *a = open_file(", 'read-only': true"), *b = open_file(", 'read-only': true");
    CHECK_EQ(lock_refused(a, TN_BLKA_READ, text), 0);
    CHECK_EQ(lock_refused(b, TN_BLKA_READ, text), 0);
    struct rig *c = open_file(", 'locking': 'off'");
    CHECK_EQ(lock_refused(c, TN_BLKA_READ | TN_BLKA_WRITE, text), 0);
    rig_free(c);
    rig_free(a);
    rig_free(b);
    c = open_file("");
    CHECK_EQ(lock_refused(c, TN_BLKA_READ | TN_BLKA_WRITE, text), 0);
    rig_free(c);
}

/* Runs a QEMU tool on the image; its exit status, or 127 if it is not there. */
static int tool(const char *command)
{
    AUTO_FREE char *line = xasprintf("exec >/dev/null 2>&1; %s %s", command, image);
    int st = system(line);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128;
}

TEST(qemu_io_and_we_exclude_each_other)
{
    char text[256];
    const uint32_t rw = TN_BLKA_READ | TN_BLKA_WRITE;
    make_image(1 << 20);
    if (tool("qemu-io -f raw -c 'read 0 512'") == 127)
        SKIP("no qemu-io");
    struct rig *g = open_file("");
    CHECK_EQ(tool("qemu-io -f raw -c 'write 0 512'"), 0);
    CHECK_EQ(lock_refused(g, rw, text), 0);
    CHECK_EQ(tool("qemu-io -f raw -c 'write 0 512'"), 1);
    CHECK_EQ(tool("qemu-io -U -r -f raw -c 'read 0 512'"), 0);
    CHECK_EQ(lock_refused(g, rw | TN_BLKA_SHARE_RW, text), 0);
    CHECK_EQ(tool("qemu-io -f raw -c 'write 0 512'"), 0);
    CHECK_EQ(lock_refused(g, 0, text), 0);
    CHECK_EQ(tool("qemu-io -f raw -c 'write 0 512'"), 0);
    rig_free(g);
}

int main(void)
{
    if (file_begin() < 0)
        return 1;
    RUN(the_size_is_rounded_up_to_a_sector);
    RUN(what_is_no_file_is_refused_by_name);
    RUN(native_aio_wants_direct_io);
    RUN(a_read_only_file_opens_with_auto_read_only);
    RUN(resize_changes_the_file);
    RUN(two_writers_exclude_each_other);
    RUN(readers_share_and_the_last_lock_goes_with_the_file);
    RUN(qemu_io_and_we_exclude_each_other);
    if (file_end() < 0)
        return 1;
    return tap_done();
}
