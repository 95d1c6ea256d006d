/* SPDX-License-Identifier: BSD-2-Clause */
/* Every option: its name, its grammar, its help, and who puts it into struct cli_options. */
#include "opt_apply.h"
#include "scan.h"
#include "util/alloc.h"
#include <string.h>

#define FIELD(m) .field = offsetof(struct cli_options, m)
#define KEYS(...)                 \
    .keys = (const char *const[]) \
    {                             \
        __VA_ARGS__, NULL         \
    }

/* Rows of the most common kinds. */
#define FLAG(n, g, m, h)                                                            \
    {                                                                               \
        .name = n, .group = CLI_GROUP_##g, .apply = apply_flag, FIELD(m), .help = h \
    }
#define WORD(n, a, g, m, h)                                                                    \
    {                                                                                          \
        .name = n, .arg = a, .group = CLI_GROUP_##g, .grammar = CLI_TEXT, .apply = apply_word, \
        FIELD(m), .help = h                                                                    \
    }
#define ITEM(n, a, g, gr, m, i, ...)                                                               \
    {                                                                                              \
        .name = n, .arg = a, .group = CLI_GROUP_##g, .grammar = gr, .apply = apply_item, FIELD(m), \
        .implied = i, .section = n, __VA_ARGS__                                                    \
    }
#define MACHINE_WORD(n, a, g, key, h)                                     \
    {                                                                     \
        .name = n, .arg = a, .group = CLI_GROUP_##g, .grammar = CLI_TEXT, \
        .apply = apply_machine_word, .data = key, .help = h               \
    }
#define DRIVE(n, set, h)                                                         \
    {                                                                            \
        .name = n, .arg = "file", .group = CLI_GROUP_BLOCK, .grammar = CLI_TEXT, \
        .apply = apply_drive_short, .data = set, .help = h                       \
    }
#define MONITOR(n, mode, h)                                                     \
    {                                                                           \
        .name = n, .arg = "dev", .group = CLI_GROUP_DEBUG, .grammar = CLI_TEXT, \
        .apply = apply_monitor, .data = mode, .help = h                         \
    }

#define MACHINE_ROW(n, a, gr, i, sec, prefix, h)                                                 \
    {                                                                                            \
        .name = n, .arg = a, .group = CLI_GROUP_STANDARD, .grammar = gr, .apply = apply_machine, \
        .implied = i, .section = sec, .data = prefix, .help = h                                  \
    }

