/* SPDX-License-Identifier: BSD-2-Clause */
/* tenon-inspect: what is in a plugin, or in the state of a machine that migration or savevm wrote;
 * and how a plugin of one's own begins. */
#include "cli/json.h"
#include "inspect.h"
#include "inspect_new.h"
#include "migration/inspect.h"
#include "util/alloc.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tenon-inspect [--json] FILE\n"
    "       tenon-inspect --new NAME [--kind KIND] [--in DIR] [--templates DIR]\n"
    "FILE is a plugin, or the state of a machine as migration to file: or savevm wrote it; - is "
    "standard "
    "input\n"
    "  --json       one JSON object\n"
    "  --interface  of a plugin, only what users and other plugins rely on: to compare versions\n"
    "  --trust      open a plugin that would run code already when it is opened\n"
    "  --new NAME   a new project in the folder NAME, that builds, loads and is tested\n"
    "  --kind KIND  what it is: " INSPECT_KINDS "\n"
    "  --in DIR     the folder to make it in, instead of this one\n"
    "  --templates DIR  what new projects are made of, instead of what is installed\n";

struct options {
    int json;
    uint32_t flags;
    const char *name, *kind, *dir, *templates, *file;
};

static int read_piece(int fd, void *p, size_t n, struct tn_err *e)
{
    for (char *at = p; n;) {
        ssize_t got = read(fd, at, n);
        if (got == 0)
            return err_set(e, ENODATA, "the state ends too soon");
        if (got < 0 && errno != EINTR)
            return err_set(e, errno, "%s", strerror(errno));
        at += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int read_fd(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    int r = 0;
    for (int i = 0; r == 0 && i < nv; i++)
        r = read_piece(*(int *)o, v[i].iov_base, v[i].iov_len, e);
    return r;
}

static int inspect_state(int fd, const struct options *o, struct buf *out, struct tn_err *e)
{
    struct mig_io io = {.read = read_fd, .o = &fd};
    int r = mig_inspect(io, o->json, out, e);
    if (r < 0 && o->json) /* half an object is none */
        buf_free(out);
    return r;
}

/* What may come from a pipe is a state; a plugin is a file. */
static int is_elf(int fd)
{
    char magic[SELFMAG];
    return pread(fd, magic, sizeof magic, 0) == sizeof magic && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static int inspect_library(const struct options *o, struct buf *out, struct tn_err *e)
{
    KV_AUTO *plugin = inspect_plugin(o->file, o->flags, e);
    if (!plugin)
        return -e->err;
    if (o->json) {
        json_print(out, plugin, 0);
        buf_str(out, "\n");
    } else {
        inspect_text(plugin, out);
    }
    const char *refused = kv_text(plugin, "refused");
    return refused ? err_set(e, ENOEXEC, "%s", refused) : 0;
}

static int complain(const char *about, const struct tn_err *e)
{
    AUTO_FREE char *text = xasprintf("%s%s%s", about, *about ? ": " : "", err_text(e));
    inspect_printable(text);
    fprintf(stderr, "tenon-inspect: %s\n", text);
    return 1;
}

static int inspect(const struct options *o)
{
    ERR_AUTO e = {0};
    BUF_AUTO out = {0};
    int fd = strcmp(o->file, "-") == 0 ? 0 : open(o->file, O_RDONLY | O_CLOEXEC);
    int r = fd < 0       ? err_set(&e, errno, "%s", strerror(errno))
            : is_elf(fd) ? inspect_library(o, &out, &e)
                         : inspect_state(fd, o, &out, &e);
    fputs(buf_cstr(&out), stdout);
    if (fd > 0)
        close(fd);
    return r < 0 ? complain(o->file, &e) : 0;
}

static int make_new(const struct options *o)
{
    ERR_AUTO e = {0};
    int r = inspect_new(o->templates, o->dir, o->name, o->kind, &e);
    return r < 0 ? complain("", &e) : 0;
}

static int wrong_usage(void)
{
    fputs(usage, stderr);
    return 2;
}

/* 0, 1: help was asked for, 2: it makes no sense. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        {"json", 0, NULL, 'j'},      {"interface", 0, NULL, 'f'}, {"trust", 0, NULL, 't'},
        {"new", 1, NULL, 'n'},       {"kind", 1, NULL, 'k'},      {"in", 1, NULL, 'i'},
        {"templates", 1, NULL, 'T'}, {"help", 0, NULL, 'h'},      {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'j':
            o->json = 1;
            break;
        case 'f':
            o->flags |= INSPECT_INTERFACE;
            break;
        case 't':
            o->flags |= INSPECT_TRUST;
            break;
        case 'n':
            o->name = optarg;
            break;
        case 'k':
            o->kind = optarg;
            break;
        case 'i':
            o->dir = optarg;
            break;
        case 'T':
            o->templates = optarg;
            break;
        case 'h':
            return 1;
        default:
            return 2;
        }
    o->file = argv[optind];
    return !o->name == !o->file || (o->file && argv[optind + 1]) ? 2 : 0;
}

int main(int argc, char **argv)
{
    struct options o = {.kind = "pci", .dir = "."};
    switch (parse(argc, argv, &o)) {
    case 0:
        return o.name ? make_new(&o) : inspect(&o);
    case 1:
        fputs(usage, stdout);
        return 0;
    default:
        return wrong_usage();
    }
}
