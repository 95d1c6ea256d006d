/* SPDX-License-Identifier: BSD-2-Clause */
#include "start.h"

#include "acpi/cpu_hotplug.h"
#include "acpi/mem_hotplug.h"
#include "backend/block_host.h"
#include "backend/chardev.h"
#include "backend/fdset.h"
#include "backend/net.h"
#include "cli/kvtree.h"
#include "core/device.h"
#include "core/installed.h"
#include "core/loop.h"
#include "core/services.h"
#include "core/trace_host.h"
#include "daemon.h"
#include "migration/migration.h"
#include "monitor/monitor.h"
#include "monitor/qtest.h"
#include "monitor/topology.h"
#include "programs.h"
#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include "vm/cpu.h"
#include "vm/dimm.h"
#include "vm/iothread.h"
#include "vm/machine_version.h"
#include "vm/memory.h"
#include "vm/run.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the VM and its classes ---- */

static char *plugin_dir(void)
{
    static const char *const below[] = {"plugins", TENON_LIBDIR_BELOW, NULL}; /* built, installed */
    const char *env = secure_getenv("TENON_PLUGIN_DIR");
    return env ? xstrdup(env) : installed_folder(below, "plugins.idx", TENON_LIBDIR);
}

static int is_qtest(const struct cli_options *o)
{
    return o->accels.n && kv_text(o->accels.v[0].kv, "accel") &&
           strcmp(kv_text(o->accels.v[0].kv, "accel"), "qtest") == 0;
}

static int check_accel(const struct cli_options *o, struct tn_err *e)
{
    for (size_t i = 0; i < o->accels.n; i++) {
        const char *a = kv_text(o->accels.v[i].kv, "accel");
        if (a && (strcmp(a, "kvm") == 0 || strcmp(a, "qtest") == 0))
            return 0;
        if (a && i + 1 == o->accels.n)
            return err_set(e, ENOTSUP, "invalid accelerator %s", a);
    }
    return 0;
}

static int add_own(struct vm *vm, struct tn_err *e)
{
    static const struct tn_plugin *const own[] = {
        &block_plugin, &chardev_plugin, &memdev_plugin,   &iothread_plugin, &net_plugin,
        &cpu_plugin,   &dimm_plugin,    &acpi_cpu_plugin, &acpi_mem_plugin};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (registry_builtin(vm->registry, own[i], e) < 0)
            return -EINVAL;
    return 0;
}

static int add_folders(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    for (size_t i = 0; i < o->plugin_dirs.n; i++) {
        const char *dir = o->plugin_dirs.v[i].kv->text;
        if (access(dir, X_OK) < 0)
            return err_set(e, errno, "-plugin-path %s: %s", dir, strerror(errno));
        registry_folder(vm->registry, dir);
    }
    AUTO_FREE char *own = plugin_dir();
    registry_folder(vm->registry, own);
    return 0;
}

/* One of -plugin-path may be without an index: it has only what -plugin names. */
static void read_indexes(struct vm *vm, const struct cli_options *o)
{
    ERR_AUTO none = {0};
    for (size_t i = 0; i < o->plugin_dirs.n; i++)
        registry_index(vm->registry, o->plugin_dirs.v[i].kv->text, NULL);
    AUTO_FREE char *own = plugin_dir();
    if (registry_index(vm->registry, own, &none) < 0 && !o->plugins.n && !o->plugin_dirs.n)
        log_line(LOG_WARN, "no plugins: %s", err_text(&none));
}

static int add_files(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    for (size_t i = 0; i < o->plugins.n; i++) {
        const char *file = kv_text(o->plugins.v[i].kv, "file");
        if (registry_plugin(vm->registry, file ? file : "", e) < 0)
            return -EINVAL;
    }
    return 0;
}

/* What -plugin names comes before what the indexes have. */
static int add_found(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    if (o->plugin_trust_any)
        registry_trust_any(vm->registry);
    if (add_folders(vm, o, e) < 0 || add_files(vm, o, e) < 0)
        return -EINVAL;
    read_indexes(vm, o);
    return 0;
}

