/* SPDX-License-Identifier: BSD-2-Clause */
/* Monitors: QMP and HMP sessions on character devices, and the tables of what they can be asked.
 *
 *   qmp_*.c     the sessions: stream, capabilities, dispatch, events, schema
 *   hmp_*.c     the terminal: line editing, commands, info
 *   cmd_*.c     the commands, a file for each subject, each ending in its struct qmp_module
 *   modules.c   the list of modules, which is all that names them
 *
 * The tables are QAPI's: arguments are checked against them before a command runs, replies are
 * written by them, and query-qmp-schema prints them. Everything here belongs to the main thread
 * unless it says otherwise. */
#ifndef TN_HOST_MONITOR_H
#define TN_HOST_MONITOR_H
#include "cli/kvtree.h"
#include "core/vm.h"

/* ---- types: names are QAPI's; "[T]" is a list of T ----
 *
 * Built in: "str", "int" (int64), "uint8" to "uint64", "int8" to "int64", "size", "number", "bool",
 * "any", "null". */

struct qmp_member {
    const char *name, *type;
    uint32_t optional;
};
struct qmp_case {
    const char *name;              /* of the tag's enum */
    const struct qmp_member *more; /* what this case adds; NULL-named last; NULL: nothing */
};
#define QMP_CLASSES(kind) ((kind) + 1u)
enum qmp_meta { QMP_OBJECT, QMP_ENUM, QMP_ALTERNATE };
struct qmp_type {
    const char *name;
    enum qmp_meta meta;
    const struct qmp_member *members; /* of an object or an alternate; ends with a NULL name */
    const char *const *values;        /* of an enum; NULL-terminated */
    const char *tag;                  /* of an object with cases: the member that decides */
    const struct qmp_case *cases;     /* ends with a NULL name; a value not listed adds nothing */
    uint32_t classes; /* of an enum: QMP_CLASSES(kind): so are the names of its classes that users
                         make */
};

/* ---- commands and events ---- */

struct monitor; /* one session */

struct qmp_call {
    struct vm *vm;
    struct monitor *mon;        /* who asks; getfd's descriptors and HMP's CPU are its */
    const struct kv_node *args; /* a dict that has been checked against the table; never NULL */
    struct kv_node *ret;        /* the answer, NULL: an empty object; the session frees it */
};
enum {
    QMP_OOB = 1,        /* may be run out of band: takes no lock and does not wait */
    QMP_PRECONFIG = 2,  /* also before the machine exists */
    QMP_NO_RETURN = 4,  /* of success there is no answer (guest agents' way) */
    QMP_FREE_ARGS = 8,  /* "gen": false: members beyond the table are allowed (device_add, ...) */
    QMP_COROUTINE = 16, /* shown in the schema only */
};
struct qmp_command {
    const char *name;
    const char *args; /* an object type, NULL: none */
    const char *ret;  /* NULL: nothing */
    uint32_t flags;
    /* 0 with c->ret, or -errno with e. It may run the main loop: no command of any session but one
     * marked QMP_OOB begins meanwhile. */
    int (*run)(struct qmp_call *c, struct tn_err *e);
    const char *features; /* of the schema, with blanks between: "unstable"; NULL: none */
};
struct qmp_event {
    const char *name;
    const char *data;     /* an object type, NULL: none */
    uint32_t interval_ms; /* the newest of those in this time is sent at its end; 0: each at once */
    const char *key;      /* ... per value of this member of data, NULL: per event */
};

/* HMP: "info" is a command whose subcommands are those with info = 1. */
struct hmp_command {
    const char *names;  /* "device_add", "x|xp": forms that mean the same, with | in between */
    const char *params; /* "driver[,prop=value][,...]" as help prints it */
    const char *help;   /* one line */
    uint32_t info;
    /* line: what follows the name, blanks trimmed. What is appended to out is printed with \n as
     * \r\n. 0 or -errno with e: "Error: TEXT". */
    int (*run)(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e);
    /* Adds what line could be completed to, one each line; NULL: nothing. */
    void (*complete)(struct qmp_call *c, const char *line, struct buf *out);
};

