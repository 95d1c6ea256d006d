/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the registry: registry.c has the classes, registry_index.c reads what the build wrote of
 * them, registry_path.c looks for files, and plugin_file.c opens them; a build whose plugins are
 * linked in has plugin_none.c in the place of the last. */
#ifndef TN_HOST_REGISTRY_IMPL_H
#define TN_HOST_REGISTRY_IMPL_H
#include "registry.h"

/* A composition of a file that is not open: what the index says of it. */
struct announced {
    struct announced *next;
    struct plugin_file *file;
    char *inner_bus, *suffix, *bus; /* bus: the transport's */
};

enum { REGISTRY_BUCKETS = 256 };
struct registry {
    const struct tn_host *host;
    struct class_entry **classes; /* sorted by kind, name once `sorted` */
    uint32_t n, cap, sorted;
    struct class_entry *bucket[REGISTRY_BUCKETS]; /* the same, by a hash of their names */
    struct class_entry *aliased;                  /* those with other names, too */
    struct plugin_file *files;
    struct announced *announced;
    char **folders; /* the search path, in its order; NULL behind the last, or NULL */
    uint32_t nfolders;
    uint32_t trust_any;   /* registry_trust_any() */
    char *trusted_folder; /* the last one that was found in order, so that it is looked at once */
};

/* A file that nobody opened yet; path NULL: a part of the program. The registry owns it. */
struct plugin_file *registry_file_new(struct registry *r, const char *path);
void registry_add(struct registry *r, struct class_entry *c);
void registry_entry_free(struct class_entry *c);
/* The file that `-plugin NAME` means; the caller frees it. NULL with e: there is none. */
char *registry_find_file(const struct registry *r, const char *name, struct tn_err *e);

/* Opens f and checks what it says of itself, f->handle and f->plugin are set then; f that is open
 * stays so. 0, or -errno with e. */
int plugin_open(struct registry *r, struct plugin_file *f, struct tn_err *e);
void plugin_close(struct plugin_file *f);
/* Is f writable by nobody who could not change this program, too? 0, or -EACCES with e. */
int plugin_trusted(struct registry *r, const struct plugin_file *f, struct tn_err *e);

#endif
