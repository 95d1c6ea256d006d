/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest whose first instructions write a byte to port 0xe9, where isa-debugcon is, and to COM1. A command line that begins with "s"
 * makes it stay, else it ends the machine through isa-debug-exit at 0x501. Entered by PVH: 32 bit, no paging. */
#define START_INFO_CMDLINE 24 /* struct hvm_start_info */

    .section .note.pvh, "a", @note
    .long 4, 4, 18 /* "Xen", XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long pvh_start

    .text
    .code32
    .globl pvh_start
pvh_start:
    movb $'!', %al
    outb %al, $0xe9
    movw $0x3f8, %dx
    outb %al, %dx
    movl START_INFO_CMDLINE(%ebx), %esi
    testl %esi, %esi
    jz leave
    cmpb $'s', (%esi)
    je stay
leave:
    movw $0x501, %dx
    xorl %eax, %eax
    outw %ax, %dx
stay:
    cli
    hlt
    jmp stay

    .section .note.GNU-stack, "", @progbits