const struct cli_opt cli_opts[] = {
    FLAG("h", STANDARD, help, NULL),
    FLAG("help", STANDARD, help, "show this text"),
    FLAG("version", STANDARD, version, "show the version"),
    FLAG("help-build", STANDARD, help_build, "show what this program was built with"),
    MACHINE_ROW("M", "[type=]name[,prop=value...]", CLI_MERGED, "type", NULL, "", NULL),
    MACHINE_ROW("machine", "[type=]name[,prop=value...]", CLI_MERGED, "type", "machine", "",
                "choose the machine and set its properties ('-M help' lists machines)\n"
                "may be repeated; the properties add up, the last value of each counts\n"
                "cxl-fmw.0.targets.0=id,cxl-fmw.0.size=size describes a CXL fixed memory window"),
    WORD("cpu", "model[,feature=on|off...]", STANDARD, cpu,
         "choose the processor ('-cpu help' lists models)"),
    ITEM("accel", "[accel=]kvm|qtest[,prop=value...]", STANDARD, CLI_FLAT, accels, "accel",
         .need = "accel",
         .help = "run on KVM, or under the control of a test; the first that works is used"),
    {.name = "enable-kvm",
     .group = CLI_GROUP_STANDARD,
     .apply = apply_machine_fixed,
     .data = "accel=kvm",
     .help = "short for -M accel=kvm"},
    MACHINE_ROW("smp",
                "[cpus=]n[,maxcpus=n][,sockets=n][,dies=n][,modules=n][,cores=n][,threads=n]",
                CLI_MERGED, "cpus", "smp-opts", "smp.",
                "how many CPUs, of how many at most, and how they are grouped\n"
                "maxcpus is the product of all levels; missing ones are computed, cores first"),
    {.name = "m",
     .arg = "[size=]size[,slots=n,maxmem=size]",
     .group = CLI_GROUP_STANDARD,
     .grammar = CLI_FLAT,
     .apply = apply_memory,
     .implied = "size",
     .section = "memory",
     KEYS("size", "slots", "maxmem"),
     .data = "memory.",
     .help = "memory at start, in MiB unless a suffix k, M, G, T says otherwise\n"
             "slots and maxmem leave room for memory that is plugged in later"},
    ITEM("numa", "node[,memdev=id][,cpus=first[-last]][,nodeid=n]", STANDARD, CLI_FLAT, numa,
         "type", .need = "type",
         .help = "describe a NUMA node; also: dist, cpu, hmat-lb, hmat-cache"),
    MACHINE_ROW("boot", "[order=]letters[,once=letters][,menu=on|off][,strict=on|off]", CLI_MERGED,
                "order", "boot-opts", "boot.", "what to boot from: c disk, d CD-ROM, n network"),
    ITEM("add-fd", "fd=n,set=n[,opaque=text]", STANDARD, CLI_FLAT, add_fds, NULL,
         KEYS("fd", "set", "opaque"), .need = "fd",
         .help = "put an inherited file descriptor into a set, /dev/fdset/n"),
    {.name = "set",
     .arg = "group.id.key=value",
     .group = CLI_GROUP_STANDARD,
     .grammar = CLI_TEXT,
     .apply = apply_set,
     .help = "change one value of an option given earlier"},
    {.name = "global",
     .arg = "driver.property=value",
     .group = CLI_GROUP_STANDARD,
     .grammar = CLI_TEXT,
     .apply = apply_global,
     .section = "global",
     .help = "set a property of every device of one kind\n"
             "also: -global driver=driver,property=property,value=value"},
    {.name = "audio",
     .arg = "[driver=]none|driver[,model=model][,prop=value...]",
     .group = CLI_GROUP_STANDARD,
     .grammar = CLI_DOTTED,
     .apply = apply_dict,
     FIELD(audio),
     .implied = "driver",
     .need = "driver",
     .help = "a sound card with its back end, or none"},
    ITEM("audiodev", "[driver=]driver,id=id[,prop=value...]", STANDARD, CLI_DOTTED, audiodevs,
         "driver", .need = "driver", .help = "an audio back end; JSON is accepted"),
    ITEM("device", "[driver=]type[,prop=value...]", STANDARD, CLI_JSON, devices, "driver",
         .need = "driver",
         .help = "add a device ('-device help' lists types, '-device type,help' the properties)\n"
                 "JSON is accepted: -device '{\"driver\":\"type\",\"prop\":value}'"),
    {.name = "name",
     .arg = "[guest=]text[,process=text][,debug-threads=on|off]",
     .group = CLI_GROUP_STANDARD,
     .grammar = CLI_FLAT,
     .apply = apply_name,
     .implied = "guest",
     .section = "name",
     KEYS("guest", "process", "debug-threads"),
     .help = "name the guest, the process, and with debug-threads each thread"},
    {.name = "uuid",
     .arg = "uuid",
     .group = CLI_GROUP_STANDARD,
     .grammar = CLI_TEXT,
     .apply = apply_uuid,
     .help = "the machine's identity"},

    ITEM("drive", "[file=file][,if=none][,id=id][,format=f][,readonly=on|off]...", BLOCK, CLI_FLAT,
         drives, NULL, .help = "a disk image, for a device's drive=id"),
    ITEM("blockdev", "[driver=]driver[,node-name=name][,prop=value...]", BLOCK, CLI_DOTTED,
         blockdevs, "driver", .need = "driver",
         .help = "a node of the block layer; JSON is accepted"),
    DRIVE("hda", "index=0,media=disk", "first disk; a bare file name means the same"),
    DRIVE("hdb", "index=1,media=disk", NULL),
    DRIVE("hdc", "index=2,media=disk", NULL),
    DRIVE("hdd", "index=3,media=disk", "further disks"),
    DRIVE("cdrom", "index=2,media=cdrom", "CD-ROM image"),
    DRIVE("pflash", "if=pflash", "flash image with firmware"),
    FLAG("snapshot", BLOCK, snapshot, "write to temporary files instead of the images"),

    {.name = "usb",
     .group = CLI_GROUP_USB,
     .apply = apply_machine_fixed,
     .data = "usb=on",
     .help = "add the machine's own USB controller"},
    {.name = "usbdevice",
     .arg = "mouse|tablet|keyboard|wacom-tablet|braille",
     .group = CLI_GROUP_USB,
     .grammar = CLI_TEXT,
     .apply = apply_usbdevice,
     .help = "short for -usb -device usb-..."},

    {.name = "display",
     .arg = "none|type[,prop=value...]",
     .group = CLI_GROUP_DISPLAY,
     .grammar = CLI_DOTTED,
     .apply = apply_dict,
     FIELD(display),
     .implied = "type",
     .need = "type",
     .help = "where the guest's screen is shown"},
    FLAG("nographic", DISPLAY, nographic,
         "no screen; the first serial port and the monitor share stdio"),
    WORD("vga", "none|type", DISPLAY, vga, "the machine's own graphics card"),

    ITEM("netdev", "type,id=id[,prop=value...]", NETWORK, CLI_JSON, netdevs, "type", .need = "type",
         .help = "a network back end, for a device's netdev=id; JSON is accepted"),
    ITEM("nic", "none|type[,model=model][,mac=mac][,prop=value...]", NETWORK, CLI_FLAT, nics,
         "type", .help = "a network card with its back end"),
    ITEM("net", "nic|type[,prop=value...]", NETWORK, CLI_FLAT, nets, "type",
         .help = "the older form: cards and back ends on one hub"),

    {.name = "chardev",
     .arg = "backend,id=id[,mux=on|off][,logfile=file][,prop=value...]",
     .group = CLI_GROUP_CHARDEV,
     .grammar = CLI_FLAT,
     .apply = apply_chardev,
     FIELD(chardevs),
     .implied = "backend",
     .section = "chardev",
     .need = "backend",
     .help = "a character back end, for a device's chardev=id ('-chardev help' lists them)\n"
             "-chardev socket,id=id,path=file[,server=on][,wait=off]\n"
             "-chardev socket,id=id,host=host,port=port[,server=on][,wait=off]\n"
             "-chardev stdio|null|pty,id=id    -chardev file|pipe,id=id,path=file"},

    MACHINE_WORD("kernel", "file", BOOT, "kernel",
                 "boot this kernel: bzImage or ELF with a PVH note"),
    MACHINE_WORD("append", "text", BOOT, "append", "its command line"),
    MACHINE_WORD("initrd", "file", BOOT, "initrd", "its initial RAM disk"),
    MACHINE_WORD("dtb", "file", BOOT, "dtb", "its device tree"),
    MACHINE_WORD("bios", "file", BOOT, "firmware", "the firmware"),
    {.name = "fw_cfg",
     .arg = "[name=]name,file=file|string=text",
     .group = CLI_GROUP_BOOT,
     .grammar = CLI_FLAT,
     .apply = apply_fw_cfg,
     .implied = "name",
     .section = "fw_cfg",
     KEYS("name", "file", "string", "gen_id"),
     .help = "hand a file or a text to the firmware and the guest"},

    {.name = "serial",
     .arg = "dev",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_serial,
     .help =
         "connect the next serial port: stdio, mon:stdio, null, none, pty, file:path, pipe:path,\n"
         "unix:path[,server=on][,wait=off], tcp:host:port[,server=on], telnet:, udp:, chardev:id"},
    {.name = "parallel",
     .arg = "none",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_parallel,
     .help = "no parallel port is there; only none is accepted"},
    MONITOR("monitor", "readline", "a monitor for people, on a device as for -serial"),
    MONITOR("qmp", "control", "a monitor for programs (QMP), likewise"),
    MONITOR("qmp-pretty", "control,pretty", "QMP with replies laid out for reading"),
    ITEM("mon", "[chardev=]id[,mode=readline|control][,pretty=on|off]", DEBUG, CLI_FLAT, mons,
         "chardev", KEYS("chardev", "mode", "pretty", "id"), .need = "chardev",
         .help = "a monitor on a -chardev"),
    {.name = "debugcon",
     .arg = "dev",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_debugcon,
     .help = "send what is written to port 0xe9 to a device as for -serial"},
    WORD("pidfile", "file", DEBUG, pidfile, "write the process id to a file"),
    FLAG("preconfig", DEBUG, preconfig, "wait for QMP before the machine is made"),
    FLAG("S", DEBUG, start_paused, "do not start the CPUs before 'cont'"),
    {.name = "overcommit",
     .arg = "[mem-lock=on|off][,cpu-pm=on|off]",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_FLAT,
     .apply = apply_dict,
     FIELD(overcommit),
     .section = "overcommit",
     KEYS("mem-lock", "cpu-pm"),
     .help = "lock the guest's memory; leave the host CPU to idle guests"},
    WORD("dump-topology", "file.svg|file.dot", DEBUG, dump_topology,
         "draw the machine, ready to start, into a file, and end"),
    WORD("d", "item[,...]", DEBUG, log_items, "what to log"),
    WORD("D", "file", DEBUG, log_file, "where to log, stderr if not given"),
    {.name = "L",
     .arg = "folder",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_text_item,
     FIELD(data_dirs),
     .help = "where to look for firmware; may be repeated"},
    {.name = "no-reboot",
     .group = CLI_GROUP_DEBUG,
     .apply = apply_action_fixed,
     .data = "reboot=shutdown",
     .help = "end when the guest reboots"},
    {.name = "no-shutdown",
     .group = CLI_GROUP_DEBUG,
     .apply = apply_action_fixed,
     .data = "shutdown=pause",
     .help = "stay when the guest shuts down"},
    {.name = "action",
     .arg = "reboot=reset|shutdown|shutdown=poweroff|pause|panic=...|watchdog=...",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_FLAT,
     .apply = apply_action,
     .section = "action",
     KEYS("reboot", "shutdown", "panic", "watchdog"),
     .help = "what to do on events of the guest\n"
             "panic: pause, shutdown, exit-failure, none\n"
             "watchdog: reset, shutdown, poweroff, pause, debug, none, inject-nmi"},
    {.name = "watchdog-action",
     .arg = "action",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_watchdog_action,
     .help = "short for -action watchdog="},
    {.name = "rtc",
     .arg = "[base=utc|localtime|date][,clock=host|rt|vm][,driftfix=none|slew]",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_FLAT,
     .apply = apply_rtc,
     .section = "rtc",
     KEYS("base", "clock", "driftfix"),
     .help = "what time it is for the guest; date is 2006-06-17T16:01:21 or 2006-06-17"},
    WORD("incoming", "uri|defer", DEBUG, incoming, "wait for a migrated guest"),
    FLAG("nodefaults", DEBUG, nodefaults, "no device but those that are asked for"),
    FLAG("no-user-config", DEBUG, no_user_config, "no configuration file but those of -readconfig"),
    FLAG("daemonize", DEBUG, daemonize, "go to the background once the machine is ready"),
    {.name = "no-acpi",
     .group = CLI_GROUP_DEBUG,
     .apply = apply_machine_deprecated,
     .data = "acpi=off"},
    {.name = "no-fd-bootchk",
     .group = CLI_GROUP_DEBUG,
     .apply = apply_machine_deprecated,
     .data = "fd-bootchk=off"},
    {.name = "no-hpet",
     .group = CLI_GROUP_DEBUG,
     .apply = apply_machine_deprecated,
     .data = "hpet=off"},
    {.name = "sandbox",
     .arg = "on|off[,obsolete=allow|deny][,elevateprivileges=allow|deny|children]\n"
            "[,spawn=allow|deny][,resourcecontrol=allow|deny]",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_FLAT,
     .apply = apply_sandbox,
     .implied = "enable",
     .section = "sandbox",
     KEYS("enable", "obsolete", "elevateprivileges", "spawn", "resourcecontrol"),
     .help = "the seccomp filter, on unless switched off"},
    {.name = "readconfig",
     .arg = "file",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_readconfig,
     .help = "read options from a file of [section \"id\"] and key = \"value\" lines"},
    ITEM("trace", "[[enable=]pattern][,events=file][,file=file]", DEBUG, CLI_FLAT, traces, "enable",
         KEYS("enable", "events", "file"), .help = "switch trace events on"),
    ITEM("plugin", "[file=]file|name", DEBUG, CLI_FLAT, plugins, "file", KEYS("file"),
         .need = "file",
         .help = "load a plugin; its classes come before those of the index\n"
                 "a name without / is looked for in the folders of -plugin-path and the program's"),
    {.name = "plugin-path",
     .arg = "folder",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_text_item,
     FIELD(plugin_dirs),
     .help = "where to look for plugins before the program's own folder; may be repeated"},
    {.name = "plugin-trust",
     .arg = "owner|any",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_plugin_trust,
     .help = "open plugins only that no other user can write to (owner, unless said otherwise)"},
    {.name = "msg",
     .arg = "[timestamp=on|off][,guest-name=on|off]",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_FLAT,
     .apply = apply_msg,
     .section = "msg",
     KEYS("timestamp", "guest-name"),
     .help = "what goes before each message"},
    {.name = "qtest",
     .arg = "dev",
     .group = CLI_GROUP_DEBUG,
     .grammar = CLI_TEXT,
     .apply = apply_qtest,
     .help = "the connection of -accel qtest, as for -serial"},
    WORD("qtest-log", "file", DEBUG, qtest_log, "write the test's commands to a file"),

    ITEM("object", "qom-type,id=id[,prop=value...]", OBJECT, CLI_JSON, objects, "qom-type",
         .need = "qom-type",
         .help = "add an object ('-object help' lists types); JSON is accepted"),
};

const size_t cli_n_opts = ARRAY_SIZE(cli_opts);

const struct cli_opt *cli_opt_by_name(const char *name)
{
    for (size_t i = 0; i < cli_n_opts; i++) {
        if (strcmp(cli_opts[i].name, name) == 0)
            return &cli_opts[i];
    }
    return NULL;
}

const struct cli_opt *cli_opt_by_section(const char *section)
{
    for (size_t i = 0; i < cli_n_opts; i++) {
        if (cli_opts[i].section && strcmp(cli_opts[i].section, section) == 0)
            return &cli_opts[i];
    }
    return NULL;
}
