/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines, controllers and messages. Rows G13 (the five verbs), G14, G15; gaps 20, 21 and G9. */
#include "tap.h"
#include "vm_fixture.h"
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* A controller that remembers its pins, and ends a vector by telling the host which pin it stood
 * for. */
struct chip {
    struct tn_dev *dev;
    uint32_t level, changes, base, pins;
    uint32_t last_vector;
};

static void on_pin(void *s, uint32_t pin, uint32_t level)
{
    struct chip *c = s;
    uint32_t was = __atomic_load_n(&c->level, __ATOMIC_RELAXED), bit = 1u << pin;
    __atomic_add_fetch(&c->changes, (was & bit) != (level ? bit : 0), __ATOMIC_RELAXED);
    if (level)
        __atomic_or_fetch(&c->level, bit, __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&c->level, ~bit, __ATOMIC_RELAXED);
}

static void on_eoi(void *s, uint32_t vector)
{
    struct chip *c = s;
    __atomic_store_n(&c->last_vector, vector, __ATOMIC_RELAXED);
    TN_GET(c->dev, struct tn_intc, TN_INTC_1)->eoi_of(c->dev, c->base + vector);
}

static const struct tn_intc_ops chip_ops = {sizeof chip_ops, 0, on_pin, on_eoi, NULL};

static int chip_init(void *s, struct tn_dev *d)
{
    ((struct chip *)s)->dev = d;
    return 0;
}

static int chip_realize(void *s, struct tn_err *e)
{
    struct chip *c = s;
    return TN_GET(c->dev, struct tn_intc, TN_INTC_1)
        ->attach(c->dev, c->base, c->pins, &chip_ops, c, e);
}

static const struct tn_prop chip_props[] = {TN_PROP(struct chip, base, "base", U32, 0, NULL),
                                            TN_PROP(struct chip, pins, "pins", U32, 24, NULL)};
static const struct tn_class chip = {.struct_size = sizeof chip,
                                     .flags = TN_C_HOTPLUG | TN_C_THREADSAFE,
                                     .name = "chip",
                                     .instance_size = sizeof(struct chip),
                                     .props = chip_props,
                                     .nprops = 2,
                                     .prop_stride = sizeof chip_props[0],
                                     .init = chip_init,
                                     .realize = chip_realize};

struct source {
    struct tn_dev *dev;
    uint32_t kind, n, flags;
    struct tn_line *line;
};

static int source_realize(void *s, struct tn_err *e)
{
    struct source *c = s;
    return TN_GET(c->dev, struct tn_irq, TN_IRQ_1)
        ->line(c->dev, c->kind, c->n, c->flags, &c->line, e);
}

static const struct tn_prop source_props[] = {
    TN_PROP(struct source, kind, "kind", U32, TN_LINE_GSI, NULL),
    TN_PROP(struct source, n, "n", U32, 0, NULL),
    TN_PROP(struct source, flags, "flags", U32, 0, NULL)};
static const struct tn_class source = {.struct_size = sizeof source,
                                       .flags = TN_C_HOTPLUG,
                                       .name = "source",
                                       .instance_size = sizeof(struct source),
                                       .props = source_props,
                                       .nprops = 3,
                                       .prop_stride = sizeof source_props[0],
                                       .init = chip_init,
                                       .realize = source_realize};
FIXTURE_PLUGIN(parts, &chip, &source);

static struct tn_line *line(struct vm *vm, uint32_t kind, uint32_t n, uint32_t flags)
{
    char text[80];
    snprintf(text, sizeof text, "source,kind=%u,n=%u,flags=%u", kind, n, flags);
    struct device *d = fixture_add(vm, TN_K_DEVICE, text);
    return d ? ((struct source *)device_self(d))->line : NULL;
}

static struct chip *with_chip(struct vm **vm)
{
    *vm = fixture_vm_with(&parts);
    return device_self(fixture_add(*vm, TN_K_DEVICE, "chip"));
}

