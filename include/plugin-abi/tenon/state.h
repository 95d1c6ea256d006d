/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * State: what a device is, as fields tagged by name, versioned, little-endian in the file, printable as JSON.
 * A raw dump of a struct is never state.
 */
#ifndef TENON_STATE_H
#define TENON_STATE_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_save; /**< a save in progress */
struct tn_load; /**< a load in progress */

enum {
    TN_S_U8 = 1,
    TN_S_U16,
    TN_S_U32,
    TN_S_U64,
    TN_S_BOOL,  /**< uint8_t */
    TN_S_BYTES, /**< count bytes */
    TN_S_TIMER, /**< struct tn_timer *: whether armed, and when */
    TN_S_SUB    /**< a struct described by sub */
};
enum {
    TN_SF_PTR = 1,     /**< offset holds a pointer to the first element */
    TN_SF_COUNT_AT = 2 /**< the count is the uint32_t at offset `count` of the instance, bounded by max on load */
};
struct tn_state;
/** One field: count elements, stride bytes apart (0 = the element's size). */
struct tn_field {
    const char *name;
    uint32_t type, offset, count, since; /**< since: first version of the state that has it */
    const struct tn_state *sub;
    uint32_t stride, max, flags, reserved;
};
struct tn_state {
    uint32_t struct_size, version, min_version, flags; /**< min_version: the oldest that load accepts */
    const char *name;
    const struct tn_field *fields;
    uint32_t nfields, field_stride;
    const struct tn_state *const *subsections;                      /**< optional parts, NULL-terminated, or NULL */
    /* Any of these may be NULL; 0, or -errno with e: the save or load fails. */
    int (*needed)(void *s);                                         /**< [main][dev] subsection only: is it worth saving */
    int (*pre_save)(void *s, struct tn_err *e);                     /**< [main][dev] VM stopped, device quiesced */
    int (*post_load)(void *s, uint32_t version, struct tn_err *e);  /**< [main][dev] no DMA here: the first is in resume */
    int (*save)(void *s, struct tn_save *o, struct tn_err *e);      /**< [main][dev] what a table cannot say */
    int (*load)(void *s, struct tn_load *i, struct tn_err *e);      /**< [main][dev] its counterpart */
};
#define TN_FIELD_ROW(T, f, nm, ty, n) {nm, TN_S_##ty, (uint32_t)offsetof(T, f), n, 0, NULL, 0, 0, 0, 0}
#define TN_FIELD(T, f, ty) TN_FIELD_ROW(T, f, #f, ty, 1)
#define TN_FIELD_ARRAY(T, f, ty) TN_FIELD_ROW(T, f, #f, ty, (uint32_t)(sizeof(((T *)0)->f) / sizeof(((T *)0)->f[0])))

#define TN_STREAM_1 "tenon.stream/1"
/** TN_STREAM_1, for use inside tn_state.save and load only. All [main][dev]. */
struct tn_stream {
    uint32_t struct_size, rev;
    /** count elements of TN_S_* type at p; 0 or -errno */
    int (*put)(struct tn_save *o, const char *name, uint32_t type, const void *p, uint32_t count);
    /** a struct at s, as st describes it; 0 or -errno */
    int (*put_sub)(struct tn_save *o, const char *name, const struct tn_state *st, const void *s);
    /** count elements into p. 0; -ENOENT: the file has no such field, -EINVAL: another type or count: p is as it was */
    int (*get)(struct tn_load *i, const char *name, uint32_t type, void *p, uint32_t count);
    /** number of elements, or -ENOENT */
    int64_t (*get_count)(struct tn_load *i, const char *name);
    /** counterpart of put_sub; 0, -ENOENT or -EINVAL */
    int (*get_sub)(struct tn_load *i, const char *name, const struct tn_state *st, void *s);
    /** another device, by its path in the machine; d NULL: none. 0 or -errno; get_dev: borrowed */
    int (*put_dev)(struct tn_save *o, const char *name, struct tn_dev *d);
    int (*get_dev)(struct tn_load *i, const char *name, struct tn_dev **d);
};

#ifdef __cplusplus
}
#endif
#endif
