/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Properties: a typed table with offsets into the instance. The host parses, checks and stores; from the same table come
 * `-device NAME,help`, the JSON schema, -global, and the generated documentation.
 */
#ifndef TENON_PROP_H
#define TENON_PROP_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Types, and what is stored at offset. */
enum {
    TN_P_BOOL = 1,   /**< uint8_t, 0 or 1 */
    TN_P_BIT,        /**< one bit of a uint32_t or uint64_t */
    TN_P_U8,
    TN_P_U16,
    TN_P_U32,
    TN_P_U64,
    TN_P_I32,
    TN_P_I64,
    TN_P_SIZE,       /**< uint64_t bytes; accepts k, M, G, T, P, E */
    TN_P_STR,        /**< const char *, owned by the host until after fini; NULL if not given */
    TN_P_ENUM,       /**< uint32_t, index into names */
    TN_P_ONOFFAUTO,  /**< uint32_t, TN_AUTO, TN_ON or TN_OFF */
    TN_P_MAC,        /**< uint8_t[6] */
    TN_P_UUID,       /**< uint8_t[16], in text order */
    TN_P_DEVFN,      /**< int32_t: slot << 3 | function, -1 = any */
    TN_P_CHARDEV,    /**< struct tn_chr *, or NULL */
    TN_P_DRIVE,      /**< struct tn_blk *, or NULL */
    TN_P_NETDEV,     /**< struct tn_net *, or NULL */
    TN_P_MEMDEV,     /**< struct tn_mem *, or NULL */
    TN_P_IOTHREAD,   /**< struct tn_ctx *, NULL = main */
    TN_P_LINK,       /**< struct tn_dev *, held until fini; names = interface ids, one of which it must provide */
    TN_P_LIST,       /**< struct tn_list, elements described by sub */
    TN_P_FD,         /**< int32_t, borrowed until fini, -1 if not given */
    TN_P_BUS,        /**< struct tn_bus *; names = bus types */
    TN_P_AUDIODEV    /**< struct tn_audio *, or NULL */
};

/** tn_prop.flags */
enum {
    TN_PF_REQUIRED = 1,    /**< realize is refused without it: "NAME property not set" */
    TN_PF_RUNTIME = 2,     /**< may be set after realize: tn_class.prop_changed follows */
    TN_PF_DEPRECATED = 4,  /**< warned about when used */
    TN_PF_NODEFAULT = 8,   /**< help shows no default */
    TN_PF_READONLY = 16    /**< may be read, never set */
};

enum { TN_AUTO = 0, TN_ON = 1, TN_OFF = 2 };

/** One property. Element of an array with a stride: never index the array without it. */
struct tn_prop {
    const char *name, *help;      /**< help may be NULL */
    uint32_t type, flags;         /**< TN_P_*, TN_PF_* */
    uint32_t offset, size;        /**< in the instance; size is checked against type */
    uint32_t bit, since;          /**< TN_P_BIT: which; since: 0 = from the plugin's first version */
    uint64_t defval;              /**< signed types: two's complement */
    uint64_t min, max;            /**< inclusive; both 0 = what the type holds */
    const char *defstr;           /**< default of TN_P_STR, may be NULL */
    const char *const *names;     /**< TN_P_ENUM, TN_P_LINK, TN_P_BUS: NULL-terminated */
    const struct tn_prop *sub;    /**< TN_P_LIST: the members of an element; one without a name = a list of scalars */
    uint32_t nsub, sub_stride;
};

/** Value of a TN_P_LIST: allocated by the host, freed after fini. items is NULL when n is 0. */
struct tn_list {
    void *items;
    uint32_t n, stride;
};

/** Whole row; the shorter macros below are what tables are written with. C11 and C++17. */
#define TN_PROP_ROW(T, f, nm, ty, fl, bit_, def, lo, hi, dstr, nms, hlp)                                               \
    {                                                                                                                  \
        nm, hlp, TN_P_##ty, fl, (uint32_t)offsetof(T, f), (uint32_t)sizeof(((T *)0)->f), bit_, 0, (uint64_t)(def), lo, \
            hi, dstr, nms, NULL, 0, 0                                                                                  \
    }
/** Any scalar: T instance type, f member, nm name, ty type without TN_P_, def default, hlp help text. */
#define TN_PROP(T, f, nm, ty, def, hlp) TN_PROP_ROW(T, f, nm, ty, 0, 0, def, 0, 0, NULL, NULL, hlp)
#define TN_PROP_RANGE(T, f, nm, ty, def, lo, hi, hlp) TN_PROP_ROW(T, f, nm, ty, 0, 0, def, lo, hi, NULL, NULL, hlp)
#define TN_PROP_BIT(T, f, nm, bit_, def, hlp) TN_PROP_ROW(T, f, nm, BIT, 0, bit_, def, 0, 0, NULL, NULL, hlp)
#define TN_PROP_STR(T, f, nm, dstr, hlp) TN_PROP_ROW(T, f, nm, STR, 0, 0, 0, 0, 0, dstr, NULL, hlp)
#define TN_PROP_ENUM(T, f, nm, nms, def, hlp) TN_PROP_ROW(T, f, nm, ENUM, 0, 0, def, 0, 0, NULL, nms, hlp)
/** A back end or another handle: no default. */
#define TN_PROP_REF(T, f, nm, ty, flags, hlp) TN_PROP_ROW(T, f, nm, ty, (flags) | TN_PF_NODEFAULT, 0, 0, 0, 0, NULL, NULL, hlp)

#ifdef __cplusplus
}
#endif
#endif
