/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/trace_host.h"
#include "core/trace_point.h"
#include "fake_host.h"
#include "tap.h"
#include "util/buf.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tracing {
    struct tn_trace_event ev[3];
};
static const struct tn_class cls = {.name = "edu", .instance_size = sizeof(struct tracing)};

static struct device *device(struct vm *vm, struct tracing **t)
{
    struct device *d = fake_device(vm, &cls, "d0");
    *t = d->pub.self;
    (*t)->ev[0] = (struct tn_trace_event){"edu_dma", "from 0x%lx len %u", 0, 0};
    (*t)->ev[1] = (struct tn_trace_event){"edu_irq", "", 0, 0};
    (*t)->ev[2] = (struct tn_trace_event){"other_irq", "%d", 0, 0};
    trace_table.add(&d->pub, (*t)->ev, 3, sizeof(*t)->ev[0]);
    return d;
}

static struct vm *tracing_vm(void)
{
    struct vm *vm = fake_vm_new();
    vm->tracer = tracer_new(vm);
    return vm;
}

static void end(struct vm *vm)
{
    struct tracer *t = vm->tracer;
    fake_vm_free(vm);
    tracer_free(t);
}

TEST(a_pattern_switches_the_events_that_it_fits)
{
    struct vm *vm = tracing_vm();
    struct tracing *t;
    device(vm, &t);
    CHECK_EQ(t->ev[0].enabled, 0);
    CHECK_EQ(tracer_enable(vm, "edu_*", NULL), 0);
    CHECK_EQ(t->ev[0].enabled, 1);
    CHECK_EQ(t->ev[1].enabled, 1);
    CHECK_EQ(t->ev[2].enabled, 0);
    end(vm);
}

TEST(the_last_pattern_that_fits_decides)
{
    struct vm *vm = tracing_vm();
    struct tracing *t;
    device(vm, &t);
    CHECK_EQ(tracer_enable(vm, "*", NULL), 0);
    CHECK_EQ(tracer_enable(vm, "-*_irq", NULL), 0);
    CHECK_EQ(tracer_enable(vm, "other_irq", NULL), 0);
    CHECK_EQ(t->ev[0].enabled, 1);
    CHECK_EQ(t->ev[1].enabled, 0);
    CHECK_EQ(t->ev[2].enabled, 1);
    end(vm);
}

