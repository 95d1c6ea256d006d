/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest finds when it starts: tables, kernel or firmware, fw_cfg items; anew at each reset.
 */
#include "acpi/acpi_host.h"
#include "boot/boot.h"
#include "boot/fdt_host.h"
#include "cli/kvtree.h"
#include "core/fwcfg_host.h"
#include "cpu.h"
#include "machine_impl.h"
#include "memory.h"
#include "pci/pci_host.h"
#include "shadow.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "util/bytes.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <tenon/cmos.h>
#include <unistd.h>

#define MIB         ((uint64_t)1 << 20)
#define RSDP_GPA    0xe0000u  /* where a scan of the BIOS area finds it (ACPI 6.5, 5.2.5.1) */
#define TABLES_SIZE (MIB / 4) /* at the top of low RAM: half for tables, half for blobs */
#define BIOS_ENTRY  0xffff0u  /* F000:FFF0, where a PC's firmware is entered */

/* ---- files ---- */

static int open_image(const char *path, int *fd, struct tn_err *e)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? err_set(e, errno, "could not open '%s': %s", path, strerror(errno)) : 0;
}

/* The file as named, or of that name in a folder of -L. The caller frees it. */
static char *find_firmware(const struct cli_options *c)
{
    for (size_t i = 0; access(c->bios, F_OK) < 0 && i < c->data_dirs.n; i++) {
        char *path = xasprintf("%s/%s", c->data_dirs.v[i].kv->text, c->bios);
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return xstrdup(c->bios);
}

static int open_firmware(struct machine *m, struct tn_err *e)
{
    char *text = NULL;
    struct boot_entry entry;
    AUTO_FREE char *path = find_firmware(m->cli);
    m->firmware = XNEW(struct boot_firmware);
    if (boot_firmware_map(path, m->firmware, &entry, &text) < 0) {
        err_set(e, EINVAL, "%s", text ? text : "bad firmware");
        free(text);
        free(m->firmware);
        m->firmware = NULL;
        return -EINVAL;
    }
    struct boot_firmware *f = m->firmware;
    m->rom = mem_new(m->vm, "bios", f->rom, f->len, -1, 0, TN_MEMF_READONLY, 12);
    f->rom = NULL; /* the block unmaps it */
    shadow_rom(m->vm, m->rom, f->len - f->isa_len, f->isa_gpa, f->isa_len);
    return memory_map(m->vm, m->rom, 0, f->gpa, f->len, 1, e);
}

/* On a machine whose host bridge does not shadow, the end of it below 1 MiB is a copy in RAM. */
static void shadow_firmware(struct machine *m)
{
    const struct boot_firmware *f = m->firmware;
    void *at = f && f->isa_len ? memory_ptr(m->vm, f->isa_gpa, f->isa_len) : NULL;
    const void *end = f ? m->rom->va + f->len - f->isa_len : NULL;
    if (at && at != end)
        memcpy(at, end, f->isa_len);
}

int machine_boot_open(struct machine *m, struct tn_err *e)
{
    const struct cli_options *c = m->cli;
    if (c->initrd && !c->kernel)
        return err_set(e, EINVAL, "-initrd only allowed with -kernel option");
    if (c->append && !c->kernel)
        return err_set(e, EINVAL, "-append only allowed with -kernel option");
    int err = c->kernel ? open_image(c->kernel, &m->kernel_fd, e) : 0;
    if (err == 0 && c->initrd)
        err = open_image(c->initrd, &m->initrd_fd, e);
    int flash = machine_has_flash(m);
    if (err == 0 && c->bios && !c->kernel && !flash)
        err = open_firmware(m, e);
    if (err == 0 && !c->kernel && !c->bios && !flash && m->vm->kvm &&
        !machine_option(m, "dumpdtb") && !c->dump_topology)
        err = err_set(e, EINVAL, "nothing to start: give -kernel FILE or -bios FILE");
    return err;
}

/* ---- fw_cfg ---- */

/* Keys and files that firmware for QEMU reads: QEMU docs/specs/fw_cfg. */
enum {
    KEY_RAM_SIZE = 3,
    KEY_NOGRAPHIC = 4,
    KEY_NB_CPUS = 5,
    KEY_MAX_CPUS = 15,
    KEY_UUID = 2,
    KEY_BOOT_MENU = 14,
    KEY_NUMA = 13
};

static int add_number(struct machine *m, uint32_t key, uint64_t v, uint32_t size, struct tn_err *e)
{
    uint8_t raw[8];
    put_le64(raw, v);
    return fwcfg_host_add(m->vm, key, NULL, raw, size, e);
}

static int add_e820(struct machine *m, struct tn_err *e)
{
    BUF_AUTO b = {0};
    const struct machine_map *p = &m->map;
    buf_add_le64(&b, 0);
    buf_add_le64(&b, p->ram_low);
    buf_add_le32(&b, BOOT_RANGE_RAM);
    if (p->ram_high) {
        buf_add_le64(&b, p->ram_high_base);
        buf_add_le64(&b, p->ram_high);
        buf_add_le32(&b, BOOT_RANGE_RAM);
    }
    return fwcfg_host_add(m->vm, 0, "etc/e820", b.data, b.len, e);
}

/* For firmware with a boot menu: how long it shows the menu (when that is said), and how long it
 * waits before it tries again, both in milliseconds; -1: for ever. */
static int add_boot_times(struct machine *m, struct tn_err *e)
{
    const struct cli_boot *b = &m->cli->boot;
    uint8_t wait[4], menu[2];
    put_le32(wait, (uint32_t)b->reboot_timeout);
    put_le16(menu, (uint16_t)b->splash_time);
    int err = fwcfg_host_add(m->vm, 0, "etc/boot-fail-wait", wait, sizeof wait, e);
    return err < 0 || b->splash_time < 0
               ? err
               : fwcfg_host_add(m->vm, 0, "etc/boot-menu-wait", menu, sizeof menu, e);
}

static int add_user_file(struct machine *m, const char *name, const char *path, struct tn_err *e)
{
    AUTO_CLOSE int fd = -1;
    if (open_image(path, &fd, e) < 0)
        return -ENOENT;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0 || size > 64 * (off_t)MIB)
        return err_set(e, EFBIG, "-fw_cfg: '%s' cannot be read whole", path);
    AUTO_FREE uint8_t *p = xcalloc(1, (size_t)size + 1);
    if (pread(fd, p, (size_t)size, 0) != size)
        return err_set(e, EIO, "-fw_cfg: reading '%s': %s", path, strerror(errno));
    return fwcfg_host_add(m->vm, 0, name, p, (uint64_t)size, e);
}

