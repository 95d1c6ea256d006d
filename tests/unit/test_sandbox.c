/* SPDX-License-Identifier: BSD-2-Clause */
/* What each kind of thread may do, and what becomes of it when it does something else. */
#include "sandbox_child.h"
#include "sandbox_deeds.h"

#include "sandbox/filter.h"
#include "sandbox/profiles.h"
#include "sandbox/sigsys.h"
#include "util/alloc.h"
#include "util/buf.h"

/* ---- plugins ---- */

static const char *const vfio_profiles[] = {"ioctl-vfio", "eventfd", "eventfd", NULL};
static const struct tn_plugin vfio_plugin = {.id = "vfio", .sandbox = vfio_profiles};
static const char *const chardev_profiles[] = {"socket", NULL};
static const struct tn_plugin chardev = {.id = "chardev", .sandbox = chardev_profiles};
static const char *const map_profiles[] = {"mmap-shared", NULL};
static const struct tn_plugin map_plugin = {.id = "map", .sandbox = map_profiles};
static const char *const strange_profiles[] = {"root", NULL};
static const struct tn_plugin strange = {.id = "odd", .sandbox = strange_profiles};
static const char *const host_profiles[] = {"main", NULL};
static const struct tn_plugin greedy = {.id = "greedy", .sandbox = host_profiles};

/* ---- cases ---- */

/* Sanitizers and coverage need calls that are forbidden otherwise. */
static int widened(void)
{
    return sandbox_rows[sandbox_nrows - 2].kinds || sandbox_rows[sandbox_nrows - 1].kinds;
}

TEST(each_kind_of_thread_can_do_its_work)
{
    CHECK_LIVES(run_plain(SANDBOX_VCPU, do_vcpu_work));
    CHECK_LIVES(run_plain(SANDBOX_IOTHREAD, do_loop_work));
    CHECK_LIVES(run_plain(SANDBOX_PLUGIN, do_daily_work));
    CHECK_LIVES(run_plain(SANDBOX_MAIN, do_main_work));
}

TEST(a_forbidden_call_kills_with_a_line_that_names_thread_and_call)
{
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_fork),
               "tenon: sandbox: thread 'CPU 0/KVM' called fork (57): killed\n");
    CHECK_DIES(run_plain(SANDBOX_IOTHREAD, do_kill),
               "tenon: sandbox: thread 'CPU 0/KVM' called kill (62): killed\n");
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_unknown),
               "tenon: sandbox: thread 'CPU 0/KVM' called an unknown system call (3000): killed\n");
}

TEST(a_main_thread_makes_threads_but_no_processes)
{
    struct outcome o = run_plain(SANDBOX_MAIN, do_libc_fork);
    if (widened())
        SKIP("a sanitizer forks");
    CHECK(strstr(o.text, " called clone (56): killed"));
    CHECK_EQ(WTERMSIG(o.status), SIGSYS);
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_ptrace),
               "tenon: sandbox: thread 'CPU 0/KVM' called ptrace (101): killed\n");
}

TEST(kinds_of_threads_differ)
{
    CHECK_LIVES(run_plain(SANDBOX_IOTHREAD, do_epoll));
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_epoll),
               "tenon: sandbox: thread 'CPU 0/KVM' called epoll_wait (232): killed\n");
    CHECK_LIVES(run_plain(SANDBOX_VCPU, do_kvm_ioctl));
    CHECK_DIES(run_plain(SANDBOX_PLUGIN, do_kvm_ioctl),
               "tenon: sandbox: thread 'CPU 0/KVM' called ioctl (16): killed\n");
}

TEST(arguments_are_looked_at)
{
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_tty_ioctl),
               "tenon: sandbox: thread 'CPU 0/KVM' called ioctl (16): killed\n");
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_signal_others),
               "tenon: sandbox: thread 'CPU 0/KVM' called tgkill (234): killed\n");
}

TEST(memory_never_becomes_executable)
{
    if (widened())
        SKIP("a sanitizer may");
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_exec_map),
               "tenon: sandbox: thread 'CPU 0/KVM' called mmap (9): killed\n");
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_exec_protect),
               "tenon: sandbox: thread 'CPU 0/KVM' called mprotect (10): killed\n");
}

