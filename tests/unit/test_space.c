/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatch of what traps: claims, lookup, sizes, overlays, ioeventfds, and both against concurrent
 * changes. Rows of the mission: G01 to G09. */
#include "space_rig.h"

/* G06: PIO range 0, length 10; "ok" written at 0 arrives as offset 0, two bytes. */
TEST(log_device_sees_offset_and_length)
{
    struct vm *vm = fixture_vm();
    struct log l = {0};
    struct tn_region *r = claim(vm, PIO, 0, 10, &l);
    CHECK(r);
    space_write(vm->pio, 0, 'o' | 'k' << 8, 2);
    CHECK_EQ(l.off, 0);
    CHECK_EQ(l.size, 2);
    CHECK_EQ(l.value, 'o' | 'k' << 8);
    region_del(r);
    vm_free(vm);
}

/* G03: nobody there. */
TEST(unclaimed_reads_all_ones_and_counts)
{
    struct vm *vm = fixture_vm();
    CHECK_EQ(space_read(vm->pio, 0x80, 1), 0xff);
    CHECK_EQ(space_read(vm->mmio, 0xfee00000, 4), 0xffffffff);
    CHECK_EQ(space_read(vm->mmio, 0, 8), ~(uint64_t)0);
    space_write(vm->pio, 0x80, 1, 1);
    CHECK_EQ(space_misses(vm->pio), 2);
    CHECK_EQ(space_misses(vm->mmio), 2);
    vm_free(vm);
}

/* G04 */
TEST(overlap_empty_and_wrap_are_refused_and_change_nothing)
{
    struct vm *vm = fixture_vm();
    struct log a = {.answer = 0x11}, b = {.answer = 0x22};
    struct tn_region *r = claim(vm, PIO, 0x100, 8, &a), *x = NULL;
    CHECK_EQ(try_claim(vm, PIO, 0x100, 8, &b, &x), -EBUSY);
    CHECK(strstr(fixture_error, "overlaps 't' of the machine"));
    CHECK_EQ(try_claim(vm, PIO, 0x107, 1, &b, &x), -EBUSY);
    CHECK_EQ(try_claim(vm, PIO, 0xf9, 8, &b, &x), -EBUSY);
    CHECK_EQ(try_claim(vm, PIO, 0, 0x10000, &b, &x), -EBUSY);
    CHECK_EQ(try_claim(vm, PIO, 0x200, 0, &b, &x), -EINVAL);
    CHECK_EQ(try_claim(vm, PIO, 0xffff, 2, &b, &x), -EINVAL);
    CHECK_EQ(try_claim(vm, PIO, 0x10000, 1, &b, &x), -EINVAL);
    CHECK_EQ(try_claim(vm, MMIO, ~(uint64_t)0 - 1, 4, &b, &x), -EINVAL);
    CHECK(!x);
    CHECK_EQ(space_read(vm->pio, 0x100, 1), 0x11);
    CHECK_EQ(space_read(vm->pio, 0xff, 1), 0xff);
    CHECK_EQ(b.reads, 0);
    region_del(r);
    vm_free(vm);
}

/* G02, G05: the buses are apart, and one device sits on both, with several ranges. */
TEST(one_device_on_both_buses_with_several_ranges)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0x33};
    struct tn_region *r[] = {claim(vm, PIO, 0x100, 8, &l), claim(vm, MMIO, 0x100, 8, &l),
                             claim(vm, PIO, 0x108, 1, &l)};
    CHECK(r[0] && r[1] && r[2]);
    CHECK_EQ(space_read(vm->pio, 0x100, 1), 0x33);
    CHECK_EQ(space_read(vm->mmio, 0x100, 1), 0x33);
    CHECK_EQ(space_read(vm->pio, 0x108, 1), 0x33);
    region_del(r[0]);
    CHECK_EQ(space_read(vm->pio, 0x100, 1), 0xff);
    CHECK_EQ(space_read(vm->mmio, 0x100, 1), 0x33);
    CHECK_EQ(space_read(vm->pio, 0x108, 1), 0x33);
    region_del(r[1]);
    region_del(r[2]);
    CHECK_EQ(space_read(vm->mmio, 0x100, 1), 0xff);
    CHECK_EQ(l.reads, 5);
    vm_free(vm);
}

