/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine under the names of QEMU's object model: paths, types, properties.
 *
 * There are no such objects here. The tree is made from the instances, buses and options of the
 * moment, for one command, and forgotten. Main thread. */
#ifndef TN_HOST_QOM_H
#define TN_HOST_QOM_H
#include "core/device.h"
#include "monitor.h"

struct buf;
struct tn_prop;

/* ---- the tree ---- */

struct qom_node {
    char *path;         /* absolute; "/" is the root */
    const char *name;   /* the last part of path */
    char *type;         /* "container", "virtio-rng-pci", "PCIE" */
    struct device *dev; /* at most one of dev and bus; NULL both: a container, or the machine */
    struct tn_bus *bus;
};
struct qom_tree {
    struct vm *vm;
    struct qom_node *v; /* parents before their children */
    size_t n;
};

void qom_tree_init(struct qom_tree *t, struct vm *vm);
void qom_tree_clear(struct qom_tree *t);
#define QOM_TREE_AUTO __attribute__((cleanup(qom_tree_clear))) struct qom_tree
/* By absolute path, or by the end of one: "peripheral/r0", "r0". NULL with e: DeviceNotFound, or
 * more than one fits. */
const struct qom_node *qom_find(const struct qom_tree *t, const char *path, struct tn_err *e);
int qom_is_child(const struct qom_node *parent, const struct qom_node *n);
/* The path of b, and what QEMU calls the class of d; the caller frees them. */
char *qom_bus_path(const struct tn_bus *b);
char *qom_type_name(const struct class_entry *c, int inner);

/* ---- properties of a node ---- */

struct qom_prop {
    const char *name, *type, *desc;
    const struct tn_prop *row; /* of a table, with its owner and base; NULL: */
    struct device *owner;
    const void *base;
    const struct kv_node *value; /* ... the value, as long as fn runs */
};
/* qom_cpu.c: calls fn with every property that a processor has beside its rows: levels, names,
 * features by every name, feature words; until fn is not 0: that value. c NULL: nothing. */
struct cpu_config;
int qom_each_cpu_prop(const struct cpu_config *c, int (*fn)(void *o, const struct qom_prop *p),
                      void *o);
/* Every property of n, its children among them, until fn is not 0: that value. */
int qom_each_prop(const struct qom_tree *t, const struct qom_node *n,
                  int (*fn)(void *o, const struct qom_prop *p), void *o);
/* The value of a row as JSON has it; the caller frees it. */
struct kv_node *qom_value(const struct device *owner, const struct tn_prop *p, const void *base);
/* Its default; NULL: none. */
struct kv_node *qom_default(const struct tn_prop *p);
/* "uint32", "link<rng-backend>", "PCIELinkSpeed"; constant. */
const char *qom_prop_type(const struct tn_prop *p);

/* ---- types ---- */

struct qom_type {
    const char *name, *parent; /* parent NULL: a root */
    int abstract, creatable;   /* creatable: by object-add */
};
struct qom_types {
    struct qom_type *v;
    size_t n;
    char **texts; /* owned names */
    size_t n_texts;
};
void qom_types_init(struct qom_types *t, struct vm *vm);
void qom_types_clear(struct qom_types *t);
#define QOM_TYPES_AUTO __attribute__((cleanup(qom_types_clear))) struct qom_types
const struct qom_type *qom_type_find(const struct qom_types *t, const char *name);
/* 1 if t is name, or comes from it, or implements it. */
int qom_type_is(const struct qom_types *all, const struct qom_type *t, const char *name);
/* Every row of a class, of its bus and of the inner class of a composition, until fn is not 0. */
int qom_each_row(struct vm *vm, const struct class_entry *c,
                 int (*fn)(void *o, const struct tn_prop *p), void *o);

#endif
