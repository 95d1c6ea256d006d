/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the qtest server share: the connection, the verbs, memory and text. All [main]
 * but where said. */
#ifndef TN_HOST_QTEST_IMPL_H
#define TN_HOST_QTEST_IMPL_H
#include "qtest.h"
#include "util/buf.h"
#include "vm/irq.h"
#include <pthread.h>

enum {
    QTEST_LINE_MAX = 64 << 20, /* bytes of a command: `write` of a whole disk image fits */
    QTEST_DATA_MAX =
        32 << 20, /* bytes that a command reads or writes; as hexadecimal digits they fill a line */
    QTEST_FILL_MAX = 1 << 30, /* bytes of `memset` */
    QTEST_WORDS = 6
};

struct qtest {
    struct vm *vm;
    struct tn_chr *chr;
    struct tn_bh *bh;
    int log_fd;              /* -1: no log */
    uint64_t opened_ns;      /* of the log's times */
    struct buf arrived;      /* what came since the last round */
    struct buf work;         /* what is being executed; stays put while commands run the loop */
    size_t work_at, scanned; /* executed so far; no line ends between work_at and scanned */
    uint32_t skipping;       /* the rest of a line that is too long */
    uint32_t starved;        /* the chardev was told that there is no room */
    uint32_t busy;           /* a command is being executed, perhaps by a loop that it runs */
    struct buf sending;      /* to the test */
    size_t sent;
    pthread_mutex_t lock; /* leaf: out, to which the lines of interrupts come from any thread */
    struct buf out;
    uint32_t intercepting;
    struct tn_line *input[IRQ_IOAPIC_PINS]; /* of set_irq_in; NULL until used */
};

/* qtest.c: one line to the test, '\n' is added. [any] */
void qtest_reply(struct qtest *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void qtest_reply_text(struct qtest *q, const char *text, size_t len);

/* qtest_verbs.c: executes line (changed in place), and answers it. */
void qtest_command(struct qtest *q, char *line);
void qtest_release_inputs(struct qtest *q);

/* qtest_clock.c: guest time goes to ns, and whatever falls due on the way happens at its time. */
void qtest_warp(struct vm *vm, uint64_t ns);
uint64_t qtest_deadline(struct vm *vm); /* the next timer of guest time in any context; ~0: none */

/* qtest_mem.c: guest-physical memory, RAM or device; addr + len does not wrap. */
void qtest_mem_read(struct vm *vm, uint64_t addr, void *buf, uint64_t len);
void qtest_mem_write(struct vm *vm, uint64_t addr, const void *buf, uint64_t len);
uint64_t qtest_mem_load(struct vm *vm, uint64_t addr,
                        uint32_t size); /* one access of 1, 2, 4 or 8 bytes */
void qtest_mem_store(struct vm *vm, uint64_t addr, uint64_t v, uint32_t size);

/* qtest_text.c. Any thread. */
int qtest_number(const char *word, uint64_t max,
                 uint64_t *v); /* C's notations; 1, or 0: not one, or above max */
/* "0x..." to len bytes; what the digits do not reach is zero. 0, or -EINVAL: no digit where one
 * should be. */
int qtest_unhex(const char *word, uint8_t *to, size_t len);
void qtest_hex(struct buf *out, const uint8_t *p, size_t len);
int64_t qtest_unbase64(const char *word, uint8_t *to,
                       size_t len); /* bytes, at most len; or -EINVAL */
void qtest_base64(struct buf *out, const uint8_t *p, size_t len);

#endif
