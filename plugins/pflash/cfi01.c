/* SPDX-License-Identifier: BSD-2-Clause */
#include "cfi01.h"

#include "cfi01_query.h"
#include "util/bytes.h"
#include <errno.h>

/* ---- the bank as a whole ---- */

static int is_width(uint32_t v)
{
    return v && v <= 8 && !(v & (v - 1));
}

const char *cfi01_bad_shape(const struct cfi01_shape *s)
{
    if (!is_width(s->width) || !is_width(s->device_width) || !is_width(s->max_device_width))
        return "a width is not 1, 2, 4 or 8 bytes";
    if (s->device_width > s->width || s->device_width > s->max_device_width)
        return "a chip is wider than the bank, or than it can be";
    uint64_t unit = 256ull * (s->width / s->device_width);
    if (!s->sector_length || s->sector_length % unit || s->sector_length / unit > 0xffff)
        return "blocks are not 256 bytes to 16 MiB, in units of 256 bytes of each chip";
    if (!s->sectors || s->sectors > 0x10000)
        return "there are not 1 to 65536 blocks";
    return NULL;
}

void cfi01_init(struct cfi01 *f, const struct cfi01_shape *shape, uint8_t *array, uint8_t *locked,
                uint32_t writable, const struct cfi01_env *env, void *owner)
{
    memset(f, 0, sizeof *f);
    f->shape = *shape;
    f->array = array;
    f->locked = locked;
    f->writable = writable;
    f->env = env;
    f->owner = owner;
    f->size = shape->sector_length * shape->sectors;
    f->buffer_size = cfi01_chip_buffer(shape) * (shape->width / shape->device_width);
    f->status = CFI01_SR_READY;
    cfi01_query_fill(shape, f->query);
    memset(locked, 0, shape->sectors);
}

static void set_mode(struct cfi01 *f, uint8_t mode)
{
    int was = f->mode == CFI01_ARRAY, is = mode == CFI01_ARRAY;
    f->mode = mode;
    if (was != is)
        f->env->show(f->owner, (uint32_t)is);
}

void cfi01_reset(struct cfi01 *f)
{
    set_mode(f, CFI01_ARRAY);
    f->cycle = CFI01_COMMAND;
    f->status = CFI01_SR_READY;
    f->words = f->buffer_used = 0;
    memset(f->locked, 0, f->shape.sectors);
}

void cfi01_failed(struct cfi01 *f)
{
    f->status |= CFI01_SR_READY | CFI01_SR_PROGRAM;
}

int cfi01_loaded(struct cfi01 *f)
{
    if (f->mode >= CFI01_MODES || f->cycle >= CFI01_CYCLES || f->buffer_used > f->buffer_size ||
        f->words > f->buffer_size || f->buffer_base > f->size ||
        f->buffer_used > f->size - f->buffer_base || (f->cycle == CFI01_DATA && !f->words))
        return -EINVAL;
    f->env->show(f->owner, f->mode == CFI01_ARRAY);
    return 0;
}

/* ---- reading ---- */

static uint32_t log2_of(uint32_t v)
{
    return (uint32_t)__builtin_ctz(v);
}

/* Which word of a chip is at off. One that could be wider has address lines to spare. */
static uint64_t word_at(const struct cfi01 *f, uint64_t off)
{
    const struct cfi01_shape *s = &f->shape;
    return off >> (log2_of(s->width) + log2_of(s->max_device_width) - log2_of(s->device_width));
}

/* The part of the bank's answer that the access is about, if each chip says v. */
static uint64_t all_chips(const struct cfi01 *f, uint64_t off, uint32_t size, uint64_t v)
{
    uint64_t bus = 0;
    for (uint32_t at = 0; at < f->shape.width; at += f->shape.device_width)
        bus |= (v & ones(f->shape.device_width)) << (8 * at);
    return bus >> (8 * (off & (f->shape.width - 1))) & ones(size);
}