TEST(last_addresses_can_be_claimed)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0xaa};
    struct tn_region *r = claim(vm, PIO, 0xffff, 1, &l),
                     *q = claim(vm, MMIO, ~(uint64_t)0xfff, 0x1000, &l);
    CHECK(r && q);
    CHECK_EQ(space_read(vm->pio, 0xffff, 1), 0xaa);
    CHECK_EQ(space_read(vm->pio, 0xffff, 2), 0xffaa); /* the second byte is nobody's */
    CHECK_EQ(space_read(vm->mmio, ~(uint64_t)0, 1), 0);
    CHECK_EQ(l.off, 0xfff);
    region_del(r);
    region_del(q);
    vm_free(vm);
}

/* G08: the host chooses, aligned, within bounds, and says so when there is no room. */
TEST(host_chooses_a_place_within_bounds)
{
    struct vm *vm = fixture_vm();
    struct log l = {0};
    struct tn_region *a = claim(vm, PIO, 0xc000, 0x11, &l), *b, *c;
    struct tn_region_req q = {.struct_size = sizeof q,
                              .space = PIO,
                              .base = TN_ANYWHERE,
                              .size = 0x20,
                              .min = 0xc000,
                              .max = 0xc05f};
    CHECK_EQ(region_add(vm->pio, NULL, &q, &any, &l, 0, &b, NULL), 0);
    CHECK_EQ(region_base(b), 0xc020); /* natural alignment */
    q.size = 5;
    q.align = 2;
    CHECK_EQ(region_add(vm->pio, NULL, &q, &any, &l, 0, &c, NULL), 0);
    CHECK_EQ(region_base(c), 0xc012);
    q.size = 0x40;
    q.align = 0;
    struct tn_err e = {0};
    struct tn_region *x = NULL;
    CHECK_EQ(region_add(vm->pio, NULL, &q, &any, &l, 0, &x, &e), -ENOSPC);
    err_clear(&e);
    q.align = 3;
    CHECK_EQ(region_add(vm->pio, NULL, &q, &any, &l, 0, &x, &e), -EINVAL);
    err_clear(&e);
    region_del(a);
    region_del(b);
    region_del(c);
    vm_free(vm);
}

/* ---- sizes ---- */

TEST(sizes_out_of_valid_read_ones_and_write_nothing)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0x12345678};
    static const struct tn_region_ops o = {sizeof o, 0, 4, 4, 0, 0, log_read, log_write};
    struct tn_region *r = with_ops(vm, MMIO, 0x1000, 0x100, &o, &l);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 4), 0x12345678);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 1), 0xff);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 8), ~(uint64_t)0);
    CHECK_EQ(space_read(vm->mmio, 0x1002, 4), 0xffffffff); /* unaligned */
    space_write(vm->mmio, 0x1000, 1, 2);
    space_write(vm->mmio, 0x1001, 1, 4);
    CHECK_EQ(l.reads, 1);
    CHECK_EQ(l.writes, 0);
    region_del(r);
    vm_free(vm);
}

TEST(wide_accesses_are_split_to_impl_max)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0x0706050403020100};
    static const struct tn_region_ops o = {sizeof o, 0, 1, 8, 1, 2, log_read, log_write};
    struct tn_region *r = with_ops(vm, MMIO, 0x1000, 0x100, &o, &l);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 8), 0x0706050403020100);
    CHECK_EQ(l.ntrail, 4);
    CHECK_EQ(l.trail[3], 6 << 8 | 2);
    space_write(vm->mmio, 0x1004, 0xaabbccdd, 4);
    CHECK_EQ(l.value, 0xaabb); /* the second half comes last */
    CHECK_EQ(l.off, 6);
    region_del(r);
    vm_free(vm);
}

