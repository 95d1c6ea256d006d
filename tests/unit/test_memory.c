/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest RAM and DMA to it: pieces, listeners, caches, memory of devices. Gaps G6, G7, G11, N33. */
#include "tap.h"
#include "vm_fixture.h"
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 0x1000 };

static struct tn_mem *block(struct vm *vm, uint64_t len, uint32_t flags)
{
    void *va = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return mem_new(vm, "ram", va, len, -1, 0, flags, 12);
}

struct user {
    struct tn_dev *dev;
    struct tn_as *as;
};

static int user_init(void *s, struct tn_dev *d)
{
    struct user *u = s;
    u->dev = d;
    return 0;
}

static int user_realize(void *s, struct tn_err *e)
{
    struct user *u = s;
    (void)e;
    u->as = TN_GET(u->dev, struct tn_dma, TN_DMA_1)->system(u->dev);
    return 0;
}

static const struct tn_class user = {.struct_size = sizeof user,
                                     .flags = TN_C_HOTPLUG,
                                     .name = "user",
                                     .instance_size = sizeof(struct user),
                                     .init = user_init,
                                     .realize = user_realize};
FIXTURE_PLUGIN(users, &user);

static struct user *with_user(struct vm **vm, struct device **d)
{
    *vm = fixture_vm_with(&users);
    *d = fixture_add(*vm, TN_K_DEVICE, "user");
    return device_self(*d);
}

TEST(reads_and_writes_cross_pieces_and_stop_at_holes)
{
    struct vm *vm = fixture_vm();
    struct tn_mem *a = block(vm, 2 * PAGE, 0), *b = block(vm, PAGE, 0);
    CHECK_EQ(memory_map(vm, a, PAGE, 0x10000, PAGE, 0, NULL), 0);
    CHECK_EQ(memory_map(vm, b, 0, 0x11000, PAGE, 0, NULL), 0);
    uint8_t in[16], out[16] = {0};
    for (int i = 0; i < 16; i++)
        in[i] = (uint8_t)(i + 1);
    CHECK_EQ(memory_write(vm, 0x10ff8, in, 16), 0);
    CHECK_EQ(memory_read(vm, 0x10ff8, out, 16), 0);
    CHECK(memcmp(in, out, 16) == 0);
    CHECK_EQ(a->va[2 * PAGE - 1], 8);
    CHECK_EQ(b->va[0], 9);
    CHECK_EQ(memory_write(vm, 0x11ffc, in, 16), -EFAULT);
    CHECK_EQ(memory_read(vm, 0xffff, out, 1), -EFAULT);
    CHECK_EQ(memory_read(vm, ~(uint64_t)0, out, 8), -EFAULT);
    CHECK(memory_ptr(vm, 0x10000, PAGE) == a->va + PAGE);
    CHECK(!memory_ptr(vm, 0x10001, PAGE)); /* not in one piece */
    mem_free(a);
    CHECK_EQ(memory_read(vm, 0x10000, out, 1), -EFAULT);
    mem_free(b);
    vm_free(vm);
}

TEST(pieces_do_not_overlap_and_fit_their_block)
{
    struct vm *vm = fixture_vm();
    struct tn_mem *a = block(vm, 2 * PAGE, 0);
    ERR_AUTO e = {0};
    CHECK_EQ(memory_map(vm, a, 0, 0x10000, PAGE, 0, NULL), 0);
    CHECK_EQ(memory_map(vm, a, PAGE, 0x10fff, PAGE, 0, &e), -EINVAL);
    CHECK_EQ(memory_map(vm, a, PAGE, 0x20000, 2 * PAGE, 0, &e), -EINVAL);
    CHECK_EQ(memory_map(vm, a, PAGE, ~(uint64_t)0xff, PAGE, 0, &e), -EINVAL);
    CHECK_EQ(memory_map(vm, a, PAGE, 0x20000, 0, 0, &e), -EINVAL);
    CHECK_EQ(a->mapped, 1);
    mem_free(a);
    vm_free(vm);
}

TEST(read_only_pieces_refuse_writes)
{
    struct vm *vm = fixture_vm();
    struct tn_mem *a = block(vm, PAGE, 0);
    uint8_t v = 1;
    CHECK_EQ(memory_map(vm, a, 0, 0xf0000, PAGE, 1, NULL), 0);
    CHECK_EQ(memory_read(vm, 0xf0000, &v, 1), 0);
    CHECK_EQ(memory_write(vm, 0xf0000, &v, 1), -EFAULT);
    mem_free(a);
    vm_free(vm);
}

