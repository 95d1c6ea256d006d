/* SPDX-License-Identifier: BSD-2-Clause */
/* A built plugin without the host: its tables of functions are this test's. Row G07: whoever fills
 * the tables may stand behind them. */
#include "tap.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <tenon/chardev.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

/* A manager of one range, and a chardev that keeps what it is given. */
static struct {
    const struct tn_region_ops *ops;
    void *self;
    struct tn_region_req req;
    char text[256];
    int fail;
} seen;

static int add(struct tn_dev *d, const struct tn_region_req *r, const struct tn_region_ops *ops,
               void *s, struct tn_region **out, struct tn_err *e)
{
    (void)d;
    (void)e;
    if (seen.fail)
        return -seen.fail;
    seen.ops = ops;
    seen.self = s;
    seen.req = *r;
    *out = (struct tn_region *)&seen;
    return 0;
}

static int attach(struct tn_chr *c, struct tn_dev *d, const struct tn_chr_ops *o, void *s)
{
    (void)d;
    (void)o;
    (void)s;
    return c == (struct tn_chr *)&seen ? 0 : -ENODEV;
}

static int64_t write_text(struct tn_chr *c, const void *p, uint64_t n)
{
    (void)c;
    strncat(seen.text, p, n);
    return (int64_t)n;
}

static const struct tn_regions regions = {.struct_size = sizeof regions, .add = add};
static const struct tn_chardev chardev = {
    .struct_size = sizeof chardev, .attach = attach, .write = write_text};

static const void *get(const struct tn_host *h, const char *id)
{
    (void)h;
    return strcmp(id, TN_REGION_1) == 0    ? (const void *)&regions
           : strcmp(id, TN_CHARDEV_1) == 0 ? &chardev
                                           : NULL;
}

static const struct tn_class *the_class(void)
{
    void *h = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    const struct tn_plugin *p = h ? dlsym(h, "tn_plugin_v1") : NULL;
    if (!p)
        printf("# %s\n", dlerror());
    return p ? p->classes[0] : NULL;
}

/* What a host does with properties: each goes where its row says. */
static void set(const struct tn_class *c, void *self, const char *name, const void *value, size_t n)
{
    for (uint32_t i = 0; i < c->nprops; i++) {
        const struct tn_prop *p =
            (const struct tn_prop *)((const char *)c->props + (size_t)i * c->prop_stride);
        if (strcmp(p->name, name) == 0)
            memcpy((char *)self + p->offset, value, n);
    }
}

static int make(const struct tn_class *c, void *self, struct tn_dev *d)
{
    const uint16_t base = 0x600;
    const uint32_t len = 4;
    struct tn_chr *out = (struct tn_chr *)&seen;
    set(c, self, "base", &base, sizeof base);
    set(c, self, "len", &len, sizeof len);
    set(c, self, "chardev", &out, sizeof out);
    int err = c->init(self, d);
    return err < 0 ? err : c->realize(self, NULL);
}

TEST(a_plugin_runs_on_tables_of_a_test)
{
    struct tn_host host = {.struct_size = sizeof host, .get = get};
    struct tn_dev dev = {.host = &host};
    const struct tn_class *c = the_class();
    CHECK(c);
    void *self = calloc(1, c->instance_size);
    CHECK_EQ(make(c, self, &dev), 0);
    CHECK_EQ(seen.req.space, TN_SPACE_PIO);
    CHECK_EQ(seen.req.base, 0x600);
    CHECK_EQ(seen.req.size, 4);
    seen.ops->write(seen.self, 2, 0x6b6f, 2);
    CHECK_STR(seen.text, "base 0x600 offset 2 len 2 data 6f 6b\n");
    free(self);
}

TEST(its_errors_are_those_of_the_tables)
{
    struct tn_host host = {.struct_size = sizeof host, .get = get};
    struct tn_dev dev = {.host = &host};
    const struct tn_class *c = the_class();
    CHECK(c);
    void *self = calloc(1, c->instance_size);
    seen.fail = EBUSY;
    CHECK_EQ(make(c, self, &dev), -EBUSY);
    free(self);
}

int main(void)
{
    RUN(a_plugin_runs_on_tables_of_a_test);
    RUN(its_errors_are_those_of_the_tables);
    return tap_done();
}
