/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as data: instances, what refers to what, buses, interrupt lines, address maps. The
 * commands and the picture are made from the same tree. Main thread. */
#ifndef TN_HOST_TOPOLOGY_H
#define TN_HOST_TOPOLOGY_H
#include "cli/kvtree.h"
#include "core/vm.h"

/* As type TenonTopology of cmd_topology.c; the caller frees it. */
struct kv_node *topology(struct vm *vm);
/* The picture as a graph in Graphviz' language, from what topology() gave. */
void topology_dot(const struct kv_node *t, struct buf *out);
/* Draws vm into a file: "x.dot" is the graph itself; of any other ending (svg, png, pdf) `dot` is
 * asked to lay it out. 0 or -errno with e; a file that cannot be made whole is not left behind. */
int topology_write(struct vm *vm, const char *path, struct tn_err *e);

#endif
