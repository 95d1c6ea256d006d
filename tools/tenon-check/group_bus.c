/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes that provide a bus: bus.h, hotplug.h. Their children are what the same plugin has for
 * such a bus; slots are filled and emptied as the host would tell. */
#include "bus_drive.h"
#include "drive.h"
#include "host_misc.h"
#include "host_pci.h"
#include <errno.h>
#include <string.h>

enum { ROUNDS = 12, STEPS = 20, MINUTE_S = 60 };

/* ---- what the bus is ---- */

static void type_ok(struct check *c, const struct tn_bus_type *t)
{
    CHECK(c, t->name && *t->name, "a bus type without a name");
    CHECK(c, t->struct_size >= offsetof(struct tn_bus_type, path),
          "bus type '%s' says that it has %u bytes", t->name, t->struct_size);
    CHECK(c, !t->nprops || (t->props && t->prop_stride >= offsetof(struct tn_prop, names)),
          "bus type '%s' has properties %u bytes apart", t->name, t->prop_stride);
    for (uint32_t i = 0; i < t->nprops; i++) {
        const struct tn_prop *p =
            prop_row((struct prop_rows){t->props, t->nprops, t->prop_stride}, i);
        CHECK(c, p->name && p->offset <= t->child_size && p->size <= t->child_size - p->offset,
              "property %u of bus type '%s' is not inside the %llu bytes of child data", i, t->name,
              (unsigned long long)t->child_size);
    }
}

static void types(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = bus_provider(c, &h);
    for (uint32_t i = 0; bus_nth(d, i); i++)
        type_ok(c, bus_nth(d, i)->type);
    check_end(c, h, d);
}

/* ---- children that come and go ---- */

/* Children of each class, some at once, while the provider is in use; the youngest first, or the
 * oldest. */
static void come_and_go(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = bus_provider(c, &h), *x[3];
    uint32_t seen = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct tn_bus *b = bus_nth(d, 0);
        const struct tn_class *cls =
            bus_child_class(c, b, i % 2) ? bus_child_class(c, b, i % 2) : bus_child_class(c, b, 0);
        uint32_t n = 0;
        if (!cls)
            check_skip(c, "the plugin has no class for its bus '%s'", b->type->name);
        while (n < 3 && (x[n] = bus_add_child(c, b, cls, i > 0)))
            n++;
        seen += n;
        drive_all(h, &c->rng, STEPS);
        for (uint32_t k = 0; k < n; k++)
            dev_free(x[i % 2 ? k : n - 1 - k]);
        CHECK(c, !b->children, "%u devices are on the bus after all have gone", b->children);
        drive_all(h, &c->rng, STEPS);
    }
    if (!seen)
        check_skip(c, "no device for its bus can be realized here");
    check_end(c, h, d);
}

/* ---- slots: hotplug.h ---- */

static int ask(struct check *c, struct dev *d, struct plug_handler *p, struct tn_bus *b,
               uint32_t surprise)
{
    struct tn_err e = {0};
    int r = 0;
    CALL(d, R_MAIN | R_DEV, "unplug_request of a slot",
         r = p->o->unplug_request(p->s, b, 0, surprise, &e));
    CHECK(c, r <= 0 && r != -EAGAIN, "unplug_request of a slot answers %d: 0, -EBUSY or -EINVAL",
          r);
    return r;
}

/* Filled, asked for, asked for again; a guest that answers nothing; and taken away all the same. */
static void slots(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    struct plug_handler *p = plug_handler_of(d);
    if (!p)
        check_skip(c, "it owns no slots");
    struct tn_bus *b = p->b ? p->b : stand_bus(h, TN_PCI_BUS);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (p->o->plug)
            CALL(d, R_MAIN | R_DEV, "plug", p->o->plug(p->s, b, 0, i == 0));
        drive_all(h, &c->rng, STEPS);
        ask(c, d, p, b, 0);
        ask(c, d, p, b, 0);
        host_run(h, (uint64_t)MINUTE_S * 1000000000);
        ask(c, d, p, b, i % 2);
        if (p->o->unplugged)
            CALL(d, R_MAIN | R_DEV, "unplugged", p->o->unplugged(p->s, b, 0));
        drive_all(h, &c->rng, STEPS);
    }
    drive_reset(d, TN_RESET_WARM);
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"types", "a bus type is complete, and its properties lie in the child data",
     "bus.h: struct tn_bus_type", CT_CLASS, needs_device, types},
    {"come-and-go", "children come, also to a machine that runs, and go in any order",
     "bus.h: check .. detach", CT_CLASS | CT_LONG, needs_device, come_and_go},
    {"slots", "a slot is filled, asked for twice without an answer, and emptied",
     "hotplug.h: struct tn_plug_ops", CT_CLASS, needs_device, slots},
    {0},
};

const struct check_group group_bus = {"bus", tests};
