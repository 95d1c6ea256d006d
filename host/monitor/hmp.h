/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP for those who write commands of it: reading what follows a command's name.
 *
 *     static int set_link(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
 *     {
 *         struct hmp_args a = {c, line, e};
 *         AUTO_FREE char *name = NULL;
 *         int on;
 *         if (hmp_word(&a, "string", &name) < 0 || hmp_onoff(&a, &on) < 0 || hmp_end(&a) < 0)
 *             return -EINVAL;
 *         ...
 *
 * All functions return 0 or -EINVAL with e; the texts are QEMU's, and the terminal adds
 * `Try "help set_link" for more information`. A function takes blanks in front of what it reads.
 * Everything here belongs to the main thread. */
#ifndef TN_HOST_HMP_H
#define TN_HOST_HMP_H
#include "monitor.h"

struct hmp_args {
    struct qmp_call *c;
    const char *at; /* what has not been read */
    struct tn_err *e;
};

/* Leading options: bit i of *given for "-" and letters[i]. "unsupported option -z". */
int hmp_flags(struct hmp_args *a, const char *letters, uint32_t *given);
/* A word, or "in quotes" with the escapes \n \r \\ \' \". what is what QEMU calls it: "string",
 * "filename", "block device name"; NULL: it may be missing, then *word is NULL. The caller frees.
 */
int hmp_word(struct hmp_args *a, const char *what, char **word);
/* All that is left, at least one character. The caller frees. */
int hmp_rest(struct hmp_args *a, char **rest);
/* An expression: numbers, 'c', $register, + - * / % & | ^ ~ and parentheses. */
int hmp_number(struct hmp_args *a, uint64_t *v);
/* The same, of 32 bits; name is the argument's. */
int hmp_u32(struct hmp_args *a, const char *name, uint32_t *v);
/* 10 (MiB), 1.5G, 512k, in bytes. */
int hmp_size(struct hmp_args *a, uint64_t *bytes);
int hmp_onoff(struct hmp_args *a, int *on);
/* driver[,key=value]...: a word as -device takes it; the caller frees the dict. */
int hmp_options(struct hmp_args *a, const char *implied, struct kv_node **dict);
int hmp_more(struct hmp_args *a); /* 1 if something is left */
int hmp_end(struct hmp_args *a);  /* "extraneous characters at the end of line" */

/* For completion: adds word to out as a line of its own if it begins with head. */
void hmp_offer(struct buf *out, const char *head, const char *word);

/* Classes of errors (struct tn_err): of what was typed, not of what was asked for. The first is
 * printed behind the command's name. */
extern const char hmp_usage_error[], hmp_syntax_error[];

#endif
