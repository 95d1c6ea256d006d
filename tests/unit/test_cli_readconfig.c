/* SPDX-License-Identifier: BSD-2-Clause */
/* -readconfig. QEMU 7.2 and 10.0 agree, but that they let most malformed lines pass. */
#include "cli_scan.h"
#include <unistd.h>

/* A file that goes away with the block. */
struct config {
    char path[32];
    char line[64];
};

static void config_cleanup(struct config *c)
{
    unlink(c->path);
}

#define CONFIG(name, text) \
    __attribute__((cleanup(config_cleanup))) struct config name = write_config(text)

static struct config write_config(const char *text)
{
    struct config c = {.path = "/tmp/tenon-cfg-XXXXXX"};
    int fd = mkstemp(c.path);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    snprintf(c.line, sizeof(c.line), "-readconfig %s", c.path);
    return c;
}

static void check_config_error(const char *text, const char *behind_path)
{
    CONFIG(c, text);
    AUTO_FREE char *line = xasprintf("%s%s", c.path, behind_path);
    check_error(c.line, line);
}

TEST(a_usb_controller_with_its_companion)
{
    CONFIG(c,
           "# companions\n\n[device \"ehci\"]\n  driver = \"ich9-usb-ehci1\"\n  addr = \"1d.7\"\n"
           "  multifunction = \"on\"\n\n[device \"uhci-1\"]\n  driver = \"ich9-usb-uhci1\"\n"
           "  masterbus = \"ehci.0\"\n  firstport = \"0\"\n");
    SCAN(s, c.line);
    CHECK_EQ(s.r, 0);
    check_item(&s.o.devices, 0,
               "{\"id\": \"ehci\", \"driver\": \"ich9-usb-ehci1\", \"addr\": \"1d.7\", "
               "\"multifunction\": \"on\"}");
    check_item(&s.o.devices, 1,
               "{\"id\": \"uhci-1\", \"driver\": \"ich9-usb-uhci1\", \"masterbus\": \"ehci.0\", "
               "\"firstport\": \"0\"}");
    CHECK_EQ(s.o.devices.v[0].where.line, 6);
    AUTO_FREE char *m = cli_message("tenon", &s.o.devices.v[0].where, "no");
    AUTO_FREE char *want = xasprintf("tenon:%s:6: no", c.path);
    CHECK_STR(m, want);
}

TEST(every_group_feeds_its_option)
{
    CONFIG(
        c,
        "[machine]\n type = \"q35\"\n usb = \"on\"\n[memory]\n size = \"1G\"\n slots = \"2\"\n "
        "maxmem = \"2G\"\n"
        "[smp-opts]\n cpus = \"4\"\n[boot-opts]\n menu = \"on\"\n[chardev \"c\"]\n backend = "
        "\"null\"\n"
        "[mon \"m\"]\n chardev = \"c\"\n mode = \"control\"\n[object \"o\"]\n qom-type = "
        "\"iothread\"\n"
        "[global]\n driver = \"edu\"\n property = \"x\"\n value = \"z\"\n[name]\n guest = \"g\"\n"
        "[drive \"d\"]\n if = \"none\"\n file = \"f\"\n[accel]\n accel = \"kvm\"\n[netdev \"n\"]\n "
        "type = \"user\"\n"
        "[rtc]\n base = \"localtime\"\n");
    SCAN(s, c.line);
    CHECK_STR(s.err ? s.err : "", "");
    check_kv(s.o.machine, "{\"type\": \"q35\", \"usb\": \"on\"}");
    CHECK_EQ(s.o.memory.slots, 2);
    CHECK_EQ(s.o.smp.cpus, 4);
    CHECK(s.o.boot.menu);
    CHECK_STR(s.o.name, "g");
    CHECK_EQ(s.o.rtc.base, CLI_RTC_LOCALTIME);
    check_item(&s.o.chardevs, 0, "{\"id\": \"c\", \"backend\": \"null\"}");
    check_item(&s.o.globals, 0, "{\"driver\": \"edu\", \"property\": \"x\", \"value\": \"z\"}");
    check_item(&s.o.objects, 0, "{\"id\": \"o\", \"qom-type\": \"iothread\"}");
    CHECK_EQ(s.o.drives.n + s.o.accels.n + s.o.netdevs.n + s.o.mons.n, 4);
}

