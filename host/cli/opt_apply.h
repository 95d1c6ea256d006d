/* SPDX-License-Identifier: BSD-2-Clause */
/* The apply functions that the table of options names. What data is, is said there. */
#ifndef TN_CLI_OPT_APPLY_H
#define TN_CLI_OPT_APPLY_H
#include "scan.h"

/* opt_apply.c: kinds of options. */
cli_apply_fn apply_flag;               /* sets a bool */
cli_apply_fn apply_word;               /* replaces a string */
cli_apply_fn apply_text_item;          /* appends a string to a list */
cli_apply_fn apply_item;               /* appends a dict to a list */
cli_apply_fn apply_dict;               /* merges into a dict */
cli_apply_fn apply_machine;            /* data: prefix of the keys */
cli_apply_fn apply_machine_word;       /* data: the key */
cli_apply_fn apply_machine_fixed;      /* data: "key=value" */
cli_apply_fn apply_machine_deprecated; /* data: "key=value" */
cli_apply_fn apply_memory;             /* data: prefix of the keys */
cli_apply_fn apply_drive_short;        /* data: "key=value,..." to go with the file */
cli_apply_fn apply_usbdevice;
cli_apply_fn apply_set;
cli_apply_fn apply_readconfig;

/* opt_chardev.c: what makes character devices. */
cli_apply_fn apply_chardev;
cli_apply_fn apply_serial;
cli_apply_fn apply_parallel;
cli_apply_fn apply_monitor; /* data: mode, or "control,pretty" */
cli_apply_fn apply_debugcon;
cli_apply_fn apply_qtest;

/* opt_values.c: options with a meaning of their own. */
cli_apply_fn apply_global;
cli_apply_fn apply_name;
cli_apply_fn apply_uuid;
cli_apply_fn apply_fw_cfg;
cli_apply_fn apply_action;
cli_apply_fn apply_action_fixed; /* data: "key=value" */
cli_apply_fn apply_watchdog_action;
cli_apply_fn apply_rtc;
cli_apply_fn apply_sandbox;
cli_apply_fn apply_msg;
cli_apply_fn apply_plugin_trust;

#endif
