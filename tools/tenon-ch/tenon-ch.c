/* SPDX-License-Identifier: BSD-2-Clause */
/* tenon-ch: the command line of Cloud Hypervisor, for tenon. It says the same in the other words,
 * and becomes tenon. What is on by default there is on here: a console, and a source of entropy. */
#include "line.h"
#include "util/alloc.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ch {
    struct line out;
    uint32_t disks, nets;
    const char *cpus, *memory, *rng, *serial, *console;
    bool print, boots;
};

/* ---- what there is once ---- */

/* THREADS:CORES:DIES:PACKAGES */
static bool parse_topology(const char *s, unsigned long n[4])
{
    for (int i = 0; i < 4; i++) {
        char *end;
        if (!isdigit((unsigned char)*s))
            return false;
        n[i] = strtoul(s, &end, 10);
        if (*end != (i < 3 ? ':' : 0))
            return false;
        s = end + 1;
    }
    return true;
}

static void put_topology(struct ch *c, struct value *v, unsigned long long boot,
                         unsigned long long max)
{
    const char *s = value_get(v, "topology");
    unsigned long n[4];
    if (!s) {
        line_add(&c->out, "%llu,maxcpus=%llu", boot, max);
        return;
    }
    if (!parse_topology(s, n))
        die("%s: topology is THREADS:CORES:DIES:PACKAGES, not '%s'", v->option, s);
    line_add(&c->out, "%llu,maxcpus=%llu,threads=%lu,cores=%lu,dies=%lu,sockets=%lu", boot, max,
             n[0], n[1], n[2], n[3]);
}

static void put_cpus(struct ch *c)
{
    struct value v;
    value_parse(&v, "--cpus", c->cpus ? c->cpus : "boot=1");
    uint64_t boot = value_number(&v, "boot", 1);
    line_add(&c->out, "-smp");
    put_topology(c, &v, boot, value_number(&v, "max", boot));
    value_done(&v);
    line_add(&c->out, "-cpu");
    line_add(&c->out, "host");
}

/* ",key=value" with the value's commas doubled, "" without a value. */
static char *further(const char *key, const char *value)
{
    AUTO_FREE char *text = doubled(value ? value : "");
    return value ? xasprintf(",%s=%s", key, text) : xstrdup("");
}

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

static void put_memory(struct ch *c)
{
    struct value v;
    value_parse(&v, "--memory", c->memory ? c->memory : "size=512M");
    const char *given = value_get(&v, "size");
    AUTO_FREE char *size = doubled(given ? given : "512M");
    bool share = value_flag(&v, "shared", false), merge = value_flag(&v, "mergeable", false);
    bool huge = value_flag(&v, "hugepages", false), fill = value_flag(&v, "prefault", false);
    const char *page = value_get(&v, "hugepage_size");
    AUTO_FREE char *pages = further("hugetlbsize", page);
    if (page && !huge)
        die("--memory: hugepage_size wants hugepages=on");
    line_add(&c->out, "-M");
    line_add(&c->out, share || merge || huge || fill ? "q35,memory-backend=ram0" : "q35");
    line_add(&c->out, "-m");
    line_add(&c->out, "size=%s", size);
    if (share || merge || huge || fill) {
        line_add(&c->out, "-object");
        line_add(&c->out, "memory-backend-memfd,id=ram0,size=%s,share=%s,merge=%s,prealloc=%s%s%s",
                 size, on_off(share), on_off(merge), on_off(fill), huge ? ",hugetlb=on" : "",
                 pages);
    }
    value_done(&v);
}

static void put_rng(struct ch *c)
{
    struct value v;
    value_parse(&v, "--rng", c->rng ? c->rng : "src=/dev/urandom");
    const char *src = value_get(&v, "src");
    AUTO_FREE char *file = doubled(src ? src : "/dev/urandom");
    line_add(&c->out, "-object");
    line_add(&c->out, "rng-random,id=rng0,filename=%s", file);
    line_add(&c->out, "-device");
    line_add(&c->out, "virtio-rng-pci,rng=rng0");
    value_done(&v);
}