/* Signal. The wire is the OR of its sharers; a level that is set twice is one change. */
TEST(a_wire_is_the_or_of_its_sharers)
{
    struct vm *vm;
    struct chip *c = with_chip(&vm);
    struct tn_line *a = line(vm, TN_LINE_GSI, 17, TN_LINE_LEVEL | TN_LINE_SHARED),
                   *b = line(vm, TN_LINE_GSI, 17, TN_LINE_LEVEL | TN_LINE_SHARED);
    irq_set(a, 1);
    irq_set(a, 7);
    irq_set(b, 1);
    CHECK_EQ(c->level, 1u << 17);
    CHECK_EQ(c->changes, 1);
    irq_set(a, 0);
    CHECK_EQ(c->level, 1u << 17);
    irq_set(b, 0);
    CHECK_EQ(c->level, 0);
    CHECK_EQ(c->changes, 2);
    vm_free(vm);
}

/* Request new interrupts: by ISA number, GSI, or any; and the refusals. */
TEST(lines_are_requested_by_kind)
{
    struct vm *vm;
    struct chip *c = with_chip(&vm);
    struct tn_line *timer = line(vm, TN_LINE_ISA, 0, 0), *com1 = line(vm, TN_LINE_ISA, 4, 0),
                   *any = line(vm, TN_LINE_ANY, 0, 0);
    CHECK_EQ(irq_gsi(timer), 2); /* the override of the MADT */
    CHECK_EQ(irq_gsi(com1), 4);
    CHECK_EQ(irq_gsi(any), 23);
    irq_set(timer, 1);
    CHECK_EQ(c->level, 1u << 2);
    CHECK(!line(vm, TN_LINE_ISA, 4, TN_LINE_SHARED));
    CHECK(strstr(fixture_error, "interrupt 4 is taken by /machine/peripheral-anon/device[2]"));
    CHECK(!line(vm, TN_LINE_ISA, 16, 0));
    CHECK(!line(vm, TN_LINE_GSI, 24, 0));
    CHECK(!line(vm, TN_LINE_SPI, 1, 0));
    CHECK(!line(vm, 0, 1, 0));
    CHECK(!line(vm, 99, 1, 0));
    for (uint32_t gsi = 22; gsi > 15; gsi--)
        CHECK_EQ(irq_gsi(line(vm, TN_LINE_ANY, 0, 0)), gsi);
    CHECK(!line(vm, TN_LINE_ANY, 0, 0));
    CHECK(strstr(fixture_error, "no interrupt is free"));
    vm_free(vm);
}

/* A device that goes takes its level with it, and frees its line. */
TEST(a_line_goes_low_with_its_device)
{
    struct vm *vm;
    struct chip *c = with_chip(&vm);
    struct tn_line *a = line(vm, TN_LINE_GSI, 20, TN_LINE_LEVEL);
    struct device *d = TAILQ_LAST(&vm->devices, device_list);
    irq_set(a, 1);
    CHECK_EQ(c->level, 1u << 20);
    device_free(d);
    CHECK_EQ(c->level, 0);
    CHECK(line(vm, TN_LINE_GSI, 20, TN_LINE_LEVEL));
    vm_free(vm);
}

/* Configure: controllers take disjoint ranges of pins and may leave; a wire that is high finds its
 * new controller. */
TEST(controllers_come_and_go)
{
    struct vm *vm = fixture_vm_with(&parts);
    struct tn_line *a = line(vm, TN_LINE_GSI, 5, 0);
    irq_set(a, 1); /* nobody listens */
    struct device *d = fixture_add(vm, TN_K_DEVICE, "chip,base=4,pins=4");
    CHECK(!fixture_add(vm, TN_K_DEVICE, "chip,base=7,pins=2"));
    CHECK(strstr(fixture_error, "GSI 7 has an interrupt controller"));
    CHECK(!fixture_add(vm, TN_K_DEVICE, "chip,base=23,pins=2"));
    CHECK(!fixture_add(vm, TN_K_DEVICE, "chip,base=0,pins=0"));
    struct chip *c = device_self(d);
    irq_repeat(vm);
    CHECK_EQ(c->level, 1u << 1); /* pins count from the base */
    irq_eoi(vm, 3);
    CHECK_EQ(c->last_vector, 3);
    device_free(d);
    irq_set(a, 0);
    irq_set(a, 1);
    irq_eoi(vm, 4);
    CHECK((d = fixture_add(vm, TN_K_DEVICE, "chip")));
    irq_repeat(vm);
    CHECK_EQ(((struct chip *)device_self(d))->level, 1u << 5);
    vm_free(vm);
}