static int add_linked(struct vm *vm, const struct cli_options *o, const struct tn_plugin *const *p,
                      struct tn_err *e)
{
    int err = 0;
    if (o->plugins.n || o->plugin_dirs.n)
        return err_set(e, ENOTSUP,
                       "%s: this program has its plugins linked in and loads no others; "
                       "'-help-build' lists them",
                       o->plugins.n ? "-plugin" : "-plugin-path");
    for (; *p && err == 0; p++)
        err = registry_linked(vm->registry, *p, e);
    return err;
}

struct vm *start_vm(const struct cli_options *o, const struct tn_plugin *const *linked)
{
    ERR_AUTO e = {0};
    for (size_t i = 0; i < o->n_warnings; i++)
        log_line(LOG_WARN, "%s", o->warnings[i]);
    struct vm *vm = vm_new(is_qtest(o));
    if (vm && add_own(vm, &e) == 0 &&
        (linked ? add_linked(vm, o, linked, &e) : add_found(vm, o, &e)) == 0)
        return vm;
    if (vm) {
        err_report(&e);
        vm_free(vm);
    }
    return NULL;
}

/* ---- options that are about the process ---- */

struct unsupported {
    const char *what;
    int given;
};

/* What QEMU has and this host has not (yet): said, never ignored. */
static int refuse_unknown(const struct cli_options *o, struct tn_err *e)
{
    const struct unsupported list[] = {
        {"-audiodev", o->audiodevs.n != 0},
        {"-dtb", o->dtb != NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        if (list[i].given)
            return err_set(e, ENOTSUP, "%s: this version does not support it", list[i].what);
    for (size_t i = 0; i < o->chardevs.n && o->daemonize; i++)
        if (strcmp(kv_text(o->chardevs.v[i].kv, "backend"), "stdio") == 0)
            return err_set(e, EINVAL, "cannot use stdio with -daemonize");
    const char *display = o->display ? kv_text(o->display, "type") : NULL;
    if (display && strcmp(display, "none") != 0)
        return err_set(e, ENOTSUP, "-display %s: only 'none' can be had", display);
    return 0;
}

static int log_items(const char *items, struct tn_err *e)
{
    AUTO_FREE char *copy = xstrdup(items);
    for (char *save, *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        if (strcmp(w, "guest_errors") == 0 || strcmp(w, "all") == 0)
            log_set_guest_errors(1);
        else if (strncmp(w, "trace:", 6) != 0 && strcmp(w, "unimp") != 0)
            return err_set(
                e, EINVAL,
                "-d %s: unknown log item; 'guest_errors', 'unimp' and 'trace:PATTERN' are known",
                w);
    }
    return 0;
}

static int trace_item(struct vm *vm, char *w, struct tn_err *e)
{
    return strncmp(w, "trace:", 6) == 0 ? tracer_enable(vm, w + 6, e) : 0;
}

static int set_traces(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    AUTO_FREE char *copy = xstrdup(o->log_items ? o->log_items : "");
    for (char *save, *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
        if (trace_item(vm, w, e) < 0)
            return -EINVAL;
    for (size_t i = 0; i < o->traces.n; i++) {
        const struct kv_node *kv = o->traces.v[i].kv;
        const char *pattern = kv_text(kv, "enable"), *file = kv_text(kv, "events");
        if ((pattern && tracer_enable(vm, pattern, e) < 0) ||
            (file && tracer_enable_file(vm, file, e) < 0) ||
            (kv_text(kv, "file") && tracer_file(vm, kv_text(kv, "file"), e) < 0))
            return -EINVAL;
    }
    return 0;
}

static int write_pid(struct vm *vm, const char *path, struct tn_err *e)
{
    if (sandbox_need(vm, "unlink") < 0)
        return err_set(e, EINVAL, "-pidfile %s: nobody could remove it", path);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    AUTO_FREE char *text = xasprintf("%d\n", (int)getpid());
    ssize_t n = (ssize_t)strlen(text);
    if (fd < 0 || ftruncate(fd, 0) < 0 || write(fd, text, (size_t)n) != n)
        return err_set(e, errno, "-pidfile %s: %s", path, strerror(errno));
    vm->pidfile = realpath(path, NULL); /* -daemonize goes elsewhere */
    return 0;
}

static int set_up_process(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    if (o->log_file && log_open(o->log_file) < 0)
        return err_set(e, errno, "-D %s: %s", o->log_file, strerror(errno));
    if (o->log_items && log_items(o->log_items, e) < 0)
        return -EINVAL;
    if (o->process_name)
        prctl(PR_SET_NAME, o->process_name);
    return o->pidfile ? write_pid(vm, o->pidfile, e) : 0;
}

/* SIGINT, SIGTERM and SIGHUP end the machine in good order, with status 0. Blocked before any
 * thread exists. */
static void signalled(void *p, uint32_t ev)
{
    struct vm *vm = p;
    (void)ev;
    if (vm->run)
        run_quit(vm, RUN_BY_SIGNAL);
}

static int watch_signals(struct vm *vm, struct tn_err *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);  /* a disk image at the limit is the guest's error */
    sigaddset(&set, SIGWINCH); /* a terminal's chardev reads it */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigdelset(&set, SIGWINCH);
    vm->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (vm->signal_fd >= 0)
        vm->signals = watch_new(vm->main, NULL, 0, vm->signal_fd, TN_FD_IN, signalled, vm);
    if (!vm->signals)
        return err_set(e, errno, "signals: %s", strerror(errno));
    return 0;
}

/* ---- what the user asked for, in the order of need ---- */

static void add_global(struct vm *vm, const char *cls, const char *prop, const char *value)
{
    vm->globals = xrealloc(vm->globals, (vm->nglobals + 1) * sizeof *vm->globals);
    vm->globals[vm->nglobals++] =
        (struct global){xstrdup(cls), xstrdup(prop), xstrdup(value ? value : ""), 0};
}

/* What the machine's version says, then what the user says. */
static void copy_globals(struct vm *vm, const struct cli_options *o)
{
    const struct machine_compat *k;
    for (uint32_t i = 0; vm->machine && vm->machine->type && (k = machine_compat_at(vm->machine, i)); i++)
        add_global(vm, k->cls, k->prop, k->value);
    for (size_t i = 0; i < o->globals.n; i++) {
        const struct kv_node *kv = o->globals.v[i].kv;
        const char *c = kv_text(kv, "driver"), *p = kv_text(kv, "property");
        if (c && p)
            add_global(vm, c, p, kv_text(kv, "value"));
    }
}

static int add_one(struct vm *vm, uint32_t kind, const struct cli_item *item, struct tn_err *e)
{
    ERR_AUTO why = {0};
    if (device_add(vm, kind, item->kv, NULL, &why) == 0)
        return 0;
    if (item->where.text)
        err_prefix(&why, "%s: ", item->where.text);
    return err_move(e, &why);
}

static int add_all(struct vm *vm, uint32_t kind, const struct cli_list *l, struct tn_err *e)
{
    int r = 0;
    for (size_t i = 0; i < l->n && r == 0; i++)
        r = add_one(vm, kind, &l->v[i], e);
    return r;
}

/* late: those that name a back end, once there are back ends. */
static int add_objects(struct vm *vm, const struct cli_list *l, int late, struct tn_err *e)
{
    int r = 0;
    for (size_t i = 0; i < l->n && r == 0; i++) {
        const char *type = kv_text(l->v[i].kv, "qom-type");
        if ((type && net_object_is_late(vm, type)) == late)
            r = add_one(vm, TN_K_OBJECT, &l->v[i], e);
    }
    return r;
}

static int connect_qtest(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    if (!o->qtest || vm->qtest)
        return 0;
    struct tn_chr *c = chardev_find(vm, o->qtest);
    if (!c)
        return err_set(e, ENOENT, "-qtest: no chardev '%s'", o->qtest);
    vm->qtest = qtest_new(vm, c, o->qtest_log, e);
    return vm->qtest ? 0 : -EINVAL;
}

static void warn_unused_globals(const struct vm *vm)
{
    for (uint32_t i = 0; i < vm->nglobals; i++)
        if (!vm->globals[i].used && !registry_peek(vm->registry, TN_K_DEVICE, vm->globals[i].cls))
            log_line(LOG_WARN, "global %s.%s has invalid class name", vm->globals[i].cls,
                     vm->globals[i].prop);
}

/* -preconfig: monitors say more before the machine is made. */
static int wait_preconfig(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    if (!o->preconfig)
        return 0;
    if (!vm->monitors)
        return err_set(e, EINVAL, "-preconfig: there is no monitor that could end it");
    int err = connect_qtest(vm, o, e); /* its first question comes before the monitor's */
    if (err < 0)
        return err;
    monitors_begin(vm, 1);
    while (monitors_preconfig(vm) && !run_ended(vm))
        loop_once(vm->main, ~(uint64_t)0);
    return run_ended(vm) ? -EINTR : 0;
}

/* Before anything else: whatever names a file may name one of these. */
static int add_fds(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    for (size_t i = 0; i < o->add_fds.n; i++) {
        const struct cli_item *item = &o->add_fds.v[i];
        ERR_AUTO why = {0};
        if (fdset_option(vm, item->kv, &why) == 0)
            continue;
        if (item->where.text)
            err_prefix(&why, "%s: ", item->where.text);
        return err_move(e, &why);
    }
    return 0;
}

static int create(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    int err = add_fds(vm, o, e);
    if (err == 0)
        err = machine_create(vm, o, e);
    if (err == 0 && o->incoming)
        migration_expect(vm);
    if (err == 0)
        err = set_traces(vm, o, e);
    if (err == 0)
        copy_globals(vm, o);
    if (err == 0)
        err = add_all(vm, TN_K_CHARDEV, &o->chardevs, e);
    if (err == 0)
        err = monitors_add(vm, o, e);
    if (err == 0)
        err = add_objects(vm, &o->objects, 0, e);
    if (err == 0)
        err = net_add_backends(vm, o, e);
    if (err == 0)
        err = add_objects(vm, &o->objects, 1, e);
    if (err == 0)
        err = wait_preconfig(vm, o, e);
    if (err == 0)
        err = machine_populate(vm, e);
    if (err == 0)
        err = net_add_nics(vm, o, e);
    if (err == 0)
        err = block_add_all(vm, o, e);
    if (err == 0)
        err = add_all(vm, TN_K_DEVICE, &o->devices, e);
    if (err == 0)
        err = block_add_disks(vm, e);
    if (err == 0)
        err = machine_finish(vm, e);
    return err;
}

/* Whatever can be refused, before anything runs. -ECANCELED: a monitor has ended it. */
static int prepare(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    int err = check_accel(o, e);
    if (err == 0)
        err = refuse_unknown(o, e);
    if (err == 0)
        err = set_up_process(vm, o, e);
    if (err == 0)
        err = programs_allow(vm, o, e);
    if (err == 0)
        err = watch_signals(vm, e);
    if (err == 0)
        err = create(vm, o, e);
    if (err == -EINTR && run_ended(vm))
        return -ECANCELED;
    if (err == 0)
        err = connect_qtest(vm, o, e);
    return err < 0 ? err : sandbox_prepare(vm, o->sandbox.enable && sandbox_fits_build(), e);
}

/* The machine runs, or waits for one that is to come. -ECANCELED: it was only to be drawn. */
static int set_going(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    iothreads_start(vm);
    sandbox_at_death(chardev_restore_terminal);
    warn_unused_globals(vm);
    tracer_warn_unused(vm);
    net_warn_unused(vm);
    int err = o->incoming ? run_await(vm, e) : run_start(vm, e);
    if (err == 0 && o->incoming)
        err = migration_await(vm, o->incoming, e);
    if (err == 0 && o->dump_topology)
        err = topology_write(vm, o->dump_topology, e) < 0 ? -EIO : -ECANCELED;
    return err;
}

int start_machine(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    int err = prepare(vm, o, e);
    if (err == 0)
        err = set_going(vm, o, e);
    if (err == -ECANCELED) {
        e->err = ECANCELED;
        return 0;
    }
    if (err == 0 && (err = daemon_ready(&vm->ready_fd)) < 0)
        err_set(e, -err, "-daemonize: %s", strerror(-err));
    if (err == 0) {
        monitors_begin(vm, 0);
        sandbox_enter(vm, SANDBOX_MAIN, NULL);
    }
    return err;
}
