/* @NAME@: a bus of one's own: its provider, a PCI function, and the first device that sits on it.
 *
 *   tenon -M q35 -plugin ./@NAME@.so -device @NAME@,id=b -device @NAME@-echo,place=3 ...
 *
 * The bus has 16 places. BAR 0 has a register of 32 bits for each: what is written goes to the device there,
 * what is read is what it has said last; all-ones where there is none. A device of another plugin needs the
 * lines from BUS to struct @IDENT@_port: make them a header then. */
#include <errno.h>
#include <stdio.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>

/* ---- the bus, as providers and devices know it ---- */

#define BUS "@NAME@-bus"
#define DEVICE_1 "org.example.@NAME@-device/1" /* child_ops: struct @IDENT@_device in class->bus_ops */
#define PORT_1 "org.example.@NAME@-port/1"     /* port_ops: struct @IDENT@_port, what core->port gives a device */
#define ANY_PLACE 0xffffffffu
enum { PLACES = 16 };

/* FWD, as the other: these tables never grow; a new function is a new id. What a device gives: */
struct @IDENT@_device {
    uint32_t struct_size, flags;
    void (*told)(void *s, uint32_t v); /* [vcpu][dev] the guest has written v */
};

/* What a device gets; p is the handle of core->port. */
struct @IDENT@_port {
    uint32_t struct_size, flags;
    void (*say)(void *p, uint32_t v); /* [main][vcpu][dev] what the guest reads from now on */
};

/* ---- the provider ---- */

struct @IDENT@;
/* Child data: the host allocates it for each device, and puts place= into it. */
struct child {
    uint32_t place;
    uint32_t said;
    struct @IDENT@ *owner;
    const struct @IDENT@_device *device;
    void *s; /* first argument of device's functions */
};

struct @IDENT@ {
    struct tn_dev *dev;
    struct tn_bus *bus;
    struct child *children[PLACES];
};

static uint32_t next_free(const struct @IDENT@ *s)
{
    uint32_t place = 0;
    while (place < PLACES && s->children[place])
        place++;
    return place;
}

/* Takes the place; detach() gives it back, whatever fails from here on. */
static int check(void *bus, void *child, struct tn_dev *d, const void *ops, struct tn_err *e)
{
    struct @IDENT@ *s = bus;
    struct child *c = child;
    uint32_t place = c->place == ANY_PLACE ? next_free(s) : c->place;
    if (place >= PLACES)
        return tn_fail(d, e, EINVAL, "there is no place %u", place);
    if (s->children[place])
        return tn_fail(d, e, EBUSY, "place %u is taken", place);
    *c = (struct child){place, 0, s, ops, d->self};
    s->children[place] = c;
    return 0;
}

static void detach(void *bus, void *child)
{
    struct @IDENT@ *s = bus;
    s->children[((struct child *)child)->place] = NULL;
}

static int path(void *bus, void *child, char *buf, uint64_t len)
{
    (void)bus;
    return snprintf(buf, len, "%u", ((struct child *)child)->place);
}

static void say(void *p, uint32_t v)
{
    ((struct child *)p)->said = v;
}

static const struct @IDENT@_port port_ops = {.struct_size = sizeof port_ops, .say = say};

static const struct tn_prop bus_props[] = {
    TN_PROP(struct child, place, "place", U32, ANY_PLACE, "on the bus; by default the next free one"),
};

static const struct tn_bus_type bus_type = {.struct_size = sizeof bus_type,
                                            .flags = TN_BUS_ONE_DOMAIN, /* one lock for all: calls need no other */
                                            .max_children = PLACES,
                                            .name = BUS,
                                            .child_ops = DEVICE_1,
                                            .port_ops = PORT_1,
                                            .props = bus_props,
                                            .nprops = sizeof bus_props / sizeof bus_props[0],
                                            .prop_stride = sizeof bus_props[0],
                                            .child_size = sizeof(struct child),
                                            .check = check,
                                            .detach = detach,
                                            .path = path};

static struct child *child_at(const struct @IDENT@ *s, uint64_t off)
{
    return off / 4 < PLACES ? s->children[off / 4] : NULL;
}

static uint64_t bar_read(void *self, uint64_t off, uint32_t size)
{
    const struct child *c = child_at(self, off);
    (void)size;
    return c ? c->said : UINT32_MAX;
}

static void bar_write(void *self, uint64_t off, uint64_t v, uint32_t size)
{
    struct child *c = child_at(self, off);
    (void)size;
    if (c)
        c->device->told(c->s, (uint32_t)v);
}

