/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace events in a file: QEMU's "simple" format, version 4, which its simpletrace.py reads too.
 *
 * All numbers are little-endian. The file begins with 64-bit words ~0, 0xf2b177cb0aa429b4 and 4;
 * then come records, each with its kind in 64 bits:
 *
 *   0  a name     event's id (64 bits), length (32 bits), name
 *   1  an event   id, CLOCK_MONOTONIC in ns (64 bits each), size of the record from the id on,
 * process id (32 bits each), then 64 bits for each argument; a text is the last, its length in
 *      32 bits first
 *
 * Behind each name stands the event "tenon_format" (id 0): the id and, as a string (length in 32
 * bits, text), the text that its arguments go into. tools/tenon-trace prints such a file. */
#ifndef TN_HOST_TRACE_FILE_H
#define TN_HOST_TRACE_FILE_H
#include <stdint.h>

struct tn_err;
struct trace_file;

enum { TRACE_FORMAT_ID = 0 };

/* A new file at path, in place of an old one. NULL with e. Main thread. */
struct trace_file *trace_file_open(const char *path, struct tn_err *e);
/* What waits is written. NULL is fine. */
void trace_file_close(struct trace_file *f);
void trace_file_flush(struct trace_file *f);
void trace_file_name(struct trace_file *f, uint64_t id, const char *name, const char *fmt);
/* text: an argument behind the n numbers, or NULL. Callers see to it that two threads are not in
 * the same file at once. A file that cannot be written any more says so once, and takes nothing
 * further. */
void trace_file_event(struct trace_file *f, uint64_t id, const uint64_t *arg, uint32_t n,
                      const char *text);
const char *trace_file_path(const struct trace_file *f);

#endif
