/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_rig.h"

#include "cli/keyval.h"
#include "core/registry.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct rig rig;
static struct tn_err error;

/* ---- the front end ---- */

static void note(struct front *f)
{
    if (!f->dev)
        f->wrong_lock += domain_any_held() != 0;
    else
        f->wrong_lock += !domain_held(device_of(f->dev)->domain) || domain_depth() != 1;
    f->wrong_thread += !loop_here(f->iothread ? f->iothread : rig.vm->main);
}

static uint32_t f_room(void *s)
{
    struct front *f = s;
    note(f);
    return f->room;
}

static void f_input(void *s, const uint8_t *p, uint32_t n)
{
    struct front *f = s;
    note(f);
    if (n > f->room || n > sizeof f->got - f->ngot)
        abort();
    memcpy(f->got + f->ngot, p, n);
    __atomic_add_fetch(&f->ngot, n, __ATOMIC_RELEASE);
    f->pieces++;
    f->room = f->refill ? f->refill : f->room - n;
}

static void f_event(void *s, uint32_t ev)
{
    struct front *f = s;
    note(f);
    if (f->nevents < sizeof f->events - 1)
        f->events[f->nevents++] = "?OCBIU"[ev];
}

static void f_writable(void *s)
{
    struct front *f = s;
    note(f);
    f->writables++;
}

const struct tn_chr_ops rig_host_ops = {sizeof rig_host_ops, 0, f_room, f_input, f_event,
                                        f_writable};

static int front_init(void *s, struct tn_dev *d)
{
    ((struct front *)s)->dev = d;
    return 0;
}

static int front_realize(void *s, struct tn_err *e)
{
    struct front *f = s;
    const struct tn_chardev *chr = TN_GET(f->dev, struct tn_chardev, TN_CHARDEV_1);
    int r = chr->attach(f->chr, f->dev, &rig_host_ops, f);
    return r < 0 ? tn_fail(f->dev, e, -r, "chardev is already in use") : 0;
}

static const struct tn_prop front_props[] = {
    TN_PROP_REF(struct front, chr, "chardev", CHARDEV, TN_PF_REQUIRED, NULL),
    TN_PROP_REF(struct front, iothread, "iothread", IOTHREAD, 0, NULL),
    TN_PROP(struct front, room, "room", U32, 0, NULL),
};
static const struct tn_class front_class = {
    .struct_size = sizeof front_class,
    .name = "test-front",
    .flags = TN_C_HOTPLUG,
    .instance_size = sizeof(struct front),
    .props = front_props,
    .nprops = 3,
    .prop_stride = sizeof(struct tn_prop),
    .init = front_init,
    .realize = front_realize,
};
static const struct tn_class *const classes[] = {&front_class, NULL};
static const struct tn_plugin plugin = {.struct_size = sizeof plugin,
                                        .abi_major = TN_ABI_MAJOR,
                                        .id = "test",
                                        .version = "1",
                                        .classes = classes};

/* ---- the VM ---- */

void rig_end(void)
{
    if (!rig.vm)
        return;
    vm_free(rig.vm);
    rig.vm = NULL;
    err_clear(&error);
    char *cmd = xasprintf("rm -rf %s", rig.dir);
    if (system(cmd) != 0)
        fprintf(stderr, "cannot remove %s\n", rig.dir);
    free(cmd);
}

struct rig *rig_begin(void)
{
    rig_end();
    strcpy(rig.dir, "/tmp/chardev-XXXXXX");
    if (!mkdtemp(rig.dir) || !(rig.vm = vm_new(0)) ||
        registry_builtin(rig.vm->registry, &chardev_plugin, NULL) < 0 ||
        registry_builtin(rig.vm->registry, &plugin, NULL) < 0)
        abort();
    return &rig;
}

char *rig_path(const char *text)
{
    static __thread char out[8][512];
    static __thread unsigned at;
    char *o = out[at++ % 8], *w = o;
    for (; *text; text++)
        w += sprintf(w, *text == '@' ? "%s" : "%.1s", *text == '@' ? rig.dir : text);
    *w = 0;
    return o;
}

