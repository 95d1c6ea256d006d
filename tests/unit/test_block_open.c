/* SPDX-License-Identifier: BSD-2-Clause */
/* -drive and -blockdev: which nodes come of them, and what is refused in which words. */
#include "block_mem.h"
#include "tap.h"

#include "backend/block_impl.h"
#include "backend/block_open.h"
#include "backend/block_probe.h"
#include "cli/json.h"
#include "util/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- names of files ---- */

static const struct {
    const char *name, *tree; /* what comes of it; or what is said */
} names[] = {
    {"d.raw", "{\"driver\": \"file\", \"filename\": \"d.raw\"}"},
    {"/a:b/d.raw", "{\"driver\": \"file\", \"filename\": \"/a:b/d.raw\"}"},
    {"./a:b", "{\"driver\": \"file\", \"filename\": \"./a:b\"}"},
    {"file:a:b", "{\"driver\": \"file\", \"filename\": \"a:b\"}"},
    {"/dev/null", "{\"driver\": \"host_device\", \"filename\": \"/dev/null\"}"},
    {"null-co://", "{\"driver\": \"null-co\"}"},
    {"null-co://x", "The only allowed filename for this driver is 'null-co://'"},
    {"nbd:localhost:10809", "{\"driver\": \"nbd\", \"server\": {\"type\": \"inet\", \"host\": "
                            "\"localhost\", \"port\": \"10809\"}}"},
    {"nbd:[::1]:1:exportname=a", "{\"driver\": \"nbd\", \"export\": \"a\", \"server\": {\"type\": "
                                 "\"inet\", \"host\": \"::1\", \"port\": \"1\"}}"},
    {"nbd:unix:/s", "{\"driver\": \"nbd\", \"server\": {\"type\": \"unix\", \"path\": \"/s\"}}"},
    {"nbd:unix:/s:exportname=a:b", "{\"driver\": \"nbd\", \"export\": \"a:b\", \"server\": "
                                   "{\"type\": \"unix\", \"path\": \"/s\"}}"},
    {"nbd://h", "{\"driver\": \"nbd\", \"server\": {\"type\": \"inet\", \"host\": \"h\", \"port\": "
                "\"10809\"}}"},
    {"nbd+tcp://h:7/a%20b", "{\"driver\": \"nbd\", \"export\": \"a b\", \"server\": {\"type\": "
                            "\"inet\", \"host\": \"h\", \"port\": \"7\"}}"},
    {"nbd://[fe80::1]/x",
     "{\"driver\": \"nbd\", \"export\": \"x\", \"server\": {\"type\": \"inet\", "
     "\"host\": \"fe80::1\", \"port\": \"10809\"}}"},
    {"nbd+unix:///?socket=/s", "{\"driver\": \"nbd\", \"server\": {\"type\": \"unix\", \"path\": "
                               "\"/s\"}}"},
    {"nbd+unix:///d?socket=a%3Ab",
     "{\"driver\": \"nbd\", \"export\": \"d\", \"server\": {\"type\": "
     "\"unix\", \"path\": \"a:b\"}}"},
    {"nbd://", "No valid URL specified"},
    {"nbd://h:x/", "No valid URL specified"},
    {"nbd://h%00/", "No valid URL specified"},
    {"nbd://h/%4", "No valid URL specified"},
    {"nbd+unix:///x", "No valid URL specified"},
    {"nbd+unix://h/x?socket=/s", "No valid URL specified"},
    {"nbd:x", "error parsing address 'x'"},
    {"nbd:unix:", "error parsing address 'unix:'"},
    {"nbd:[::1", "error parsing address '[::1'"},
    {"http://x/y", "Unknown protocol 'http'"},
    {"c:\\disk", "Unknown protocol 'c'"},
};

