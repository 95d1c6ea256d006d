/* SPDX-License-Identifier: BSD-2-Clause */
/* A writer of ACPI Machine Language (ACPI 6.3, chapter 20) that appends to a struct buf.
 *
 * AML is prefix code, and so is this interface: an operator first, then its operands in order of
 * the grammar. Objects with a body are opened by a function that returns a token and closed by
 * aml_end():
 *
 *     struct aml_block dev = aml_device(a, "COM1");
 *     aml_name_eisaid(a, "_HID", "PNP0501");
 *     struct aml_block sta = aml_method(a, "_STA", 0, AML_SERIALIZED);
 *     aml_op(a, AML_RETURN), aml_int(a, 0xf);
 *     aml_end(a, sta);
 *     aml_end(a, dev);
 *
 * Blocks close in reverse order of opening. A token is only an offset: nothing is allocated but the
 * buffer, and the length field takes its final size (1 to 4 bytes) when the block is closed. Any
 * thread may write to a buffer of its own. Arguments come from the program, not from the guest: a
 * malformed name is a bug, and asserted; test what comes from outside with aml_path_valid() first.
 */
#ifndef TN_AML_H
#define TN_AML_H
#include "aml/op.h"
#include "util/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An open block. Passed by value; no clean-up is needed if it is never closed. */
struct aml_block {
    size_t at;     /* offset in the buffer where the length field goes */
    uint32_t kind; /* private to aml_end() */
};

/* Closes block b: writes the length field (and size and end tag of buffers) in front of what has
 * been written since. The block must be below 256 MiB. */
void aml_end(struct buf *a, struct aml_block b);

/* ---- names (5.3, 20.2.2) ---- */

/* Says whether s is a name or path as aml_path() takes it. */
bool aml_path_valid(const char *s);
/* A NameString: optional '\' or '^'s, then up to 255 segments of one to four characters from
 * [A-Z_][A-Z0-9_]* joined by dots; short segments are padded with '_'. As an operand: a reference
 * to the object, or a call of the method, whose arguments follow. */
void aml_path(struct buf *a, const char *path);

/* ---- data (20.2.3) ---- */

/* The shortest encoding of v: Zero, One, Ones (all 64 bits), byte, word, dword, qword. */
void aml_int(struct buf *a, uint64_t v);
/* An ASCII string without the NUL; other bytes are asserted. */
void aml_string(struct buf *a, const char *s);
/* A buffer with n bytes of p, or n zeros if p is NULL. */
void aml_buffer(struct buf *a, const void *p, uint32_t n);
/* A buffer whose raw bytes are appended with buf_add() and closed with aml_end(). */
struct aml_block aml_buffer_begin(struct buf *a);
/* A package of n elements, which follow; above 255 elements it is written as a VarPackage. */
struct aml_block aml_package(struct buf *a, uint32_t n);
/* A package whose number of elements is an expression: that follows first, then the elements. */
struct aml_block aml_var_package(struct buf *a);
/* The compressed integer form of a PNP or EISA id, three letters and four hex digits: "PNP0A08". */
void aml_eisaid(struct buf *a, const char *id);
/* A 16-byte buffer with a UUID in the mixed byte order of ToUUID (19.6.142):
 * "33db4d5b-1ff7-401c-9657-7441c03dd766". */
void aml_uuid(struct buf *a, const char *uuid);

/* ---- operators, operands (20.2.5.3, 20.2.5.4, 20.2.6) ---- */

/* An opcode of op.h that takes no immediate data; its operands follow. */
void aml_op(struct buf *a, enum aml_op op);
/* The null target: the result is only used as a value. */
void aml_null(struct buf *a);
/* Arg0 .. Arg6 */
void aml_arg(struct buf *a, uint32_t n);
/* Local0 .. Local7 */
void aml_local(struct buf *a, uint32_t n);
/* Acquire(mutex, ms); 0xffff waits for ever. A value: true if it timed out. */
void aml_acquire(struct buf *a, const char *mutex, uint16_t ms);
void aml_release(struct buf *a, const char *mutex);
/* Notify(object, value) */
void aml_notify(struct buf *a, const char *object, uint64_t value);

/* The predicate follows first, then the statements. */
struct aml_block aml_if(struct buf *a);
struct aml_block aml_while(struct buf *a);
/* Directly behind the end of the If. */
struct aml_block aml_else(struct buf *a);

/* ---- named objects (20.2.5.1, 20.2.5.2) ---- */

struct aml_block aml_scope(struct buf *a, const char *path);
struct aml_block aml_device(struct buf *a, const char *name);

