/* SPDX-License-Identifier: BSD-2-Clause */
/* tenon: reads the command line, makes one machine of it, and runs it. */
#include "backend/chardev.h"
#include "cli/options.h"
#include "core/vm.h"
#include "daemon.h"
#include "image.h"
#include "listing.h"
#include "start.h"
#include "util/buf.h"
#include "vm/run.h"
#include "vm/vcpu.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int say(struct buf *out)
{
    int bad = fwrite(buf_cstr(out), 1, out->len, stdout) != out->len || fflush(stdout) != 0;
    buf_free(out);
    return bad;
}

static int print_help(void)
{
    struct buf out = {0};
    cli_print_help(&out, "tenon");
    return say(&out);
}

static int print_version(void)
{
    struct buf out = {0};
    buf_printf(&out, "tenon version %s (plugin ABI %u.%u)\n", TENON_VERSION, TN_ABI_MAJOR,
               TN_ABI_MINOR);
    return say(&out);
}

/* The lists that `help` asks for anywhere on the command line; 1: there was one, and it is printed.
 */
static int print_lists(const struct cli_options *o, struct vm *vm)
{
    struct buf out = {0};
    ERR_AUTO e = {0};
    if (o->help_build) {
        image_describe(vm, &tenon_image, &out);
        return say(&out) ? -1 : 1;
    }
    int r = listing_wanted(vm, o, &out, &e);
    if (r < 0)
        err_report(&e);
    return r < 0 ? r : r > 0 ? (say(&out), 1) : 0;
}

static int run(const struct cli_options *o, struct vm *vm)
{
    ERR_AUTO e = {0};
    if (start_machine(vm, o, &e) < 0) {
        err_report(&e);
        return 1;
    }
    return e.err == ECANCELED ? 0 : run_main(vm);
}

/* A descriptor 0, 1 or 2 that is closed would be the next file's: what is meant for a terminal must
 * not go there. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    struct cli_options o = {0};
    char *err = NULL;
    if (cli_options_scan(&o, argc, argv, &err) < 0) {
        fprintf(stderr, "tenon: %s\n", err);
        free(err);
        cli_options_free(&o);
        return 1;
    }
    if (o.help || o.version) {
        int bad = o.help ? print_help() : print_version();
        cli_options_free(&o);
        return bad;
    }
    int status = 1, ready_fd = o.daemonize ? daemon_begin() : -1;
    struct vm *vm = o.daemonize && ready_fd < 0 ? NULL : start_vm(&o, tenon_image.linked);
    if (vm) {
        vm->ready_fd = ready_fd;
        int listed = print_lists(&o, vm);
        status = listed < 0 ? 1 : listed ? 0 : run(&o, vm);
        vm_free(vm);
    }
    chardev_restore_terminal();
    cli_options_free(&o);
    return status;
}
