/* SPDX-License-Identifier: BSD-2-Clause */
/* The scanner of the command line; expectations from QEMU 7.2 and 10.0, unless said otherwise. */
#include "cli_scan.h"

TEST(options_come_in_any_order)
{
    SCAN(s, "-device virtio-blk-pci,drive=d0 -drive id=d0,if=none,file=a -M pc -object "
            "memory-backend-memfd,id=mem,"
            "size=256M, --preconfig -M memory-backend=mem -m 256M");
    CHECK_EQ(s.r, 0);
    check_item(&s.o.devices, 0, "{\"driver\": \"virtio-blk-pci\", \"drive\": \"d0\"}");
    check_item(&s.o.drives, 0, "{\"id\": \"d0\", \"if\": \"none\", \"file\": \"a\"}");
    check_kv(s.o.machine, "{\"type\": \"pc\", \"memory-backend\": \"mem\"}");
    CHECK(s.o.preconfig);
    CHECK_EQ(s.o.memory.size, (uint64_t)256 << 20);
}

TEST(a_test_program_of_qemu_is_understood)
{
    SCAN(s, "-qtest unix:/t/a.sock -qtest-log /dev/null -chardev socket,path=/t/b.sock,id=char0 "
            "-mon chardev=char0,mode=control -display none -audio none -M pc -accel kvm -accel tcg "
            "-accel qtest");
    CHECK_EQ(s.r, 0);
    CHECK_STR(s.o.qtest, "qtest");
    CHECK_STR(s.o.qtest_log, "/dev/null");
    check_item(&s.o.chardevs, 0,
               "{\"backend\": \"socket\", \"path\": \"/t/a.sock\", \"id\": \"qtest\"}");
    check_item(&s.o.mons, 0, "{\"chardev\": \"char0\", \"mode\": \"control\"}");
    check_item(&s.o.accels, 2, "{\"accel\": \"qtest\"}");
    check_kv(s.o.display, "{\"type\": \"none\"}");
    check_kv(s.o.audio, "{\"driver\": \"none\"}");
    CHECK(!s.o.default_monitor);
}

TEST(unknown_and_incomplete_options_are_named)
{
    check_error("-foo", "-foo: invalid option");
    check_error("--foo", "--foo: invalid option");
    check_error("-m=1G", "-m=1G: invalid option");
    check_error("-M q35 -m", "-m: requires an argument");
    check_error("---m 1G", "---m: invalid option");
}

TEST(an_argument_may_start_with_a_dash)
{
    check_error_has("-m -display",
                    "-m -display: Parameter 'size' expects a non-negative number below 2^64");
    SCAN(s, "-kernel k -append -v");
    CHECK_STR(s.o.append, "-v");
}

TEST(items_know_where_they_were_written)
{
    SCAN(s, "-S -device edu,addr=4 disk.raw");
    CHECK_STR(s.o.devices.v[0].where.text, "-device edu,addr=4");
    CHECK_EQ(s.o.devices.v[0].where.arg, 2);
    CHECK_EQ(s.o.drives.v[0].where.arg, 4);
    AUTO_FREE char *m = cli_message("tenon", &s.o.devices.v[0].where, "no");
    CHECK_STR(m, "tenon: -device edu,addr=4: no");
    AUTO_FREE char *none = cli_message("tenon", NULL, "no");
    CHECK_STR(none, "tenon: no");
}

TEST(devices_need_a_type_and_a_good_id)
{
    check_error("-device id=x", "-device id=x: Parameter 'driver' is missing");
    check_error_has("-device edu,id=1x", "Parameter 'id' expects an identifier");
    check_error("-device edu,id=a -device pci-testdev,id=a",
                "-device pci-testdev,id=a: Duplicate ID 'a' for device");
    check_error("-object id=m", "-object id=m: Parameter 'qom-type' is missing");
    SCAN(help, "-device help");
    CHECK_EQ(help.r, 0);
}

