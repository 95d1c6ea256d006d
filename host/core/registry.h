/* SPDX-License-Identifier: BSD-2-Clause */
/* Which classes exist, and in which file. The index that the build writes names every class of
 * every plugin, so that only the files that the command line names are opened. */
#ifndef TN_HOST_REGISTRY_H
#define TN_HOST_REGISTRY_H
#include "err.h"
#include <sys/queue.h>
#include <tenon/plugin.h>

struct registry;
struct plugin_file {
    char *path;                     /* NULL: built into the host */
    void *handle;                   /* of dlopen; NULL until it is opened */
    const struct tn_plugin *plugin; /* NULL until it is opened */
    uint32_t own;                   /* the host's */
    uint32_t used;                  /* it is a file that is open, or a class of it was asked for */
    struct plugin_file *next;
};

/* One class, or one composition: `virtio-blk` + `-pci`. */
struct class_entry {
    char *name;
    uint32_t kind, flags, category;
    char *bus, *desc;
    char *alias; /* the first one, or NULL */
    struct plugin_file *file;
    const struct tn_class
        *cls; /* NULL until the file is opened; of a composition: the transport's */
    const struct tn_compose *compose; /* of a composition */
    struct class_entry *inner; /* of a composition: the class that plugs into its inner bus */
    struct class_entry *next;       /* registry_impl.h: whose names have one remainder */
    struct class_entry *next_alias; /* of those that have aliases */
    uint32_t has_alias;
    char *inner_name, *bus_made; /* composition, from the index */
};

struct registry *registry_new(const struct tn_host *host);
void registry_free(struct registry *r);
/* Classes of the host itself. The plugin outlives the registry. */
int registry_builtin(struct registry *r, const struct tn_plugin *p, struct tn_err *e);
/* A plugin that is linked into the program: as one that is found, it counts as open once a class
 * of it is asked for. */
int registry_linked(struct registry *r, const struct tn_plugin *p, struct tn_err *e);
/* Puts DIR behind the folders of the search path for registry_plugin(). */
void registry_folder(struct registry *r, const char *dir);
/* Reads DIR/plugins.idx. A class that has the name of one that is there already, of an open plugin
 * or an earlier index, is passed over. A missing index is -ENOENT. */
int registry_index(struct registry *r, const char *dir, struct tn_err *e);
/* -plugin NAME: opened and checked now. A name without "/" is looked for on the search path, as
 * NAME, NAME.so and tenon-NAME.so. */
int registry_plugin(struct registry *r, const char *name, struct tn_err *e);
/* Opens plugins that others can write to as well, too; see plugin_trust.c. */
void registry_trust_any(struct registry *r);
/* The class by name or alias and kind, its file opened and checked. NULL with e: "'x' is not a
 * valid ... name". */
struct class_entry *registry_class(struct registry *r, uint32_t kind, const char *name,
                                   struct tn_err *e);
/* The same without opening the file; NULL if there is none. */
struct class_entry *registry_peek(struct registry *r, uint32_t kind, const char *name);
/* The nth composition with inner, its files not opened; NULL behind the last. */
struct class_entry *registry_composed(struct registry *r, const struct class_entry *inner,
                                      uint32_t n);
/* Every class of kind, sorted by name, until fn is not 0. */
int registry_each(struct registry *r, uint32_t kind,
                  int (*fn)(void *o, const struct class_entry *c), void *o);
/* The open plugins, until fn is not 0: for the sandbox. Those of the host and files that are open;
 * of those that are linked in, the ones that somebody asked for. */
int registry_each_open(struct registry *r, int (*fn)(void *o, const struct tn_plugin *p), void *o);
/* Every plugin whose description is in memory, also those that are linked in and not used. */
int registry_each_known(struct registry *r, int (*fn)(void *o, const struct tn_plugin *p), void *o);
/* Every plugin but the host's own, its file opened for it: p is NULL with e where that fails. path
 * is NULL for one that is linked in. */
int registry_each_plugin(struct registry *r,
                         int (*fn)(void *o, const char *path, const struct tn_plugin *p,
                                   const struct tn_err *e),
                         void *o);
/* 1: plugins are files that can be opened at any time; 0: those that are linked in are all. */
int registry_loads(void);
/* The open plugin that has bus type name; the type is the same whoever provides it. */
const struct tn_bus_type *registry_bus_type(struct registry *r, const char *name);

/* Checks what a stranger's constant says of itself: sizes, strides, names, types against sizes.
 * Also tools/tenon-index. */
int plugin_check(const struct tn_plugin *p, const struct tn_host *host, struct tn_err *e);
/* Do the tables of p, of a file that was loaded, end where the file ends? Before plugin_check(),
 * which reads them. 0, or -ENOEXEC with e. */
int plugin_fits_file(const struct tn_plugin *p, struct tn_err *e);
/* Does this machine have what the plugin needs: when a class of it is instantiated. */
int plugin_needs(const struct tn_plugin *p, const struct tn_host *host, struct tn_err *e);
/* Writes the lines of the index for p, found at path (relative to the index). */
struct buf;
void plugin_index_lines(struct buf *out, const struct tn_plugin *p, const char *path);

#endif
