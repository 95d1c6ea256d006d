/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware in 64 KiB of flash memory, which gives commands to a second one in front of it: 64 KiB
 * too, each block of 4 KiB full of its number. It prints TAP on port 0xe9, and its code is read
 * from the first while the second switches between memory and registers. */

#define BASE  0xffff0000
#define OTHER 0xfffe0000
#define BLOCK 0x1000

#define CHECK(what)         \
    movl $9f, %ebx;          \
    sete %al;                \
    call say;                \
    .section .rodata.str, "a"; \
    9: .ascii what;          \
    .asciz "\n";             \
    .text

    .macro PUT value, off=0
    movb $\value, \off(%esi)
    .endm

    .text
    .code32
    .globl _start
_start:
    movl $OTHER, %esi
    cmpb $1, BLOCK(%esi)
    CHECK("the array is memory")

    PUT 0x90
    cmpb $0, BLOCK(%esi)
    CHECK("a command hides it")
    PUT 0xff
    cmpb $1, BLOCK(%esi)
    CHECK("another shows it again")

    PUT 0x20, BLOCK
    PUT 0xd0, BLOCK
    cmpb $0x80, (%esi)
    CHECK("erased: the status is ready")
    PUT 0x40, BLOCK + 0x10
    PUT 0x5a, BLOCK + 0x10
    PUT 0xff
    cmpb $0x5a, BLOCK + 0x10(%esi)
    CHECK("programmed")
    cmpl $-1, BLOCK + 0x14(%esi)
    CHECK("the rest of the block is erased")

    movl $500, %ecx
1:  PUT 0x70
    cmpb $0x80, BLOCK + 0x10(%esi)
    jne 2f
    PUT 0xff
    cmpb $0x5a, BLOCK + 0x10(%esi)
    jne 2f
    loop 1b
    cmpl $0, %ecx
2:  CHECK("500 times there and back")

    movl $plan, %ebx
    call print
    movw $0x501, %dx
    xorl %eax, %eax
    outw %ax, %dx
0:  hlt
    jmp 0b

/* al: 1 if it is so; ebx: what */
say:
    pushl %ebx
    movl $yes, %ebx
    testb %al, %al
    jnz 1f
    movl $no, %ebx
1:  call print
    popl %ebx
print:
    movb (%ebx), %al
    testb %al, %al
    jz 1f
    outb %al, $0xe9
    incl %ebx
    jmp print
1:  ret

    .section .rodata, "a"
yes:  .asciz "ok - "
no:   .asciz "not ok - "
plan: .asciz "1..7\n"
    .p2align 3
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .word . - gdt - 1
    .long gdt

    .section .entry, "ax"
    .code16
enter:
    cli
    movl $(gdt_pointer - BASE), %ebx
    lgdtl %cs:(%bx)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $8, $flat
    .code32
flat:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x7000, %esp
    jmp _start

    .section .reset, "ax"
    .code16
    jmp enter