/* DMA that would land in a trapping range is refused: there is no RAM there. */
TEST(dma_never_reaches_a_trapping_range)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct tn_region *r;
    static const struct tn_region_ops none = {.struct_size = sizeof none};
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = 0x5000,
                                    .size = 0x1000,
                                    .name = "x"};
    CHECK_EQ(region_add(vm->mmio, NULL, &q, &none, NULL, 0, &r, NULL), 0);
    uint32_t v;
    struct tn_seg seg[2];
    CHECK_EQ(dma_table.read(u->as, 0x5000, &v, 4), -EFAULT);
    CHECK_EQ(dma_table.write(u->as, 0x5000, &v, 4), -EFAULT);
    CHECK_EQ(dma_table.map(u->as, 0x5000, 4, TN_DMA_READ, seg, 2), -EFAULT);
    region_del(r);
    vm_free(vm);
}

TEST(maps_come_in_segments_and_say_how_far_they_got)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct tn_mem *a = block(vm, PAGE, 0), *b = block(vm, PAGE, 0);
    memory_map(vm, a, 0, 0, PAGE, 0, NULL);
    memory_map(vm, b, 0, PAGE, PAGE, 1, NULL);
    struct tn_seg seg[4];
    CHECK_EQ(dma_table.map(u->as, 0x800, 0x1000, TN_DMA_READ, seg, 4), 2);
    CHECK(seg[0].va == a->va + 0x800 && seg[1].va == b->va);
    CHECK_EQ(seg[0].len + seg[1].len, 0x1000);
    CHECK_EQ(dma_table.map(u->as, 0x800, 0x1000, TN_DMA_WRITE, seg, 4), 1); /* b is read-only */
    CHECK_EQ(seg[0].len, 0x800);
    CHECK_EQ(dma_table.map(u->as, 0x800, 0x10000, TN_DMA_READ, seg, 1), 1);
    struct tn_iotlb t;
    CHECK_EQ(dma_table.lookup(u->as, 0x1234, TN_DMA_READ, &t), 0);
    CHECK(t.va == b->va && t.iova == 0x1000);
    CHECK_EQ(dma_table.lookup(u->as, 0x1234, TN_DMA_WRITE, &t), -ENOENT);
    mem_free(a);
    mem_free(b);
    vm_free(vm);
}

/* Bus mastering off: nothing goes in or out. */
TEST(a_closed_gate_stops_dma)
{
    struct vm *vm = fixture_vm();
    struct tn_mem *a = block(vm, PAGE, 0);
    memory_map(vm, a, 0, 0, PAGE, 0, NULL);
    struct tn_as as = {.vm = vm};
    uint32_t v = 5;
    struct tn_seg seg;
    memory_as_init(&as, 0);
    const struct tn_view *const *view = dma_table.view(&as, NULL);
    CHECK(!*view);
    CHECK_EQ(dma_table.write(&as, 0, &v, 4), -EACCES);
    CHECK_EQ(dma_table.read(&as, 0, &v, 4), -EACCES);
    CHECK_EQ(dma_table.map(&as, 0, 4, TN_DMA_READ, &seg, 1), -EACCES);
    memory_as_gate(&as, 1);
    CHECK_EQ(dma_table.write(&as, 0, &v, 4), 0);
    CHECK(tn_ram_at(*view, 0, 4, TN_DMA_WRITE));
    struct tn_mem *b = block(vm, PAGE, 0);
    memory_map(vm, b, 0, PAGE, PAGE, 0, NULL);
    CHECK(tn_ram_at(*view, PAGE, 4, TN_DMA_WRITE));
    memory_as_gate(&as, 0);
    CHECK(!*view);
    memory_as_fini(&as);
    mem_free(b);
    mem_free(a);
    vm_free(vm);
}

/* ---- listeners ---- */

struct trace {
    char text[512];
    int fail_at; /* the map of this page fails */
    uint64_t block;
};

static void say(struct trace *t, const char *what, uint64_t n)
{
    size_t at = strlen(t->text);
    snprintf(t->text + at, sizeof t->text - at, "%s%" PRIx64 " ", what, n / PAGE);
}

static void on_begin(void *o)
{
    say(o, "b", 0);
}

static int on_map(void *o, const struct tn_mapping *m)
{
    struct trace *t = o;
    say(t, "m", m->iova);
    t->block = m->block;
    return t->fail_at && m->iova == (uint64_t)t->fail_at * PAGE ? -ENOSPC : 0;
}

static void on_unmap(void *o, uint64_t iova, uint64_t len)
{
    (void)len;
    say(o, "u", iova);
}

static int on_commit(void *o, uint64_t token)
{
    (void)token;
    say(o, "c", 0);
    return 0;
}

static const struct tn_dma_listener plain = {.struct_size = sizeof plain,
                                             .begin = on_begin,
                                             .map = on_map,
                                             .unmap = on_unmap,
                                             .commit = on_commit};
