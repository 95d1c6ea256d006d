/* SPDX-License-Identifier: BSD-2-Clause */
/* What people ask a QEMU about, and there is none of here: said in the words of a QEMU that has
 * none of it either. Commands that would make such things are left out (docs/monitor.md tells why).
 */
#include "hmp.h"

#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <string.h>

/* A command without arguments that only says text. */
#define SAYS(fn, text)                                                                     \
    static int fn(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e) \
    {                                                                                      \
        struct hmp_args a = {c, line, e};                                                  \
        if (hmp_end(&a) < 0)                                                               \
            return -EINVAL;                                                                \
        buf_str(out, text);                                                                \
        return 0;                                                                          \
    }
/* ... or only fails with it. */
#define REFUSES(fn, text)                                                                  \
    static int fn(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e) \
    {                                                                                      \
        struct hmp_args a = {c, line, e};                                                  \
        (void)out;                                                                         \
        return hmp_end(&a) < 0 ? -EINVAL : err_set(e, ENOTSUP, text);                      \
    }

SAYS(block_jobs, "No active jobs\n")
SAYS(nothing, "")
SAYS(replay, "Record/replay is not active\n")
SAYS(sev, "SEV is not enabled\n")
SAYS(sgx, "SGX is not available in this QEMU\n")
SAYS(snapshots, "no block device can store vmstate for snapshot\n")
SAYS(dirty_limit, "Dirty page limit not enabled!\n")
REFUSES(jit, "JIT information is only available with accel=tcg")
REFUSES(opcount, "Opcode count information is only available with accel=tcg")
REFUSES(usb, "USB support not enabled")
REFUSES(generation_id, "VM Generation ID device not found")

static int one_insn(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    int on;
    if ((hmp_more(&a) && hmp_onoff(&a, &on) < 0) || hmp_end(&a) < 0)
        return -EINVAL;
    buf_str(out, "This accelerator does not support setting one-insn-per-tb\n");
    return 0;
}

/* Always off: there is no lock that many wait for, and waiting is not counted. */
static int sync_profile(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *what = NULL;
    if (hmp_word(&a, NULL, &what) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    if (!what)
        buf_str(out, "sync-profile is off\n");
    else if (strcmp(what, "on") == 0)
        return err_set(e, ENOTSUP, "waiting for locks is not counted here");
    else if (strcmp(what, "off") != 0 && strcmp(what, "reset") != 0)
        return err_set(e, EINVAL, "invalid parameter '%s', expecting 'on', 'off', or 'reset'",
                       what);
    return 0;
}

static int info_sync_profile(struct qmp_call *c, const char *line, struct buf *out,
                             struct tn_err *e)
{
    static const char rule[] = "-----------------------------------------------------------------"
                               "---------------------------------\n";
    struct hmp_args a = {c, line, e};
    uint32_t given, max;
    if (hmp_flags(&a, "mn", &given) < 0 || (hmp_more(&a) && hmp_u32(&a, "max", &max) < 0) ||
        hmp_end(&a) < 0)
        return -EINVAL;
    buf_printf(out,
               "Type               Object  Call site                     Wait Time (s)         "
               "Count  Average (us)\n%s%s",
               rule, rule);
    return 0;
}

static int mouse_set(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint32_t index;
    (void)out;
    if (hmp_u32(&a, "index", &index) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    return err_set(e, ENOENT, "Mouse at index '%u' not found", index);
}

static const struct hmp_command commands[] = {
    {"block-jobs", "", "show progress of ongoing block device operations", 1, block_jobs, NULL},
    {"capture", "", "show capture information", 1, nothing, NULL},
    {"cryptodev", "", "show the crypto devices", 1, nothing, NULL},
    {"jit", "", "show dynamic compiler info", 1, jit, NULL},
    {"opcount", "", "show dynamic compiler opcode counters", 1, opcount, NULL},
    {"replay", "", "show record/replay information", 1, replay, NULL},
    {"sev", "", "show SEV information", 1, sev, NULL},
    {"sgx", "", "show intel SGX information", 1, sgx, NULL},
    {"snapshots", "", "show the currently saved VM snapshots", 1, snapshots, NULL},
    {"tpm", "", "show the TPM device", 1, nothing, NULL},
    {"usb", "", "show guest USB devices", 1, usb, NULL},
    {"vcpu_dirty_limit", "", "show dirty page limit information of all vCPU", 1, dirty_limit, NULL},
    {"vm-generation-id", "", "Show Virtual Machine Generation ID", 1, generation_id, NULL},
    {"sync-profile", "[-m] [-n] [max]",
     "show synchronization profiling info, up to max entries (default: 10), sorted by total wait "
     "time. (-m: sort by mean wait time; -n: do not coalesce objects with the same call site)",
     1, info_sync_profile, NULL},
    {"sync-profile", "[on|off|reset]",
     "enable, disable or reset synchronization profiling. With no arguments, prints whether "
     "profiling is on or off.",
     0, sync_profile, NULL},
    {"mouse_set", "index", "set which mouse device receives events", 0, mouse_set, NULL},
    {"one-insn-per-tb", "[on|off]",
     "run emulation with one guest instruction per translation block", 0, one_insn, NULL},
    {0},
};

const struct qmp_module qmp_hmp_absent = {.hmp = commands};