TEST(devices_may_be_json)
{
    SCAN(s, "-device "
            "{\"driver\":\"virtio-blk-pci\",\"iothread-vq-mapping\":[{\"iothread\":\"t\",\"vqs\":["
            "0,1]}]}");
    CHECK_EQ(s.r, 0);
    const struct kv_node *map = kv_get(s.o.devices.v[0].kv, "iothread-vq-mapping");
    CHECK_EQ(map->kind, KV_LIST);
    CHECK_STR(kv_text(map->child[0], "iothread"), "t");
    check_error("-device {\"driver\":\"edu\"",
                "-device {\"driver\":\"edu\": JSON parse error, premature end");
    check_error("-device {\"driver\":1}",
                "-device {\"driver\":1}: Invalid parameter type for 'driver', expected: string");
    check_error_has("-device {\"driver\":\"a\",\"id\":{}}", "'id', expected: string");
}

TEST(dotted_lists_nest_in_blockdev)
{
    SCAN(s, "-blockdev qcow2,node-name=a,file.driver=file,file.filename=f -blockdev "
            "{\"driver\":\"null-co\"}");
    CHECK_EQ(s.r, 0);
    check_item(&s.o.blockdevs, 0,
               "{\"driver\": \"qcow2\", \"node-name\": \"a\", \"file\": {\"driver\": \"file\", "
               "\"filename\": \"f\"}}");
    check_item(&s.o.blockdevs, 1, "{\"driver\": \"null-co\"}");
}

TEST(disk_shorthands_are_drives)
{
    SCAN(s, "a.raw -hdb b,,c -cdrom d -pflash e");
    check_item(&s.o.drives, 0, "{\"index\": \"0\", \"media\": \"disk\", \"file\": \"a.raw\"}");
    check_item(&s.o.drives, 1, "{\"index\": \"1\", \"media\": \"disk\", \"file\": \"b,,c\"}");
    check_item(&s.o.drives, 2, "{\"index\": \"2\", \"media\": \"cdrom\", \"file\": \"d\"}");
    check_item(&s.o.drives, 3, "{\"if\": \"pflash\", \"file\": \"e\"}");
}

TEST(serial_ports_are_numbered_with_their_gaps)
{
    SCAN(s, "-serial null -serial none -serial mon:stdio");
    CHECK_EQ(s.r, 0);
    check_item(&s.o.serials, 0, "{\"chardev\": \"serial0\"}");
    check_item(&s.o.serials, 1, "{}");
    check_item(&s.o.serials, 2, "{\"chardev\": \"serial2\"}");
    check_item(
        &s.o.chardevs, 1,
        "{\"backend\": \"stdio\", \"id\": \"serial2\", \"mux\": \"on\", \"signal\": \"off\"}");
    check_item(&s.o.mons, 0, "{\"chardev\": \"serial2\", \"mode\": \"readline\"}");
    CHECK(!s.o.default_monitor);
}

TEST(serial_ports_refer_to_chardevs_given_later)
{
    SCAN(s, "-serial chardev:c -chardev null,id=c");
    CHECK_EQ(s.r, 0);
    CHECK_EQ(s.o.chardevs.n, 1);
    check_item(&s.o.serials, 0, "{\"chardev\": \"c\"}");
    check_error("-serial chardev:nope", "-serial chardev:nope: chardev \"nope\" not found");
    check_error("-serial foo", "-serial foo: 'foo' is not a valid char driver");
    check_error("-mon a", "-mon a: chardev \"a\" not found");
    check_error("-chardev null,id=a -mon a,mode=foo",
                "-mon a,mode=foo: Parameter 'mode' does not accept value 'foo'");
}

