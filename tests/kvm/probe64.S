/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for a 64-bit Linux kernel: checks the state that the boot protocol promises at the 64-bit entry, says
 * so in TAP on port 0xe9, and leaves by port 0x501 with 0 if all is well. Position-independent: runs as a copy. */

#define HDR_MAGIC    0x53726448 /* "HdrS" */
#define BP_HDR_MAGIC 0x202
#define BP_LOADER    0x210
#define BP_CMDLINE   0x228
#define BP_E820_N    0x1e8
#define MSR_EFER     0xc0000080
#define EFER_LMA_BIT 10

    .section .rodata
    .globl probe64, probe64_end
    .balign 16
probe64:
    .code64
    cli
    movw %cs, %ax
    cmpw $0x10, %ax
    jne 1f
    movw %ds, %ax
    cmpw $0x18, %ax
    jne 1f
    movw %ss, %ax
    cmpw $0x18, %ax
    jne 1f
    movl $MSR_EFER, %ecx
    rdmsr
    btl $EFER_LMA_BIT, %eax
    jnc 1f
    cmpl $HDR_MAGIC, BP_HDR_MAGIC(%rsi)
    jne 1f
    cmpb $0xff, BP_LOADER(%rsi)
    jne 1f
    cmpb $0, BP_E820_N(%rsi)
    je 1f
    movl BP_CMDLINE(%rsi), %ebx
    cmpl $0x626f7270, (%rbx) /* "prob" */
    jne 1f
    /* The GDT is in memory as the hidden parts say: reload what it describes. */
    movl $0x18, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    leaq stack_top(%rip), %rsp
    leaq 2f(%rip), %rax
    pushq $0x10
    pushq %rax
    lretq
2:  leaq good(%rip), %rsi
    movl $(good_end - good), %ecx
    xorl %ebx, %ebx
    jmp 3f
1:  leaq bad(%rip), %rsi
    movl $(bad_end - bad), %ecx
    movl $1, %ebx
3:  movw $0xe9, %dx
    rep outsb
    movl %ebx, %eax
    movw $0x501, %dx
    outb %al, %dx
4:  hlt
    jmp 4b
good:
    .ascii "ok 1 - the 64-bit entry state is as the boot protocol says\n1..1\n"
good_end:
bad:
    .ascii "not ok 1 - the 64-bit entry state is as the boot protocol says\n1..1\n"
bad_end:
    .balign 16
    .skip 64
stack_top:
probe64_end:

    .section .note.GNU-stack, "", @progbits
