/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sources of entropy have in common: their readers, and TN_RNG_1. A class embeds struct
 * source as the first member of its instance and says how it fills a buffer.
 *
 * Everything here runs on the main thread, but for want(): that leaves a note under a leaf lock and
 * kicks. So a source has no lock of its own, and gives entropy from the reader's bottom half, with
 * the lock of the reader's device.
 */
#ifndef TN_RNG_SOURCE_H
#define TN_RNG_SOURCE_H
#include <pthread.h>
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/rng.h>

struct reader;

struct source {
    struct tn_dev *dev;
    const struct tn_loop *loop;
    /* Puts up to len bytes into buf. Returns how many; 0: none now, and reader_again(),
     * reader_watch() or source_wake() has been or will be called; -errno: never again. */
    int (*fill)(struct source *s, struct reader *r, uint8_t *buf, uint32_t len);
    struct reader *readers;
};

/* One open() of a source: the wants that are open, and the way back to the one who has them. */
struct reader {
    struct reader *next;   /* of the source */
    struct source *source; /* NULL: it is gone */
    struct tn_dev *dev;
    void (*entropy)(void *arg, const uint8_t *p, uint32_t n);
    void *arg;
    struct tn_bh *bh;
    struct tn_timer *timer;
    struct tn_watch *watch; /* while the source's descriptor has nothing */
    pthread_mutex_t lock;   /* leaf: the wants */
    uint32_t *want;         /* lengths, oldest first */
    uint32_t nwants, room;
    uint32_t nbytes; /* wants of a byte, after those */
};

extern const struct tn_rng source_rng; /* TN_RNG_1 of every source */

/* tn_class.init, get_iface and unrealize of every source. */
int source_init(void *s, struct tn_dev *d);
const void *source_iface(void *s, const char *id);
void source_end(void *s);

/* Has r filled again: in ns of the steady clock; when fd can be read; or each reader, soon. */
void reader_again(struct reader *r, uint64_t ns);
void reader_watch(struct reader *r, int fd);
void source_wake(struct source *s);

/* Members of a tn_class that every source has alike. */
#define SOURCE_CLASS(T, nm, text)                                                        \
    .struct_size = sizeof(struct tn_class), .flags = TN_C_HOTPLUG, .kind = TN_K_OBJECT,  \
    .name = nm, .desc = text, .provides = source_provides, .instance_size = sizeof(T),   \
    .prop_stride = sizeof(struct tn_prop), .init = source_init, .unrealize = source_end, \
    .get_iface = source_iface
extern const char *const source_provides[];

extern const struct tn_class rng_random_class, rng_builtin_class, rng_egd_class;

#endif