TEST(narrow_accesses_are_widened_to_impl_min)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0x44332211};
    static const struct tn_region_ops o = {sizeof o, 0, 1, 4, 4, 4, log_read, log_write};
    struct tn_region *r = with_ops(vm, MMIO, 0x1000, 0x100, &o, &l);
    CHECK_EQ(space_read(vm->mmio, 0x1002, 1), 0x33);
    CHECK_EQ(l.trail[0], 0 << 8 | 4);
    space_write(vm->mmio, 0x1003, 0xee, 1);
    CHECK_EQ(l.value, 0xee000000);
    CHECK_EQ(l.off, 0);
    region_del(r);
    vm_free(vm);
}

TEST(unaligned_access_over_two_units_touches_both)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0x8877665544332211};
    static const struct tn_region_ops o = {sizeof o, TN_RO_UNALIGNED, 1,        4, 4,
                                           4,        log_read,        log_write};
    struct tn_region *r = with_ops(vm, MMIO, 0x1000, 0x100, &o, &l);
    CHECK_EQ(space_read(vm->mmio, 0x1003, 2), 0x5544);
    CHECK_EQ(l.ntrail, 2);
    CHECK_EQ(l.trail[1], 4 << 8 | 4);
    space_write(vm->mmio, 0x1003, 0xbbaa, 2);
    CHECK_EQ(l.value, 0xbb);
    CHECK_EQ(l.off, 4);
    region_del(r);
    vm_free(vm);
}

TEST(missing_callbacks_read_ones_and_drop)
{
    struct vm *vm = fixture_vm();
    static const struct tn_region_ops none = {.struct_size = sizeof none};
    struct tn_region *r = with_ops(vm, MMIO, 0x1000, 0x10, &none, NULL),
                     *q = with_ops(vm, MMIO, 0x2000, 0x10, NULL, NULL);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 2), 0xffff);
    CHECK_EQ(space_read(vm->mmio, 0x2000, 4), 0xffffffff);
    space_write(vm->mmio, 0x1000, 1, 1);
    space_write(vm->mmio, 0x2000, 1, 1);
    CHECK_EQ(space_misses(vm->mmio), 0); /* claimed all the same */
    region_del(r);
    region_del(q);
    vm_free(vm);
}

/* What comes back is cut to the size of the access, whatever the callback says. */
TEST(answers_are_cut_to_size)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = ~(uint64_t)0};
    struct tn_region *r = claim(vm, MMIO, 0, 16, &l);
    CHECK_EQ(space_read(vm->mmio, 0, 1), 0xff);
    CHECK_EQ(space_read(vm->mmio, 0, 4), 0xffffffff);
    space_write(vm->mmio, 0, 0x1234, 1);
    CHECK_EQ(l.value, 0x34);
    region_del(r);
    vm_free(vm);
}

TEST(access_over_two_ranges_reaches_both)
{
    struct vm *vm = fixture_vm();
    struct log a = {.answer = 0x11}, b = {.answer = 0x22};
    struct tn_region *r = claim(vm, PIO, 0x10, 1, &a), *q = claim(vm, PIO, 0x11, 1, &b);
    CHECK_EQ(space_read(vm->pio, 0x10, 2), 0x2211);
    space_write(vm->pio, 0x10, 0xbbaa, 2);
    CHECK_EQ(a.value, 0xaa);
    CHECK_EQ(b.value, 0xbb);
    CHECK_EQ(space_read(vm->pio, 0x0e, 4), 0x2211ffff); /* begins where nobody is */
    CHECK_EQ(space_read(vm->pio, 0x0f, 4), 0xff2211ff);
    space_write(vm->pio, 0x0f, 0x00ccdd00, 4);
    CHECK_EQ(a.value, 0xdd);
    CHECK_EQ(b.value, 0xcc);
    region_del(r);
    region_del(q);
    vm_free(vm);
}

/* ---- moves ---- */