/* off: no such device, and false. */
static bool put_chardev(struct ch *c, const char *option, const char *id, const char *mode)
{
    struct value v;
    value_parse(&v, option, mode);
    const char *kind = v.key[0], *at = v.val[0];
    bool to_file = strcmp(kind, "file") == 0, to_socket = strcmp(kind, "socket") == 0;
    if (v.n != 1 || (to_file || to_socket) != (at && *at))
        die("%s: it is off, null, pty, tty, file=PATH or socket=PATH, not '%s'", option, mode);
    AUTO_FREE char *path = doubled(at ? at : "");
    v.used[0] = true;
    if (strcmp(kind, "off") == 0) {
        value_done(&v);
        return false;
    }
    line_add(&c->out, "-chardev");
    if (to_file)
        line_add(&c->out, "file,id=%s,path=%s", id, path);
    else if (to_socket)
        line_add(&c->out, "socket,id=%s,path=%s,server=on,wait=off", id, path);
    else if (strcmp(kind, "tty") == 0)
        line_add(&c->out, "stdio,id=%s,signal=off", id);
    else if (strcmp(kind, "null") == 0 || strcmp(kind, "pty") == 0)
        line_add(&c->out, "%s,id=%s", kind, id);
    else
        die("%s: it is off, null, pty, tty, file=PATH or socket=PATH, not '%s'", option, mode);
    value_done(&v);
    return true;
}

static void put_terminals(struct ch *c)
{
    const char *serial = c->serial ? c->serial : "null";
    const char *console = c->console ? c->console : "tty";
    if (strcmp(serial, "tty") == 0 && strcmp(console, "tty") == 0)
        die("--serial tty and --console tty: there is one terminal; --console off leaves it to the "
            "serial port");
    if (put_chardev(c, "--serial", "serial0", serial)) {
        line_add(&c->out, "-device");
        line_add(&c->out, "isa-serial,chardev=serial0");
    }
    if (put_chardev(c, "--console", "console0", console)) {
        line_add(&c->out, "-device");
        line_add(&c->out, "virtio-serial-pci,id=consoles");
        line_add(&c->out, "-device");
        line_add(&c->out, "virtconsole,bus=consoles.0,chardev=console0");
    }
}

/* ---- disks ---- */

/* A bucket of size, filled again in ms. */
static void put_limit(struct value *v, const char *what, const char *throttled, struct line *drive)
{
    char key[32];
    snprintf(key, sizeof key, "%s_size", what);
    uint64_t size = value_number(v, key, 0);
    snprintf(key, sizeof key, "%s_refill_time", what);
    uint64_t ms = value_number(v, key, 0);
    if (!size != !ms)
        die("%s: %s_size and %s_refill_time go together", v->option, what, what);
    if (size)
        line_add(drive, ",throttling.%s-total=%llu", throttled,
                 (unsigned long long)(size < ms ? 1 : size / ms * 1000 + size % ms * 1000 / ms));
}

static void put_disk(struct ch *c, const char *text)
{
    struct value v;
    struct line more = {0};
    value_parse(&v, "--disk", text);
    const char *path = value_get(&v, "path"), *serial = value_get(&v, "serial");
    const char *id = value_get(&v, "id");
    if (!path)
        die("--disk %s: path is missing", text);
    AUTO_FREE char *file = doubled(path);
    AUTO_FREE char *mark = further("serial", serial);
    AUTO_FREE char *own = id ? doubled(id) : xasprintf("disk%u", c->disks);
    put_limit(&v, "bw", "bps", &more);
    put_limit(&v, "ops", "iops", &more);
    line_add(&c->out, "-drive");
    line_add(&c->out, "file=%s,format=raw,if=none,id=drive%u%s%s%s%s", file, c->disks,
             value_flag(&v, "readonly", false) ? ",readonly=on" : "",
             value_flag(&v, "direct", false) ? ",cache=none" : "", more.n ? more.v[0] : "",
             more.n > 1 ? more.v[1] : "");
    line_add(&c->out, "-device");
    line_add(&c->out, "virtio-blk-pci,id=%s,drive=drive%u,num-queues=%llu,queue-size=%llu%s", own,
             c->disks, (unsigned long long)value_number(&v, "num_queues", 1),
             (unsigned long long)value_number(&v, "queue_size", 128), mark);
    line_free(&more);
    value_done(&v);
    c->disks++;
}

/* ---- networks ---- */

/* fd=3 or fd=[3,4]: with colons between. */
static char *descriptors(const char *s)
{
    char *out = xstrdup(s), *to = out;
    for (; *s; s++)
        if (*s != '[' && *s != ']')
            *to++ = *s == ',' ? ':' : *s;
    *to = 0;
    return out;
}