TEST(default_serial_port_depends_on_the_rest)
{
    SCAN(plain, "");
    CHECK_EQ(plain.o.serials.n + plain.o.chardevs.n, 0);
    CHECK(plain.o.default_monitor && plain.o.default_net);
    SCAN(nographic, "-nographic");
    check_item(
        &nographic.o.chardevs, 0,
        "{\"backend\": \"stdio\", \"id\": \"serial0\", \"mux\": \"on\", \"signal\": \"off\"}");
    CHECK_EQ(nographic.o.mons.n, 1);
    check_kv(nographic.o.display, "{\"type\": \"none\"}");
    SCAN(own_monitor, "-nographic -monitor null");
    check_item(&own_monitor.o.chardevs, 1, "{\"backend\": \"stdio\", \"id\": \"serial0\"}");
    SCAN(own_serial, "-nographic -serial null");
    check_item(&own_serial.o.mons, 0,
               "{\"id\": \"compat_monitor0\", \"chardev\": \"compat_monitor0\", "
               "\"mode\": \"readline\"}");
    SCAN(bare, "-nodefaults -nographic");
    CHECK_EQ(bare.o.serials.n + bare.o.mons.n + bare.o.chardevs.n, 0);
    SCAN(device, "-device isa-serial,chardev=x");
    CHECK_EQ(device.o.serials.n, 0);
    check_error("-nographic -daemonize", "-nographic cannot be used with -daemonize");
}

TEST(monitors_are_numbered)
{
    SCAN(s, "-monitor none -qmp null -monitor null -qmp-pretty null");
    CHECK_EQ(s.r, 0);
    check_item(
        &s.o.mons, 0,
        "{\"id\": \"compat_monitor0\", \"chardev\": \"compat_monitor0\", \"mode\": \"control\"}");
    check_item(
        &s.o.mons, 2,
        "{\"id\": \"compat_monitor2\", \"chardev\": \"compat_monitor2\", \"mode\": \"control\", "
        "\"pretty\": \"on\"}");
}

TEST(debugcon_is_a_device)
{
    SCAN(s, "-debugcon file:/log");
    check_item(&s.o.devices, 0,
               "{\"driver\": \"isa-debugcon\", \"id\": \"debugcon\", \"chardev\": \"debugcon\"}");
    check_item(&s.o.chardevs, 0,
               "{\"backend\": \"file\", \"path\": \"/log\", \"id\": \"debugcon\"}");
    check_error_has("-debugcon null -debugcon null", "Duplicate ID 'debugcon'");
}

TEST(chardevs_need_a_backend_and_an_id)
{
    check_error("-chardev null", "-chardev null: chardev: no id specified");
    check_error_has("-chardev null,id=1", "Parameter 'id' expects an identifier");
    check_error_has("-chardev id=a", "Parameter 'backend' is missing");
    check_error("-chardev null,id=a -chardev pty,id=a",
                "-chardev pty,id=a: Duplicate ID 'a' for chardev");
    SCAN(help, "-chardev help");
    CHECK_EQ(help.r, 0);
}

TEST(accelerators_come_from_one_place)
{
    SCAN(m, "-M q35,accel=kvm:qtest");
    check_item(&m.o.accels, 1, "{\"accel\": \"qtest\"}");
    check_kv(m.o.machine, "{\"type\": \"q35\"}");
    SCAN(e, "-enable-kvm");
    check_item(&e.o.accels, 0, "{\"accel\": \"kvm\"}");
    check_error("-enable-kvm -accel qtest",
                "The -accel and \"-machine accel=\" options are incompatible");
}

TEST(globals_have_two_forms)
{
    SCAN(s, "-global edu.a.b=1,2 -global driver=edu,property=a,value=3");
    check_item(&s.o.globals, 0, "{\"driver\": \"edu\", \"property\": \"a.b\", \"value\": \"1,2\"}");
    check_item(&s.o.globals, 1, "{\"driver\": \"edu\", \"property\": \"a\", \"value\": \"3\"}");
    check_error("-global foo", "-global foo: Invalid parameter 'foo'");
    check_error_has("-global driver=edu,property=a",
                    "options 'driver', 'property', and 'value' are required");
}

