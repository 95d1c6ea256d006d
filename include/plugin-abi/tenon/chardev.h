/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Character devices: the front end's side (a serial port) and the back end's (a class of kind TN_K_CHARDEV).
 */
#ifndef TENON_CHARDEV_H
#define TENON_CHARDEV_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Events */
enum { TN_CHR_OPENED = 1, TN_CHR_CLOSED, TN_CHR_BREAK, TN_CHR_MUX_IN, TN_CHR_MUX_OUT, TN_CHR_RESIZED };
/** set(): what, with its argument */
enum {
    TN_CHR_SET_PARAMS = 1, /**< struct tn_chr_params */
    TN_CHR_SET_BREAK,      /**< uint32_t: 1 begins, 0 ends */
    TN_CHR_SET_MODEM,      /**< uint32_t: TN_MODEM_* that the guest drives */
    TN_CHR_GET_MODEM,      /**< uint32_t: TN_MODEM_* that the other side drives */
    TN_CHR_GET_SIZE        /**< struct tn_chr_size: of the terminal at the other side, after TN_CHR_RESIZED */
};
enum { TN_MODEM_DTR = 1, TN_MODEM_RTS = 2, TN_MODEM_CTS = 4, TN_MODEM_DSR = 8, TN_MODEM_RI = 16, TN_MODEM_DCD = 32 };
struct tn_chr_params {
    uint32_t struct_size, baud;              /**< bits per second */
    uint32_t data_bits, stop_bits, parity;   /**< parity: 'N', 'E' or 'O' */
    uint32_t reserved;
};

/** In characters. Frozen. */
struct tn_chr_size {
    uint32_t cols, rows;
};

/** Front end. All [ctx][dev]. */
struct tn_chr_ops {
    uint32_t struct_size, flags;
    uint32_t (*room)(void *s);                              /**< bytes that input() would take now */
    void (*input)(void *s, const uint8_t *p, uint32_t n);   /**< at most room() bytes */
    void (*event)(void *s, uint32_t ev);                    /**< TN_CHR_* */
    void (*writable)(void *s);                              /**< after a short write() */
};
#define TN_CHARDEV_1 "tenon.chardev/1"
/** TN_CHARDEV_1 */
struct tn_chardev {
    uint32_t struct_size, rev;
    /** [main] one front end per device: -EBUSY. Managed; o NULL: the front end only writes */
    int (*attach)(struct tn_chr *c, struct tn_dev *d, const struct tn_chr_ops *o, void *s);
    /** [any] bytes taken; less than n: writable() will come. Never waits */
    int64_t (*write)(struct tn_chr *c, const void *p, uint64_t n);
    /** [any] room() has grown */
    void (*accept)(struct tn_chr *c);
    /** [any] TN_CHR_SET_* or GET_*; -ENOTSUP is normal */
    int (*set)(struct tn_chr *c, uint32_t what, void *arg, uint32_t len);
    /** [main][ctx] hand the connected socket over, waiting at most timeout_ms; the plugin owns *fd, non-blocking */
    int (*take)(struct tn_chr *c, struct tn_dev *d, int *fd, uint32_t timeout_ms, struct tn_err *e);
};

/** bus_ops of a class of kind TN_K_CHARDEV. write and room have to be there, others may be NULL. */
struct tn_chr_backend {
    uint32_t struct_size, flags;
    /** [any][dev] guest to world; bytes taken, the rest comes again after tn_chr_feed.writable */
    int64_t (*write)(void *s, const void *p, uint64_t n);
    void (*room)(void *s, uint64_t n);                                 /**< [any][dev] the front end takes n bytes now */
    int (*set)(void *s, uint32_t what, void *arg, uint32_t len);       /**< [any][dev] NULL = none */
    void (*frontend)(void *s, uint32_t open);                          /**< [main][dev] a front end came (1) or went (0) */
    int (*take)(void *s, int *fd, uint32_t timeout_ms, struct tn_err *e); /**< [main][dev] NULL = no socket */
};
#define TN_CHR_FEED_1 "tenon.chr-feed/1"
/** TN_CHR_FEED_1: d is the back end itself. All [ctx], called with the back end's [dev] held: the host queues. */
struct tn_chr_feed {
    uint32_t struct_size, rev;
    uint64_t (*room)(struct tn_dev *d);                            /**< bytes that the front end takes now */
    void (*input)(struct tn_dev *d, const void *p, uint64_t n);    /**< at most room() bytes */
    void (*event)(struct tn_dev *d, uint32_t ev);
    void (*writable)(struct tn_dev *d);
};

#ifdef __cplusplus
}
#endif
#endif
