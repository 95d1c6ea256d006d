/* SPDX-License-Identifier: BSD-2-Clause */
/* -drive and -blockdev of random words: nodes come of them or one line, and what was begun is gone.
 */
#include "block_mem.h"

#include "util/alloc.h"
#include "util/buf.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const items[] = {
    "size=64k",
    "size=4096",
    "logical=4096",
    "max-transfer=512",
    "id=a",
    "id=b",
    "node-name=a",
    "node-name=n",
    "cache=none",
    "cache=unsafe",
    "cache.direct=on",
    "discard=unmap",
    "snapshot=on",
    "readonly=on",
    "iops=5",
    "bps_max=7",
    "group=g",
    "detect-zeroes=unmap",
    "werror=stop",
    "index=1",
    "bus=1",
    "unit=3",
    "file.driver=mem",
    "file.size=1M",
    "offset=4096",
    "file=null-co://",
    "file=nbd:unix:/s",
    "file=/dev/null",
    "format=raw",
    "driver=raw",
    "driver=throttle",
    "throttle-group=g",
    "if=virtio",
    "media=cdrom",
    "force-share=on",
    "throttling.bps-total=1",
    "file.file.x=1",
    "aio=native",
    "file.cache.direct=x",
    "file=n",
    "auto-read-only",
    "rerror=ignore",
    "file=json:{\"driver\":\"mem\"}",
};
static const char *const scraps[] = {"=",  ".",    ",",  ",,", "{",  "}",
                                     "-1", "file", "\"", "[]", "0x", "on"};

/* An item or a scrap a byte, mostly on a drive that could be. */
static char *text_of(const uint8_t *data, size_t size)
{
    BUF_AUTO b = {0};
    if (size && data[0] % 8)
        buf_str(&b, "driver=mem,if=none");
    for (size_t i = 1; i < size && i < 1 + data[0] / 16u; i++)
        if (data[i] >= 240)
            buf_str(&b, scraps[data[i] % ARRAY_SIZE(scraps)]);
        else
            buf_printf(&b, "%s%s", b.len ? "," : "", items[data[i] % ARRAY_SIZE(items)]);
    return buf_take(&b);
}

static uint32_t nodes(const struct vm *vm)
{
    const struct device *d;
    uint32_t n = 0;
    TAILQ_FOREACH(d, &vm->devices, all)
    n++;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = text_of(data, size);
    struct vm *vm = block_vm();
    if (!text)
        return 0;
    if (add_drive(text) < 0 && (nodes(vm) || !*fixture_error || strchr(fixture_error, '\n')))
        abort();
    uint32_t before = nodes(vm);
    if (add_blockdev(text) < 0 && (nodes(vm) != before || !*fixture_error))
        abort();
    block_vm_end();
    return 0;
}