TEST(rtc_takes_dates_of_the_calendar)
{
    SCAN(s, "-rtc base=2020-01-01T00:00:01,clock=vm,driftfix=slew");
    CHECK_EQ(s.o.rtc.base, CLI_RTC_DATE);
    CHECK_EQ(s.o.rtc.date, 1577836801);
    CHECK_EQ(s.o.rtc.clock, CLI_RTC_VM);
    CHECK(s.o.rtc.driftfix_slew);
    SCAN(day, "-rtc base=2020-02-29");
    CHECK_EQ(day.o.rtc.date, 1582934400);
    SCAN(local, "-rtc base=localtime");
    CHECK_EQ(local.o.rtc.base, CLI_RTC_LOCALTIME);
    /* QEMU lets the last three pass. */
    static const char *const bad[] = {"foo", "2020-13-01", "2020-02-31", "2020-01-01T99:00:00"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_FREE char *line = xasprintf("-rtc base=%s", bad[i]);
        check_error_has(line, "invalid datetime format");
    }
    check_error_has("-rtc clock=foo", "'clock' does not accept value 'foo'");
    check_error("-rtc base=utc,x=1", "-rtc base=utc,x=1: Invalid parameter 'x'");
}

TEST(actions_have_shorthands)
{
    SCAN(s, "-no-reboot -no-shutdown -action panic=none,watchdog=debug");
    CHECK_EQ(s.o.actions.reboot, CLI_REBOOT_SHUTDOWN);
    CHECK_EQ(s.o.actions.shutdown, CLI_SHUTDOWN_PAUSE);
    CHECK_EQ(s.o.actions.panic, CLI_PANIC_NONE);
    CHECK_EQ(s.o.actions.watchdog, CLI_WATCHDOG_DEBUG);
    SCAN(last, "-no-reboot -action reboot=reset -watchdog-action inject-nmi");
    CHECK_EQ(last.o.actions.reboot, CLI_REBOOT_RESET);
    CHECK_EQ(last.o.actions.watchdog, CLI_WATCHDOG_INJECT_NMI);
    check_error("-action reboot=foo",
                "-action reboot=foo: Parameter 'reboot' does not accept value 'foo'");
    check_error("-action foo=bar", "-action foo=bar: Invalid parameter 'foo'");
    check_error_has("-watchdog-action foo", "Parameter 'watchdog' does not accept value 'foo'");
}

TEST(sandbox_is_on_unless_switched_off)
{
    SCAN(none, "");
    CHECK(none.o.sandbox.enable);
    CHECK_EQ(none.o.sandbox.obsolete, CLI_DENY);
    SCAN(s,
         "-sandbox on,obsolete=allow,elevateprivileges=children,spawn=deny,resourcecontrol=deny");
    CHECK_EQ(s.o.sandbox.obsolete, CLI_ALLOW);
    CHECK_EQ(s.o.sandbox.elevateprivileges, CLI_DENY_CHILDREN_ONLY);
    CHECK_EQ(s.o.sandbox.spawn, CLI_DENY);
    SCAN(off, "-sandbox off");
    CHECK(!off.o.sandbox.enable);
    check_error("-sandbox foo", "-sandbox foo: Parameter 'enable' expects 'on' or 'off'");
    check_error_has("-sandbox on,spawn=children",
                    "Parameter 'spawn' does not accept value 'children'");
    check_error_has("-sandbox on,x=1", "Invalid parameter 'x'");
}

TEST(identity_options)
{
    SCAN(s, "-name vm1,process=p,debug-threads=on -uuid 550e8400-e29b-41d4-a716-446655440000 -msg "
            "timestamp=on");
    CHECK_STR(s.o.name, "vm1");
    CHECK_STR(s.o.process_name, "p");
    CHECK(s.o.debug_threads && s.o.have_uuid && s.o.msg_timestamp);
    CHECK_EQ(s.o.uuid[0], 0x55);
    check_error("-uuid foo", "-uuid foo: failed to parse UUID string: wrong format");
    check_error("-name foo,bogus=1", "-name foo,bogus=1: Invalid parameter 'bogus'");
    check_error_has("-name debug-threads=maybe", "Parameter 'debug-threads' expects 'on' or 'off'");
}

TEST(fw_cfg_has_a_name_and_one_source)
{
    SCAN(s, "-fw_cfg opt/x,string=abc");
    check_item(&s.o.fw_cfg, 0, "{\"name\": \"opt/x\", \"string\": \"abc\"}");
    check_error_has("-fw_cfg foo", "name, plus exactly one of");
    check_error_has("-fw_cfg opt/x,string=a,file=b", "name, plus exactly one of");
    check_error_has("-fw_cfg opt/x67890123456789012345678901234567890123456789012345678,string=a",
                    "name too long");
}