TEST(a_name_is_a_path_or_a_protocols_address)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        KV_AUTO *out = kv_new(KV_DICT);
        BUF_AUTO b = {0};
        char *err = NULL;
        if (blk_parse_filename(names[i].name, out, &err) == 0)
            json_print(&b, out, 0);
        else
            buf_str(&b, err);
        free(err);
        CHECK_STR(buf_cstr(&b), names[i].tree);
    }
}

/* ---- formats ---- */

TEST(images_of_other_formats_are_known_by_their_first_bytes)
{
    uint8_t p[512] = {0};
    CHECK(!block_probe(p, sizeof p));
    memcpy(p, "QFI\xfb\0\0\0\3", 8);
    CHECK_STR(block_probe(p, sizeof p), "qcow2");
    CHECK_STR(block_probe(p, 8), "qcow2");
    CHECK_STR(block_probe(p, 4), "qcow");
    CHECK(!block_probe(p, 3));
    memcpy(p, "LUKS\xba\xbe", 6);
    CHECK_STR(block_probe(p, sizeof p), "luks");
    memset(p, 0, sizeof p);
    memcpy(p + 64, "\x7f\x10\xda\xbe", 4);
    CHECK_STR(block_probe(p, sizeof p), "vdi");
    CHECK(!block_probe(p, 67));
    CHECK(block_is_foreign("vmdk") && !block_is_foreign("raw"));
}

static const char *image_of(const void *p, size_t n)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/test_block_open.%d", (int)getpid());
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (write(fd, p, n) != (ssize_t)n || ftruncate(fd, 1 << 16) < 0)
        abort();
    close(fd);
    return path;
}

static int drive_on(const char *path, const char *options)
{
    char text[512];
    snprintf(text, sizeof text, "file=%s,if=none,%s", path, options);
    return add_drive(text);
}

TEST(without_format_plain_bytes_are_raw)
{
    block_vm();
    const char *path = image_of("plain", 5);
    CHECK_EQ(drive_on(path, "id=d0"), 0);
    unlink(path);
    CHECK_STR(blk("d0")->dev->entry->name, "raw");
    CHECK_STR(block_protocol(blk("d0")->dev)->entry->name, "file");
    CHECK_EQ(mem_of("d0")->n, 1); /* one look */
}

/* ---- -drive ---- */

struct refused {
    const char *text, *says;
};

static void check_refused(int (*add)(const char *), const struct refused *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        block_vm();
        if (add(v[i].text) == 0)
            printf("# accepted: %s\n", v[i].text);
        else if (strcmp(fixture_error, v[i].says) != 0)
            printf("# %s: \"%s\", not \"%s\"\n", v[i].text, fixture_error, v[i].says);
        else
            continue;
        CHECK(!"refused in these words");
    }
}

