/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that has a guest of its own (AMD APM volume 2, chapter 15), which counts; both notice
 * when the other is not where it was. rounds=. Without SVM there is nothing to see. */
#include "guest.h"

#define MSR_EFER        0xc0000080
#define MSR_VM_HSAVE_PA 0xc0010117
#define EFER_SVME       (1u << 12)
#define EXIT_VMMCALL    0x81 /* APM volume 2, appendix C */
#define MARK            0x6e6573746564ull

/* APM volume 2, appendix B: control area, and the state save area from 0x400 on. */
enum {
    VMCB_INTERCEPT_4 = 0x10, /* bit 0 VMRUN, 1 VMMCALL */
    VMCB_ASID = 0x58,
    VMCB_EXITCODE = 0x70,
    VMCB_ES = 0x400,
    VMCB_CS = 0x410,
    VMCB_SS = 0x420,
    VMCB_DS = 0x430,
    VMCB_GDTR = 0x460,
    VMCB_IDTR = 0x480,
    VMCB_EFER = 0x4d0,
    VMCB_CR4 = 0x548,
    VMCB_CR3 = 0x550,
    VMCB_CR0 = 0x558,
    VMCB_DR7 = 0x560,
    VMCB_DR6 = 0x568,
    VMCB_RFLAGS = 0x570,
    VMCB_RIP = 0x578,
    VMCB_RSP = 0x5d8,
    VMCB_PAT = 0x668
};

static uint8_t vmcb[4096] __attribute__((aligned(4096)));
static uint8_t save_area[4096] __attribute__((aligned(4096)));
static uint8_t stack[4096] __attribute__((aligned(16)));
volatile uint64_t inner_count;
void inner(void);

/* RBX is the inner guest's own all the time: it is in no VMCB. */
__asm__(".text\n"
        ".globl inner\n"
        "inner:\n"
        "  movl $200000, %ecx\n"
        "1: pause\n"
        "  decl %ecx\n"
        "  jnz 1b\n"
        "  incq %rbx\n"
        "  incq inner_count\n"
        "  vmmcall\n"
        "  jmp inner\n");

static void put(uint32_t at, uint32_t size, uint64_t v)
{
    memcpy(vmcb + at, &v, size);
}

static uint64_t field(uint32_t at)
{
    uint64_t v;
    memcpy(&v, vmcb + at, sizeof v);
    return v;
}

static void segment(uint32_t at, uint16_t selector, uint16_t attr)
{
    put(at, 2, selector);
    put(at + 2, 2, attr);
    put(at + 4, 4, 0xffffffff);
    put(at + 8, 8, 0);
}

static void table(uint32_t at, const uint8_t reg[10])
{
    uint64_t base;
    uint16_t limit;
    memcpy(&limit, reg, sizeof limit);
    memcpy(&base, reg + 2, sizeof base);
    put(at + 4, 4, limit);
    put(at + 8, 8, base);
}

/* The inner guest has this one's page table and descriptors, and a stack of its own. */
static void fill_vmcb(void)
{
    uint64_t cr0, cr3, cr4;
    uint16_t cs, ss;
    uint8_t gdtr[10], idtr[10];
    __asm__ volatile("mov %%cr0, %0; mov %%cr3, %1; mov %%cr4, %2"
                     : "=r"(cr0), "=r"(cr3), "=r"(cr4));
    __asm__ volatile("mov %%cs, %0; mov %%ss, %1" : "=r"(cs), "=r"(ss));
    __asm__ volatile("sgdt %0; sidt %1" : "=m"(gdtr), "=m"(idtr));
    put(VMCB_INTERCEPT_4, 4, 3);
    put(VMCB_ASID, 4, 1);
    segment(VMCB_CS, cs, 0xa9b);
    segment(VMCB_SS, ss, 0xc93);
    segment(VMCB_DS, ss, 0xc93);
    segment(VMCB_ES, ss, 0xc93);
    table(VMCB_GDTR, gdtr);
    table(VMCB_IDTR, idtr);
    put(VMCB_EFER, 8, rdmsr(MSR_EFER));
    put(VMCB_CR0, 8, cr0);
    put(VMCB_CR3, 8, cr3);
    put(VMCB_CR4, 8, cr4);
    put(VMCB_DR6, 8, 0xffff0ff0);
    put(VMCB_DR7, 8, 0x400);
    put(VMCB_RFLAGS, 8, 2);
    put(VMCB_PAT, 8, rdmsr(0x277));
    put(VMCB_RIP, 8, (uint64_t)(uintptr_t)inner);
    put(VMCB_RSP, 8, (uint64_t)(uintptr_t)(stack + sizeof stack));
}

/* Until its next VMMCALL; returns its RBX. */
static uint64_t enter(uint64_t rbx)
{
    __asm__ volatile("push %%rbp\n"
                     "vmrun %%rax\n"
                     "pop %%rbp\n"
                     : "+b"(rbx)
                     : "a"(vmcb)
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "memory", "cc");
    return rbx;
}

static bool has_svm(void)
{
    uint32_t r[4];
    cpuid(0x80000001, r);
    return r[2] >> 2 & 1;
}

int guest_main(void)
{
    uint32_t rounds = (uint32_t)arg_num("rounds", 100), round;
    uint64_t own = MARK;
    bool exits = true;

    if (!has_svm()) {
        skip("a guest in the guest", "the processor shows no SVM");
        return 0;
    }
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, (uint64_t)(uintptr_t)save_area);
    fill_vmcb();
    for (round = 1; round <= rounds && exits; round++) {
        own = enter(own);
        exits = field(VMCB_EXITCODE) == EXIT_VMMCALL;
        put(VMCB_RIP, 8, field(VMCB_RIP) + 3); /* of VMMCALL */
        if (round % 10 == 0)
            print("# round %u\n", round);
    }
    ok_eq(field(VMCB_EXITCODE), EXIT_VMMCALL, "the inner guest comes out by VMMCALL only");
    ok_eq(inner_count, rounds, "it was there once in each round");
    ok_eq(own, MARK + rounds, "a register of its own went with it");
    return 0;
}