TEST(usb_devices_have_short_names)
{
    SCAN(s, "-usbdevice tablet -usbdevice braille");
    check_item(&s.o.devices, 0, "{\"driver\": \"usb-tablet\"}");
    check_item(&s.o.devices, 1, "{\"driver\": \"usb-braille\", \"chardev\": \"braille\"}");
    check_kv(s.o.machine, "{\"usb\": \"on\"}");
    check_error("-usbdevice foo", "-usbdevice foo: could not add USB device 'foo'");
}

TEST(set_changes_an_earlier_option)
{
    SCAN(s, "-device edu,id=a,x=1 -set device.a.x=2,3 -set device.a.y.z=4");
    check_item(&s.o.devices, 0,
               "{\"driver\": \"edu\", \"id\": \"a\", \"x\": \"2,3\", \"y.z\": \"4\"}");
    check_error_has("-set a.b=c", "can't parse: \"a.b=c\"");
    check_error_has("-set a.b.c=d", "There is no option group 'a'");
    check_error_has("-set device.b.c=d", "there is no device \"b\" defined");
    check_error_has("-set rtc.b.c=d", "there is no rtc \"b\" defined");
    check_error_has("-set .b.c=d", "can't parse");
    check_error_has("-set a..c=d", "can't parse");
}

TEST(repeated_words_and_lists)
{
    SCAN(s, "-L a -L b -D x -D y -parallel none -d help -overcommit mem-lock=on -overcommit "
            "cpu-pm=on -no-acpi");
    CHECK_EQ(s.r, 0);
    CHECK_STR(s.o.data_dirs.v[1].kv->text, "b");
    CHECK_STR(s.o.log_file, "y");
    CHECK_STR(kv_text(s.o.overcommit, "mem-lock"), "on");
    CHECK_STR(kv_text(s.o.overcommit, "cpu-pm"), "on");
    CHECK_STR(kv_text(s.o.machine, "acpi"), "off");
    check_error_has("-parallel null", "only 'none'");
}

TEST(numa_keeps_repeated_keys)
{
    SCAN(s, "-numa node,nodeid=0,cpus=0,cpus=2-3,memdev=m");
    check_item(&s.o.numa, 0,
               "{\"type\": \"node\", \"nodeid\": \"0\", \"cpus\": \"0\", \"cpus\": \"2-3\", "
               "\"memdev\": \"m\"}");
    CHECK_EQ(s.o.memory.given, false);
}

int main(void)
{
    RUN(options_come_in_any_order);
    RUN(a_test_program_of_qemu_is_understood);
    RUN(unknown_and_incomplete_options_are_named);
    RUN(an_argument_may_start_with_a_dash);
    RUN(items_know_where_they_were_written);
    RUN(devices_need_a_type_and_a_good_id);
    RUN(devices_may_be_json);
    RUN(dotted_lists_nest_in_blockdev);
    RUN(disk_shorthands_are_drives);
    RUN(serial_ports_are_numbered_with_their_gaps);
    RUN(serial_ports_refer_to_chardevs_given_later);
    RUN(default_serial_port_depends_on_the_rest);
    RUN(monitors_are_numbered);
    RUN(debugcon_is_a_device);
    RUN(chardevs_need_a_backend_and_an_id);
    RUN(accelerators_come_from_one_place);
    RUN(globals_have_two_forms);
    RUN(rtc_takes_dates_of_the_calendar);
    RUN(actions_have_shorthands);
    RUN(sandbox_is_on_unless_switched_off);
    RUN(identity_options);
    RUN(fw_cfg_has_a_name_and_one_source);
    RUN(usb_devices_have_short_names);
    RUN(set_changes_an_earlier_option);
    RUN(repeated_words_and_lists);
    RUN(numa_keeps_repeated_keys);
    return tap_done();
}
