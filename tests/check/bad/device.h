/* SPDX-License-Identifier: BSD-2-Clause */
/* A small conforming device, which each file of this folder breaks in one place: by defining a
 * macro before it includes this. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/dma.h>
#include <tenon/irq.h>
#include <tenon/machine.h>
#include <tenon/os.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

struct gadget {
    struct tn_dev *d;
    const struct tn_loop *loop;
    const struct tn_irq *irq;
    struct tn_region *region;
    struct tn_timer *timer, *spare;
    struct tn_as *as;
    struct tn_bh *bh;
    struct tn_line *line;
    void *memory; /* its own; freed in fini */
    struct tn_trace_event ev;
    uint32_t reg[4], size, index;
    uint8_t flag, mode;
    uint8_t pad[6];
};

#ifndef IN_INIT
#define IN_INIT(s)
#endif
#ifndef IN_REALIZE
#define IN_REALIZE(s, e)
#endif
#ifndef IN_READ
#define IN_READ(s, off)
#endif
#ifndef IN_WRITE
#define IN_WRITE(s, off, v)
#endif
#ifndef IN_TIMER
#define IN_TIMER(s)
#endif
#ifndef IN_BH
#define IN_BH(s)
#endif
#ifndef IN_QUIESCE
#define IN_QUIESCE(s)
#endif
#ifndef IN_RESUME
#define IN_RESUME(s)
#endif
#ifndef IN_UNREALIZE
#define IN_UNREALIZE(s)
#endif
#ifndef IN_FINI
#define IN_FINI(s)
#endif
#ifndef IN_ENTER
#define IN_ENTER(s)
#endif
#ifndef IN_HOLD
#define IN_HOLD(s) \
    memset((s)->reg, 0, sizeof(s)->reg), (s)->flag = 0, (s)->index = 0, (s)->irq->set((s)->line, 0)
#endif
#ifndef SET_LINE
#define SET_LINE(s) (s)->irq->set((s)->line, (s)->reg[0] & 1)
#endif
#ifndef LINE_FLAGS
#define LINE_FLAGS TN_LINE_LEVEL
#endif
#ifndef IN_POST_LOAD
#define IN_POST_LOAD(s, e)
#endif
#ifndef IN_PRE_SAVE
#define IN_PRE_SAVE(s)
#endif

static void timer_fires(void *self);
static void bh_runs(void *self);

static uint64_t read_register(void *self, uint64_t off, uint32_t size)
{
    struct gadget *s = self;
    (void)size;
    IN_READ(s, off);
    return s->reg[off / 4 % 4];
}

static void write_register(void *self, uint64_t off, uint64_t v, uint32_t size)
{
    struct gadget *s = self;
    (void)size;
    IN_WRITE(s, off, v);
    s->reg[off / 4 % 4] = (uint32_t)v;
    SET_LINE(s);
    if (off / 4 == 1)
        s->loop->arm(s->timer, s->loop->now(s->d, TN_CLK_VM) + 1000 + (v & 0xffff));
}

#ifndef REGION_FLAGS
#define REGION_FLAGS 0
#endif
static const struct tn_region_ops region_ops = {.struct_size = sizeof region_ops,
                                                .flags = REGION_FLAGS,
                                                .valid_min = 4,
                                                .valid_max = 4,
                                                .read = read_register,
                                                .write = write_register};

static void timer_fires(void *self)
{
    struct gadget *s = self;
    IN_TIMER(s);
    s->flag = 1;
    s->loop->kick(s->bh);
}

static void bh_runs(void *self)
{
    struct gadget *s = self;
    IN_BH(s);
    s->reg[3]++;
}

static int init(void *self, struct tn_dev *d)
{
    struct gadget *s = self;
    s->d = d;
    IN_INIT(s);
    return 0;
}

static int claim(struct gadget *s, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->d, struct tn_regions, TN_REGION_1);
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = TN_ANYWHERE,
                                    .size = 16,
                                    .name = "gadget"};
    int r = regions->add(s->d, &q, &region_ops, s, &s->region, e);
    return r < 0 ? r : s->irq->line(s->d, TN_LINE_ANY, 0, LINE_FLAGS, &s->line, e);
}

#ifndef CHECK_TIMERS
#define CHECK_TIMERS(s, e)       \
    if (!(s)->timer || !(s)->bh) \
    return tn_fail((s)->d, e, ENOMEM, "no memory for a timer")
#endif