/* What one file offers. Each table ends with an entry without a name, or is NULL. */
struct qmp_module {
    const struct qmp_type *types;
    const struct qmp_command *commands;
    const struct qmp_event *events;
    const struct hmp_command *hmp;
};
extern const struct qmp_module *const qmp_modules[]; /* modules.c; NULL-terminated */

/* ---- sessions ---- */

struct cli_options;
/* Every -mon, -qmp, -monitor. After the chardevs, before the machine runs. 0 or -errno with e. */
int monitors_add(struct vm *vm, const struct cli_options *o, struct tn_err *e);
/* From here on requests are answered; preconfig: those of QMP_PRECONFIG only. */
void monitors_begin(struct vm *vm, int preconfig);
/* x-exit-preconfig: requests wait for monitors_begin() again. */
void monitors_end_preconfig(struct vm *vm);
int monitors_preconfig(const struct vm *vm); /* 1 until then: the machine is not there yet */
/* Events that wait are sent, and the sessions end. The VM is about to go, while other threads may
 * still have events. */
void monitors_close(struct vm *vm);
void monitors_free(struct vm *vm); /* vm->monitors; no other thread is left */
/* A request may be taken up now. Not without monitors. */
void monitor_kick(struct vm *vm);

/* Sends an event to every QMP session past its greeting; data (may be NULL) is taken over.
 * [any]: from another thread it is sent by the main loop, soon. */
void monitor_event(struct vm *vm, const char *name, struct kv_node *data);

/* Runs one QMP command as if it had come over a session: HMP's way to it. args are the caller's.
 * 0 with *ret (may be NULL: not wanted), the caller's; or -errno with e. */
int monitor_run(struct qmp_call *from, const char *command, const struct kv_node *args,
                struct kv_node **ret, struct tn_err *e);
/* Runs one HMP line (human-monitor-command): its output is appended to out. */
void monitor_hmp(struct qmp_call *from, const char *line, struct buf *out);

/* A command of a terminal goes on behind its back: there is no prompt until monitor_release() is
 * called with what this returns, and others are answered meanwhile. 0: who asks is no terminal. */
uint32_t monitor_hold(struct monitor *m);
int monitor_can_hold(const struct monitor *m);
/* text (NULL: none) is what the command had to say. Harmless when the terminal has hung up. */
void monitor_release(struct vm *vm, uint32_t ticket, const char *text);

/* ---- answers: small words for building trees; what they return belongs to the parent ---- */
struct kv_node *ret_dict(struct kv_node *parent, const char *key); /* key NULL: in a list */
struct kv_node *ret_list(struct kv_node *parent, const char *key);
void ret_str(struct kv_node *parent, const char *key, const char *v);
void ret_bool(struct kv_node *parent, const char *key, int v);
void ret_int(struct kv_node *parent, const char *key, int64_t v);
void ret_uint(struct kv_node *parent, const char *key, uint64_t v);
void ret_double(struct kv_node *parent, const char *key, double v);

/* ---- arguments: the table has been checked, so what is there is of its type ---- */
const char *arg_str(const struct qmp_call *c, const char *key); /* NULL: not given */
int arg_bool(const struct qmp_call *c, const char *key, int otherwise);
int64_t arg_int(const struct qmp_call *c, const char *key, int64_t otherwise);
uint64_t arg_uint(const struct qmp_call *c, const char *key, uint64_t otherwise);
int arg_has(const struct qmp_call *c, const char *key);

/* ---- descriptors: getfd, add-fd; fdsets.c ---- */
/* The descriptor that getfd stored under name, taken out; or the number that name is. -errno with
 * e. */
int monitor_take_fd(struct vm *vm, const char *name, struct tn_err *e);

#endif
