# SPDX-License-Identifier: BSD-2-Clause
"""Kernels as a liar would make them. Each function gives the bytes of a file."""
import struct

PVH_ENTRY_NOTE = 18  # XEN_ELFNOTE_PHYS32_ENTRY
PT_LOAD, PT_NOTE = 1, 4
SEGMENT_AT = 0x1000  # file offset of the code


def segment(kind, offset, gpa, in_file, in_memory):
    return struct.pack('<IIQQQQQQ', kind, 5, offset, gpa, gpa, in_file, in_memory, 4)


def elf(gpa=0x100000, in_file=16, in_memory=16, offset=SEGMENT_AT, note=True, phoff=64, machine=62, count=None):
    """ELF-64 for x86-64 with one loadable segment and, with note, a PVH entry; halts if it is started."""
    pvh = struct.pack('<III4sI', 4, 4, PVH_ENTRY_NOTE, b'Xen\0', gpa & 0xffffffff)
    headers = segment(PT_LOAD, offset, gpa, in_file, in_memory)
    if note:
        headers += segment(PT_NOTE, 0x200, 0x200, len(pvh), len(pvh))
    n = len(headers) // 56 if count is None else count
    ident = b'\x7fELF\x02\x01\x01' + bytes(9)
    head = ident + struct.pack('<HHIQQQIHHHHHH', 2, machine, 1, gpa & 0xffffffff, phoff, 0, 0, 64, 56, n, 64, 0, 0)
    image = bytearray(SEGMENT_AT + 16)
    image[:len(head)] = head
    image[64:64 + len(headers)] = headers
    image[0x200:0x200 + len(pvh)] = pvh
    image[SEGMENT_AT:] = b'\xf4\xeb\xfd' + bytes(13)
    return bytes(image)


def bzimage(sectors=4, version=0x020f, size=0x4000, syssize=0x200, loadflags=1, init_size=0x100000):
    """A Linux boot protocol header (Documentation/arch/x86/boot.rst) in front of nothing."""
    image = bytearray(size)
    if size < 0x270:
        return bytes(image)
    image[0x1f1] = sectors
    struct.pack_into('<I', image, 0x1f4, syssize)
    struct.pack_into('<H', image, 0x1fe, 0xaa55)
    image[0x200:0x202] = b'\xeb\x66'
    image[0x202:0x206] = b'HdrS'
    struct.pack_into('<H', image, 0x206, version)
    image[0x211] = loadflags
    struct.pack_into('<I', image, 0x22c, 0x7fffffff)  # initrd_addr_max
    struct.pack_into('<I', image, 0x230, 0x200000)    # kernel_alignment
    image[0x234] = 1                                  # relocatable_kernel
    struct.pack_into('<H', image, 0x236, 1)           # xloadflags: 64-bit entry
    struct.pack_into('<I', image, 0x238, 2047)        # cmdline_size
    struct.pack_into('<Q', image, 0x258, 0x1000000)   # pref_address
    struct.pack_into('<I', image, 0x260, init_size)
    return bytes(image)
