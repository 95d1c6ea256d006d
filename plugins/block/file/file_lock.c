/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may use an image at a time: QEMU's protocol of byte-range locks, so that both programs, and
 * its tools, see each other. Byte 100 + n, locked for reading: somebody has permission n. Byte
 * 200 + n: somebody does not share permission n. The locks are of the open file description. */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

enum { CONSISTENT_READ, WRITE, PERMISSIONS };
enum { BASE_HAVE = 100, BASE_UNSHARED = 200 };
/* file.locked, and what a use wants: a bit for each byte */
#define HAVE(n)     (1u << (n))
#define UNSHARED(n) (0x100u << (n))

static const char *const names[PERMISSIONS] = {"consistent read", "write"};

static int byte_of(uint32_t bit)
{
    return bit < 8 ? BASE_HAVE + (int)bit : BASE_UNSHARED + (int)bit - 8;
}

static uint32_t wanted(const struct file *f, uint32_t use)
{
    if (!use || f->locking == LOCKING_OFF || f->open.force_share)
        return 0;
    return HAVE(CONSISTENT_READ) | (use & TN_BLKA_WRITE ? HAVE(WRITE) : 0) |
           (use & TN_BLKA_SHARE_RW ? 0 : UNSHARED(WRITE));
}

static int lock_byte(const struct file *f, int cmd, int at, short type, short *found)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    int r = fcntl(f->lock_fd, cmd, &l) < 0 ? -errno : 0;
    if (found)
        *found = l.l_type;
    return r;
}

static void release(struct file *f, uint32_t bits)
{
    for (uint32_t i = 0; i < 16; i++)
        if (bits & 1u << i)
            lock_byte(f, F_OFD_SETLK, byte_of(i), F_UNLCK, NULL);
    f->locked &= ~bits;
}

static int take(struct file *f, uint32_t bits, struct tn_err *e)
{
    for (uint32_t i = 0; i < 16; i++) {
        int r = bits & 1u << i ? lock_byte(f, F_OFD_SETLK, byte_of(i), F_RDLCK, NULL) : 0;
        if (r < 0)
            return tn_fail(f->dev, e, -r, "Failed to lock byte %d: %s", byte_of(i), strerror(-r));
        f->locked |= bits & 1u << i;
    }
    return 0;
}

static int conflict(struct file *f, const char *shared, uint32_t n, struct tn_err *e)
{
    f->dev->core->fail(e, EBUSY, __FILE__, __LINE__, "Failed to get %s\"%s\" lock", shared,
                       names[n]);
    f->dev->core->hint(e, "Is another process using the image [%s]?", f->filename);
    return -EBUSY;
}

static int others_hold(const struct file *f, int at)
{
    short type = F_UNLCK;
    return lock_byte(f, F_OFD_GETLK, at, F_WRLCK, &type) == 0 && type != F_UNLCK;
}

/* What others do not share, and what they have that we do not share. */
static int check(struct file *f, uint32_t bits, struct tn_err *e)
{
    for (uint32_t n = 0; n < PERMISSIONS; n++) {
        if ((bits & HAVE(n)) && others_hold(f, BASE_UNSHARED + (int)n))
            return conflict(f, "", n, e);
        if ((bits & UNSHARED(n)) && others_hold(f, BASE_HAVE + (int)n))
            return conflict(f, "shared ", n, e);
    }
    return 0;
}

int file_lock(struct file *f, uint32_t use, struct tn_err *e)
{
    uint32_t before = f->locked, want = wanted(f, use);
    int r = take(f, want & ~before, e);
    if (r == 0)
        r = check(f, want & ~before, e);
    release(f, r < 0 ? f->locked & ~before : before & ~want);
    return r;
}
