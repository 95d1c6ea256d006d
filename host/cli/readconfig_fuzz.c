/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_text.h"
#include "scan.h"
#include "util/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = fuzz_text(data, size), *err = NULL;
    struct cli_options o = {0};
    struct cli_scan s = {.o = &o, .machine = kv_new(KV_DICT)};
    if (cli_readconfig(&s, "fuzz.cfg", text, &err) == 0)
        cli_finish(&s, &err);
    kv_free(s.machine);
    cli_options_free(&o);
    return 0;
}
