/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. Monitor: commands and events that a plugin adds to QMP and HMP. Commands are constant data in tn_plugin.commands:
 * the index knows them, and the file is loaded when one is used.
 */
#ifndef TENON_DRAFT_MONITOR_H
#define TENON_DRAFT_MONITOR_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_reply; /**< where the answer of one command goes */

/** tn_command.flags */
enum {
    TN_CMD_HMP = 1,      /**< a line of the human monitor ("info usbhost"); otherwise QMP */
    TN_CMD_PRECONFIG = 2 /**< also before the machine exists */
};
struct tn_command {
    uint32_t struct_size, flags; /**< TN_CMD_* */
    const char *name, *help;
    const char *args, *returns;  /**< for the schema: "name:str id:int?" and a type name; NULL = none */
    /** [main] without any lock. d: no device, but d->host works; args: JSON object, or HMP's rest of line. 0: reply()
     * ran, or there is nothing to say; TN_PENDING: reply() or fail() follows; -errno with e */
    int (*run)(struct tn_dev *d, const char *args, struct tn_reply *r, struct tn_err *e);
};

#define TN_MONITOR_1 "tenon.monitor/1"
/** TN_MONITOR_1 */
struct tn_monitor {
    uint32_t struct_size, rev;
    /** [any] once per command: JSON value, or text for HMP; copied */
    void (*reply)(struct tn_reply *r, const char *text);
    /** [any] end of a TN_PENDING command that failed: err positive, text for people */
    void (*fail)(struct tn_reply *r, int err, const char *text);
    /** [any] QMP event with data, a JSON object or NULL; rate-limited by name and device */
    void (*event)(struct tn_dev *d, const char *name, const char *data);
};

#ifdef __cplusplus
}
#endif
#endif