TEST(the_handler_cannot_be_taken_off)
{
    if (widened())
        SKIP("a sanitizer may");
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_unhook),
               "tenon: sandbox: thread 'CPU 0/KVM' called rt_sigaction (13): killed\n");
}

TEST(with_the_signal_blocked_death_is_silent)
{
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_blocked), "");
}

TEST(files_and_sockets_by_name_are_refused_without_death)
{
    if (widened())
        SKIP("built with a sanitizer or for coverage");
    CHECK_LIVES(run_plain(SANDBOX_MAIN, do_opens));
    CHECK_LIVES(run_plain(SANDBOX_VCPU, do_opens));
    CHECK_LIVES(run_plain(SANDBOX_MAIN, do_socket));
}

TEST(profiles_of_open_plugins_count_in_every_thread_of_the_host)
{
    CHECK_DIES(run_plain(SANDBOX_VCPU, do_vfio),
               "tenon: sandbox: thread 'CPU 0/KVM' called ioctl (16): killed\n");
    CHECK_LIVES(run(SANDBOX_VCPU, NULL, &vfio_plugin, do_vfio));
    CHECK_LIVES(run(SANDBOX_IOTHREAD, NULL, &vfio_plugin, do_vfio));
    CHECK_LIVES(run(SANDBOX_MAIN, NULL, &vfio_plugin, do_vfio));
    CHECK_LIVES(run(SANDBOX_VCPU, NULL, &vfio_plugin, do_eventfd));
}

TEST(a_profile_gives_each_kind_its_part)
{
    CHECK_LIVES(run(SANDBOX_VCPU, NULL, &chardev, do_send));
    CHECK_LIVES(run(SANDBOX_IOTHREAD, NULL, &chardev, do_accept));
    CHECK_DIES(run(SANDBOX_VCPU, NULL, &chardev, do_accept),
               "tenon: sandbox: thread 'CPU 0/KVM' called accept4 (288): killed\n");
}

/* Of a program that loads plugins any could come; of one that has them linked in, those are all. */
TEST(a_monitor_widens_by_the_plugins_that_can_come)
{
    monitored = 1;
    if (!widened())
        CHECK_LIVES(run(SANDBOX_MAIN, NULL, &chardev, do_exec_map));
    CHECK_LIVES(run(SANDBOX_VCPU, NULL, &chardev, do_vfio));
    loads = 0;
    if (!widened())
        CHECK_DIES(run(SANDBOX_MAIN, NULL, &chardev, do_exec_map),
                   "tenon: sandbox: thread 'test_sandbox' called mmap (9): killed\n");
    CHECK_DIES(run(SANDBOX_VCPU, NULL, &chardev, do_vfio),
               "tenon: sandbox: thread 'CPU 0/KVM' called ioctl (16): killed\n");
    CHECK_LIVES(run(SANDBOX_VCPU, NULL, &vfio_plugin, do_vfio));
    CHECK_LIVES(run(SANDBOX_IOTHREAD, NULL, NULL, do_accept)); /* the host's own sockets */
    loads = 1;
    monitored = 0;
}

TEST(calls_are_counted_by_kind_and_profile)
{
    static const char *const vfio[] = {"ioctl-vfio", "eventfd"};
    BUF_AUTO plain = {0};
    BUF_AUTO more = {0};
    size_t n = sandbox_calls(&plain, SANDBOX_VCPU, NULL, 0);
    CHECK(strstr(buf_cstr(&plain), " futex "));
    CHECK(!strstr(buf_cstr(&plain), "eventfd2"));
    CHECK(widened() || !strstr(buf_cstr(&plain), "clone3"));      /* refused, not allowed */
    CHECK_EQ(sandbox_calls(&more, SANDBOX_VCPU, vfio, 2), n + 1); /* ioctl is there already */
    CHECK(strstr(buf_cstr(&more), " eventfd2 "));
}

TEST(a_plugins_thread_has_one_profile)
{
    CHECK_LIVES(run(SANDBOX_PLUGIN, "ioctl-vfio", &vfio_plugin, do_vfio));
    CHECK_DIES(run(SANDBOX_PLUGIN, "ioctl-vfio", &vfio_plugin, do_eventfd),
               "tenon: sandbox: thread 'CPU 0/KVM' called eventfd2 (290): killed\n");
    CHECK_LIVES(run(SANDBOX_PLUGIN, "mmap-shared", &map_plugin, do_shared_map));
    if (!widened())
        CHECK_DIES(run(SANDBOX_PLUGIN, NULL, &map_plugin, do_shared_map),
                   "tenon: sandbox: thread 'CPU 0/KVM' called mmap (9): killed\n");
}

