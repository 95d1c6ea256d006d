/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Tenon plugin ABI, major 1: what every other header of this folder stands on.
 *
 * Thread tags, written in front of every function pointer:
 *   [main]   the configuration thread
 *   [vcpu]   any vCPU thread
 *   [ctx]    the event context that the object is bound to (main, or an iothread)
 *   [any]    any thread, calls may be concurrent
 *   [worker] a thread made by tenon.os thread(), or one of the host's that may block
 *   [leaf]   any thread; no device lock may be taken inside, and no host call made but tenon.loop kick
 *   [dev]    in addition: the host holds the lock of the device's domain while it calls
 *
 * Three rules, valid for every function in every header:
 *   Wait       Nothing that is called with [dev] held ever waits for another context, a back end or I/O. It answers
 *              TN_PENDING and completes later. The guest waits; threads do not.
 *   Quiescent  What is bound to a context (cache, view, watch, timer, bottom half) changes only between two callbacks of
 *              that context. So a callback may use it without lock or atomic, and keeps no pointer to it over its return.
 *   Lock       tn_core.lock is not recursive. A completion (quiesced, unplugged, realized, done, ...) never runs inside
 *              the call that it completes.
 *
 * Only fixed-width integers, int (a file descriptor, or 0 / a count / -errno), pointers, opaque handles and UTF-8 strings
 * cross the boundary. A struct that begins with struct_size may grow at its end within a major version; arrays of structs
 * carry a stride. A table marked FWD is implemented or forwarded by plugins in the middle: it never grows, a new method
 * is a new id. Memory is released by the side that allocated it.
 */
#ifndef TENON_BASE_H
#define TENON_BASE_H
#include <stddef.h>
#include <stdint.h>

#define TN_ABI_MAJOR 1
#define TN_ABI_MINOR 0

#define TN_EXPORT __attribute__((visibility("default")))
#define TN_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

/** True if the provider's table t reaches slot m and fills it. Use it before calling anything that was appended later. */
#define TN_HAS(t, m)                                                                                                   \
    ((t) && (t)->struct_size >= offsetof(__typeof__(*(t)), m) + sizeof((t)->m) && (t)->m)

#ifdef __cplusplus
extern "C" {
#endif

struct tn_dev;  /**< one instance of a class; see core.h */
struct tn_bus;  /**< one bus instance, owned by the host */
struct tn_err;  /**< an error under construction, owned by the host; NULL is legal everywhere: the text is logged then */
struct tn_as;   /**< a DMA address space, owned by the host */
struct tn_ctx;  /**< an event context: main, or an iothread; owned by the host */
struct tn_mem;  /**< host memory with an identity: a memory back end, or RAM of a device */
struct tn_line; /**< an interrupt line, owned by the host */
struct tn_chr;  /**< a character device, front end's view */
struct tn_blk;  /**< a block device, front end's view */
struct tn_net;  /**< a network back end, front end's view */
struct tn_audio; /**< an audio back end, front end's view */

/** One piece of a scattered buffer. Frozen. */
struct tn_iov {
    void *base;
    uint64_t len; /**< bytes */
};

/** A success of its own kind: the callee will call back when it is done. */
enum { TN_PENDING = 1 };

/** "Anywhere" in a request for addresses, "unmapped" in an answer. */
#define TN_ANYWHERE (~(uint64_t)0)

#ifdef __cplusplus
}
#endif
#endif