TEST(files_and_options_merge)
{
    CONFIG(c, "[machine]\n type = \"q35\"\n cxl-fmw.0.size = \"4G\"\n[smp-opts]\n cpus = \"4\"\n");
    AUTO_FREE char *line = xasprintf("%s -M cxl-fmw.0.targets.0=a -smp cores=2", c.line);
    SCAN(s, line);
    CHECK_EQ(s.r, 0);
    check_kv(s.o.machine,
             "{\"type\": \"q35\", \"cxl-fmw\": [{\"size\": \"4G\", \"targets\": [\"a\"]}]}");
    CHECK_EQ(s.o.smp.sockets, 2);
}

TEST(values_hold_anything_but_a_quote)
{
    CONFIG(c, "[device]\ndriver=\"edu\"\n\tx\t=\t\"a, b # [c] = d\"\r\n y=\"\"\n");
    SCAN(s, c.line);
    CHECK_EQ(s.r, 0);
    check_item(&s.o.devices, 0, "{\"driver\": \"edu\", \"x\": \"a, b # [c] = d\", \"y\": \"\"}");
}

TEST(mistakes_name_file_and_line)
{
    check_config_error("[foo \"a\"]\n x = \"y\"\n", ":1: There is no option group 'foo'");
    check_config_error("x = \"y\"\n", ":1: no group defined");
    check_config_error("\n[device \"a\"\n driver = \"edu\"\n",
                       ":2: parse error, expected [group \"id\"]");
    check_config_error("[device a]\n", ":1: parse error, expected [group \"id\"]");
    check_config_error("[device] x\n", ":1: parse error, expected [group \"id\"]");
    check_config_error("[device]\n driver = edu\n", ":2: parse error, expected key = \"value\"");
    check_config_error("[device]\n driver = \"edu\" x\n",
                       ":2: parse error, expected key = \"value\"");
    check_config_error("[device]\n driver = \"a\"b\"\n",
                       ":2: parse error, expected key = \"value\"");
    check_config_error("[device]\n = \"x\"\n", ":2: parse error, expected key = \"value\"");
    check_config_error("[device]\n; x\n", ":2: parse error, expected key = \"value\"");
    check_config_error("[device]\n driver = \"x\n", ":2: parse error, expected key = \"value\"");
}

TEST(wrong_options_name_file_and_line)
{
    check_config_error("[device \"a\"]\n x = \"edu\"\n", ":2: Parameter 'driver' is missing");
    check_config_error("[rtc]\n base = \"utc\"\n bogus = \"1\"\n", ":3: Invalid parameter 'bogus'");
    check_config_error("[device \"a\"]\n driver = \"edu\"\n[device \"a\"]\n driver = \"edu\"\n",
                       ":4: Duplicate ID 'a' for device");
    check_config_error("[machine]\n a.b = \"1\"\n a = \"2\"\n",
                       ":3: Parameters 'a.*' used inconsistently");
    check_config_error("[memory]\n size = \"-1\"\n",
                       ":2: Parameter 'size' expects a non-negative number below 2^64, "
                       "such as 4096, 0x1000, 1.5G; the suffixes k, M, G, T, P, E are "
                       "powers of 1024");
}

TEST(files_that_are_none_are_refused)
{
    check_error(
        "-readconfig /nonexistent",
        "-readconfig /nonexistent: Could not open '/nonexistent': No such file or directory");
    check_error("-readconfig /dev/zero",
                "-readconfig /dev/zero: '/dev/zero' is no configuration file");
    check_error("-readconfig /tmp", "-readconfig /tmp: '/tmp' is no configuration file");
}

int main(void)
{
    RUN(a_usb_controller_with_its_companion);
    RUN(every_group_feeds_its_option);
    RUN(files_and_options_merge);
    RUN(values_hold_anything_but_a_quote);
    RUN(mistakes_name_file_and_line);
    RUN(wrong_options_name_file_and_line);
    RUN(files_that_are_none_are_refused);
    return tap_done();
}