TEST(a_thread_with_a_profile_that_nobody_named_does_not_run)
{
    struct outcome o = run(SANDBOX_PLUGIN, "ioctl-usbfs", &vfio_plugin, do_daily_work);
    CHECK_STR(o.text, "tenon: sandbox: a thread wants the profile 'ioctl-usbfs', which its plugin "
                      "does not name\n");
    CHECK_EQ(WEXITSTATUS(o.status), 1);
}

static void check_refused(const struct tn_plugin *p, const char *text)
{
    struct registry r = {p};
    struct vm vm = {.registry = &r};
    ERR_AUTO e = {0};
    CHECK_EQ(-sandbox_prepare(&vm, 1, &e), EINVAL);
    CHECK_STR(err_text(&e), text);
}

TEST(an_unknown_profile_is_an_error)
{
    check_refused(&strange, "plugin 'odd' needs the sandbox profile 'root', which does not exist");
    check_refused(&greedy,
                  "plugin 'greedy' needs the sandbox profile 'main', which does not exist");
}

static void late_thread_works(void)
{
    pthread_t t;
    must(pthread_create(&t, NULL, nothing, NULL) == 0);
    must(pthread_join(t, NULL) == 0);
}

TEST(threads_can_be_made_after_the_main_thread_has_closed_its_own)
{
    CHECK_LIVES(run_plain(SANDBOX_MAIN, late_thread_works));
}

static void late_thread_of_kind(void)
{
    pthread_t t;
    must(pthread_create(&t, NULL, thread, &late) == 0);
    must(pthread_join(t, NULL) == 0);
}

static void late_vcpu(void)
{
    late = (struct job){.vm = late.vm, .kind = SANDBOX_VCPU, .act = do_vcpu_work};
    late_thread_of_kind();
    late.act = do_epoll;
    late_thread_of_kind();
}

static void late_iothread(void)
{
    late = (struct job){.vm = late.vm, .kind = SANDBOX_IOTHREAD, .act = do_loop_work};
    late_thread_of_kind();
}

static void late_plugin_thread(void)
{
    late = (struct job){
        .vm = late.vm, .kind = SANDBOX_PLUGIN, .profile = "ioctl-vfio", .act = do_vfio};
    late_thread_of_kind();
}

TEST(a_late_thread_closes_its_own_filter_within_the_main_threads)
{
    CHECK_LIVES(run(SANDBOX_MAIN, NULL, &vfio_plugin, late_iothread));
    CHECK_LIVES(run(SANDBOX_MAIN, NULL, &vfio_plugin, late_plugin_thread));
    CHECK_DIES(run(SANDBOX_MAIN, NULL, &vfio_plugin, late_vcpu),
               "tenon: sandbox: thread 'CPU 0/KVM' called epoll_wait (232): killed\n");
}

static void free_as_air(void)
{
    struct registry r = {NULL};
    struct vm vm = {.registry = &r}, other = {.registry = &r};
    must(sandbox_prepare(&vm, 1, NULL) == 0);
    sandbox_enter(&other, SANDBOX_MAIN, NULL);
    must(access("/", R_OK) == 0);
    must(sandbox_prepare(&vm, 0, NULL) == 0);
    sandbox_enter(&vm, SANDBOX_MAIN, NULL);
    must(access("/", R_OK) == 0);
}

TEST(off_means_off)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        free_as_air();
        _Exit(0);
    }
    waitpid(pid, &status, 0);
    CHECK_EQ(status, 0);
}

TEST(the_main_thread_may_do_what_those_it_starts_may)
{
    for (size_t i = 0; i < sandbox_nrows; i++)
        CHECK(!sandbox_rows[i].kinds || sandbox_rows[i].kinds & ON_MAIN);
}

