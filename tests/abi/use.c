/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin that uses the macros of the headers, compiled as C and as C++: tables must be constant
 * data in both. */
#include <tenon/plugin.h>
#include <tenon/trace.h>

struct thing {
    struct tn_dev *dev;
    uint64_t size;
    const char *path;
    uint32_t mode, flags;
    uint8_t fifo[16];
    uint8_t on, reserved[7];
};

static const char *const modes[] = {"slow", "fast", NULL};
static const struct tn_prop props[] = {
    TN_PROP(struct thing, on, "on", BOOL, 1, "switches it on"),
    TN_PROP_RANGE(struct thing, size, "size", SIZE, 4096, 512, 1u << 20, NULL),
    TN_PROP_BIT(struct thing, flags, "flag3", 3, 0, NULL),
    TN_PROP_STR(struct thing, path, "path", NULL, "a file"),
    TN_PROP_ENUM(struct thing, mode, "mode", modes, 1, NULL),
};
static const struct tn_field fields[] = {
    TN_FIELD(struct thing, mode, U32),
    TN_FIELD_ARRAY(struct thing, fifo, U8),
};

static int init(void *s, struct tn_dev *d)
{
    ((struct thing *)s)->dev = d;
    return 0;
}

static int realize(void *s, struct tn_err *e)
{
    struct tn_dev *d = ((struct thing *)s)->dev;
    const struct tn_trace *trace = TN_GET(d, struct tn_trace, TN_TRACE_1);
    struct tn_trace_event ev = {"thing", "x %lu", 0, 0};

    if (!TN_HAS(trace, emit))
        return tn_fail(d, e, 2, "%s is missing", TN_TRACE_1);
    tn_trace(d, trace, &ev, 1, 2);
    return 0;
}

const struct tn_prop *use_props(uint32_t *n);
const struct tn_field *use_fields(uint32_t *n);
int (*use_init(void))(void *, struct tn_dev *);
int (*use_realize(void))(void *, struct tn_err *);

const struct tn_prop *use_props(uint32_t *n)
{
    *n = (uint32_t)(sizeof props / sizeof props[0]);
    return props;
}

const struct tn_field *use_fields(uint32_t *n)
{
    *n = (uint32_t)(sizeof fields / sizeof fields[0]);
    return fields;
}

int (*use_init(void))(void *, struct tn_dev *)
{
    return init;
}

int (*use_realize(void))(void *, struct tn_err *)
{
    return realize;
}
