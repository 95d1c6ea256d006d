#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""extract-vmlinux.py VMLINUZ OUT: writes the uncompressed kernel ELF that a bzImage carries.

The Linux/x86 boot protocol (Documentation/arch/x86/boot.rst) gives its place: payload_offset counts from the
protected-mode code, which follows the boot sector and setup_sects sectors of real-mode code.
"""
import lzma
import struct
import subprocess
import sys
import zlib

SETUP_SECTS, HEADER_MAGIC, PAYLOAD_OFFSET, PAYLOAD_LENGTH = 0x1F1, 0x202, 0x248, 0x24C


def payload_of(image):
    if image[HEADER_MAGIC:HEADER_MAGIC + 4] != b'HdrS':
        raise ValueError('not a bzImage')
    setup_sectors = image[SETUP_SECTS] or 4
    offset, length = struct.unpack_from('<II', image, PAYLOAD_OFFSET)
    start = (setup_sectors + 1) * 512 + offset
    return image[start:start + length]


def zstd(payload):
    # The kernel appends the size after the frame: zstd decompresses, then complains about those four bytes.
    return subprocess.run(['zstd', '-dcq'], input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout


DECOMPRESSORS = {
    b'\xfd7zXZ\x00': lambda payload: lzma.LZMADecompressor().decompress(payload),
    b'\x28\xb5\x2f\xfd': zstd,
    b'\x1f\x8b': lambda payload: zlib.decompressobj(31).decompress(payload),
    b'\x7fELF': lambda payload: payload,
}


def main(source, target):
    with open(source, 'rb') as file:
        payload = payload_of(file.read())
    for magic, decompress in DECOMPRESSORS.items():
        if payload.startswith(magic):
            kernel = decompress(payload)
            break
    else:
        sys.exit(f'{source}: unknown compression {payload[:4].hex()}')
    if not kernel.startswith(b'\x7fELF'):
        sys.exit(f'{source}: the payload is no ELF file')
    with open(target, 'wb') as file:
        file.write(kernel)


if __name__ == '__main__':
    main(*sys.argv[1:])
