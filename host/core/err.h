/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors and the log. An error is filled once, where it happens; what is added on the way up is a
 * prefix. */
#ifndef TN_HOST_ERR_H
#define TN_HOST_ERR_H
#include <stdarg.h>
#include <stdint.h>
#include <tenon/base.h>

struct tn_err {
    int err;         /* positive errno; 0 = no error */
    char *text;      /* owned */
    char *hint;      /* owned, may be NULL */
    const char *cls; /* QMP's class, constant: err_class(); NULL: GenericError */
};
#define ERR_AUTO __attribute__((cleanup(err_clear))) struct tn_err

/* Fills e, unless it is filled already, and returns -err. e NULL: the text goes to the log. Any
 * thread. */
int err_set(struct tn_err *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_vset(struct tn_err *e, int err, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
/* Puts a text in front of what e says. */
void err_prefix(struct tn_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_hint(struct tn_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_vhint(struct tn_err *e, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* What QMP calls the error: "DeviceNotFound", "CommandNotFound", "DeviceNotActive",
 * "KVMMissingCap"; cls is a constant. Returns -err of e. e NULL: nothing. */
int err_class(struct tn_err *e, const char *cls);
void err_clear(struct tn_err *e);
/* Moves what from says into to. Returns -err. */
int err_move(struct tn_err *to, struct tn_err *from);
const char *err_text(const struct tn_err *e); /* never NULL */
/* One line on stderr, "tenon: TEXT", and the hint below it. */
void err_report(const struct tn_err *e);

enum log_level { LOG_INFO, LOG_WARN, LOG_ERROR, LOG_TRACE };
/* One line of the log: stderr, or the file of -D. Any thread. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_vline(enum log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* From now on the log goes to the file at path (created, truncated). 0 or -errno. Main
 * thread. */
int log_open(const char *path);

#endif