/* Their number counts both directions. */
static uint64_t pairs(struct value *v)
{
    uint64_t n = value_number(v, "num_queues", 2);
    if (n < 2 || n % 2)
        die("%s: num_queues is even and at least 2, not %llu", v->option, (unsigned long long)n);
    return n / 2;
}

static void put_tap(struct ch *c, struct value *v, uint64_t queues)
{
    const char *tap = value_get(v, "tap"), *fd = value_get(v, "fd");
    if (tap && fd)
        die("%s: tap and fd exclude each other", v->option);
    line_add(&c->out, "-netdev");
    if (fd) {
        AUTO_FREE char *fds = descriptors(fd);
        line_add(&c->out, "tap,id=net%u,%s=%s", c->nets, strchr(fds, ':') ? "fds" : "fd", fds);
        return;
    }
    AUTO_FREE char *name = doubled(tap ? tap : "");
    line_add(&c->out, "tap,id=net%u%s%s,script=no,downscript=no,queues=%llu", c->nets,
             tap ? ",ifname=" : "", name, (unsigned long long)queues);
}

static void put_net(struct ch *c, const char *text)
{
    struct value v;
    char offload[160] = "";
    value_parse(&v, "--net", text);
    uint64_t queues = pairs(&v), size = value_number(&v, "queue_size", 256);
    AUTO_FREE char *mac = further("mac", value_get(&v, "mac"));
    AUTO_FREE char *id = further("id", value_get(&v, "id"));
    AUTO_FREE char *mtu = further("host_mtu", value_get(&v, "mtu"));
    put_tap(c, &v, queues);
    if (!value_flag(&v, "offload_tso", true))
        strcat(offload, ",guest_tso4=off,guest_tso6=off,host_tso4=off,host_tso6=off");
    if (!value_flag(&v, "offload_ufo", true))
        strcat(offload, ",guest_ufo=off,host_ufo=off");
    if (!value_flag(&v, "offload_csum", true))
        strcat(offload, ",csum=off,guest_csum=off");
    line_add(&c->out, "-device");
    line_add(&c->out, "virtio-net-pci,netdev=net%u,rx_queue_size=%llu,tx_queue_size=%llu%s%s%s%s%s",
             c->nets, (unsigned long long)size, (unsigned long long)size,
             queues > 1 ? ",mq=on" : "", id, mac, mtu, offload);
    value_done(&v);
    c->nets++;
}

/* ---- the options ---- */

static void put_two(struct ch *c, const char *option, const char *value)
{
    line_add(&c->out, "%s", option);
    line_add(&c->out, "%s", value);
}

static void put_boot(struct ch *c, const char *option, const char *value)
{
    c->boots = true;
    put_two(c, option, value);
}

static void put_kernel(struct ch *c, const char *value)
{
    put_boot(c, "-kernel", value);
}

static void put_firmware(struct ch *c, const char *value)
{
    put_boot(c, "-bios", value);
}

static void put_initramfs(struct ch *c, const char *value)
{
    put_two(c, "-initrd", value);
}

static void put_cmdline(struct ch *c, const char *value)
{
    put_two(c, "-append", value);
}

static void put_log_file(struct ch *c, const char *value)
{
    put_two(c, "-D", value);
}

static void put_seccomp(struct ch *c, const char *value)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        die("--seccomp: it is true or false, not '%s'", value);
    put_two(c, "-sandbox", strcmp(value, "true") == 0 ? "on" : "off");
}

static void put_pvpanic(struct ch *c, const char *value)
{
    (void)value;
    put_two(c, "-device", "pvpanic-pci");
}

static void set_print(struct ch *c, const char *value)
{
    (void)value;
    c->print = true;
}

#define KEEP(name)                                          \
    static void set_##name(struct ch *c, const char *value) \
    {                                                       \
        c->name = value;                                    \
    }
KEEP(cpus)
KEEP(memory)
KEEP(rng)
KEEP(serial)
KEEP(console)
#undef KEEP

enum { NONE, ONE, MANY };