TEST(the_table_names_calls_that_exist)
{
    for (size_t i = 0; i < sandbox_nrows; i++)
        for (size_t k = 0; k < sandbox_rows[i].nrules; k++)
            CHECK(sandbox_rows[i].rules[k].nr < 0 || sigsys_name(sandbox_rows[i].rules[k].nr));
    CHECK_STR(sigsys_name(57), "fork");
    CHECK(!sigsys_name(-1));
    CHECK(!sigsys_name(1 << 20));
}

TEST(the_description_has_a_row_per_profile)
{
    BUF_AUTO b = {0};
    sandbox_describe(&b);
    CHECK(strstr(buf_cstr(&b), "| *vcpu* | main, vCPU | KVM_RUN, and what device callbacks ask of "
                               "KVM | ioctl* mmap* |\n"));
    CHECK(strstr(buf_cstr(&b),
                 "| `eventfd` | all | makes event descriptors outside realize | eventfd2 |\n"));
    const char *all = buf_cstr(&b), *monitor = strstr(all, "| *monitor* | main | ");
    CHECK(monitor);
    CHECK(widened() || strstr(all, "openat ") > monitor);
    CHECK(widened() || !strstr(strchr(monitor, '\n'), "openat "));
}

static const char *doc_path;

TEST(the_documentation_has_the_table)
{
    BUF_AUTO table = {0};
    BUF_AUTO doc = {0};
    char block[4096];
    FILE *f = doc_path ? fopen(doc_path, "r") : NULL;
    if (!f || widened())
        SKIP("no page, or a build for tests");
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(&doc, block, n);
    fclose(f);
    sandbox_describe(&table);
    CHECK(strstr(buf_cstr(&doc), buf_cstr(&table)));
}

static void needs_come_before_prepare(void)
{
    struct registry r = {NULL};
    struct vm vm = {.registry = &r};
    must(sandbox_need(&vm, "main") == -EINVAL);
    must(sandbox_need(&vm, "connect-unix") == 0);
    must(sandbox_prepare(&vm, 1, NULL) == 0);
    must(sandbox_need(&vm, "timerfd") == -EPERM);
    sandbox_enter(&vm, SANDBOX_MAIN, NULL);
    must(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

TEST(a_machine_can_need_a_profile_that_no_plugin_names)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        needs_come_before_prepare();
        _Exit(0);
    }
    waitpid(pid, &status, 0);
    CHECK_EQ(status, 0);
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
}

TEST(start_up_costs_little)
{
    struct registry r = {&vfio_plugin};
    struct vm vm = {.registry = &r};
    uint64_t begin = now_us();
    CHECK_EQ(sandbox_prepare(&vm, 1, NULL), 0);
    printf("# prepared in %" PRIu64 " us\n", now_us() - begin);
    sandbox_prepare(&vm, 0, NULL);
}

int main(int argc, char **argv)
{
    doc_path = argc > 1 ? argv[1] : NULL;
    RUN(each_kind_of_thread_can_do_its_work);
    RUN(a_forbidden_call_kills_with_a_line_that_names_thread_and_call);
    RUN(a_main_thread_makes_threads_but_no_processes);
    RUN(kinds_of_threads_differ);
    RUN(arguments_are_looked_at);
    RUN(memory_never_becomes_executable);
    RUN(the_handler_cannot_be_taken_off);
    RUN(with_the_signal_blocked_death_is_silent);
    RUN(files_and_sockets_by_name_are_refused_without_death);
    RUN(profiles_of_open_plugins_count_in_every_thread_of_the_host);
    RUN(a_profile_gives_each_kind_its_part);
    RUN(a_monitor_widens_by_the_plugins_that_can_come);
    RUN(calls_are_counted_by_kind_and_profile);
    RUN(a_plugins_thread_has_one_profile);
    RUN(a_thread_with_a_profile_that_nobody_named_does_not_run);
    RUN(an_unknown_profile_is_an_error);
    RUN(threads_can_be_made_after_the_main_thread_has_closed_its_own);
    RUN(a_late_thread_closes_its_own_filter_within_the_main_threads);
    RUN(off_means_off);
    RUN(the_main_thread_may_do_what_those_it_starts_may);
    RUN(the_table_names_calls_that_exist);
    RUN(the_description_has_a_row_per_profile);
    RUN(the_documentation_has_the_table);
    RUN(a_machine_can_need_a_profile_that_no_plugin_names);
    RUN(start_up_costs_little);
    return tap_done();
}