TEST(bad_drives_are_refused_in_qemus_words)
{
    static const struct refused v[] = {
        {"driver=mem,if=none,foo=1", "Block protocol 'mem' doesn't support the option 'foo'"},
        {"driver=mem,if=none,foo.bar=1",
         "Block protocol 'mem' doesn't support the option 'foo.bar'"},
        {"driver=raw,file.driver=mem,foo=1,if=none",
         "Block format 'raw' does not support the option 'foo'"},
        {"driver=raw,file.driver=mem,file.foo=1,if=none",
         "Block protocol 'mem' doesn't support the option 'foo'"},
        {"driver=raw,if=none", "A block device must be specified for \"file\""},
        {"driver=raw,file=x,if=none,format=raw", "Cannot specify both 'driver' and 'format'"},
        {"file=x,if=none,format=foo", "Unknown driver 'foo'"},
        {"file=x,if=none,format=qcow2", "Unknown driver 'qcow2'"},
        {"file=/nonexistent,if=none", "Could not open '/nonexistent': No such file or directory"},
        {"file=foo:bar,if=none", "Unknown protocol 'foo'"},
        {"file=json:foo,if=none",
         "Could not parse the JSON options: JSON parse error, invalid keyword 'foo'"},
        {"file=x,file.filename=y,if=none",
         "Can't specify 'file' and 'filename' options at the same time"},
        {"foo=1,if=none", "Must specify either driver or file"},
        {"driver=mem,if=foo", "unsupported bus type 'foo'"},
        {"driver=mem,if=scsi,bus=1,unit=2", "machine type does not support if=scsi,bus=1,unit=2"},
        {"driver=mem,if=none,media=tape", "'tape' invalid media"},
        {"driver=mem,if=none,cache=fast", "invalid cache option"},
        {"driver=mem,if=none,cache.direct=x", "Parameter 'cache.direct' expects 'on' or 'off'"},
        {"driver=mem,if=none,cache.foo=on", "Parameter 'cache.foo' is unexpected"},
        {"driver=mem,if=none,aio=fast", "invalid aio option"},
        {"driver=mem,if=none,discard=x", "Invalid discard option"},
        {"driver=mem,if=none,detect-zeroes=x", "invalid parameter value: x"},
        {"driver=mem,if=none,detect-zeroes=unmap", "setting detect-zeroes to unmap is not allowed "
                                                   "without setting discard operation to unmap"},
        {"driver=mem,if=none,werror=x", "'x' invalid write error action"},
        {"driver=mem,if=none,rerror=enospc", "'enospc' invalid read error action"},
        {"driver=mem,if=none,read-only=x", "Parameter 'read-only' expects 'on' or 'off'"},
        {"driver=mem,if=none,readonly=on,read-only=on",
         "'read-only' and its alias 'readonly' can't be used at the same time"},
        {"driver=mem,if=none,snapshot=x", "Parameter 'snapshot' expects 'on' or 'off'"},
        {"driver=mem,if=none,force-share=on",
         "force-share=on can only be used with read-only images"},
        {"driver=mem,if=none,iops=x", "Parameter 'throttling.iops-total' expects a number"},
        {"driver=mem,if=none,iops=1,throttling.iops-total=1",
         "'throttling.iops-total' and its alias 'iops' can't be used at the same time"},
        {"driver=mem,if=none,iops=10,iops_rd=5",
         "bps/iops/max total values and read/write values cannot be used at the same time"},
        {"driver=mem,if=none,iops_max=10",
         "bps_max/iops_max require corresponding bps/iops values"},
        {"driver=mem,if=none,iops_size=10", "iops size requires an iops value to be set"},
        {"driver=mem,if=none,stats-account-failed=x",
         "Parameter 'stats-account-failed' expects 'on' or 'off'"},
        {"driver=mem,if=none,stats-intervals.0=0", "Invalid interval length: 0"},
        {"driver=mem,if=none,stats-intervals.0=-1", "Invalid interval length: -1"},
        {"driver=mem,if=none,stats-intervals.0=1k", "Invalid interval length: 1k"},
        {"driver=mem,if=none,stats-intervals.0=", "Invalid interval length: "},
        {"driver=mem,if=none,stats-intervals.0=4294967296", "Invalid interval length: 4294967296"},
        {"driver=mem,if=none,stats-intervals.1=5", "Invalid option stats-intervals.1"},
        {"driver=mem,if=none,stats-intervals.a=5", "Invalid option stats-intervals.a"},
        {"driver=mem,if=none,stats-intervals.0=1,stats-intervals.1.a=5",
         "The specification of stats-intervals is invalid"},
        {"driver=mem,if=none,index=1,unit=1", "index cannot be used with bus and unit"},
        {"driver=mem,if=none,id=0", "Parameter 'id' expects an identifier"},
        {"driver=mem,if=none,id=a,node-name=a",
         "Device name 'a' conflicts with an existing node name"},
        {"driver=mem,if=none,copy-on-read=on",
         "copy-on-read: there is no image format with a backing file"},
    };
    check_refused(add_drive, v, sizeof v / sizeof v[0]);
}

