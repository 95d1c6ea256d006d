/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/fdt.h"
#include "boot/source.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "util/bytes.h"
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE 4096
#define MAX_SIZE   (16 << 20) /* far beyond any machine: stops a caller's endless loop */

struct fdt {
    uint8_t *blob; /* owned */
    int size;      /* bytes that blob has room for */
    int err;       /* first libfdt error, 0 if none */
    uint32_t next_phandle;
    uint32_t depth;  /* open nodes */
    bool after_node; /* the open node has a child: no properties any more */
};

/* After a call that returned r: true if it has to be repeated with more room. */
static bool again(struct fdt *t, int r)
{
    if (r != -FDT_ERR_NOSPACE || t->size >= MAX_SIZE) {
        t->err = r < 0 ? r : 0;
        return false;
    }
    t->size *= 2;
    t->blob = xrealloc(t->blob, (size_t)t->size);
    t->err = fdt_resize(t->blob, t->blob, t->size);
    return !t->err;
}

#define GROWING(t, call) \
    do {                 \
        if ((t)->err)    \
            break;       \
    } while (again(t, call))

/* libfdt writes whatever comes: the order is checked here. */
static void fail_if(struct fdt *t, bool bad, int err)
{
    if (bad && !t->err)
        t->err = err;
}

struct fdt *fdt_tree_new(void)
{
    struct fdt *t = XNEW(struct fdt);

    t->size = FIRST_SIZE;
    t->blob = xcalloc(1, FIRST_SIZE);
    t->next_phandle = 1;
    t->err = fdt_create(t->blob, t->size);
    GROWING(t, fdt_finish_reservemap(t->blob));
    return t;
}

void fdt_tree_free(struct fdt *t)
{
    if (t)
        free_ptr(&t->blob);
    free_ptr(&t);
}

void fdt_node(struct fdt *t, const char *fmt, ...)
{
    BUF_AUTO name = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&name, fmt, ap);
    va_end(ap);
    fail_if(t, !t->depth && t->after_node, -FDT_ERR_BADSTRUCTURE); /* a second root */
    GROWING(t, fdt_begin_node(t->blob, buf_cstr(&name)));
    t->depth++;
    t->after_node = false;
}

void fdt_node_end(struct fdt *t)
{
    fail_if(t, !t->depth, -FDT_ERR_BADSTRUCTURE);
    GROWING(t, fdt_end_node(t->blob));
    t->depth--;
    t->after_node = true;
}

void fdt_bytes(struct fdt *t, const char *name, const void *data, size_t len)
{
    fail_if(t, len > MAX_SIZE, -FDT_ERR_NOSPACE);
    fail_if(t, !t->depth || t->after_node, -FDT_ERR_BADSTATE);
    GROWING(t, fdt_property(t->blob, name, data, (int)len));
}

void fdt_flag(struct fdt *t, const char *name)
{
    fdt_bytes(t, name, "", 0);
}

void fdt_u32(struct fdt *t, const char *name, uint32_t v)
{
    fdt_cells(t, name, &v, 1);
}

void fdt_u64(struct fdt *t, const char *name, uint64_t v)
{
    uint8_t be[8];

    put_be64(be, v);
    fdt_bytes(t, name, be, sizeof be);
}

void fdt_cells(struct fdt *t, const char *name, const uint32_t *cells, size_t n)
{
    BUF_AUTO be = {0};
    uint8_t cell[4];

    for (size_t i = 0; i < n; i++) {
        put_be32(cell, cells[i]);
        buf_add(&be, cell, sizeof cell);
    }
    fdt_bytes(t, name, be.data ? be.data : cell, be.len);
}

void fdt_reg(struct fdt *t, uint64_t addr, uint64_t len)
{
    FDT_CELLS(t, "reg", (uint32_t)(addr >> 32), (uint32_t)addr, (uint32_t)(len >> 32),
              (uint32_t)len);
}

void fdt_str(struct fdt *t, const char *name, const char *s)
{
    fdt_bytes(t, name, s, strlen(s) + 1);
}

void fdt_strs(struct fdt *t, const char *name, const char *const *s, size_t n)
{
    BUF_AUTO all = {0};

    for (size_t i = 0; i < n; i++)
        buf_add(&all, s[i], strlen(s[i]) + 1);
    fdt_bytes(t, name, buf_cstr(&all), all.len);
}

uint32_t fdt_new_phandle(struct fdt *t)
{
    return t->next_phandle++;
}

const void *fdt_tree_blob(struct fdt *t, size_t *len, const char **why)
{
    /* A finished blob carries the final magic; the sequential-write one is the complement of it. */
    fail_if(t, t->depth, -FDT_ERR_BADSTRUCTURE);
    if (!t->err && fdt_magic(t->blob) != FDT_MAGIC)
        GROWING(t, fdt_finish(t->blob));
    if (t->err) {
        *why = fdt_strerror(t->err);
        return NULL;
    }
    *len = fdt_totalsize(t->blob);
    return t->blob;
}

int fdt_dump(const void *blob, size_t len, const char *path, char **error)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    size_t done = 0;

    if (fd < 0)
        return boot_fail(error, errno, "%s: %s", path, strerror(errno));
    while (done < len) {
        ssize_t n = write(fd, (const uint8_t *)blob + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return boot_fail(error, errno, "%s: %s", path, strerror(errno));
        done += (size_t)n;
    }
    return 0;
}
