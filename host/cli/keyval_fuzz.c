/* SPDX-License-Identifier: BSD-2-Clause */
/* Every text parser of a value or an option's argument. */
#include "chardev_short.h"
#include "fuzz_text.h"
#include "json.h"
#include "keyval.h"
#include "util/alloc.h"
#include "values.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_values(const char *text, char **err)
{
    uint64_t u[4], size;
    int64_t i;
    int32_t devfn;
    size_t n;
    uint8_t bytes[16];
    val_size("k", text, VAL_MIB, &size, err);
    val_u64_list("k", text, u, ARRAY_SIZE(u), &n, err);
    val_s64("k", text, -5, 5, &i, err);
    val_uuid("o", "k", text, bytes, err);
    val_mac("o", "k", text, bytes, err);
    val_pci_devfn("o", "k", text, &devfn, err);
}

/* What parses as JSON must, printed, parse again. */
static void fuzz_json(const char *text, char **err)
{
    KV_AUTO *tree = json_parse(text, err);
    if (!tree)
        return;
    BUF_AUTO printed = {0};
    json_print(&printed, tree, 0);
    KV_AUTO *again = json_parse(buf_cstr(&printed), err);
    if (!again)
        abort();
}

static void fuzz_dotted(const char *text, char **err)
{
    KV_AUTO *dotted = kv_new(KV_DICT);
    keyval_parse_dotted(dotted, "", text, "type", err);
    kv_free(keyval_nest(dotted, err));
}

static void fuzz_flat(const char *text, char **err)
{
    KV_AUTO *flat = keyval_parse(text, "driver");
    keyval_help_wanted(flat, "driver");
    kv_free(keyval_nest(flat, err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = fuzz_text(data, size), *err = NULL;
    fuzz_flat(text, &err);
    fuzz_dotted(text, &err);
    fuzz_values(text, &err);
    fuzz_json(text, &err);
    kv_free(chardev_short_parse(text, "serial0", &err));
    return 0;
}
