/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine for the qtest server without the rest of the host: RAM, ports and registers that
 * remember each access, interrupt wires, timers. It takes the places of the host's functions that
 * the server calls. */
#ifndef TN_QTEST_MACHINE_H
#define TN_QTEST_MACHINE_H
#include "core/device.h"
#include "core/loop.h"
#include "core/vm.h"
#include "monitor/qtest.h"
#include "util/buf.h"

enum { RAM_SIZE = 0x4000, TIMERS = 4 };

#define STUCK (~(uint64_t)0)
struct machine_timer {
    uint64_t at, period; /* at: ~0 is off; period 0: once, STUCK: for the same time again */
    uint32_t fired, irq; /* irq: GSI that is toggled */
    uint64_t seen;       /* time of the last call */
};

struct qmachine {
    struct vm vm;
    struct tn_ctx main, io;
    struct device iothread_user;
    struct qtest *q;
    uint8_t ram[RAM_SIZE]; /* from 0 on */
    struct buf accesses;   /* "w4 fe000000=1\n" */
    struct buf told;       /* what the test has received */
    uint64_t most;         /* bytes that write() takes at once; ~0: all */
    uint32_t bh_pending, accepted;
    uint32_t drained;
    struct machine_timer timer[TIMERS]; /* 3: of the iothread */
    void (*spy)(void *, uint32_t, uint32_t);
    void *spy_o;
    const struct tn_chr_ops *ops;
    void *ops_s;
    struct tn_bh *bh;
};

/* One at a time in a process: the functions that it replaces have no other way to it. */
struct qmachine *qmachine_new(const char *log_file);
void qmachine_free(struct qmachine *m);
void qmachine_run(struct qmachine *m); /* bottom halves, until there are none */
/* Sends text and returns what came back; valid until the next call. */
const char *qmachine_say(struct qmachine *m, const char *text);
void qmachine_send(struct qmachine *m, const void *p, size_t n);
void qmachine_wire(struct qmachine *m, uint32_t gsi, uint32_t level);

#endif