static int add_user_items(struct machine *m, struct tn_err *e)
{
    int err = 0;
    for (size_t i = 0; i < m->cli->fw_cfg.n && err == 0; i++) {
        const struct kv_node *kv = m->cli->fw_cfg.v[i].kv;
        const char *name = kv_text(kv, "name"), *file = kv_text(kv, "file"),
                   *text = kv_text(kv, "string");
        if (!name || strlen(name) > 55 || (!file) == (!text))
            err = err_set(
                e, EINVAL,
                "-fw_cfg: name= of at most 55 characters and one of file= and string= are needed");
        else
            err = file ? add_user_file(m, name, file, e)
                       : fwcfg_host_add(m->vm, 0, name, text, strlen(text), e);
    }
    return err;
}

int machine_fwcfg_items(struct machine *m, struct tn_err *e)
{
    if (!m->vm->fwcfg)
        return m->cli->fw_cfg.n
                   ? err_set(e, ENOTSUP, "-fw_cfg: machine '%s' has no fw_cfg", m->type->name)
                   : 0;
    int err = add_number(m, KEY_RAM_SIZE, m->ram, 8, e);
    if (err == 0)
        err = add_number(m, KEY_NOGRAPHIC, m->cli->nographic, 2, e);
    if (err == 0)
        err = add_number(m, KEY_NB_CPUS, cpus_present(m), 2, e);
    if (err == 0)
        err = add_number(m, KEY_MAX_CPUS, m->max_cpus, 2, e);
    if (err == 0)
        err = add_number(m, KEY_BOOT_MENU, m->cli->boot.menu, 2, e);
    if (err == 0)
        err = fwcfg_host_add(m->vm, KEY_UUID, NULL, m->cli->uuid, sizeof m->cli->uuid, e);
    if (err == 0)
        err = add_e820(m, e);
    if (err == 0)
        err = add_boot_times(m, e);
    if (err == 0 && m->cli->kernel && !machine_boots_kernel(m))
        err = machine_fwcfg_kernel(m, e);
    return err < 0 ? err : add_user_items(m, e);
}

/* ---- CMOS: memory sizes and the boot order, as firmware for PCs reads them ---- */

/* What stands for a letter of -boot, 0: nothing that firmware for PCs knows. */
static uint32_t boot_nibble(char letter)
{
    static const char *const letters[] = {"", "ab", "c", "d", "n"};
    for (uint32_t i = 1; letter && i < ARRAY_SIZE(letters); i++)
        if (strchr(letters[i], letter))
            return i;
    return 0;
}

/* The first three, the first in the lowest nibble. QEMU's order where none is given: disk, floppy,
 * CD. */