/* A failing realize behind attach gives the pins back. */
static int broken_realize(void *s, struct tn_err *e)
{
    int r = chip_realize(s, e);
    return r < 0 ? r : tn_fail(((struct chip *)s)->dev, e, EIO, "broken on purpose");
}

static const struct tn_class broken = {.struct_size = sizeof broken,
                                       .name = "broken",
                                       .instance_size = sizeof(struct chip),
                                       .props = chip_props,
                                       .nprops = 2,
                                       .prop_stride = sizeof chip_props[0],
                                       .init = chip_init,
                                       .realize = broken_realize};
FIXTURE_PLUGIN(more, &broken);

TEST(a_controller_that_fails_later_leaves_no_pins_behind)
{
    struct vm *vm = fixture_vm_with(&parts);
    fixture_register(vm, &more);
    struct tn_line *a = line(vm, TN_LINE_GSI, 5, 0);
    CHECK(!fixture_add(vm, TN_K_DEVICE, "broken"));
    CHECK_STR(fixture_error, "broken on purpose");
    irq_set(a, 1);
    irq_eoi(vm, 5);
    CHECK(fixture_add(vm, TN_K_DEVICE, "chip"));
    vm_free(vm);
}

/* ---- irqfd ---- */

static void ring(int fd)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) != sizeof one)
        abort();
}

static uint64_t take(int fd)
{
    uint64_t n = 0;
    return read(fd, &n, sizeof n) == sizeof n ? n : 0;
}

TEST(an_irqfd_asserts_a_level_until_its_eoi_and_resamples)
{
    struct vm *vm;
    struct chip *c = with_chip(&vm);
    struct tn_line *a = line(vm, TN_LINE_GSI, 16, TN_LINE_LEVEL);
    int fd = eventfd(0, EFD_NONBLOCK), resample = eventfd(0, EFD_NONBLOCK);
    CHECK_EQ(irq_line_fd(a, fd, resample), 0);
    ring(fd);
    fixture_spin(vm);
    CHECK_EQ(c->level, 1u << 16);
    CHECK_EQ(take(resample), 0);
    irq_eoi(vm, 16);
    fixture_spin(vm);
    CHECK_EQ(c->level, 0);
    CHECK_EQ(take(resample), 1);
    ring(fd); /* its owner found the cause still there */
    fixture_spin(vm);
    CHECK_EQ(c->level, 1u << 16);
    CHECK_EQ(irq_line_fd(a, -1, -1), 0); /* off: the line falls */
    CHECK_EQ(c->level, 0);
    ring(fd);
    fixture_spin(vm);
    CHECK_EQ(c->level, 0);
    irq_eoi(vm, 16);
    fixture_spin(vm);
    CHECK_EQ(take(resample), 0);
    close(fd);
    close(resample);
    vm_free(vm);
}

TEST(an_irqfd_pulses_an_edge)
{
    struct vm *vm;
    struct chip *c = with_chip(&vm);
    struct tn_line *a = line(vm, TN_LINE_ISA, 6, 0);
    int fd = eventfd(0, EFD_NONBLOCK);
    CHECK_EQ(irq_line_fd(a, fd, -1), 0);
    ring(fd);
    fixture_spin(vm);
    CHECK_EQ(c->level, 0);
    CHECK_EQ(c->changes, 2);
    close(fd);
    vm_free(vm);
}

/* EOI with the level still high: another sharer holds it, only the irqfd's share ends. */
TEST(an_eoi_ends_the_irqfd_and_not_the_other_sharer)
{
    struct vm *vm;
    struct chip *c = with_chip(&vm);
    struct tn_line *a = line(vm, TN_LINE_GSI, 18, TN_LINE_LEVEL | TN_LINE_SHARED),
                   *b = line(vm, TN_LINE_GSI, 18, TN_LINE_LEVEL | TN_LINE_SHARED);
    int fd = eventfd(0, EFD_NONBLOCK), resample = eventfd(0, EFD_NONBLOCK);
    irq_line_fd(a, fd, resample);
    ring(fd);
    fixture_spin(vm);
    irq_set(b, 1);
    irq_eoi(vm, 18);
    fixture_spin(vm);
    CHECK_EQ(take(resample), 1);
    CHECK_EQ(c->level, 1u << 18);
    irq_set(b, 0);
    CHECK_EQ(c->level, 0);
    close(fd);
    close(resample);
    vm_free(vm);
}

struct ender {
    struct vm *vm;
    uint32_t stop;
};