const char *rig_error(void)
{
    return err_text(&error);
}

static struct device *add(uint32_t kind, const char *text, const char *implied)
{
    struct device *d = NULL;
    KV_AUTO *kv = keyval_parse(rig_path(text), implied);
    err_clear(&error);
    return device_add(rig.vm, kind, kv, &d, &error) < 0 ? NULL : d;
}

struct device *rig_chardev(const char *text)
{
    return add(TN_K_CHARDEV, text, "backend");
}

struct front *rig_front(const char *id, struct tn_ctx *iothread, uint32_t room)
{
    err_clear(&error);
    const struct class_entry *c =
        registry_class(rig.vm->registry, TN_K_DEVICE, "test-front", &error);
    struct device *d = c ? device_new(rig.vm, c, NULL, NULL, NULL, &error) : NULL;
    if (!d || device_set(d, "chardev", id, &error) < 0)
        return NULL;
    struct front *f = d->pub.self;
    f->room = room;
    if (iothread)
        device_set_handle(d, "iothread", iothread, &error);
    if (device_realize(d, NULL, &error) == 0)
        return f;
    device_free(d);
    return NULL;
}

int rig_got(const struct front *f, const char *text)
{
    return f->ngot == strlen(text) && memcmp(f->got, text, f->ngot) == 0;
}

int rig_sane(const struct front *f)
{
    return !f->wrong_lock && !f->wrong_thread;
}

void rig_unplug(struct front *f)
{
    device_free(device_of(f->dev));
}

void rig_room(struct front *f, uint32_t room)
{
    struct domain *dom = device_of(f->dev)->domain;
    domain_lock(dom);
    f->room = room;
    chardev_table.accept(f->chr);
    domain_unlock(dom);
}

int64_t rig_write(struct front *f, const void *p, uint64_t n)
{
    struct domain *dom = device_of(f->dev)->domain;
    domain_lock(dom);
    int64_t r = chardev_table.write(f->chr, p, n);
    domain_unlock(dom);
    return r;
}

struct tn_ctx *rig_vm(void)
{
    return rig.vm->main;
}

void rig_settle(void)
{
    for (int i = 0; i < 20; i++)
        loop_once(rig.vm->main, 1000000u);
}

int rig_quiet(void)
{
    int ran = 0;
    rig_settle();
    for (int i = 0; i < 5; i++)
        ran += loop_once(rig.vm->main, 2000000u);
    return ran == 0;
}

/* ---- the world ---- */

void rig_put_file(const char *path, const char *text)
{
    FILE *f = fopen(rig_path(path), "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

const char *rig_file(const char *path)
{
    static char text[65537];
    AUTO_CLOSE int fd = open(rig_path(path), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static struct sockaddr_un un_of(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strncpy(un.sun_path, rig_path(path), sizeof un.sun_path - 1);
    return un;
}

int rig_listen(const char *path)
{
    struct sockaddr_un un = un_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(un.sun_path);
    if (bind(fd, (struct sockaddr *)&un, sizeof un) < 0 || listen(fd, 8) < 0)
        abort();
    return fd;
}

int rig_connect(const char *path)
{
    struct sockaddr_un un = un_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0)
        return fd;
    close(fd);
    return -1;
}

void *rig_connect_late(void *fd)
{
    usleep(50000);
    *(int *)fd = rig_connect("@/s");
    return NULL;
}

uint32_t rig_open_fds(void)
{
    uint32_t n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

uint32_t rig_read(int fd, void *buf, uint32_t n)
{
    uint32_t got = 0;
    for (int i = 0; i < 2000 && got < n; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        loop_once(rig.vm->main, 1000000u);
        ssize_t r = poll(&p, 1, 0) > 0 ? read(fd, (char *)buf + got, n - got) : 0;
        if (r > 0)
            got += (uint32_t)r;
        if (r <= 0 && p.revents & (POLLHUP | POLLIN))
            break;
    }
    return got;
}