static uint32_t boot_order(const struct machine *m)
{
    const struct cli_boot *b = &m->cli->boot;
    const char *order = m->boot_set[0]                ? m->boot_set
                        : b->once[0] && m->boots == 0 ? b->once
                        : b->have_order               ? b->order
                                                      : "cad";
    uint32_t v = 0;
    for (uint32_t i = 0; i < 3 && order[i]; i++)
        v |= boot_nibble(order[i]) << (4 * i);
    return v;
}

static uint32_t no_floppy_check(const struct machine *m)
{
    const char *check = machine_option(m, "fd-bootchk");
    return check && (strcmp(check, "off") == 0 || strcmp(check, "no") == 0);
}

static void fill_cmos(struct machine *m)
{
    struct device *d = device_providing(m->vm, TN_CMOS_1);
    void *self;
    const struct tn_cmos *c = d ? device_iface(d, TN_CMOS_1, &self) : NULL;
    if (!c)
        return;
    uint64_t ext = m->map.ram_low > MIB ? (m->map.ram_low - MIB) / 1024 : 0,
             high = m->map.ram_high >> 16;
    uint64_t above16 = m->map.ram_low > 16 * MIB ? (m->map.ram_low - 16 * MIB) >> 16 : 0;
    ext = ext > 65535 ? 65535 : ext;
    above16 = above16 > 65535 ? 65535 : above16;
    uint32_t order = boot_order(m);
    const struct {
        uint32_t reg;
        uint64_t v;
    } bytes[] = {{0x15, 640 & 0xff},     {0x16, 640 >> 8},
                 {0x17, ext & 0xff},     {0x18, ext >> 8},
                 {0x30, ext & 0xff},     {0x31, ext >> 8},
                 {0x34, above16 & 0xff}, {0x35, above16 >> 8},
                 {0x5b, high & 0xff},    {0x5c, high >> 8 & 0xff},
                 {0x5d, high >> 16},     {0x5f, cpus_present(m) - 1},
                 {0x3d, order & 0xff},   {0x38, (order >> 4 & 0xf0) | no_floppy_check(m)}};
    int entered = domain_enter(d->domain);
    for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
        c->set(self, bytes[i].reg, (uint32_t)(bytes[i].v & 0xff));
    domain_leave(d->domain, entered);
}

int machine_boot_set(struct vm *vm, const char *order, struct tn_err *e)
{
    struct machine *m = vm->machine;
    AUTO_FREE char *why = NULL;
    char letters[sizeof m->boot_set] = "";
    if (!device_providing(vm, TN_CMOS_1))
        return err_set(e, ENOTSUP,
                       "no function defined to set boot device list for this architecture");
    if (cli_boot_letters(letters, order, &why) < 0)
        return err_set(e, EINVAL, "%s", why);
    memcpy(m->boot_set, letters, sizeof letters);
    fill_cmos(m);
    return 0;
}

/* ---- loading ---- */

static void *guest_ptr(void *opaque, uint64_t gpa, uint64_t len)
{
    return memory_ptr(opaque, gpa, len);
}

struct plan {
    struct boot_range reserved[4];
    uint32_t n;
    uint64_t rsdp;
    struct buf dtb;
};

static void reserve(struct plan *p, uint64_t gpa, uint64_t len, uint32_t type)
{
    p->reserved[p->n++] = (struct boot_range){gpa, len, type};
}

/* Tables go below the top of low RAM; the RSDP once more to where scans look. */
static int build_acpi(struct machine *m, struct plan *p, struct tn_err *e)
{
    if (!m->vm->acpi || m->map.ram_low < 4 * MIB)
        return 0;
    uint64_t gpa = m->map.ram_low - TABLES_SIZE;
    int err = acpi_host_build(m->vm, gpa, TABLES_SIZE, &p->rsdp, e);
    if (err < 0)
        return err;
    void *from = memory_ptr(m->vm, p->rsdp, 36), *to = memory_ptr(m->vm, RSDP_GPA, 36);
    if (from && to)
        memcpy(to, from, 36);
    reserve(p, gpa, TABLES_SIZE, BOOT_RANGE_ACPI);
    return 0;
}

/* Without firmware there is still something that guests expect of it: Linux with hardware-reduced
 * ACPI restarts the machine by entering the BIOS in real mode. What stands there resets it as a
 * triple fault does. */
static void place_bios_entry(struct machine *m)
{
    static const uint8_t code[] = {
        0x2e, 0x0f, 0x01, 0x1e, 0xf8, 0xff,      /* lidt cs:[0xfff8] */
        0xcc,                                    /* int3: no vector, no double fault's, shutdown */
        0xf4,                                    /* hlt */
        0,    0,    0,    0,    0,    0,    0, 0 /* limit 0, base 0 */
    };
    void *at = memory_ptr(m->vm, BIOS_ENTRY, sizeof code);
    if (at)
        memcpy(at, code, sizeof code);
}