static const struct option {
    const char *name;
    int values;
    void (*take)(struct ch *c, const char *value);
    const char *help;
} options[] = {
    {"--cpus", ONE, set_cpus, "boot=N,max=N,topology=THREADS:CORES:DIES:PACKAGES"},
    {"--memory", ONE, set_memory,
     "size=SIZE,shared=,mergeable=,prefault=,hugepages=on|off,hugepage_size=SIZE"},
    {"--kernel", ONE, put_kernel, "the kernel"},
    {"--firmware", ONE, put_firmware, "the firmware, instead"},
    {"--initramfs", ONE, put_initramfs, "the kernel's initial RAM disk"},
    {"--cmdline", ONE, put_cmdline, "the kernel's command line"},
    {"--disk", MANY, put_disk,
     "path=FILE,readonly=,direct=on|off,num_queues=,queue_size=,serial=,id=,bw_size=,"
     "bw_refill_time=,ops_size=,ops_refill_time="},
    {"--net", MANY, put_net,
     "tap=NAME|fd=[N,...],mac=,mtu=,num_queues=,queue_size=,id=,offload_tso=,offload_ufo=,"
     "offload_csum=on|off"},
    {"--rng", ONE, set_rng, "src=FILE (default: /dev/urandom)"},
    {"--serial", ONE, set_serial, "off|null|pty|tty|file=PATH|socket=PATH (default: null)"},
    {"--console", ONE, set_console, "off|null|pty|tty|file=PATH|socket=PATH (default: tty)"},
    {"--pvpanic", NONE, put_pvpanic, "a device that the guest tells of its panic"},
    {"--seccomp", ONE, put_seccomp, "true or false"},
    {"--log-file", ONE, put_log_file, "where to log"},
    {"--print", NONE, set_print, "show tenon's command line, and end"},
};

/* What Cloud Hypervisor has, and this has not. */
static const char *const absent[] = {
    "--api-socket",    "--balloon", "--debug-console", "--device",
    "--event-monitor", "--fs",      "--gdb",           "--generic-vhost-user",
    "--landlock",      "--numa",    "--pci-segment",   "--platform",
    "--pmem",          "--restore", "--sgx-epc",       "--tpm",
    "--user-device",   "--vdpa",    "--vsock",         "--watchdog",
};

static void help(void)
{
    puts("usage: tenon-ch OPTION...\nCloud Hypervisor's command line, for tenon: $TENON, the one "
         "beside this program, or that of the path.");
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        printf("  %-11s %s\n", options[i].name, options[i].help);
    puts("  --help, --version");
    exit(0);
}

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
        if (strcmp(absent[i], name) == 0)
            die("%s: there is nothing like it here", name);
    die("%s: there is no such option", name);
}

/* Takes the option at **a and its values; returns what follows. */
static char **take(struct ch *c, char **a)
{
    AUTO_FREE char *name = xstrdup(*a);
    char *eq = strncmp(name, "--", 2) == 0 ? strchr(name, '=') : NULL, *inlined = NULL;
    if (eq) {
        *eq = 0;
        inlined = strchr(*a, '=') + 1;
    }
    const struct option *o = find(name);
    a++;
    if (o->values == NONE && inlined)
        die("%s: it takes no value", name);
    if (o->values == NONE || inlined) {
        o->take(c, inlined);
        return a;
    }
    if (!*a || strncmp(*a, "--", 2) == 0)
        die("%s: a value is missing", name);
    do
        o->take(c, *a++);
    while (o->values == MANY && *a && strncmp(*a, "--", 2) != 0);
    return a;
}

/* $TENON, the one beside this program, or that of the path. */
static char *tenon_path(void)
{
    const char *named = getenv("TENON");
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (named && *named)
        return xstrdup(named);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash) {
        strcpy(slash + 1, "tenon"); /* shorter than tenon-ch */
        if (access(self, X_OK) == 0)
            return xstrdup(self);
    }
    return xstrdup("tenon");
}

int main(int argc, char **argv)
{
    struct ch c = {0};
    (void)argc;
    AUTO_FREE char *tenon = tenon_path();
    line_add(&c.out, "%s", tenon);
    put_two(&c, "-display", "none");
    line_add(&c.out, "-nodefaults");
    for (char **a = argv + 1; *a;) {
        if (strcmp(*a, "--help") == 0 || strcmp(*a, "-h") == 0)
            help();
        if (strcmp(*a, "--version") == 0 || strcmp(*a, "-V") == 0)
            return puts("tenon-ch " TENON_VERSION) < 0;
        a = take(&c, a);
    }
    if (!c.boots)
        die("--kernel or --firmware is missing");
    put_cpus(&c);
    put_memory(&c);
    put_rng(&c);
    put_terminals(&c);
    if (!c.print) {
        execvp(tenon, c.out.v);
        die("%s cannot be run", tenon);
    }
    line_print(&c.out);
    line_free(&c.out);
    return 0;
}
