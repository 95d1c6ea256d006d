/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Time and events. Everything here is managed: released, drained, after unrealize.
 */
#ifndef TENON_LOOP_H
#define TENON_LOOP_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_timer; /**< a one-shot timer, bound to a context */
struct tn_watch; /**< readiness of a file descriptor, bound to a context */
struct tn_bh;    /**< a bottom half: a callback to run soon, bound to a context */
struct tn_poll;  /**< who is asked for work while a context does not wait yet, bound to that context */

/** TN_FD_EDGE: once for each time that it becomes ready: an eventfd need not be read. Hosts that have tn_loop.poll know it */
enum { TN_FD_IN = 1, TN_FD_OUT = 2, TN_FD_ERR = 4, TN_FD_EDGE = 8 };
enum { TN_LF_NOLOCK = 1 }; /**< the callback runs without [dev]; the plugin locks for itself */
enum {
    TN_CLK_VM = 1, /**< ns of guest time: stands still while the VM is stopped */
    TN_CLK_HOST,   /**< ns since 1970 */
    TN_CLK_REAL    /**< ns of a steady clock that runs always */
};

/** What an iothread asks for some microseconds before it waits for events: a look at memory is cheaper than to sleep
 * and be woken, for both sides. All [ctx][dev], not within one another. */
struct tn_poll_ops {
    uint32_t struct_size, flags;
    uint32_t (*poll)(void *s); /**< does what there is to do: 1. Nothing there: 0, with no system call */
    void (*begin)(void *s);    /**< or NULL. Polling begins: the other side need not notify from here on */
    /** or NULL. The context is about to wait: notifications are on again at the return. 1: something came meanwhile
     * that they do not tell of, and poll() finds */
    uint32_t (*end)(void *s);
};

#define TN_LOOP_1 "tenon.loop/1"
/** TN_LOOP_1. c NULL = the device's home context. */
struct tn_loop {
    uint32_t struct_size, rev;
    /** [any] ns */
    uint64_t (*now)(struct tn_dev *d, uint32_t clk);
    /** [main] fn(s) runs [ctx][dev] when armed time has come; it is not armed yet. flags TN_LF_*, clk TN_CLK_*. NULL: no
     * memory, or no such clock */
    struct tn_timer *(*timer)(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, uint32_t clk, void (*fn)(void *), void *s);
    /** [any] absolute ns of its clock; again = moved */
    void (*arm)(struct tn_timer *t, uint64_t ns);
    void (*disarm)(struct tn_timer *t); /**< [any] armed or not; one call may be under way elsewhere */
    /** [main][ctx] fn(s, events) runs [ctx][dev] while fd is ready for ev (TN_FD_*): level-triggered, but with EDGE. ERR
     * comes unasked. fd stays the plugin's: closed after fd_del. NULL: no memory, or not a descriptor */
    struct tn_watch *(*fd)(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, int fd, uint32_t ev,
                           void (*fn)(void *, uint32_t), void *s);
    void (*fd_mask)(struct tn_watch *w, uint32_t ev); /**< [any] new set of events; 0 = none for now */
    /** [main][ctx] fn(s) runs [ctx][dev] once after each kick(), several in a row may be one. d may be another device that
     * attached itself to the caller: fn has its lock, freed when either goes. NULL: no memory */
    struct tn_bh *(*bh)(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, void (*fn)(void *), void *s);
    void (*kick)(struct tn_bh *b); /**< [any] run it once, soon; async-signal-safe; legal in [leaf] */
    /** [any] the main context, or the one that iothread= named */
    struct tn_ctx *(*home)(struct tn_dev *d);
    /** [any] 1 if the caller runs in c */
    uint32_t (*here)(struct tn_ctx *c);
    /** [any] The three deletions: on the owning context, or with [dev] held for a [dev] callback, no call follows the
     * return; from elsewhere they never wait and one call may still be under way. After fd_del the fd may be closed */
    void (*timer_del)(struct tn_timer *t);
    void (*fd_del)(struct tn_watch *w);
    void (*bh_del)(struct tn_bh *b);
    /** [main] o(s) is asked before c waits, if that is an iothread that polls; never relied upon: events are watched as
     * well. o stays. NULL: c never polls, or no memory; nothing is lost then */
    struct tn_poll *(*poll)(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, const struct tn_poll_ops *o, void *s);
    void (*poll_del)(struct tn_poll *p); /**< [any] as the deletions above. end() is not called any more */
};

#ifdef __cplusplus
}
#endif
#endif