static int dump_dtb(const char *path, const struct buf *dtb, struct tn_err *e)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, dtb->data, dtb->len) != (ssize_t)dtb->len)
        return err_set(e, errno, "-M dumpdtb=%s: %s", path, strerror(errno));
    return 1;
}

static int assign_pci(struct machine *m, struct tn_err *e)
{
    const struct machine_map *p = &m->map;
    struct pci_windows w = {.io_base = 0x1000,
                            .io_size = 0xf000,
                            .mem32_base = p->mmio32_base,
                            .mem32_size = p->mmio32_size,
                            .mem64_base = p->mmio64_base,
                            .mem64_size = p->mmio64_size};
    return m->vm->pci ? pci_assign(m->vm, &w, e) : 0;
}

static int boot_kernel(struct machine *m, struct plan *p, struct boot_entry *entry,
                       struct tn_err *e)
{
    uint8_t seed[32];
    ssize_t seeded = getrandom(seed, sizeof seed, GRND_NONBLOCK);
    AUTO_FREE char *cmdline = machine_cmdline(m);
    struct boot_files f = {.kernel = m->cli->kernel,
                           .initrd = m->cli->initrd,
                           .cmdline = cmdline,
                           .kernel_fd = m->kernel_fd,
                           .initrd_fd = m->initrd_fd};
    struct boot_mem mem = {m->vm, guest_ptr, m->map.ram_low, m->map.ram_high};
    struct boot_layout l = {.rsdp_gpa = p->rsdp,
                            .reserved = p->reserved,
                            .n_reserved = p->n,
                            .fresh = !m->booted,
                            .dtb = p->dtb.data,
                            .dtb_len = (uint32_t)p->dtb.len,
                            .rng_seed = seed,
                            .rng_seed_len = seeded > 0 ? (uint32_t)seeded : 0};
    char *text = NULL;
    int err = boot_load(&f, &mem, &l, entry, &text);
    if (err < 0)
        err_set(e, -err, "%s", text ? text : "the kernel cannot be loaded");
    free(text);
    return err;
}

int machine_await(struct vm *vm, struct tn_err *e)
{
    struct machine *m = vm->machine;
    int err = machine_event(vm, TN_ON_FIRMWARE, 0, e);
    if (err == 0 && !machine_boots_kernel(m) && vm->acpi)
        err = acpi_host_publish(vm, e); /* files that firmware has found */
    m->booted = 1;                      /* RAM is not fresh at the next reset */
    return err;
}

/* Firmware finds by itself that the guest has slept. */
int machine_wake(struct vm *vm, struct boot_entry *entry, uint32_t *have, struct tn_err *e)
{
    struct machine *m = vm->machine;
    uint32_t vector = 0;
    *have = 0;
    if (!machine_boots_kernel(m))
        return 0;
    int err = assign_pci(m, e);
    if (err == 0)
        err = acpi_host_waking_vector(vm, m->map.ram_low - TABLES_SIZE, &vector, e);
    *entry =
        (struct boot_entry){.mode = BOOT_WAKE,
                            .rip = vector & 0xf,
                            .cs = {.base = vector & ~0xfu, .selector = (uint16_t)(vector >> 4)}};
    *have = err == 0;
    return err;
}

int machine_load(struct vm *vm, struct boot_entry *entry, uint32_t *have, struct tn_err *e)
{
    struct machine *m = vm->machine;
    struct plan p = {.n = 0};
    const char *dump = machine_option(m, "dumpdtb");
    *have = 0;
    fill_cmos(m);
    m->boots++;
    shadow_firmware(m);
    if (!machine_boots_kernel(m) && !dump)
        return vm->acpi ? acpi_host_publish(vm, e) : 0; /* firmware places the tables */
    int err = assign_pci(m, e);
    place_bios_entry(m);
    if (err == 0)
        err = build_acpi(m, &p, e);
    if (err == 0 && m->map.ecam_base)
        reserve(&p, m->map.ecam_base, m->map.ecam_size, BOOT_RANGE_RESERVED);
    if (err == 0)
        reserve(&p, 0xfeffc000u, 0x4000, BOOT_RANGE_RESERVED);
    if (err == 0 && vm->fdt && (!m->acpi || dump))
        err = fdt_host_build(
            vm, &p.dtb,
            e); /* the initrd's place is in boot_params, whose kernel alone gets the tree */
    if (err == 0 && dump)
        err = p.dtb.data ? dump_dtb(dump, &p.dtb, e)
                         : err_set(e, ENOTSUP, "-M dumpdtb: machine '%s' has no device tree",
                                   m->type->name);
    if (err == 0)
        err = boot_kernel(m, &p, entry, e);
    buf_free(&p.dtb);
    *have = err == 0;
    m->booted = 1;
    return err < 0 ? err : err == 1 ? -ECANCELED : 0;
}
