/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole command line: each line of the text is a word. -readconfig is left out, as it opens
 * files. */
#include "fuzz_text.h"
#include "options.h"
#include "util/alloc.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = fuzz_text(data, size), *err = NULL;
    char *argv[65] = {text};
    int argc = 1;
    for (char *rest = text, *word; argc < 64 && (word = strsep(&rest, "\n "));) {
        if (!strstr(word, "readconfig"))
            argv[argc++] = word;
    }
    struct cli_options o;
    cli_options_scan(&o, argc, argv, &err);
    cli_options_free(&o);
    return 0;
}
