/* SPDX-License-Identifier: BSD-2-Clause */
/* From the PVH entry (32-bit, no paging) to long mode; the way there for further CPUs; interrupt stubs. */

#define SEL_CODE64 0x08
#define SEL_DATA   0x10
#define SEL_CODE32 0x18

#define CR0_PE   0x00000001
#define CR0_PG   0x80000000
#define CR4_PAE  0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

#define PTE_TABLE 0x03 /* P, RW */
#define PTE_2M    0x83 /* P, RW, PS */

    .section .note.pvh, "a", @note
    .long 4, 4, 18 /* "Xen", XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long pvh_start

    .text
    .code32
/* Turns on long mode; falls through to 32-bit code in a compatibility segment. */
.macro ENTER_LONG_MODE
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $(CR0_PG | CR0_PE), %eax
    movl %eax, %cr0
.endm

    .globl pvh_start
pvh_start:
    cli
    cld
    lgdt gdt_ptr
    ENTER_LONG_MODE
    ljmp $SEL_CODE64, $start64

ap_start32:
    movw $SEL_DATA, %ax
    movw %ax, %ds
    ENTER_LONG_MODE
    ljmp $SEL_CODE64, $ap_start64

    .code64
.macro LOAD_DATA_SEGMENTS
    movl $SEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
.endm

start64:
    LOAD_DATA_SEGMENTS
    movl $boot_stack_top, %esp
    movl %ebx, %edi /* hvm_start_info */
    xorl %ebp, %ebp
    call guest_start
1:  cli
    hlt
    jmp 1b

ap_start64:
    LOAD_DATA_SEGMENTS
    movl $ap_stack_top, %esp
    xorl %ebp, %ebp
    call ap_start
1:  hlt
    jmp 1b

/* Copied to a page below 1 MiB; a start-up IPI begins it in real mode at CS:0. */
    .code16
    .globl ap_trampoline, ap_trampoline_end
ap_trampoline:
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl (trampoline_gdt_ptr - ap_trampoline)
    movl %cr0, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $SEL_CODE32, $ap_start32
trampoline_gdt_ptr:
    .word gdt_end - gdt - 1
    .long gdt
ap_trampoline_end:

    .code64
/* Every stub leaves: vector, error code (0 if the CPU pushed none), and the interrupt frame. */
    .balign 16
    .globl irq_stubs
irq_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    pushq $0
    .endif
    pushq $vector
    jmp irq_common
    .set vector, vector + 1
    .endr

irq_common:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    movq 72(%rsp), %rdi /* vector */
    movq 80(%rsp), %rsi /* error code */
    movq 88(%rsp), %rdx /* rip */
    cld
    call irq_dispatch
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

    .data
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x00cf93000000ffff /* data */
    .quad 0x00cf9b000000ffff /* 32-bit code */
gdt_end:
gdt_ptr:
    .word gdt_end - gdt - 1
    .long gdt

/* The first 4 GiB, identity-mapped; built by the assembler, as building costs thousands of instructions. */
    .balign 4096
boot_pml4:
    .quad boot_pdpt + PTE_TABLE
    .fill 511, 8, 0
boot_pdpt:
    .quad boot_pd + PTE_TABLE
    .quad boot_pd + 0x1000 + PTE_TABLE
    .quad boot_pd + 0x2000 + PTE_TABLE
    .quad boot_pd + 0x3000 + PTE_TABLE
    .fill 508, 8, 0
boot_pd:
    .set page, 0
    .rept 2048
    .quad (page << 21) | PTE_2M
    .set page, page + 1
    .endr

    .bss
    .balign 16
    .skip 16384
boot_stack_top:
    .skip 16384
ap_stack_top:

    .section .note.GNU-stack, "", @progbits
