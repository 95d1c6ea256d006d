/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside QMP: tables, checks, dispatch, text. Main thread. */
#ifndef TN_HOST_QMP_IMPL_H
#define TN_HOST_QMP_IMPL_H
#include "monitor_impl.h"

/* ---- qmp_tables.c: what the modules offer, by name; NULL: nobody ---- */
const struct qmp_command *qmp_command_find(const char *name);
const struct qmp_event *qmp_event_find(const char *name);
const struct qmp_type *qmp_type_find(const char *name);
/* A type that is not of any table: "int", "str", ...; NULL: no such. */
struct qmp_builtin {
    const char *name;
    const char *schema;   /* what query-qmp-schema calls it */
    const char *expected; /* of a value of another kind: "expected: integer" */
    const char *range;    /* "Parameter 'x' expects uint8_t"; NULL: not a number with a range */
    int64_t min;
    uint64_t max;
};
const struct qmp_builtin *qmp_builtin_find(const char *name, size_t len);
/* "[T]": T, which is a copy of the caller's; NULL: no list. */
char *qmp_list_element(const char *type);

/* ---- qmp_check.c ---- */
/* args (a dict) against the object type (NULL: no member at all). 0 or -EINVAL with e, in QEMU's
 * words. extra: members beyond the table are fine. */
int qmp_check_args(struct vm *vm, const char *type, const struct kv_node *args, int extra,
                   struct tn_err *e);
/* Any value against any type. */
int qmp_check_value(struct vm *vm, const char *type, const struct kv_node *v, struct tn_err *e);

/* ---- qmp_dispatch.c ---- */
struct qmp_session;
enum qmp_mode { QMP_NEGOTIATING, QMP_COMMANDS };
/* Request and reply: the reply is the caller's; NULL: there is none. */
struct kv_node *qmp_dispatch(struct monitor *m, enum qmp_mode mode, int oob,
                             const struct kv_node *request);
/* {"error": ...} with the id of request, which may be NULL or no dict. */
struct kv_node *qmp_error(const struct kv_node *request, const char *cls, const char *text);
/* Runs a command of the table; args NULL: none. */
int qmp_run(struct qmp_call *c, const struct qmp_command *cmd, const struct kv_node *args,
            struct tn_err *e);

/* ---- qmp_schema.c ---- */
/* The answer of query-qmp-schema, the caller's. */
struct kv_node *qmp_schema(struct vm *vm);
/* The type of the member that decides between t's cases, or NULL. */
const struct qmp_type *qmp_tag_type(const struct qmp_type *t);
/* The class of enum t's kind that has this name and that users can make; NULL: none, or vm is. */
struct class_entry;
const struct class_entry *qmp_class_of(const struct qmp_type *t, struct vm *vm, const char *name);
/* Calls fn with each such class that is not among t's own values. */
void qmp_each_class(const struct qmp_type *t, struct vm *vm,
                    int (*fn)(void *o, const struct class_entry *c), void *o);

/* ---- qmp_session.c: for qmp_capabilities ---- */
/* m's client has agreed; oob: it may send exec-oob. -errno with e: m is no QMP session, or its
 * chardev cannot do it. */
int qmp_session_agree(struct monitor *m, int oob, struct tn_err *e);

#endif