static const struct tn_dma_listener picky = {.struct_size = sizeof picky,
                                             .flags = TN_LISTEN_NEED_FD,
                                             .begin = on_begin,
                                             .map = on_map,
                                             .unmap = on_unmap,
                                             .commit = on_commit};

TEST(a_listener_hears_what_is_there_and_what_changes)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct trace t = {0};
    struct tn_mem *a = block(vm, PAGE, 0), *b = block(vm, PAGE, 0);
    memory_map(vm, a, 0, 0x1000, PAGE, 0, NULL);
    CHECK_EQ(dma_table.listen(u->as, &plain, &t, NULL), 0);
    CHECK_STR(t.text, "b0 m1 c0 ");
    CHECK_EQ(t.block, a->block);
    memory_map(vm, b, 0, 0x2000, PAGE, 0, NULL);
    CHECK_STR(t.text, "b0 m1 c0 b0 m2 c0 ");
    mem_free(b);
    CHECK_STR(t.text, "b0 m1 c0 b0 m2 c0 b0 u2 c0 ");
    dma_table.unlisten(u->as, &t);
    mem_free(a);
    CHECK_STR(t.text, "b0 m1 c0 b0 m2 c0 b0 u2 c0 ");
    vm_free(vm);
}

TEST(a_listener_goes_with_its_device)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct trace t = {0};
    struct tn_mem *a = block(vm, PAGE, 0);
    CHECK_EQ(dma_table.listen(u->as, &plain, &t, NULL), 0);
    device_free(d);
    memory_map(vm, a, 0, 0x1000, PAGE, 0, NULL);
    CHECK_STR(t.text, "");
    mem_free(a);
    vm_free(vm);
}

TEST(a_failed_map_is_taken_back_from_those_who_had_it)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct trace good = {0}, bad = {.fail_at = 3};
    ERR_AUTO e = {0};
    struct tn_mem *a = block(vm, 2 * PAGE, 0);
    CHECK_EQ(dma_table.listen(u->as, &plain, &bad, NULL), 0);
    CHECK_EQ(dma_table.listen(u->as, &plain, &good, NULL), 0); /* newest first */
    CHECK_EQ(memory_map(vm, a, 0, 0x2000, PAGE, 0, NULL), 0);
    CHECK_EQ(memory_map(vm, a, PAGE, 0x3000, PAGE, 0, &e), -ENOSPC);
    CHECK_STR(good.text, "b0 m2 c0 b0 m3 c0 b0 u3 c0 ");
    CHECK(strstr(err_text(&e), "cannot map 0x3000"));
    CHECK(!memory_ptr(vm, 0x3000, 1));
    CHECK_EQ(a->mapped, 1);
    mem_free(a);
    vm_free(vm);
}

/* vhost-user: memory that its daemon could not see is an error at once, not silence later. */
TEST(a_listener_that_needs_descriptors_refuses_private_memory)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct trace t = {0};
    ERR_AUTO e = {0}, e2 = {0};
    struct tn_mem *a = block(vm, PAGE, 0), *shared = block(vm, PAGE, TN_MEMF_SHARED);
    memory_map(vm, a, 0, 0x1000, PAGE, 0, NULL);
    CHECK_EQ(dma_table.listen(u->as, &picky, &t, &e), -EINVAL);
    CHECK(strstr(err_text(&e), "share=on"));
    CHECK_STR(t.text, "");
    mem_free(a);
    memory_map(vm, shared, 0, 0x1000, PAGE, 0, NULL);
    CHECK_EQ(dma_table.listen(u->as, &picky, &t, NULL), 0);
    a = block(vm, PAGE, 0);
    CHECK_EQ(memory_map(vm, a, 0, 0x2000, PAGE, 0, &e2), -EINVAL);
    mem_free(a);
    mem_free(shared);
    vm_free(vm);
}

/* ---- what is fast ---- */

TEST(a_cache_has_the_address_or_none)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct tn_mem *a = block(vm, PAGE, 0);
    memory_map(vm, a, 0, 0x1000, PAGE, 0, NULL);
    const struct tn_cached *c =
        dma_table.cache(u->as, vm->main, 0x1100, 0x100, TN_DMA_READ | TN_DMA_WRITE, NULL, NULL);
    CHECK(c && c->va == a->va + 0x100 && c->iova == 0x1100 && c->len == 0x100);
    const struct tn_cached *none =
        dma_table.cache(u->as, vm->main, 0x1f80, 0x100, TN_DMA_READ, NULL, NULL);
    CHECK(none && !none->va);
    dma_table.uncache(c); /* the other goes with the device */
    fixture_spin(vm);
    device_free(d);
    mem_free(a);
    vm_free(vm);
}