TEST(a_file_holds_a_pattern_a_line)
{
    struct vm *vm = tracing_vm();
    struct tracing *t;
    ERR_AUTO e = {0};
    char path[] = "/tmp/tenon-trace-XXXXXX";
    static const char text[] = "# all of edu\n\n  edu_* # but\n-edu_irq";
    int fd = mkstemp(path);
    device(vm, &t);
    CHECK_EQ(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    CHECK_EQ(tracer_enable_file(vm, path, &e), 0);
    CHECK_EQ(t->ev[0].enabled, 1);
    CHECK_EQ(t->ev[1].enabled, 0);
    CHECK_EQ(t->ev[2].enabled, 0);
    close(fd);
    unlink(path);
    CHECK_EQ(tracer_enable_file(vm, path, &e), -ENOENT);
    CHECK(strstr(err_text(&e), path));
    end(vm);
}

TEST(patterns_count_for_events_that_are_added_later)
{
    struct vm *vm = tracing_vm();
    struct tracing *t;
    tracer_enable(vm, "edu_*", NULL);
    tracer_enable(vm, "-edu_dma", NULL);
    device(vm, &t);
    CHECK_EQ(t->ev[0].enabled, 0);
    CHECK_EQ(t->ev[1].enabled, 1);
    end(vm);
}

TEST(events_of_a_device_that_is_gone_are_not_touched)
{
    struct vm *vm = tracing_vm();
    struct tracing *t;
    fake_device_free(device(vm, &t));
    CHECK_EQ(tracer_enable(vm, "edu_*", NULL), 0); /* the sanitizer looks */
    end(vm);
}

TEST(an_empty_pattern_is_refused)
{
    struct vm *vm = tracing_vm();
    struct tn_err e = {0};
    CHECK_EQ(tracer_enable(vm, "-", &e), -EINVAL);
    err_clear(&e);
    CHECK_EQ(tracer_enable(vm, "", &e), -EINVAL);
    err_clear(&e);
    end(vm);
}

static const char *format(const char *fmt, const uint64_t *arg, uint32_t n)
{
    static struct buf b;
    buf_free(&b);
    if (fmt)
        trace_format(&b, fmt, arg, n);
    return buf_cstr(&b);
}

TEST(arguments_have_32_bits_or_64)
{
    const uint64_t a[] = {~(uint64_t)0, ~(uint64_t)0,       ~(uint64_t)0,
                          ~(uint64_t)0, 0x123456789abcdef0, 0x123456789abcdef0};
    CHECK_STR(format("%d %ld %u %lu %x %lx", a, 6),
              "-1 -1 4294967295 18446744073709551615 9abcdef0 123456789abcdef0");
    format(NULL, NULL, 0);
}

TEST(what_is_no_conversion_is_text)
{
    const uint64_t a[] = {7, 8};
    CHECK_STR(format("100%% %s %5d %", a, 2), "100% %s %5d %");
    CHECK_STR(format("%ls%l", a, 2), "%ls%l");
    CHECK_STR(format("%d%d%d", a, 2), "78?");
    CHECK_STR(format("%d", a, 2), "7");
    format(NULL, NULL, 0);
}

TEST(a_line_in_the_log_is_name_and_text)
{
    char path[] = "/tmp/trace-XXXXXX", text[64] = "";
    struct vm *vm = tracing_vm();
    struct tracing *t;
    struct device *d = device(vm, &t);
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(log_open(path), 0);
    tracer_enable(vm, "*", NULL);
    tn_trace(&d->pub, &trace_table, &t->ev[0], 0x1000, 4);
    tn_trace(&d->pub, &trace_table, &t->ev[1], 0);
    CHECK(read(fd, text, sizeof text - 1) > 0);
    CHECK_STR(text, "edu_dma from 0x1000 len 4\nedu_irq\n");
    close(fd);
    unlink(path);
    end(vm);
}

static int append(void *o, const char *name, uint32_t on)
{
    buf_printf(o, "%s=%u ", name, on);
    return 0;
}

TEST(events_of_the_host_go_the_same_way)
{
    struct vm *vm = tracing_vm();
    ERR_AUTO e = {0};
    CHECK_EQ(vm->trace[TRACE_RUN_STATE].enabled, 0);
    CHECK_EQ(tracer_enable(vm, "run_*", &e), 0);
    CHECK_EQ(vm->trace[TRACE_RUN_STATE].enabled, 1);
    CHECK_EQ(vm->trace[TRACE_QMP_EVENT].enabled, 0);
    end(vm);
}

TEST(events_are_listed_once_by_name_whichever_instances_have_them)
{
    struct vm *vm = tracing_vm();
    struct tracing *t, *u;
    BUF_AUTO text = {0};
    device(vm, &t);
    struct device *d = fake_device(vm, &cls, "d1");
    u = d->pub.self;
    memcpy(u->ev, t->ev, sizeof u->ev);
    trace_table.add(&d->pub, u->ev, 3, sizeof u->ev[0]);
    CHECK_EQ(t->ev[1].id, u->ev[1].id);
    CHECK(t->ev[0].id && t->ev[0].id != t->ev[1].id);
    u->ev[1].enabled = 1;
    tracer_each(vm, "[eo]*", append, &text); /* the host's own begin otherwise */
    CHECK_STR(buf_cstr(&text), "edu_dma=0 edu_irq=1 other_irq=0 ");
    text.len = 0;
    tracer_each(vm, "edu_d*", append, &text);
    CHECK_STR(buf_cstr(&text), "edu_dma=0 ");
    end(vm);
}

TEST(a_pattern_that_comes_again_is_the_last_one)
{
    struct vm *vm = tracing_vm();
    struct tracing *t;
    CHECK_EQ(tracer_enable(vm, "edu_*", NULL), 0);
    CHECK_EQ(tracer_enable(vm, "-edu_irq", NULL), 0);
    CHECK_EQ(tracer_enable(vm, "edu_*", NULL), 0);
    device(vm, &t);
    CHECK_EQ(t->ev[1].enabled, 1);
    end(vm);
}

/* Little-endian words of the file at path, from byte at on. */
static uint64_t word_at(const char *path, long at)
{
    uint64_t v = 0;
    FILE *f = fopen(path, "r");
    CHECK(f && fseek(f, at, SEEK_SET) == 0 && fread(&v, 8, 1, f) == 1);
    fclose(f);
    return v;
}

TEST(a_file_has_a_header_then_names_then_events)
{
    struct vm *vm = tracing_vm();
    char path[] = "/tmp/trace-XXXXXX";
    struct tracing *t;
    close(mkstemp(path));
    CHECK_EQ(tracer_file(vm, path, NULL), 0);
    CHECK_STR(tracer_file_path(vm), path);
    struct device *d = device(vm, &t);
    tracer_file_flush(vm);
    FILE *f = fopen(path, "r");
    CHECK(f && fseek(f, 0, SEEK_END) == 0);
    long names = ftell(f);
    fclose(f);
    trace_table.emit(&d->pub, &t->ev[2], (const uint64_t[]){7}, 1);
    tracer_file_record(vm, 0);
    trace_table.emit(&d->pub, &t->ev[2], (const uint64_t[]){8}, 1);
    tracer_file_flush(vm);
    CHECK_EQ(word_at(path, 0), ~(uint64_t)0);
    CHECK_EQ(word_at(path, 8), 0xf2b177cb0aa429b4u);
    CHECK_EQ(word_at(path, 16), 4);
    CHECK_EQ(word_at(path, names), 1);                         /* an event */
    CHECK_EQ(word_at(path, names + 8), t->ev[2].id);           /* this one */
    CHECK_EQ(word_at(path, names + 24) & 0xffffffffu, 24 + 8); /* its size */
    CHECK_EQ(word_at(path, names + 32), 7);
    f = fopen(path, "r");
    CHECK(f && fseek(f, 0, SEEK_END) == 0);
    CHECK_EQ(ftell(f), names + 40); /* the other one came while nothing was recorded */
    fclose(f);
    unlink(path);
    end(vm);
}

int main(void)
{
    RUN(a_pattern_switches_the_events_that_it_fits);
    RUN(the_last_pattern_that_fits_decides);
    RUN(a_file_holds_a_pattern_a_line);
    RUN(patterns_count_for_events_that_are_added_later);
    RUN(events_of_a_device_that_is_gone_are_not_touched);
    RUN(an_empty_pattern_is_refused);
    RUN(arguments_have_32_bits_or_64);
    RUN(what_is_no_conversion_is_text);
    RUN(a_line_in_the_log_is_name_and_text);
    RUN(events_of_the_host_go_the_same_way);
    RUN(events_are_listed_once_by_name_whichever_instances_have_them);
    RUN(a_pattern_that_comes_again_is_the_last_one);
    RUN(a_file_has_a_header_then_names_then_events);
    return tap_done();
}