TEST(an_id_and_a_place_belong_to_one_drive)
{
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=a,node-name=n"), 0);
    CHECK(add_drive("driver=mem,if=none,id=a") < 0);
    CHECK_STR(fixture_error, "Duplicate ID 'a' for drive");
    CHECK(add_drive("driver=mem,if=none,id=n") < 0);
    CHECK_STR(fixture_error, "Device name 'n' conflicts with an existing node name");
    CHECK(add_blockdev("mem,node-name=a") < 0);
    CHECK_STR(fixture_error, "node-name=a is conflicting with a device id");
    CHECK(add_blockdev("mem,node-name=n") < 0);
    CHECK_STR(fixture_error, "Duplicate nodes with node-name='n'");
    CHECK_EQ(add_drive("driver=mem,if=virtio,index=1"), 0);
    CHECK(add_drive("driver=mem,if=virtio,index=1") < 0);
    CHECK_STR(fixture_error, "drive with bus=0, unit=1 (index=1) exists");
    CHECK_EQ(add_drive("driver=mem,if=virtio"), 0);
    CHECK(blk("virtio1") && blk("virtio0"));
    CHECK(blk("n") == blk("a"));
}

TEST(cache_modes_are_what_qemu_makes_of_them)
{
    static const struct {
        const char *mode;
        uint8_t write_back, direct, no_flush;
    } v[] = {{"writeback", 1, 0, 0},    {"none", 1, 1, 0},       {"off", 1, 1, 0},
             {"writethrough", 0, 0, 0}, {"directsync", 0, 1, 0}, {"unsafe", 1, 0, 1}};
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        char text[128];
        block_vm();
        snprintf(text, sizeof text, "driver=raw,file.driver=mem,if=none,id=d,cache=%s", v[i].mode);
        CHECK_EQ(add_drive(text), 0);
        const struct mem *m = mem_of("d"); /* below raw: it takes over what the drive says */
        CHECK_EQ(m->open.direct, v[i].direct);
        CHECK_EQ(m->open.no_flush, v[i].no_flush);
        CHECK_EQ(blk("d")->write_back, v[i].write_back);
    }
    CHECK_EQ(add_drive("driver=mem,if=none,id=e,cache=none,cache.direct=off"), 0);
    CHECK_EQ(mem_of("e")->open.direct, 0);
}

TEST(a_name_in_json_is_a_whole_tree)
{
    block_vm();
    CHECK_EQ(add_drive("if=none,id=d,file=json:{\"driver\":\"raw\",,\"file\":{\"driver\":\"mem\",,"
                       "\"size\":4096}}"),
             0);
    CHECK_EQ(blk("d")->info.size, 4096);
}

TEST(what_a_drive_failed_to_open_is_gone)
{
    struct vm *vm = block_vm();
    uint32_t n = 0;
    struct device *d;
    CHECK(add_drive("driver=raw,file.driver=mem,file.node-name=n,offset=2097152,if=none") < 0);
    CHECK(strstr(fixture_error, "Offset (2097152) cannot be greater than size"));
    CHECK(add_drive("driver=raw,file.driver=mem,foo=1,if=none") < 0);
    CHECK(add_drive("driver=mem,snapshot=on,if=none,id=d,size=64k,max-transfer=4096") < 0);
    CHECK(strstr(fixture_error, "snapshot=on: the disk takes less than"));
    TAILQ_FOREACH(d, &vm->devices, all)
    n++;
    CHECK_EQ(n, 0);
}

/* ---- -blockdev ---- */

