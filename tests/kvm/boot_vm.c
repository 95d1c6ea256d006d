/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest virtual machine that proves host/boot on a real KVM: one vCPU in the state that
 * boot_load asks for.
 *
 *     boot_vm KERNEL|probe [CMDLINE [INITRD]]
 *
 * What the guest writes to port 0xe9 or to the UART at 0x3f8 goes to stdout; writing v to port
 * 0x501 ends it, with exit status v. `probe` boots a made-up bzImage that checks its own entry
 * state. Without /dev/kvm: skipped. */
#include "boot/boot.h"
#include "boot_guest.h"
#include "util/alloc.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY     (256ull << 20)
#define PORT_DEBUG 0xe9
#define PORT_EXIT  0x501
#define UART_THR   0x3f8
#define UART_LSR   0x3fd
#define LSR_EMPTY  0x60
#define ENTRY_64   0x200
#define TSS_ADDR   0xfffbd000 /* three pages that KVM wants for real mode */

extern const uint8_t probe64[], probe64_end[];

struct vm {
    struct guest g;
    int kvm, fd, vcpu;
    struct kvm_run *run;
};

static void need(int r, const char *what)
{
    if (r < 0)
        err(2, "%s", what);
}

static void set_cpuid(struct vm *vm)
{
    AUTO_FREE struct kvm_cpuid2 *c = xcalloc(1, sizeof *c + 256 * sizeof c->entries[0]);

    c->nent = 256;
    need(ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, c), "KVM_GET_SUPPORTED_CPUID");
    need(ioctl(vm->vcpu, KVM_SET_CPUID2, c), "KVM_SET_CPUID2");
}

static void create(struct vm *vm)
{
    struct kvm_userspace_memory_region ram = {.memory_size = MEMORY};
    struct kvm_pit_config pit = {0};

    vm->g = guest_new(MEMORY, 0);
    ram.userspace_addr = (uintptr_t)vm->g.low;
    need(vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    need(ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR), "KVM_SET_TSS_ADDR");
    need(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
    if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
        warn("KVM_CREATE_PIT2"); /* only Linux misses it */
    need(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &ram), "KVM_SET_USER_MEMORY_REGION");
    need(vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
    int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    need(size, "KVM_GET_VCPU_MMAP_SIZE");
    vm->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
    if (vm->run == MAP_FAILED)
        err(2, "mmap of the vCPU");
    set_cpuid(vm);
}

static struct kvm_segment segment(const struct boot_seg *s)
{
    return (struct kvm_segment){.base = s->base,
                                .limit = s->limit,
                                .selector = s->selector,
                                .type = s->attr & 15,
                                .s = s->attr >> 4 & 1,
                                .dpl = s->attr >> 5 & 3,
                                .present = s->attr >> 7 & 1,
                                .avl = s->attr >> 12 & 1,
                                .l = s->attr >> 13 & 1,
                                .db = s->attr >> 14 & 1,
                                .g = s->attr >> 15 & 1};
}

static void set_state(struct vm *vm, const struct boot_entry *e)
{
    struct kvm_regs regs = {
        .rip = e->rip, .rsp = e->rsp, .rbx = e->rbx, .rsi = e->rsi, .rflags = e->rflags};
    struct kvm_sregs s;

    need(ioctl(vm->vcpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
    s.cr0 = e->cr0;
    s.cr3 = e->cr3;
    s.cr4 = e->cr4;
    s.efer = e->efer;
    s.cs = segment(&e->cs);
    s.ds = s.es = s.fs = s.gs = s.ss = segment(&e->ds);
    s.tr = segment(&e->tr);
    s.ldt = (struct kvm_segment){.unusable = 1};
    s.gdt.base = e->gdt_gpa;
    s.gdt.limit = (uint16_t)e->gdt_limit;
    s.idt.base = 0;
    s.idt.limit = 0;
    need(ioctl(vm->vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
    need(ioctl(vm->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

/* A port access. Returns false when the guest wants to leave. */
static bool port(struct kvm_run *run)
{
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    size_t len = (size_t)run->io.size * run->io.count;

    if (run->io.direction == KVM_EXIT_IO_IN) {
        memset(data, 0xff, len);
        if (run->io.port == UART_LSR)
            data[0] = LSR_EMPTY;
    } else if (run->io.port == PORT_DEBUG || run->io.port == UART_THR) {
        fwrite(data, 1, len, stdout);
        fflush(stdout);
    }
    return run->io.direction == KVM_EXIT_IO_IN || run->io.port != PORT_EXIT;
}

static int run(struct vm *vm)
{
    struct kvm_run *r = vm->run;

    for (;;) {
        if (ioctl(vm->vcpu, KVM_RUN, 0) < 0 && errno != EINTR && errno != EAGAIN)
            err(2, "KVM_RUN");
        if (r->exit_reason == KVM_EXIT_IO) {
            if (!port(r))
                return ((uint8_t *)r)[r->io.data_offset];
        } else if (r->exit_reason == KVM_EXIT_MMIO) {
            if (!r->mmio.is_write)
                memset(r->mmio.data, 0xff, sizeof r->mmio.data);
        } else if (r->exit_reason != KVM_EXIT_INTR) {
            errx(2, "exit reason %u", r->exit_reason);
        }
    }
}

/* The probe as the payload of a bzImage; returns its open file, and its path. */
static int make_probe(char path[32])
{
    BUF_AUTO b = {0};

    image_bzimage(&b, 0x1000);
    memcpy(b.data + BZ_SETUP_LEN + ENTRY_64, probe64, (size_t)(probe64_end - probe64));
    return file_new(b.data, b.len, path);
}

int main(int argc, char **argv)
{
    struct vm vm = {.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC)};
    struct boot_files f = {.kernel = argv[1],
                           .cmdline = argc > 2 ? argv[2] : "probe",
                           .initrd = argc > 3 ? argv[3] : NULL};
    const struct boot_layout l = {.fresh = true};
    AUTO_FREE char *error = NULL;
    struct boot_entry e;
    char path[32];

    if (argc < 2)
        errx(2, "usage: boot_vm KERNEL|probe [CMDLINE [INITRD]]");
    if (vm.kvm < 0) {
        printf("1..0 # SKIP /dev/kvm: %s\n", strerror(errno));
        return 0;
    }
    create(&vm);
    if (strcmp(argv[1], "probe") == 0) {
        make_probe(path);
        f.kernel = path;
    }
    if (boot_load(&f, &vm.g.mem, &l, &e, &error) < 0)
        errx(2, "%s", error);
    set_state(&vm, &e);
    return run(&vm);
}
