/* SPDX-License-Identifier: BSD-2-Clause */
/* What small back ends have in common; who includes this says CLASS (more of the class), NEEDS, and
 * IN_REALIZE. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/loop.h>
#include <tenon/plugin.h>

struct gadget {
    struct tn_dev *d;
    const struct tn_loop *loop;
    uint8_t *data; /* its own; freed in fini */
};
#ifndef IN_REALIZE
#define IN_REALIZE(s, e)
#endif

static int init(void *self, struct tn_dev *d)
{
    ((struct gadget *)self)->d = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct gadget *s = self;
    (void)e;
    s->loop = TN_GET(s->d, struct tn_loop, TN_LOOP_1);
    IN_REALIZE(s, e);
    return 0;
}

static void fini(void *self)
{
    free(((struct gadget *)self)->data);
}

static const struct tn_class gadget = {.struct_size = sizeof gadget,
                                       .name = "gadget",
                                       .desc = "a gadget",
                                       .instance_size = sizeof(struct gadget),
                                       .init = init,
                                       .realize = realize,
                                       .fini = fini,
                                       CLASS};
static const struct tn_class *const classes[] = {&gadget, NULL};
static const char *const needs[] = {NEEDS, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "org.example.gadget",
                                       .version = "1",
                                       .license = "BSD-2-Clause",
                                       .summary = "for tests",
                                       .classes = classes,
                                       .needs = needs};
