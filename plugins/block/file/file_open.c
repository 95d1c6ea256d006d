/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening an image, and what there is to know about it before the first request. */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SECTOR = 512, PAGE = 4096 };

/* ---- the file ---- */

static int writable(const struct file *f)
{
    if (f->open.read_only)
        return 0;
    return !f->open.auto_read_only || faccessat(AT_FDCWD, f->filename, W_OK, AT_EACCESS) == 0 ||
           (errno != EACCES && errno != EPERM && errno != EROFS);
}

static int check_type(struct file *f, struct stat *st, struct tn_err *e)
{
    if (fstat(f->fd, st) < 0)
        return tn_fail(f->dev, e, errno, "Could not stat '%s': %s", f->filename, strerror(errno));
    if (S_ISDIR(st->st_mode))
        return tn_fail(f->dev, e, EISDIR, "Could not open '%s': %s", f->filename, strerror(EISDIR));
    if (f->is_device && !S_ISBLK(st->st_mode))
        return tn_fail(f->dev, e, ENODEV, "'host_device' driver requires '%s' to be a block device",
                       f->filename);
    if (!f->is_device && !S_ISREG(st->st_mode))
        return tn_fail(f->dev, e, EINVAL, "'file' driver requires '%s' to be a regular file",
                       f->filename);
    return 0;
}

static int open_it(struct file *f, struct tn_err *e)
{
    int write = writable(f);
    f->flags = write ? 0 : TN_BLKF_READONLY;
    f->fd = f->os->open(f->dev, f->filename, TN_O_READ | (write ? TN_O_WRITE : 0u), e);
    return f->fd < 0 ? f->fd : 0;
}

/* Locks are of an open file description, and a ring holds on to f->fd until the kernel has taken it
 * apart, after the end of the process. So they have one of their own, which nobody else knows. */
static int open_for_locks(struct file *f, const struct stat *of, struct tn_err *e)
{
    struct stat st;
    f->lock_fd = f->os->open(f->dev, f->filename, TN_O_READ, e);
    if (f->lock_fd < 0)
        return f->lock_fd;
    if (fstat(f->lock_fd, &st) < 0 || st.st_dev != of->st_dev || st.st_ino != of->st_ino)
        return tn_fail(f->dev, e, EAGAIN, "Could not open '%s': it is being replaced", f->filename);
    return 0;
}

static int go_direct(struct file *f, struct tn_err *e)
{
    int flags = fcntl(f->fd, F_GETFL);
    if (!f->open.direct || fcntl(f->fd, F_SETFL, flags | O_DIRECT) == 0)
        return 0;
    return tn_fail(f->dev, e, errno, "Could not open '%s': filesystem does not support O_DIRECT",
                   f->filename);
}

int64_t file_length(const struct file *f)
{
    struct stat st;
    uint64_t size = 0;
    if (f->is_device)
        return ioctl(f->fd, BLKGETSIZE64, &size) < 0 ? -errno : (int64_t)size;
    return fstat(f->fd, &st) < 0 ? -errno : (int64_t)st.st_size;
}

/* ---- alignment of direct I/O ---- */

/* Linux 6.1; 0 of a file that has no direct I/O. statx(2) */
static int ask_alignment(struct file *f)
{
    struct statx x;
    if (statx(f->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &x) < 0 || !(x.stx_mask & STATX_DIOALIGN) ||
        !x.stx_dio_mem_align || !x.stx_dio_offset_align)
        return 0;
    f->logical = x.stx_dio_offset_align;
    f->mem_align = x.stx_dio_mem_align;
    return 1;
}

/* A read of len bytes into memory that is aligned to shift and to nothing larger. */
static int can_read(const struct file *f, char *page, uint32_t len, uint32_t shift)
{
    return pread(f->fd, page + shift, len, 0) >= 0 || errno != EINVAL;
}

