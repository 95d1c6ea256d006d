/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts a guest image into guest memory and says in which state the first vCPU starts.
 *
 * Two kinds of kernel are taken, told apart by their magic: a Linux bzImage, entered at its 64-bit
 * entry point (Linux Documentation/arch/x86/boot.rst), and an ELF file with a PVH note, entered in
 * 32-bit protected mode (Xen docs/misc/pvh.pandoc). Files are read straight into guest memory: one
 * copy, no staging buffer. All of it runs before the first vCPU, on the main thread; nothing here
 * keeps state. */
#ifndef TN_BOOT_BOOT_H
#define TN_BOOT_BOOT_H
#include <stdbool.h>
#include <stdint.h>

/* Guest memory as the loaders see it: RAM from 0 to below_4g and from 4 GiB to 4 GiB + above_4g. */
struct boot_mem {
    void *opaque;
    /* Host address of guest-physical [gpa, gpa + len); NULL if that is not wholly RAM. */
    void *(*ptr)(void *opaque, uint64_t gpa, uint64_t len);
    uint64_t below_4g, above_4g; /* bytes */
};

/* Range types: the numbers that E820 (ACPI 6.5 table 15.4) and the PVH memory map share. */
#define BOOT_RANGE_RAM      1
#define BOOT_RANGE_RESERVED 2
#define BOOT_RANGE_ACPI     3
#define BOOT_RANGE_NVS      4

struct boot_range {
    uint64_t gpa, len; /* bytes */
    uint32_t type;     /* BOOT_RANGE_* */
};

struct boot_files {
    const char *kernel;       /* path; never NULL */
    const char *initrd;       /* path, or NULL */
    const char *cmdline;      /* or NULL for an empty one */
    int kernel_fd, initrd_fd; /* open for reading, kept by the caller; 0: opened by name */
};

/* Where the loader puts its own structures, unless layout says otherwise: below 640 KiB, clear of
 * the first page and of 0x8000, where guests like to put their start-up code for other CPUs. */
#define BOOT_WORK_GPA 0x10000ull
#define BOOT_WORK_LEN 0x10000ull

struct boot_layout {
    uint64_t work_gpa; /* page-aligned, BOOT_WORK_LEN bytes of RAM below 4 GiB; 0: BOOT_WORK_GPA */
    uint64_t rsdp_gpa; /* ACPI RSDP, 0 if there is none */
    const struct boot_range *reserved; /* neither loaded into nor told to the guest as RAM */
    uint32_t n_reserved;
    const void *dtb; /* flattened device tree handed to a bzImage as SETUP_DTB, or NULL */
    uint32_t dtb_len;
    const void *rng_seed; /* random bytes handed to a bzImage as SETUP_RNG_SEED, or NULL */
    uint32_t rng_seed_len;
    bool fresh; /* all RAM still reads as zeros: .bss needs no clearing */
};

enum boot_mode {
    BOOT_RESET,   /* architectural reset state, at the reset vector: firmware */
    BOOT_PVH,     /* 32-bit protected mode without paging, ebx = hvm_start_info */
    BOOT_LINUX64, /* long mode on identity-mapped 2 MiB pages, rsi = boot_params */
    BOOT_WAKE,    /* reset state, but real mode at cs:rip: as firmware leaves ACPI's S3 */
};

/* A segment register with its hidden part. attr holds bits 40 to 55 of the descriptor: type 3:0, S
 * 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15; limit is in bytes, already scaled by G. */
struct boot_seg {
    uint64_t base;
    uint32_t limit;
    uint16_t selector, attr;
};

/* Start state of the first vCPU. With mode BOOT_RESET only mode counts: leave the vCPU as KVM made
 * it. */
struct boot_entry {
    enum boot_mode mode;
    uint64_t rip, rsp, rbx, rsi, rflags; /* all other general registers are 0 */
    uint64_t cr0, cr3, cr4, efer;
    struct boot_seg cs, ds, tr; /* ss, es, fs and gs are as ds; ldtr is unusable */
    uint64_t gdt_gpa;           /* already written to guest memory; the IDT has limit 0 */
    uint32_t gdt_limit;
    /* What went where, for the log: */
    uint64_t kernel_gpa, kernel_len;
    uint64_t initrd_gpa, initrd_len; /* len 0: none */
    uint64_t cmdline_gpa;
};

/* Loads the kernel, the initrd and the command line of f into m and fills out.
 * Returns 0, or -errno with one line in *error (the caller frees it); guest memory may have been
 * written to by then. The files are read while this runs; nothing of f or l is kept. [main] */
int boot_load(const struct boot_files *f, const struct boot_mem *m, const struct boot_layout *l,
              struct boot_entry *out, char **error);

/* A raw firmware image, mapped copy-on-write from its file. */
struct boot_firmware {
    void *rom; /* owned: boot_firmware_unmap */
    uint64_t len;
    uint64_t gpa; /* it ends at 4 GiB, so that the reset vector 0xfffffff0 is its last 16 bytes */
    uint64_t isa_gpa; /* its last isa_len bytes also show here, ending at 1 MiB */
    uint64_t isa_len;
};

/* Maps the flash image at path (QEMU's -bios). Its size must be a multiple of 64 KiB, 16 MiB at
 * most. Returns 0, or -errno with one line in *error (the caller frees it). On success out->rom
 * reads as the file and can back a read-only memory slot without a copy, and *entry is the reset
 * state. [main] */
int boot_firmware_map(const char *path, struct boot_firmware *out, struct boot_entry *entry,
                      char **error);
void boot_firmware_unmap(struct boot_firmware *fw);

#endif