static void *end_forever(void *p)
{
    struct ender *e = p;
    while (!__atomic_load_n(&e->stop, __ATOMIC_ACQUIRE))
        irq_eoi(e->vm, 16);
    return NULL;
}

/* A vCPU ends interrupts while main takes irqfds away and lines go. */
TEST(eois_race_with_the_end_of_irqfds_and_lines)
{
    struct vm *vm;
    with_chip(&vm);
    struct ender e = {vm, 0};
    pthread_t t;
    pthread_create(&t, NULL, end_forever, &e);
    for (int i = 0; i < 200; i++) {
        struct tn_line *a = line(vm, TN_LINE_GSI, 16, TN_LINE_LEVEL);
        struct device *d = TAILQ_LAST(&vm->devices, device_list);
        int fd = eventfd(1, EFD_NONBLOCK), resample = eventfd(0, EFD_NONBLOCK);
        CHECK_EQ(irq_line_fd(a, fd, resample), 0);
        fixture_spin(vm);
        if (i % 2)
            irq_line_fd(a, -1, -1);
        device_free(d);
        fixture_spin(vm);
        close(fd);
        close(resample);
    }
    __atomic_store_n(&e.stop, 1, __ATOMIC_RELEASE);
    pthread_join(t, NULL);
    vm_free(vm);
}

struct setter {
    struct tn_line *l;
};

static void *set_often(void *p)
{
    struct tn_line *l = p;
    for (int i = 0; i < 5000; i++) {
        irq_set(l, 1);
        irq_set(l, 0);
    }
    return NULL;
}

TEST(sharers_in_two_threads_leave_the_wire_low)
{
    struct vm *vm;
    struct chip *c = with_chip(&vm);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, set_often,
                       line(vm, TN_LINE_GSI, 19, TN_LINE_LEVEL | TN_LINE_SHARED));
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(c->level, 0);
    vm_free(vm);
}

static void spy(void *o, uint32_t gsi, uint32_t level)
{
    uint32_t *seen = o;
    *seen = gsi << 1 | level;
}

TEST(qtest_sees_each_change_of_a_wire)
{
    struct vm *vm;
    with_chip(&vm);
    uint32_t seen = ~0u;
    struct tn_line *a = line(vm, TN_LINE_ISA, 3, 0);
    irq_intercept(vm, spy, &seen);
    irq_set(a, 1);
    CHECK_EQ(seen, 3 << 1 | 1);
    irq_set(a, 0);
    CHECK_EQ(seen, 3 << 1);
    irq_intercept(vm, NULL, NULL);
    irq_set(a, 1);
    CHECK_EQ(seen, 3 << 1);
    vm_free(vm);
}

/* Without a KVM, a message is the memory write that it is on the bus. */
TEST(a_message_is_a_write_where_no_apic_listens)
{
    struct vm *vm = fixture_vm();
    void *va = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct tn_mem *m = mem_new(vm, "t", va, 0x1000, -1, 0, 0, 12);
    CHECK_EQ(memory_map(vm, m, 0, 0xfee00000, 0x1000, 0, NULL), 0);
    CHECK_EQ(irq_msi(vm, 0xfee00010, 0x4321), 1);
    CHECK_EQ(irq_msi(vm, 0xfed00010, 0x4321), 0);
    uint32_t v = 0;
    CHECK_EQ(memory_read(vm, 0xfee00010, &v, 4), 0);
    CHECK_EQ(v, 0x4321);
    mem_free(m);
    vm_free(vm);
}

int main(void)
{
    RUN(a_wire_is_the_or_of_its_sharers);
    RUN(lines_are_requested_by_kind);
    RUN(a_line_goes_low_with_its_device);
    RUN(controllers_come_and_go);
    RUN(a_controller_that_fails_later_leaves_no_pins_behind);
    RUN(an_irqfd_asserts_a_level_until_its_eoi_and_resamples);
    RUN(an_irqfd_pulses_an_edge);
    RUN(an_eoi_ends_the_irqfd_and_not_the_other_sharer);
    RUN(eois_race_with_the_end_of_irqfds_and_lines);
    RUN(sharers_in_two_threads_leave_the_wire_low);
    RUN(qtest_sees_each_change_of_a_wire);
    RUN(a_message_is_a_write_where_no_apic_listens);
    return tap_done();
}