static uint64_t identifier(const struct cfi01 *f, uint64_t off)
{
    switch (word_at(f, off % f->shape.sector_length)) {
    case CFI01_ID_MANUFACTURER:
        return f->shape.id[0];
    case CFI01_ID_DEVICE:
        return f->shape.id[1];
    case CFI01_ID_LOCK:
        return f->locked[off / f->shape.sector_length];
    default:
        return 0;
    }
}

static uint64_t query(const struct cfi01 *f, uint64_t off)
{
    uint64_t i = word_at(f, off) & 0xff;
    return i < CFI01_Q_LEN ? f->query[i] : 0;
}

static uint64_t array_bytes(const struct cfi01 *f, uint64_t off, uint32_t size)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < size; i++)
        v |= (uint64_t)f->array[off + i] << (8 * i);
    return v;
}

static int inside(const struct cfi01 *f, uint64_t off, uint32_t size)
{
    return off < f->size && size <= f->size - off;
}

uint64_t cfi01_read(const struct cfi01 *f, uint64_t off, uint32_t size)
{
    if (!inside(f, off, size))
        return ones(size);
    switch (f->mode) {
    case CFI01_ARRAY:
        return array_bytes(f, off, size);
    case CFI01_ID:
        return all_chips(f, off, size, identifier(f, off));
    case CFI01_QUERY:
        return all_chips(f, off, size, query(f, off));
    default:
        return all_chips(f, off, size, f->status);
    }
}

/* ---- changing the array ---- */

static void end_with(struct cfi01 *f, uint32_t errors)
{
    f->status |= (uint8_t)(CFI01_SR_READY | errors);
    f->cycle = CFI01_COMMAND;
}

static int protected(const struct cfi01 *f, uint64_t off, uint64_t len)
{
    uint64_t last = (off + len - 1) / f->shape.sector_length;
    for (uint64_t i = off / f->shape.sector_length; i <= last; i++)
        if (f->locked[i])
            return 1;
    return !f->writable;
}

/* 6.0: bits become zeros; only an erasure makes ones. */
static void program(struct cfi01 *f, uint64_t off, const uint8_t *data, uint64_t len)
{
    if (protected(f, off, len)) {
        end_with(f, CFI01_SR_PROGRAM | CFI01_SR_LOCKED);
        return;
    }
    for (uint64_t i = 0; i < len; i++)
        f->array[off + i] &= data[i];
    f->env->changed(f->owner, off, len);
    end_with(f, 0);
}

static void erase(struct cfi01 *f, uint64_t off)
{
    uint64_t len = f->shape.sector_length, base = off - off % len;
    if (protected(f, base, len)) {
        end_with(f, CFI01_SR_ERASE | CFI01_SR_LOCKED);
        return;
    }
    memset(f->array + base, 0xff, len);
    f->env->changed(f->owner, base, len);
    end_with(f, 0);
}

/* ---- cycles ---- */

static void begin(struct cfi01 *f, uint8_t mode, uint8_t cycle)
{
    set_mode(f, mode);
    f->cycle = cycle;
}

static void unknown(struct cfi01 *f)
{
    f->env->guest_error(f->owner, "not a command of this flash memory");
    set_mode(f, CFI01_ARRAY);
}

/* CLEAR_STATUS leaves nothing, SR.7 neither: by that, firmware for QEMU tells flash from RAM. */
static void command(struct cfi01 *f, uint8_t c)
{
    switch (c) {
    case 0: /* QEMU's, as the next */
    case CFI01_READ_ARRAY:
        return set_mode(f, CFI01_ARRAY);
    case CFI01_CLEAR_STATUS:
        f->status = 0;
        return set_mode(f, CFI01_ARRAY);
    case CFI01_READ_STATUS:
    case CFI01_SUSPEND: /* nothing takes time here: both are too late */
    case CFI01_CONFIRM:
        return set_mode(f, CFI01_STATUS);
    case CFI01_READ_ID:
        return set_mode(f, CFI01_ID);
    case CFI01_READ_QUERY:
        return set_mode(f, CFI01_QUERY);
    case CFI01_PROGRAM:
    case CFI01_PROGRAM_ALT:
        return begin(f, CFI01_STATUS, CFI01_WORD);
    case CFI01_ERASE:
        return begin(f, CFI01_STATUS, CFI01_BLOCK);
    case CFI01_LOCK_SETUP:
        return begin(f, CFI01_STATUS, CFI01_LOCK);
    case CFI01_WRITE_BUFFER:
        f->status |= CFI01_SR_READY; /* XSR.7: there is a buffer */
        return begin(f, CFI01_STATUS, CFI01_COUNT);
    default:
        unknown(f);
    }
}

