/* SPDX-License-Identifier: BSD-2-Clause */
/* A small VM, a front end that a test commands, and peers outside: for tests of character devices.
 */
#ifndef TN_CHARDEV_RIG_H
#define TN_CHARDEV_RIG_H
#include "backend/chardev.h"
#include "core/loop.h"

struct front {
    struct tn_dev *dev;
    struct tn_chr *chr;
    struct tn_ctx *iothread;
    uint32_t room; /* what room() says; input uses it up */
    uint8_t got[1 << 20];
    uint32_t ngot, pieces;
    char events[64]; /* a letter each: O C B I(n) U(out) */
    uint32_t nevents, writables, wrong_lock, wrong_thread;
    uint32_t refill; /* room after each input */
};

struct rig {
    struct vm *vm;
    char dir[64];
};

/* Made for each case; the last one is freed at the start of the next, or by rig_end(). */
struct rig *rig_begin(void);
void rig_end(void);
/* Adds "backend,id=...,key=..."; "@" in text stands for the rig's directory. NULL with the error in
 * rig_error(). */
struct device *rig_chardev(const char *text);
const char *rig_error(void);
/* A front end on chardev id; iothread may be NULL. NULL if refused. */
struct front *rig_front(const char *id, struct tn_ctx *iothread, uint32_t room);
int rig_got(const struct front *f, const char *text); /* is that its whole input */
int rig_sane(
    const struct front *f); /* every callback came in its context, with its lock and no other */
void rig_unplug(struct front *f);
void rig_room(struct front *f, uint32_t room);                 /* with accept() */
int64_t rig_write(struct front *f, const void *p, uint64_t n); /* with the front end's lock */
/* Runs the main loop until x, or for two seconds. */
#define RIG_UNTIL(x)                             \
    do {                                         \
        for (int i_ = 0; i_ < 400 && !(x); i_++) \
            loop_once(rig_vm(), 5000000u);       \
    } while (0)
struct tn_ctx *rig_vm(void); /* the main context */
void rig_settle(void);       /* a few rounds, without waiting long */
int rig_quiet(
    void); /* 1 if the main loop has nothing to do: no descriptor wakes it again and again */
char *rig_path(const char *text); /* "@" replaced; valid for a few calls */
void rig_put_file(const char *path, const char *text);
const char *rig_file(const char *path); /* its text, up to 64 KiB */
int rig_listen(const char *path);
int rig_connect(const char *path);
void *rig_connect_late(void *fd); /* a thread: to "@/s" after 50 ms; fd: where an int goes */
uint32_t rig_open_fds(void);      /* how many descriptors this process has */
uint32_t rig_read(int fd, void *buf,
                  uint32_t n); /* n bytes, while the main loop runs; how many came */

extern const struct tn_chr_ops rig_host_ops; /* for chardev_attach_host(), with a struct front */

#endif
