/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line as one structure: scanned completely before anything is created, so that
 * `-device x,drive=d` may stand before `-drive id=d`. Shorthands are gone afterwards: `-serial
 * mon:stdio` is a chardev, a monitor and a serial port here, `-hda f` a drive, `-enable-kvm` an
 * accelerator.
 *
 * Nothing here opens a file (but -readconfig's), prints or exits. Every function is [main]. */
#ifndef TN_CLI_OPTIONS_H
#define TN_CLI_OPTIONS_H
#include "kvtree.h"
#include "machine_opts.h"
#include <stdint.h>

/* Where an item was written. */
struct cli_where {
    char *text; /* "-device edu,addr=4", or "vm.cfg:12"; owned; NULL for what the defaults added */
    int arg;    /* index into argv, 0 for none */
    int line;   /* line of a -readconfig file, 0 for argv */
};

struct cli_item {
    struct cli_where where;
    struct kv_node *kv; /* a dict, or a string for an option with one word */
};

struct cli_list {
    struct cli_item *v;
    size_t n;
};

enum cli_rtc_base { CLI_RTC_UTC, CLI_RTC_LOCALTIME, CLI_RTC_DATE };
enum cli_rtc_clock { CLI_RTC_HOST, CLI_RTC_REALTIME, CLI_RTC_VM };

struct cli_rtc {
    enum cli_rtc_base base;
    int64_t date; /* seconds since 1970-01-01 UTC, for CLI_RTC_DATE */
    enum cli_rtc_clock clock;
    bool driftfix_slew;
};

enum cli_reboot_action { CLI_REBOOT_RESET, CLI_REBOOT_SHUTDOWN };
enum cli_shutdown_action { CLI_SHUTDOWN_POWEROFF, CLI_SHUTDOWN_PAUSE };
enum cli_panic_action {
    CLI_PANIC_SHUTDOWN,
    CLI_PANIC_PAUSE,
    CLI_PANIC_EXIT_FAILURE,
    CLI_PANIC_NONE
};
enum cli_watchdog_action {
    CLI_WATCHDOG_RESET,
    CLI_WATCHDOG_SHUTDOWN,
    CLI_WATCHDOG_POWEROFF,
    CLI_WATCHDOG_PAUSE,
    CLI_WATCHDOG_DEBUG,
    CLI_WATCHDOG_NONE,
    CLI_WATCHDOG_INJECT_NMI,
};

/* The values of -action, -no-reboot, -no-shutdown and -watchdog-action. */
struct cli_actions {
    enum cli_reboot_action reboot;
    enum cli_shutdown_action shutdown;
    enum cli_panic_action panic;
    enum cli_watchdog_action watchdog;
};

enum cli_deny { CLI_ALLOW, CLI_DENY, CLI_DENY_CHILDREN_ONLY };

struct cli_sandbox {
    bool enable; /* on unless asked otherwise */
    enum cli_deny obsolete, elevateprivileges, spawn, resourcecontrol;
};

struct cli_options {
    /* Lists. Each item's kv is a dict; the comment names the implied key. */
    struct cli_list accels;    /* accel */
    struct cli_list devices;   /* driver; kv as JSON types when it was JSON */
    struct cli_list objects;   /* qom-type */
    struct cli_list chardevs;  /* backend; id is always there */
    struct cli_list mons;      /* chardev; with mode=readline|control, pretty */
    struct cli_list serials;   /* chardev=ID of port 0, 1, ...; an empty dict for `-serial none` */
    struct cli_list netdevs;   /* type, raw */
    struct cli_list nets;      /* type, raw (-net) */
    struct cli_list nics;      /* type, raw */
    struct cli_list drives;    /* raw; -hda, -cdrom, -pflash and a bare file name end here */
    struct cli_list blockdevs; /* driver, nested */
    struct cli_list audiodevs; /* driver, nested */
    struct cli_list numa;      /* type; cpus= may repeat */
    struct cli_list globals;   /* driver, property, value */
    struct cli_list fw_cfg;    /* name, and one of file, string, gen_id */
    struct cli_list traces;    /* enable, events, file */
    struct cli_list plugins;   /* file */
    struct cli_list add_fds;   /* fd, set, opaque */
    /* Lists whose items are strings. */
    struct cli_list data_dirs;   /* -L */
    struct cli_list plugin_dirs; /* -plugin-path */

    /* The machine: every -M merged, dotted keys nested; `type` is its name. What the members below
     * hold (memory, smp, boot, kernel ... also when written as -M smp.cpus=2) and `accel` are not
     * in it any more. */
    struct kv_node *machine;
    struct cli_memory memory;
    struct cli_smp smp; /* complete */
    struct cli_boot boot;
    char *kernel, *initrd, *append, *dtb, *bios; /* owned; NULL if not given */

    /* Single dicts; NULL if not given. Owned. */
    struct kv_node *display;    /* type, nested */
    struct kv_node *overcommit; /* mem-lock, cpu-pm */
    struct kv_node *audio;      /* driver, model */
    struct cli_rtc rtc;
    struct cli_actions actions;
    struct cli_sandbox sandbox;

    /* Single words; NULL if not given. Owned. */
    char *cpu, *name, *process_name, *vga, *pidfile, *log_file, *log_items, *incoming;
    char *dump_topology; /* a file to draw the machine into, which is not started then */
    char *qtest;     /* the id of its chardev, "qtest" */
    char *qtest_log; /* a file */
    uint8_t uuid[16];

    bool have_uuid, debug_threads, msg_timestamp, msg_guest_name;
    bool as_qemu; /* argv[0] is qemu-system-x86_64: its defaults count */
    bool as_qemu_7; /* TENON_QEMU_VERSION=7.2: its machines, and answers of its form */
    bool help, version; /* help about one option: keyval_help_wanted() on its item */
    bool help_build, plugin_trust_any;
    bool nodefaults, no_user_config, nographic, start_paused, preconfig, daemonize, snapshot;
    bool default_net;     /* no -net, -nic or -netdev and no -nodefaults */
    bool default_monitor; /* nothing said about a monitor, and none was made by -nographic */

    char **warnings; /* lines without program name, such as about a deprecated option */
    size_t n_warnings;
};

/* Scans argv[1..argc-1] and the environment. Returns 0, or -EINVAL with *err set to the line to print, such as
 * "-foo: invalid option", which the caller puts behind "tenon: ". Either way *o is then freed by
 * cli_options_free(). argv is not kept. */
int cli_options_scan(struct cli_options *o, int argc, char *const *argv, char **err);
void cli_options_free(struct cli_options *o);

/* `PROGRAM: WHERE: MESSAGE` as QEMU prints it, for a message about an item. Owned by the caller. */
char *cli_message(const char *program, const struct cli_where *where, const char *message);

/* The item whose kv has this id; NULL if there is none. */
struct cli_item *cli_find_id(const struct cli_list *list, const char *id);

/* Appends the text of `-help`. */
void cli_print_help(struct buf *out, const char *program);

#endif
