/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes flash memory, 8 bytes a step, in all shapes; state is put back half-way as a file might
 * say it. The array is fenced by the sanitizer. */
#include "cfi01.h"
#include "util/bytes.h"
#include <stdlib.h>

enum { SECTORS = 5, STEP = 8 };

struct world {
    struct cfi01 f;
    uint8_t *array, locked[SECTORS];
    uint32_t shown;
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static void on_show(void *o, uint32_t array)
{
    ((struct world *)o)->shown = array;
}

static void on_change(void *o, uint64_t off, uint64_t len)
{
    const struct world *w = o;
    require(len && off < w->f.size && len <= w->f.size - off && w->f.writable);
}

static void on_error(void *o, const char *what)
{
    (void)o;
    require(what != NULL);
}

static const struct cfi01_env env = {on_show, on_change, on_error};

static void step(struct world *w, const uint8_t *p)
{
    static const uint8_t commands[] = {CFI01_PROGRAM,      CFI01_ERASE,       CFI01_CLEAR_STATUS,
                                       CFI01_LOCK_SETUP,   CFI01_READ_STATUS, CFI01_READ_ID,
                                       CFI01_READ_QUERY,   CFI01_CONFIRM,     CFI01_WRITE_BUFFER,
                                       CFI01_WRITE_BUFFER, CFI01_READ_ARRAY,  CFI01_LOCK_SET};
    uint32_t size = 1u << (p[0] & 3);
    uint64_t off = get_le16(p + 2);
    size = size > w->f.shape.width ? w->f.shape.width : size;
    switch (p[0] >> 2 & 7) {
    case 0:
        require((cfi01_read(&w->f, off, size) & ~ones(size)) == 0);
        break;
    case 1:
        cfi01_write(&w->f, off, size, get_le32(p + 4));
        break;
    case 2:
        w->f.cycle = p[4];
        w->f.words = p[5];
        w->f.buffer_base = get_le16(p + 6);
        if (cfi01_loaded(&w->f) < 0)
            cfi01_reset(&w->f);
        break;
    default:
        cfi01_write(&w->f, off, size, commands[p[1] % sizeof commands]);
    }
    require(w->shown == (w->f.mode == CFI01_ARRAY));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.shown = 1};
    if (size < STEP)
        return 0;
    struct cfi01_shape s = {.sector_length = 256 * (1 + data[0] % 8),
                            .sectors = SECTORS,
                            .width = 1u << (data[1] & 3),
                            .device_width = 1u << (data[2] & 3),
                            .max_device_width = 1u << (data[3] & 3)};
    if (cfi01_bad_shape(&s))
        return 0;
    w.array = malloc(s.sector_length * SECTORS);
    require(w.array != NULL);
    memset(w.array, 0xff, s.sector_length * SECTORS);
    cfi01_init(&w.f, &s, w.array, w.locked, data[4] & 1, &env, &w);
    for (data += STEP, size -= STEP; size >= STEP; size -= STEP, data += STEP)
        step(&w, data);
    free(w.array);
    return 0;
}
