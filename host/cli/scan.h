/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the scanner: the table of options, and the state while scanning. */
#ifndef TN_CLI_SCAN_H
#define TN_CLI_SCAN_H
#include "options.h"

struct cli_scan {
    struct cli_options *o;
    struct kv_node *machine; /* -M, -smp, -m ... so far, with dotted keys */
    const char *where;       /* text of the item at hand; NULL at the end */
    int arg, line;
    unsigned n_monitors; /* compat_monitorN made so far */
    unsigned n_serials;
    bool located; /* the error names a line of a -readconfig file */
    bool said_serial, said_monitor, said_net;
};

/* How an option's argument is written. */
enum cli_grammar {
    CLI_NO_ARG,
    CLI_TEXT,   /* one word */
    CLI_FLAT,   /* keyval_parse() */
    CLI_JSON,   /* keyval_parse_or_json() */
    CLI_DOTTED, /* keyval_parse_dotted(), then keyval_nest() */
    CLI_MERGED, /* keyval_parse_dotted() into the machine */
};

enum cli_group {
    CLI_GROUP_STANDARD,
    CLI_GROUP_BLOCK,
    CLI_GROUP_USB,
    CLI_GROUP_DISPLAY,
    CLI_GROUP_NETWORK,
    CLI_GROUP_CHARDEV,
    CLI_GROUP_BOOT,
    CLI_GROUP_DEBUG,
    CLI_GROUP_OBJECT,
    CLI_N_GROUPS,
};

struct cli_opt;
/* Puts one parsed argument into s->o. kv is owned by the caller, a KV_STRING for CLI_TEXT, NULL for
 * CLI_NO_ARG; what is kept is taken with *kv = NULL or copied. Returns 0 or -EINVAL with *err set.
 */
typedef int cli_apply_fn(struct cli_scan *s, const struct cli_opt *opt, struct kv_node **kv,
                         char **err);

struct cli_opt {
    const char *name;
    const char *arg; /* the argument as -help shows it; NULL if there is none */
    const char *help;
    enum cli_group group;
    enum cli_grammar grammar;
    cli_apply_fn *apply;
    const char *implied;     /* the first item's key */
    const char *section;     /* in -readconfig; NULL if it has none */
    const char *const *keys; /* the keys it takes, NULL-terminated; NULL where the reader checks */
    const char *need;        /* a key it must have */
    size_t field;     /* offset in struct cli_options, for the apply functions that need one */
    const char *data; /* what else they need */
};

extern const struct cli_opt cli_opts[];
extern const size_t cli_n_opts;

const char *cli_group_title(enum cli_group g); /* as -help has it: "Standard options" */

/* The option called name (without dashes), NULL if there is none. */
const struct cli_opt *cli_opt_by_name(const char *name);
const struct cli_opt *cli_opt_by_section(const char *section);

/* Checks the keys of kv, applies it, and frees what is left of it. kv may be NULL. */
int cli_apply(struct cli_scan *s, const struct cli_opt *opt, struct kv_node *kv, char **err);

/* Appends an item at s->where and takes kv. Returns 0, or -EINVAL if its id is malformed or there
 * already. */
int cli_append(struct cli_scan *s, struct cli_list *list, const char *group, struct kv_node *kv,
               char **err);

/* Adds the chardev that text stands for, under id if it is a new one. Returns the id to refer to,
 * owned by the caller, or NULL with *err set. */
char *cli_add_chardev(struct cli_scan *s, const char *text, const char *id, char **err);
int cli_add_monitor(struct cli_scan *s, const char *text, const char *mode, bool pretty,
                    char **err);
int cli_add_serial(struct cli_scan *s, const char *text, char **err);

/* Does what can be done only when everything was seen: the machine's tree, defaults, rules between
 * options. */
int cli_finish(struct cli_scan *s, char **err);

/* Reads the sections of a -readconfig file that is named file and holds text. *err is "file:line:
 * what". */
int cli_readconfig(struct cli_scan *s, const char *file, const char *text, char **err);

void cli_warn(struct cli_scan *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