TEST(older_range_wins_where_a_moved_one_overlaps)
{
    struct vm *vm = fixture_vm();
    struct log a = {.answer = 0x11}, b = {.answer = 0x22};
    struct tn_region *old = claim(vm, MMIO, 0x1000, 0x100, &a),
                     *young = claim(vm, MMIO, 0x3000, 0x1000, &b);
    CHECK_EQ(region_move(young, 0x0800), 0);
    CHECK_EQ(region_base(young), 0x0800);
    CHECK_EQ(space_read(vm->mmio, 0x0800, 1), 0x22);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 1), 0x11);
    CHECK_EQ(space_read(vm->mmio, 0x1100, 1), 0x22); /* young again, at 0x900 of it */
    CHECK_EQ(b.off, 0x900);
    CHECK_EQ(space_read(vm->mmio, 0x3000, 1), 0xff);
    CHECK_EQ(region_move(young, ~(uint64_t)0xff), -EINVAL);
    CHECK_EQ(region_base(young), 0x0800);
    region_enable(old, 0);
    CHECK_EQ(region_base(old), TN_ANYWHERE);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 1), 0x22);
    CHECK_EQ(b.off, 0x800);
    region_enable(old, 1);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 1), 0x11);
    region_del(old);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 1), 0x22);
    region_del(young);
    vm_free(vm);
}

/* The winner stays one range: what loses below it does not cut its accesses. */
TEST(a_covered_range_does_not_split_the_accesses_of_the_other)
{
    struct vm *vm = fixture_vm();
    struct log a = {.answer = 0x44332211}, b = {0};
    struct tn_region *old = claim(vm, MMIO, 0x1000, 0x100, &a),
                     *young = claim(vm, MMIO, 0x3000, 2, &b);
    CHECK_EQ(region_move(young, 0x1002), 0);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 4), 0x44332211);
    CHECK_EQ(a.reads, 1);
    CHECK_EQ(b.reads, 0);
    region_del(old);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 4), 0xff | 0xff << 8);
    region_del(young);
    vm_free(vm);
}

/* A guess of where the last hit was must not outlive the view it was made in. */
TEST(hits_follow_ranges_that_move_back_and_forth)
{
    struct vm *vm = fixture_vm();
    struct log a = {.answer = 1}, b = {.answer = 2};
    struct tn_region *r = claim(vm, MMIO, 0x1000, 0x10, &a), *q = claim(vm, MMIO, 0x2000, 0x10, &b);
    for (uint32_t i = 0; i < 50; i++) {
        CHECK_EQ(region_move(r, i % 2 ? 0x1000 : 0x3000), 0);
        if (i % 3 == 0)
            fixture_spin(vm); /* retired views are freed, and their memory comes again */
        CHECK_EQ(space_read(vm->mmio, i % 2 ? 0x1000 : 0x3000, 1), 1);
        CHECK_EQ(space_read(vm->mmio, i % 2 ? 0x3000 : 0x1000, 1), 0xff);
        CHECK_EQ(space_read(vm->mmio, 0x2000, 1), 2);
    }
    region_del(r);
    region_del(q);
    vm_free(vm);
}

static int count_range(void *o, const struct tn_region *r, uint64_t first, uint64_t last)
{
    uint64_t *n = o;
    n[0]++;
    n[1] += last - first + 1;
    return r->base == 0x2000;
}

/* G10: what is found has its base with it; each() goes by address and stops when told. */
TEST(each_walks_by_address_and_stops)
{
    struct vm *vm = fixture_vm();
    struct log l = {0};
    struct tn_region *r[] = {claim(vm, MMIO, 0x3000, 1, &l), claim(vm, MMIO, 0x1000, 2, &l),
                             claim(vm, MMIO, 0x2000, 4, &l)};
    uint64_t n[2] = {0};
    CHECK_EQ(space_each(vm->mmio, count_range, n), 1);
    CHECK_EQ(n[0], 2);
    CHECK_EQ(n[1], 6);
    for (int i = 0; i < 3; i++)
        region_del(r[i]);
    vm_free(vm);
}

/* ---- overlays and ioeventfds ---- */