struct viewer {
    struct vm *vm;
    const struct tn_view *const *view;
    struct tn_bh *bh;
    uint32_t looked;
};

static void look(void *s)
{
    struct viewer *v = s;
    const struct tn_view *t = __atomic_load_n(v->view, __ATOMIC_ACQUIRE);
    usleep(200); /* long enough for main to publish another one, and to free this one if it dared */
    for (int i = 0; i < 200; i++)
        if (tn_ram_at(t, 0x1000, 1, TN_DMA_READ))
            __atomic_add_fetch(&v->looked, 1, __ATOMIC_RELAXED);
    bh_kick(v->bh);
}

/* An iothread looks up descriptors in the table while memory is added: the old table lives until
 * its callback ends. */
TEST(the_view_stays_for_the_callback_that_has_it)
{
    extern const struct tn_plugin iothread_plugin;
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    fixture_register(vm, &iothread_plugin);
    struct device *t = fixture_add(vm, TN_K_OBJECT, "iothread,id=t");
    CHECK(t);
    fixture_start(vm);
    struct tn_mem *a = block(vm, PAGE, 0);
    memory_map(vm, a, 0, 0x1000, PAGE, 0, NULL);
    struct viewer v = {.vm = vm, .view = dma_table.view(u->as, t->handle)};
    v.bh = bh_new(t->handle, NULL, 0, look, &v);
    bh_kick(v.bh);
    for (int i = 0; i < 100; i++) {
        struct tn_mem *more = block(vm, PAGE, 0);
        memory_map(vm, more, 0, 0x9000, PAGE, 0, NULL);
        fixture_spin(vm);
        usleep(50);
        mem_free(more);
        fixture_spin(vm);
    }
    for (int i = 0; i < 1000 && !__atomic_load_n(&v.looked, __ATOMIC_RELAXED); i++)
        usleep(1000);
    CHECK(__atomic_load_n(&v.looked, __ATOMIC_RELAXED) > 0);
    bh_del(v.bh);
    loop_drain(t->handle);
    mem_free(a);
    vm_free(vm);
}

/* ---- memory of devices, and claims ---- */

TEST(a_device_has_ram_of_its_own_until_it_goes)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct tn_mem *m;
    void *va;
    uint64_t len;
    int fd;
    uint32_t flags;
    CHECK_EQ(memory_table.alloc(u->dev, "vram", 5000, &m, NULL), 0);
    CHECK_EQ(memory_table.get(m, &va, &len, &fd, NULL, &flags), 0);
    CHECK_EQ(len, 2 * PAGE);
    CHECK(fd >= 0 && (flags & TN_MEMF_SHARED));
    memset(va, 1, len);
    ERR_AUTO e = {0}, e2 = {0};
    CHECK_EQ(memory_table.alloc(u->dev, "none", 0, &m, &e), -ENOMEM);
    CHECK_EQ(memory_table.alloc(u->dev, "huge", ~(uint64_t)0, &m, &e2), -ENOMEM);
    device_free(d);
    vm_free(vm);
}

TEST(a_claim_excludes_others_until_its_device_goes)
{
    struct vm *vm;
    struct device *d;
    struct user *u = with_user(&vm, &d);
    struct device *other = fixture_add(vm, TN_K_DEVICE, "user,id=second");
    struct tn_mem *a = block(vm, PAGE, 0);
    ERR_AUTO e = {0};
    CHECK_EQ(memory_table.claim(a, u->dev, NULL), 0);
    CHECK_EQ(memory_table.claim(a, &other->pub, &e), -EBUSY);
    CHECK_STR(err_text(&e),
              "can't use already busy memdev: ram is used by /machine/peripheral-anon/device[0]");
    device_free(d);
    CHECK_EQ(memory_table.claim(a, &other->pub, NULL), 0);
    device_free(other);
    mem_free(a);
    vm_free(vm);
}

int main(void)
{
    RUN(reads_and_writes_cross_pieces_and_stop_at_holes);
    RUN(pieces_do_not_overlap_and_fit_their_block);
    RUN(read_only_pieces_refuse_writes);
    RUN(dma_never_reaches_a_trapping_range);
    RUN(maps_come_in_segments_and_say_how_far_they_got);
    RUN(a_closed_gate_stops_dma);
    RUN(a_listener_hears_what_is_there_and_what_changes);
    RUN(a_listener_goes_with_its_device);
    RUN(a_failed_map_is_taken_back_from_those_who_had_it);
    RUN(a_listener_that_needs_descriptors_refuses_private_memory);
    RUN(a_cache_has_the_address_or_none);
    RUN(the_view_stays_for_the_callback_that_has_it);
    RUN(a_device_has_ram_of_its_own_until_it_goes);
    RUN(a_claim_excludes_others_until_its_device_goes);
    return tap_done();
}