enum { AML_NOT_SERIALIZED = 0, AML_SERIALIZED = 1 };
/* A method with args arguments (0..7), sync level 0. Methods that create names must be serialized.
 */
struct aml_block aml_method(struct buf *a, const char *name, uint32_t args, uint32_t serialized);

/* The deprecated Processor object; block: PBLK I/O address and length, 0 if it has none. New code
 * writes a Device with _HID ACPI0007 (8.4). */
struct aml_block aml_processor(struct buf *a, const char *name, uint8_t id, uint32_t pblk,
                               uint8_t pblk_len);

/* Name(name, value): the value follows. */
void aml_name(struct buf *a, const char *name);
void aml_name_int(struct buf *a, const char *name, uint64_t value);
void aml_name_string(struct buf *a, const char *name, const char *value);
void aml_name_eisaid(struct buf *a, const char *name, const char *id);

/* Alias(object, name) */
void aml_alias(struct buf *a, const char *object, const char *name);
/* External(path, type, args): declares what another table defines; type: AML_OBJ_*. */
void aml_external(struct buf *a, const char *path, uint32_t type, uint32_t args);
enum {
    AML_OBJ_UNKNOWN = 0,
    AML_OBJ_INTEGER = 1,
    AML_OBJ_STRING = 2,
    AML_OBJ_BUFFER = 3,
    AML_OBJ_PACKAGE = 4,
    AML_OBJ_FIELD_UNIT = 5,
    AML_OBJ_DEVICE = 6,
    AML_OBJ_METHOD = 8,
    AML_OBJ_MUTEX = 9,
    AML_OBJ_OP_REGION = 10
};
/* Mutex(name, sync_level), level 0..15 */
void aml_mutex(struct buf *a, const char *name, uint32_t sync_level);

enum {
    AML_SYSTEM_MEMORY = 0,
    AML_SYSTEM_IO = 1,
    AML_PCI_CONFIG = 2,
    AML_EMBEDDED_CONTROL = 3,
    AML_SMBUS = 4,
    AML_CMOS = 5,
    AML_PCI_BAR = 6
};
/* OperationRegion(name, space, offset, len) at a constant address. */
void aml_op_region(struct buf *a, const char *name, uint32_t space, uint64_t offset, uint64_t len);
/* OperationRegion(name, space, ...): offset and length follow as two expressions. */
void aml_op_region_at(struct buf *a, const char *name, uint32_t space);

/* FieldFlags (20.2.5.2): access type | lock rule | update rule */
enum {
    AML_ANY_ACC = 0,
    AML_BYTE_ACC = 1,
    AML_WORD_ACC = 2,
    AML_DWORD_ACC = 3,
    AML_QWORD_ACC = 4,
    AML_BUFFER_ACC = 5
};
enum { AML_NO_LOCK = 0, AML_LOCK = 1 << 4 };
enum { AML_PRESERVE = 0, AML_WRITE_AS_ONES = 1 << 5, AML_WRITE_AS_ZEROS = 2 << 5 };
struct aml_block aml_field(struct buf *a, const char *region, uint32_t flags);
/* Fields reached through an index and a data field. */
struct aml_block aml_index_field(struct buf *a, const char *index, const char *data,
                                 uint32_t flags);
/* Inside a field block: the next bits bits have this name, or none. bits <= AML_PKG_LENGTH_MAX */
void aml_field_unit(struct buf *a, const char *name, uint32_t bits);
void aml_field_reserved(struct buf *a, uint32_t bits);

/* CreateByteField .. CreateQWordField(source, byte, name), by size 1, 2, 4 or 8: a name for bytes
 * of the buffer that source (AML_ARG0 + n, AML_LOCAL0 + n) holds. */
void aml_create_field(struct buf *a, uint32_t size, enum aml_op source, uint64_t byte,
                      const char *name);
/* The same for a named buffer. */
void aml_create_field_of(struct buf *a, uint32_t size, const char *source, uint64_t byte,
                         const char *name);

/* ---- checks ---- */

/* Checks the structure of a byte stream: every opcode is known, every name is well formed, every
 * block ends inside the block around it, and its contents fill it exactly. How many operands an
 * operator got is not checked, as a call's depends on the method. Hostile input is fine. Blocks
 * nest 64 deep at most. Rare forms are refused: Match, Connection, computed sizes and mutexes.
 * Returns 0, or -EINVAL with the offset of the first bad byte in *bad_at (if not NULL). */
int aml_check(const void *aml, size_t len, size_t *bad_at);

#endif
