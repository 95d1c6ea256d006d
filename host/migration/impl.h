/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of host/migration; nobody else's. */
#ifndef TN_HOST_MIG_IMPL_H
#define TN_HOST_MIG_IMPL_H
#include "blank.h"
#include "cli/kvtree.h"
#include "config.h"
#include "core/progress.h"
#include "machine.h"
#include "migration.h"
#include "ram.h"
#include "vm/run.h"
#include <pthread.h>

struct outgoing;
struct incoming;

struct migration {
    struct vm *vm;
    enum mig_status status;
    uint32_t caps;
    struct mig_params params;
    struct outgoing *out; /* NULL: none is under way */
    struct incoming *in;  /* likewise */
    struct mig_info last; /* of what is over */
    char *error;          /* of the last that failed */
    struct kv_node *kept; /* parameters without a meaning here */
    uint32_t deferred;    /* -incoming defer: nobody said yet where from */
    uint32_t waits;       /* the machine is to be loaded before it runs */
    uint32_t autostart;   /* it runs then, if it ran where it was saved */
    uint32_t exit_on_error;
    void (*then)(void *o, const struct tn_err *e); /* who waits for the end; NULL: nobody */
    void *then_o;
};

/* The machine's, made at the first call. */
struct migration *mig_of(struct vm *vm);
/* Another status, and the event. */
void mig_set_status(struct migration *m, enum mig_status s);
int mig_has(const struct migration *m, enum mig_cap c);
void mig_set_error(struct migration *m, const char *text);
/* Why the last one ended as it did: 0, or -errno with e. */
int mig_verdict(const struct migration *m, struct tn_err *e);
/* What was under way is over: who waits for it is told. */
void mig_over(struct migration *m);

/* A thread that asks the main loop to do things for it, one at a time. */
struct helper {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct tn_bh *bh;
    int (*fn)(void *o, struct tn_err *e); /* what is asked; NULL: nothing */
    void *o;
    struct tn_err *e;
    int result;
    uint32_t quit; /* the main thread waits for the end: nobody answers */
};
/* Starts body(o) in a thread of its own. 0 or -errno with e. Main thread. */
int helper_start(struct helper *h, struct vm *vm, const char *name, void *(*body)(void *), void *o,
                 struct tn_err *e);
/* Runs fn(o, e) in the main loop and returns what it did; -ECANCELED when the thread is to end. */
int helper_ask(struct helper *h, int (*fn)(void *o, struct tn_err *e), void *o, struct tn_err *e);
/* Waits for the thread to end. Main thread. */
void helper_join(struct helper *h);

/* A stream read to its end. Migration's thread, or the main one. */
struct mig_input {
    struct vm *vm;
    struct mig_channel *ch;
    struct mig_reader r;
    struct mig_blocks blocks;
    struct mig_parts parts;
    uint64_t **seen;  /* of blocks that are known to be zero but for the pages marked here */
    uint32_t fresh;   /* RAM has not been used yet */
    uint32_t changed; /* RAM has been written to */
    uint64_t pages;   /* so far; atomic */
    uint64_t passed;  /* bytes of a pass that is over */
    /* does the configuration fit: called from the reader's thread, answers as mig_config_check() */
    int (*check)(struct mig_input *in, const struct mig_section *s, struct tn_err *e);
    /* after each section; may be NULL */
    void (*went)(struct mig_input *in);
    /* the other side wants to know how far it is */
    int (*mark)(struct mig_input *in, struct tn_err *e);
    /* do the parts of a file fit, before anything is changed */
    int (*judge)(struct mig_input *in, struct tn_err *e);
    void *o;
};
/* Reads all sections, RAM into place. Of a file, everything is checked before anything is changed.
 * 0 or -errno with e. */
int mig_input_read(struct mig_input *in, struct tn_err *e);
void mig_input_fini(struct mig_input *in);

/* RAM of a machine that stands still, and the rest: in one go. */
struct mig_output {
    struct vm *vm;
    struct mig_writer w;
    struct mig_blocks blocks;
    struct ram_batch batch;
    struct blank blank;
    uint64_t **todo;                       /* a bit for each page that is to be sent */
    uint64_t remaining, duplicate, normal; /* pages; atomic */
    uint64_t bytes;                        /* written; atomic copy of w.bytes */
    uint32_t skip_shared;
    /* called after each section: 0, or -errno to end */
    int (*pace)(struct mig_output *out, struct tn_err *e);
    void *o;
};
int mig_output_init(struct mig_output *out, struct vm *vm, struct tn_err *e);
void mig_output_fini(struct mig_output *out);
/* Header and configuration, which mig_config_save() made. */
int mig_output_begin(struct mig_output *out, uint32_t flags, const struct buf *config,
                     struct tn_err *e);
/* All pages of todo. */
int mig_output_ram(struct mig_output *out, struct tn_err *e);
/* Blocks whose writers are not logged are to be sent while the machine stands still. */
void mig_output_late(struct mig_output *out);
/* Takes what the log has; how many pages were written. */
uint64_t mig_output_sync(struct mig_output *out);
int mig_output_end(struct mig_output *out, const struct mig_parts *parts, struct tn_err *e);

void outgoing_free(struct outgoing *o);
void outgoing_cancel(struct outgoing *o);
void outgoing_info(struct outgoing *o, struct mig_info *i);
/* To a, which is taken over. MIG_STILL: the machine stands still from the beginning, and goes on
 * here at the end. */
enum { MIG_STILL = MIG_SHOW << 1 };
int outgoing_start(struct migration *m, struct mig_addr *a, uint32_t flags, struct tn_err *e);
int outgoing_continue(struct outgoing *o);
void incoming_free(struct incoming *in);
/* From a, which is taken over. MIG_OVER: in place of the machine that is here, which stands still
 * from now on; until all of it is known to be sound, it goes on if that fails. */
enum { MIG_OVER = MIG_SHOW << 2 };
int incoming_start(struct migration *m, struct mig_addr *a, uint32_t flags, struct tn_err *e);
/* Of MIG_OVER only, and not once something was changed. */
void incoming_cancel(struct incoming *in);
/* 1: devices must not come or go. */
int incoming_busy(const struct incoming *in);
void incoming_info(struct incoming *in, struct mig_info *i);

/* Stops the machine; *was_running. And lets it go on as it was. */
int mig_stop(struct vm *vm, int *was_running, struct tn_err *e);
void mig_go_on(struct vm *vm, enum run_state was);

#endif