static void confirm_erase(struct cfi01 *f, uint64_t off, uint8_t c)
{
    if (c == CFI01_CONFIRM)
        return erase(f, off);
    end_with(f, CFI01_SR_SEQUENCE);
    if (c == CFI01_READ_ARRAY)
        set_mode(f, CFI01_ARRAY);
}

static void lock(struct cfi01 *f, uint64_t off, uint8_t c)
{
    if (c == CFI01_LOCK_SET)
        f->locked[off / f->shape.sector_length] = 1;
    else if (c == CFI01_CONFIRM)
        memset(f->locked, 0, f->shape.sectors);
    end_with(f, c == CFI01_LOCK_SET || c == CFI01_CONFIRM || c == CFI01_CONFIGURATION
                    ? 0
                    : CFI01_SR_SEQUENCE);
}

/* ---- the write buffer (4.7) ---- */

static void count(struct cfi01 *f, uint64_t value)
{
    uint64_t words = (value & ones(f->shape.device_width)) + 1;
    if (!words || words > f->buffer_size / f->shape.width)
        return end_with(f, CFI01_SR_SEQUENCE);
    f->words = (uint32_t)words;
    f->buffer_used = 0;
    f->cycle = CFI01_DATA;
}

/* The first word says which of the array's pieces of that size the buffer is for. */
static void open_buffer(struct cfi01 *f, uint64_t off)
{
    uint64_t left;
    f->buffer_base = off - off % f->buffer_size;
    left = f->size - f->buffer_base;
    f->buffer_used = left < f->buffer_size ? (uint32_t)left : f->buffer_size;
    memset(f->buffer, 0xff, f->buffer_used);
}

static void fill_buffer(struct cfi01 *f, uint64_t off, const uint8_t *data, uint32_t size)
{
    if (!f->buffer_used)
        open_buffer(f, off);
    uint64_t at = off - f->buffer_base;
    if (off < f->buffer_base || at >= f->buffer_used || size > f->buffer_used - at)
        return end_with(f, CFI01_SR_SEQUENCE);
    memcpy(f->buffer + at, data, size);
    if (--f->words == 0)
        f->cycle = CFI01_DATA_END;
}

static void confirm_buffer(struct cfi01 *f, uint8_t c)
{
    if (c == CFI01_CONFIRM && f->buffer_used)
        program(f, f->buffer_base, f->buffer, f->buffer_used);
    else
        end_with(f, CFI01_SR_SEQUENCE);
    f->buffer_used = 0;
}

void cfi01_write(struct cfi01 *f, uint64_t off, uint32_t size, uint64_t value)
{
    uint8_t data[8], c = (uint8_t)value;
    if (!inside(f, off, size))
        return;
    put_le64(data, value);
    switch (f->cycle) {
    case CFI01_WORD:
        return program(f, off, data, size);
    case CFI01_BLOCK:
        return confirm_erase(f, off, c);
    case CFI01_LOCK:
        return lock(f, off, c);
    case CFI01_COUNT:
        return count(f, value);
    case CFI01_DATA:
        return fill_buffer(f, off, data, size);
    case CFI01_DATA_END:
        return confirm_buffer(f, c);
    default:
        command(f, c);
    }
}