static int memory_fd(uint64_t size, uint8_t fill)
{
    int fd = memfd_create("t", MFD_CLOEXEC);
    uint8_t page[4096];
    memset(page, fill, sizeof page);
    for (uint64_t at = 0; at < size; at += sizeof page)
        if (write(fd, page, sizeof page) != sizeof page)
            abort();
    return fd;
}

/* Gap G8: what was mapped can be taken away, and then the callbacks are back. */
TEST(overlay_is_memory_until_it_is_unmapped)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0};
    struct tn_region *r = claim(vm, MMIO, 0x10000, 0x4000, &l);
    int fd = memory_fd(0x2000, 0x5a);
    CHECK_EQ(region_overlay(r, 0x1000, 0x2000, fd, 0, PROT_READ | PROT_WRITE, NULL), 0);
    CHECK_EQ(space_read(vm->mmio, 0x11000, 4), 0x5a5a5a5a);
    space_write(vm->mmio, 0x12ffc, 0xdeadbeef, 4);
    CHECK_EQ(space_read(vm->mmio, 0x12ffc, 4), 0xdeadbeef);
    CHECK_EQ(l.reads + l.writes, 0);
    CHECK_EQ(space_read(vm->mmio, 0x10000, 4), 0); /* around it: the callbacks */
    CHECK_EQ(space_read(vm->mmio, 0x13000, 4), 0);
    CHECK_EQ(l.reads, 2);
    struct tn_err e = {0};
    CHECK_EQ(region_overlay(r, 0x2000, 0x1000, fd, 0, PROT_READ, &e), -EBUSY);
    err_clear(&e);
    CHECK_EQ(region_overlay(r, 0x3000, 0x2000, fd, 0, PROT_READ, &e), -EINVAL);
    err_clear(&e);
    CHECK_EQ(region_overlay(r, 0x3000, 0x800, fd, 0, PROT_READ, &e), -EINVAL);
    err_clear(&e);
    CHECK_EQ(region_overlay_del(r, 0x1000, 0x2000), 0);
    CHECK_EQ(region_overlay_del(r, 0x1000, 0x2000), -ENOENT);
    CHECK_EQ(space_read(vm->mmio, 0x11000, 4), 0);
    CHECK_EQ(l.reads, 3);
    close(fd);
    region_del(r);
    vm_free(vm);
}

TEST(read_only_overlay_traps_writes)
{
    struct vm *vm = fixture_vm();
    struct log l = {0};
    struct tn_region *r = claim(vm, MMIO, 0x10000, 0x1000, &l);
    int fd = memory_fd(0x1000, 0x5a);
    CHECK_EQ(region_overlay(r, 0, 0x1000, fd, 0, PROT_READ, NULL), 0);
    space_write(vm->mmio, 0x10010, 0x77, 1);
    CHECK_EQ(l.writes, 1);
    CHECK_EQ(l.off, 0x10);
    CHECK_EQ(space_read(vm->mmio, 0x10010, 1), 0x5a);
    close(fd);
    region_del(r);
    vm_free(vm);
}

/* Flash memory in command mode: its registers answer where its data did. */
TEST(overlays_are_hidden_and_shown_again)
{
    struct vm *vm = fixture_vm();
    struct log l = {.answer = 0x80};
    struct tn_region *r = claim(vm, MMIO, 0x10000, 0x2000, &l);
    int fd = memory_fd(0x2000, 0x5a);
    CHECK_EQ(region_overlay(r, 0, 0x1000, fd, 0, PROT_READ | PROT_WRITE, NULL), 0);
    region_show(r, 0);
    CHECK_EQ(space_read(vm->mmio, 0x10010, 1), 0x80);
    space_write(vm->mmio, 0x10010, 0x77, 1);
    CHECK_EQ(l.reads + l.writes, 2);
    CHECK_EQ(region_overlay(r, 0x1000, 0x1000, fd, 0x1000, PROT_READ, NULL), 0);
    CHECK_EQ(space_read(vm->mmio, 0x11000, 1), 0x80); /* one that comes meanwhile, too */
    region_show(r, 1);
    region_show(r, 1);
    CHECK_EQ(space_read(vm->mmio, 0x10010, 1), 0x5a);
    CHECK_EQ(space_read(vm->mmio, 0x11000, 1), 0x5a);
    CHECK_EQ(l.reads + l.writes, 3);
    close(fd);
    region_del(r);
    vm_free(vm);
}