/* By trial, where the kernel does not say. A file that reads whatever is asked may still refuse to
 * be written so: network file systems; they get a page. */
static void try_alignment(struct file *f)
{
    char *page = aligned_alloc(PAGE, 2 * PAGE);
    f->logical = f->mem_align = PAGE;
    if (page && !can_read(f, page, 1, 0)) {
        for (uint32_t n = PAGE / 2; n >= SECTOR && can_read(f, page, n, 0); n /= 2)
            f->logical = n;
        for (uint32_t n = PAGE / 2; n >= SECTOR && can_read(f, page, f->logical, n); n /= 2)
            f->mem_align = n;
    }
    free(page);
}

static void find_alignment(struct file *f)
{
    f->logical = f->mem_align = 0;
    if (f->open.direct && !ask_alignment(f))
        try_alignment(f);
    if (f->logical < SECTOR)
        f->logical = SECTOR;
}

/* ---- limits ---- */

/* An ioctl whose arguments no device takes: EINVAL says that it is there. */
static int has_command(const struct file *f, unsigned long request)
{
    uint64_t odd[2] = {1, 1};
    return ioctl(f->fd, request, odd) < 0 && errno == EINVAL;
}

static void device_limits(struct file *f)
{
    uint32_t n = 0;
    int logical = 0;
    if (ioctl(f->fd, BLKSSZGET, &logical) == 0 && logical > (int)f->logical)
        f->logical = (uint32_t)logical;
    f->physical = ioctl(f->fd, BLKPBSZGET, &n) == 0 && n > f->logical ? n : f->logical;
    f->min_io = ioctl(f->fd, BLKIOMIN, &n) == 0 ? n : 0;
    f->opt_io = ioctl(f->fd, BLKIOOPT, &n) == 0 ? n : 0;
    f->discard_align = f->physical;
    if (f->flags & TN_BLKF_READONLY)
        return;
    f->flags |= TN_BLKF_WRITE_ZEROES;
    f->flags |= has_command(f, BLKDISCARD) ? (uint32_t)TN_BLKF_DISCARD : 0;
    f->flags |= has_command(f, BLKSECDISCARD) ? (uint32_t)TN_BLKF_SECURE_ERASE : 0;
}

/* A hole behind the end changes nothing; a file system without holes refuses it. */
static int has_holes(const struct file *f)
{
    off_t behind = (off_t)((f->size / PAGE + 1) * PAGE);
    return fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, behind, PAGE) == 0;
}

static int on_tmpfs(const struct file *f)
{
    struct statfs s;
    return fstatfs(f->fd, &s) == 0 && s.f_type == TMPFS_MAGIC;
}

static void regular_limits(struct file *f, const struct stat *st)
{
    f->in_memory = on_tmpfs(f);
    f->physical = f->logical;
    f->discard_align = (uint32_t)st->st_blksize;
    if (f->flags & TN_BLKF_READONLY)
        return;
    f->no_punch = !has_holes(f);
    f->flags |= f->no_punch ? 0u : (uint32_t)TN_BLKF_DISCARD;
    f->flags |= TN_BLKF_WRITE_ZEROES;
}

int file_open(struct file *f, struct tn_err *e)
{
    struct stat st;
    int r = open_it(f, e);
    if (r < 0 || (r = check_type(f, &st, e)) < 0 || (r = open_for_locks(f, &st, e)) < 0 ||
        (r = go_direct(f, e)) < 0)
        return r;
    int64_t size = file_length(f);
    if (size < 0)
        return tn_fail(f->dev, e, (int)-size, "Could not get the size of '%s': %s", f->filename,
                       strerror((int)-size));
    f->size = (uint64_t)size;
    f->flags |= TN_BLKF_INSERTED | TN_BLKF_WRITE_CACHE | TN_BLKF_FUA;
    find_alignment(f);
    if (f->is_device)
        device_limits(f);
    else
        regular_limits(f, &st);
    return 0;
}
