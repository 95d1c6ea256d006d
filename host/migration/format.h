/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream of a machine's state, in a file or over a socket. It is written and read without
 * seeking. All numbers are little-endian.
 *
 *     stream  = "TENONVM\n" format:u32 flags:u32 section...      flags: MIG_F_*
 *     section = type:u32 number:u32 length:u32 crc:u32 payload   length: of the payload
 *
 * number counts sections from 0; crc is the CRC-32C of type, number, length and payload. So what is
 * damaged, missing, repeated or out of order is found at its section. The last section is MIG_END.
 * Device state is core/state_format.h's, which carries the names of its fields.
 *
 *     MIG_CONFIG  state "configuration": first, once                       config.h
 *     MIG_RAM     block:u32 nruns:u32 run... data...                        ram.h
 *     MIG_PCI     path state "pci-function"       path = length:u16 character... NUL
 *     MIG_DEVICE  path state of the device's class
 *     MIG_VCPU    index:u32 state "vcpu"
 *     MIG_MACHINE state "machine": clocks, run state; after all devices
 *     MIG_MARK    nothing; where answers can be sent only: MIG_MARK is sent back
 *     MIG_END     sections:u32 before it
 *
 * Over a socket the receiver answers, if flags ask for it, by sections that are all number 0: at
 * the end MIG_OK before it runs, or at any time MIG_REFUSED with a text. */
#ifndef TN_HOST_MIG_FORMAT_H
#define TN_HOST_MIG_FORMAT_H
#include "core/err.h"
#include "util/buf.h"
#include <stddef.h>
#include <sys/uio.h>

#define MIG_MAGIC "TENONVM\n"
enum { MIG_FORMAT = 1, MIG_HEADER_LEN = 16, MIG_SECTION_LEN = 16 };
enum { MIG_F_ANSWER = 1 };
/* A reader takes no larger section: far beyond any device, and what a peer can make us allocate. */
enum { MIG_MAX_SECTION = 64 << 20, MIG_MAX_PATH = 1024 };

#define MIG_FOURCC(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define MIG_CONFIG  MIG_FOURCC('C', 'O', 'N', 'F')
#define MIG_RAM     MIG_FOURCC('R', 'A', 'M', ' ')
#define MIG_PCI     MIG_FOURCC('P', 'C', 'I', ' ')
#define MIG_DEVICE  MIG_FOURCC('D', 'E', 'V', ' ')
#define MIG_VCPU    MIG_FOURCC('V', 'C', 'P', 'U')
#define MIG_MACHINE MIG_FOURCC('M', 'A', 'C', 'H')
#define MIG_MARK    MIG_FOURCC('M', 'A', 'R', 'K')
#define MIG_END     MIG_FOURCC('E', 'N', 'D', ' ')
#define MIG_OK      MIG_FOURCC('O', 'K', ' ', ' ')
#define MIG_REFUSED MIG_FOURCC('E', 'R', 'R', ' ')

/* Where bytes go to and come from. */
struct mig_io {
    /* All n bytes, or -errno with e: -ECANCELED when the user has had enough. */
    int (*write)(void *o, const struct iovec *v, int nv, struct tn_err *e);
    /* All of it filled, or -errno with e; -ENODATA: the end. */
    int (*read)(void *o, const struct iovec *v, int nv, struct tn_err *e);
    void *o;
};
enum { MIG_MAX_PIECES = 64 }; /* of one write or read */

struct mig_writer {
    struct mig_io io;
    uint32_t number;
    uint64_t bytes; /* written */
};
/* Writes the header. 0 or -errno with e. */
int mig_write_header(struct mig_writer *w, uint32_t flags, struct tn_err *e);
/* Writes a section, whose payload is the nv pieces one after the other: fewer than MIG_MAX_PIECES.
 */
int mig_write(struct mig_writer *w, uint32_t type, const struct iovec *v, int nv, struct tn_err *e);
int mig_write_bytes(struct mig_writer *w, uint32_t type, const void *p, size_t n, struct tn_err *e);

struct mig_section {
    uint32_t type, number, len;
    const uint8_t *data;           /* the reader's, until the next section */
    uint32_t have, left, sum, crc; /* bytes of data, still to be read; sum so far, as it is to be */
};
struct mig_reader {
    struct mig_io io;
    uint32_t number, flags;
    uint64_t bytes; /* read */
    uint8_t *payload;
    size_t room;
};
int mig_read_header(struct mig_reader *r, struct tn_err *e);
/* The next section, whole and sound. 0 or -errno with e. */
int mig_read(struct mig_reader *r, struct mig_section *s, struct tn_err *e);
/* The same by and by, for a payload that has its place elsewhere. First what it is; then n more
 * bytes to the end of data (which may move), or to the nv pieces, no more than are left; at last,
 * when none is left: is it sound? */
int mig_read_head(struct mig_reader *r, struct mig_section *s, struct tn_err *e);
int mig_read_more(struct mig_reader *r, struct mig_section *s, uint32_t n, struct tn_err *e);
int mig_read_to(struct mig_reader *r, struct mig_section *s, const struct iovec *v, int nv,
                struct tn_err *e);
/* n more bytes at the end of data for mig_read_to() to fill; no more than came already. */
uint8_t *mig_read_room(struct mig_reader *r, struct mig_section *s, uint32_t n);
int mig_read_end(struct mig_reader *r, struct mig_section *s, struct tn_err *e);
/* All that is left, to the end of data, and is it sound? */
int mig_read_rest(struct mig_reader *r, struct mig_section *s, struct tn_err *e);
void mig_reader_fini(struct mig_reader *r);
/* Four letters, "RAM " as "RAM"; out has 5 bytes. */
const char *mig_type_name(uint32_t type, char *out);

/* A path in front of a payload: its bytes to out; or splits one: what is behind it in *rest.
 * -EINVAL with e. */
void mig_put_path(struct buf *out, const char *path);
int mig_get_path(const struct mig_section *s, const char **path, const uint8_t **rest,
                 size_t *rest_len, struct tn_err *e);

#endif