static int realize(void *self, struct tn_err *e)
{
    struct gadget *s = self;
    s->loop = TN_GET(s->d, struct tn_loop, TN_LOOP_1);
    s->irq = TN_GET(s->d, struct tn_irq, TN_IRQ_1);
    s->timer = s->loop->timer(s->d, NULL, 0, TN_CLK_VM, timer_fires, s);
    s->bh = s->loop->bh(s->d, NULL, 0, bh_runs, s);
    CHECK_TIMERS(s, e);
#ifndef OWN_MEMORY
    s->memory = malloc(64);
#endif
    IN_REALIZE(s, e);
    return claim(s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct gadget *s = self;
    (void)kind;
    if (phase == TN_RESET_ENTER) {
        s->loop->disarm(s->timer);
        IN_ENTER(s);
    } else if (phase == TN_RESET_HOLD) {
        IN_HOLD(s);
    }
}

static int quiesce(void *self, uint32_t why, uint32_t flags)
{
    struct gadget *s = self;
    (void)s, (void)why, (void)flags;
    IN_QUIESCE(s);
    return 0;
}

static void resume(void *self)
{
    struct gadget *s = self;
    (void)s;
    IN_RESUME(s);
}

static void unrealize(void *self)
{
    struct gadget *s = self;
    (void)s;
    IN_UNREALIZE(s);
}

static void fini(void *self)
{
    struct gadget *s = self;
    (void)s;
    IN_FINI(s);
#ifndef KEEPS_MEMORY
    free(s->memory);
#endif
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct gadget *s = self;
    (void)version, (void)e, (void)s;
    IN_POST_LOAD(s, e);
    SET_LINE(s);
    return 0;
}

static int pre_save(void *self, struct tn_err *e)
{
    struct gadget *s = self;
    (void)s, (void)e;
    IN_PRE_SAVE(s);
    return 0;
}

static const struct tn_field fields[] = {
#ifndef FIELDS
    TN_FIELD_ARRAY(struct gadget, reg, U32), TN_FIELD(struct gadget, flag, BOOL),
    TN_FIELD(struct gadget, index, U32), TN_FIELD(struct gadget, timer, TIMER)
#else
    FIELDS
#endif
};

static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 2,
#ifdef MIN_VERSION
                                      .min_version = MIN_VERSION,
#else
                                      .min_version = 2,
#endif
                                      .name = "gadget",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0],
#ifdef STATE_CALLS
                                      STATE_CALLS,
#endif
                                      .pre_save = pre_save,
                                      .post_load = post_load};

static const char *const modes[] = {"fast", "slow", NULL};
static const struct tn_prop props[] = {
#ifndef PROPS
    TN_PROP_RANGE(struct gadget, size, "size", U32, 16, 0, 4096, "bytes of its buffer"),
    TN_PROP(struct gadget, flag, "flag", BOOL, 0, "set by its timer")
#else
    PROPS
#endif
};

#ifndef EXTRA
#define EXTRA .desc = "a gadget"
#endif
static const struct tn_class gadget = {.struct_size = sizeof gadget,
                                       .kind = TN_K_DEVICE,
                                       .name = "gadget",
                                       .instance_size = sizeof(struct gadget),
                                       .props = props,
                                       .nprops = sizeof props / sizeof props[0],
                                       .prop_stride = sizeof props[0],
                                       .state = &state,
                                       .init = init,
                                       .realize = realize,
                                       .reset = reset,
                                       .quiesce = quiesce,
                                       .resume = resume,
                                       .unrealize = unrealize,
                                       .fini = fini,
                                       EXTRA};

#ifndef CLASSES
#define CLASSES &gadget, NULL
#endif
#ifndef NEEDS
#define NEEDS TN_LOOP_1, TN_IRQ_1, TN_REGION_1, NULL
#endif
#ifndef WANTS
#define WANTS TN_MACHINE_1, TN_DMA_1, TN_OS_1, TN_TRACE_1, TN_STREAM_1, NULL
#endif
#ifndef PLUGIN
#define PLUGIN .version = "1"
#endif
static const struct tn_class *const classes[] = {CLASSES};
static const char *const needs[] = {NEEDS};
static const char *const wants[] = {WANTS};
static inline const void *unused(void)
{
    return modes;
}

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof(struct tn_plugin),
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "org.example.gadget",
                                       .license = "BSD-2-Clause",
                                       .summary = "for tests",
                                       .classes = classes,
                                       .needs = needs,
                                       .wants = wants,
                                       PLUGIN};