static uint64_t take(int fd)
{
    uint64_t n = 0;
    return read(fd, &n, sizeof n) == sizeof n ? n : 0;
}

/* G09, G10 of the ABI: the doorbell signals and write() is not called; without a match write() does
 * the work. */
TEST(ioeventfd_takes_what_matches_and_gives_the_rest_to_write)
{
    struct vm *vm = fixture_vm();
    struct log l = {0};
    struct tn_region *r = claim(vm, MMIO, 0x10000, 0x100, &l);
    int one = eventfd(0, EFD_NONBLOCK), all = eventfd(0, EFD_NONBLOCK);
    CHECK_EQ(region_ioeventfd(r, 0x10, 2, 1, 7, one), 0);
    CHECK_EQ(region_ioeventfd(r, 0x20, 0, 0, 0, all), 0);
    CHECK_EQ(region_ioeventfd(r, 0x100, 2, 0, 0, all), -EINVAL);
    CHECK_EQ(region_ioeventfd(r, 0x10, 3, 0, 0, all), -EINVAL);
    CHECK_EQ(region_ioeventfd(r, 0x10, 0, 1, 7, all), -EINVAL); /* data of which size? */
    space_write(vm->mmio, 0x10010, 0xabcd0007, 2); /* upper bits are not part of a write of two */
    space_write(vm->mmio, 0x10020, 1, 1);
    space_write(vm->mmio, 0x10020, 2, 4);
    CHECK_EQ(l.writes, 0);
    CHECK_EQ(take(one), 1);
    CHECK_EQ(take(all), 2);
    space_write(vm->mmio, 0x10010, 8, 2);
    space_write(vm->mmio, 0x10010, 7, 4);
    CHECK_EQ(l.writes, 2);
    CHECK_EQ(take(one), 0);
    CHECK_EQ(region_ioeventfd_del(r, 0x10, 2, 1, 8, one), -ENOENT);
    space_write(vm->mmio, 0x10010, 7, 2);
    CHECK_EQ(region_ioeventfd_del(r, 0x10, 2, 1, 7, one), 0);
    CHECK_EQ(take(one), 1); /* a pending count stays */
    space_write(vm->mmio, 0x10010, 7, 2);
    CHECK_EQ(l.writes, 3);
    close(one);
    fixture_spin(vm);
    region_del(r);
    close(all);
    vm_free(vm);
}

int main(void)
{
    RUN(log_device_sees_offset_and_length);
    RUN(unclaimed_reads_all_ones_and_counts);
    RUN(overlap_empty_and_wrap_are_refused_and_change_nothing);
    RUN(one_device_on_both_buses_with_several_ranges);
    RUN(last_addresses_can_be_claimed);
    RUN(host_chooses_a_place_within_bounds);
    RUN(sizes_out_of_valid_read_ones_and_write_nothing);
    RUN(wide_accesses_are_split_to_impl_max);
    RUN(narrow_accesses_are_widened_to_impl_min);
    RUN(unaligned_access_over_two_units_touches_both);
    RUN(missing_callbacks_read_ones_and_drop);
    RUN(answers_are_cut_to_size);
    RUN(access_over_two_ranges_reaches_both);
    RUN(older_range_wins_where_a_moved_one_overlaps);
    RUN(a_covered_range_does_not_split_the_accesses_of_the_other);
    RUN(hits_follow_ranges_that_move_back_and_forth);
    RUN(each_walks_by_address_and_stops);
    RUN(overlay_is_memory_until_it_is_unmapped);
    RUN(read_only_overlay_traps_writes);
    RUN(overlays_are_hidden_and_shown_again);
    RUN(ioeventfd_takes_what_matches_and_gives_the_rest_to_write);
    return tap_done();
}