TEST(bad_nodes_are_refused_in_qemus_words)
{
    static const struct refused v[] = {
        {"mem,node-name=f,foo=1", "Parameter 'foo' is unexpected"},
        {"mem,node-name=f,server.foo=1", "Parameter 'server.foo' is unexpected"},
        {"raw,node-name=f", "Parameter 'file' is missing"},
        {"raw,node-name=f,file=nope", "Cannot find device='nope' nor node-name='nope'"},
        {"foo,node-name=f", "Parameter 'driver' does not accept value 'foo'"},
        {"no-medium,node-name=f", "Parameter 'driver' does not accept value 'no-medium'"},
        {"node-name=f", "Parameter 'driver' is missing"},
        {"mem", "'node-name' must be specified for the root node"},
        {"mem,node-name=f,cache.direct=x", "Parameter 'cache.direct' expects 'on' or 'off'"},
        {"mem,node-name=f,cache.writeback=on", "Parameter 'cache.writeback' is unexpected"},
        {"mem,node-name=f,discard=x", "Parameter 'discard' does not accept value 'x'"},
        {"mem,node-name=f,discard=on", "Parameter 'discard' does not accept value 'on'"},
        {"mem,node-name=f,detect-zeroes=x", "Parameter 'detect-zeroes' does not accept value 'x'"},
        {"mem,node-name=f,hold=x", "Parameter 'hold' expects 'on' or 'off'"},
        {"mem,node-name=#f", "Invalid node-name: '#f'"},
        {"{\"driver\":\"raw\",\"node-name\":\"r\",\"file\":[]}",
         "Invalid parameter type for 'file', expected: BlockdevRef"},
        {"{\"driver\":\"mem\",\"node-name\":\"r\",\"cache\":1}",
         "Invalid parameter type for 'cache', expected: object"},
        {"{\"driver\":\"mem\",\"node-name\":\"r\",\"size\":[]}",
         "Invalid parameter type for 'size', expected: string"},
        {"raw,node-name=r,file.driver=mem,offset=4096,size=1048576",
         "The sum of offset (4096) and size (1048576) has to be smaller or equal to the  actual "
         "size "
         "of the containing file (1048576)"},
        {"raw,node-name=r,file.driver=mem,size=100", "Specified size is not multiple of 512"},
    };
    check_refused(add_blockdev, v, sizeof v / sizeof v[0]);
}

TEST(a_node_stands_on_one_other)
{
    block_vm();
    CHECK_EQ(add_blockdev("mem,node-name=m"), 0);
    CHECK_EQ(add_blockdev("raw,node-name=a,file=m"), 0);
    CHECK(add_blockdev("raw,node-name=b,file=m") < 0);
    CHECK(strstr(fixture_error, "Permission conflict on node 'm'"));
    CHECK(!add_disk("drive=m"));
    CHECK(strstr(fixture_error, "Permission conflict on node 'm'"));
    CHECK(add_disk("drive=a"));
    CHECK(add_blockdev("raw,node-name=b,file=a") < 0);
}

TEST(an_inline_node_takes_over_what_its_parent_says_and_may_say_otherwise)
{
    block_vm();
    CHECK_EQ(add_blockdev("{\"driver\":\"raw\",\"node-name\":\"r\",\"read-only\":true,\"cache\":"
                          "{\"direct\":true,\"no-flush\":true},\"file\":{\"driver\":\"mem\","
                          "\"node-name\":\"f\",\"cache\":{\"direct\":false}}}"),
             0);
    const struct mem *m = mem_of("f");
    CHECK_EQ(m->open.read_only, 1);
    CHECK_EQ(m->open.direct, 0);
    CHECK_EQ(m->open.no_flush, 1);
    CHECK(blk("f")->unmap && !blk("r")->unmap);
}

int main(void)
{
    RUN(a_name_is_a_path_or_a_protocols_address);
    RUN(images_of_other_formats_are_known_by_their_first_bytes);
    RUN(without_format_plain_bytes_are_raw);
    RUN(bad_drives_are_refused_in_qemus_words);
    RUN(an_id_and_a_place_belong_to_one_drive);
    RUN(cache_modes_are_what_qemu_makes_of_them);
    RUN(a_name_in_json_is_a_whole_tree);
    RUN(what_a_drive_failed_to_open_is_gone);
    RUN(bad_nodes_are_refused_in_qemus_words);
    RUN(a_node_stands_on_one_other);
    RUN(an_inline_node_takes_over_what_its_parent_says_and_may_say_otherwise);
    block_vm_end();
    return tap_done();
}