static const struct tn_region_ops bar_ops = {
    .struct_size = sizeof bar_ops, .valid_min = 4, .valid_max = 4, .read = bar_read, .write = bar_write};

static int init(void *self, struct tn_dev *d)
{
    struct @IDENT@ *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct @IDENT@ *s = self;
    const struct tn_pci *pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    int r = pci->bar(s->dev, 0, TN_BAR_MEM32, 4096, &bar_ops, s, e);
    return r < 0 ? r : s->dev->core->bus_create(s->dev, &bus_type, NULL, &port_ops, s, &s->bus, e);
}

static const struct tn_pci_ops pci_ops = {.struct_size = sizeof pci_ops,
                                          .flags = TN_PCIF_CONVENTIONAL,
                                          .vendor = 0x1234, /* yours */
                                          .device = 0x0002,
                                          .class_rev = 0x08800001};

static const struct tn_class provider = {.struct_size = sizeof provider,
                                         .kind = TN_K_DEVICE,
                                         .category = TN_CAT_BRIDGE,
                                         .name = "@NAME@",
                                         .desc = "sixteen places for devices",
                                         .bus = TN_PCI_BUS,
                                         .instance_size = sizeof(struct @IDENT@),
                                         .bus_ops = &pci_ops,
                                         .init = init,
                                         .realize = realize};

/* ---- a device on the bus ---- */

struct echo {
    struct tn_dev *dev;
    const struct @IDENT@_port *port;
    void *p;
    uint32_t plus;  /* property */
    uint32_t value; /* state */
};

static void echo_told(void *self, uint32_t v)
{
    struct echo *s = self;
    s->value = v + s->plus;
    s->port->say(s->p, s->value);
}

static const struct @IDENT@_device echo_ops = {.struct_size = sizeof echo_ops, .told = echo_told};

static int echo_init(void *self, struct tn_dev *d)
{
    struct echo *s = self;
    s->dev = d;
    return 0;
}

static int echo_realize(void *self, struct tn_err *e)
{
    struct echo *s = self;
    (void)e;
    s->port = s->dev->core->port(s->dev, &s->p);
    return 0;
}

static void echo_reset(void *self, uint32_t kind, uint32_t phase)
{
    struct echo *s = self;
    (void)kind;
    if (phase == TN_RESET_ENTER)
        s->value = 0;
    else if (phase == TN_RESET_HOLD)
        s->port->say(s->p, 0);
}

static int echo_post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct echo *s = self;
    (void)version, (void)e;
    s->port->say(s->p, s->value);
    return 0;
}

static const struct tn_prop echo_props[] = {
    TN_PROP(struct echo, plus, "plus", U32, 1, "added to what is written"),
};
static const struct tn_field echo_fields[] = {TN_FIELD(struct echo, value, U32)};
static const struct tn_state echo_state = {.struct_size = sizeof echo_state,
                                           .version = 1,
                                           .min_version = 1,
                                           .name = "@NAME@-echo",
                                           .fields = echo_fields,
                                           .nfields = sizeof echo_fields / sizeof echo_fields[0],
                                           .field_stride = sizeof echo_fields[0],
                                           .post_load = echo_post_load};

static const struct tn_class echo = {.struct_size = sizeof echo,
                                     .flags = TN_C_HOTPLUG,
                                     .kind = TN_K_DEVICE,
                                     .category = TN_CAT_MISC,
                                     .name = "@NAME@-echo",
                                     .desc = "says what it is told, and a little more",
                                     .bus = BUS,
                                     .instance_size = sizeof(struct echo),
                                     .props = echo_props,
                                     .nprops = sizeof echo_props / sizeof echo_props[0],
                                     .prop_stride = sizeof echo_props[0],
                                     .state = &echo_state,
                                     .bus_ops = &echo_ops,
                                     .init = echo_init,
                                     .realize = echo_realize,
                                     .reset = echo_reset};

/* ---- the plugin ---- */

static const struct tn_class *const classes[] = {&provider, &echo, NULL};
static const struct tn_bus_type *const buses[] = {&bus_type, NULL};
static const char *const needs[] = {TN_PCI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "@NAME@",
                                       .version = "0.1",
                                       .license = "yours",
                                       .summary = "sixteen places for devices, and one device",
                                       .classes = classes,
                                       .buses = buses,
                                       .needs = needs};
