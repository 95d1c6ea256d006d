/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds a flattened device tree front to back: begin a node, its properties, its children, end it.
 *
 *     struct fdt *t = fdt_tree_new();
 *     fdt_node(t, "");
 *     fdt_u32(t, "#address-cells", 2);
 *     fdt_node(t, "serial@%x", 0x3f8); ...; fdt_node_end(t);
 *     fdt_node_end(t);
 *     blob = fdt_tree_blob(t, &len);
 *
 * Errors stick: after the first, calls do nothing, and fdt_tree_blob says so once. The blob grows
 * as needed. One thread at a time. */
#ifndef TN_BOOT_FDT_H
#define TN_BOOT_FDT_H
#include <stddef.h>
#include <stdint.h>

struct fdt;

/* A tree without a root node yet; the caller frees it. */
struct fdt *fdt_tree_new(void);
void fdt_tree_free(struct fdt *t);

/* Opens a node below the open one; the root's name is "". */
void fdt_node(struct fdt *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fdt_node_end(struct fdt *t);

/* Properties of the open node; all must come before its first child. Data is copied. */
void fdt_bytes(struct fdt *t, const char *name, const void *data, size_t len);
void fdt_flag(struct fdt *t, const char *name); /* present, without a value */
void fdt_u32(struct fdt *t, const char *name, uint32_t v);
void fdt_u64(struct fdt *t, const char *name, uint64_t v);
void fdt_cells(struct fdt *t, const char *name, const uint32_t *cells, size_t n);
#define FDT_CELLS(t, name, ...)                         \
    fdt_cells(t, name, (const uint32_t[]){__VA_ARGS__}, \
              sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
/* Address and length with two cells each: what #address-cells = #size-cells = 2 asks for. */
void fdt_reg(struct fdt *t, uint64_t addr, uint64_t len);
void fdt_str(struct fdt *t, const char *name, const char *s);
void fdt_strs(struct fdt *t, const char *name, const char *const *s, size_t n);

/* A phandle that no node of this tree has yet. */
uint32_t fdt_new_phandle(struct fdt *t);

/* Finishes the tree, once all nodes are ended. Returns the blob, valid until fdt_tree_free, and its
 * length in bytes; or NULL if any call failed (*why then says which libfdt error it was; a constant
 * string). */
const void *fdt_tree_blob(struct fdt *t, size_t *len, const char **why);

/* Writes a blob to path (QEMU's -M dumpdtb=FILE). Returns 0, or -errno with one line in *error.
 * [main] */
int fdt_dump(const void *blob, size_t len, const char *path, char **error);

#endif
