/* SPDX-License-Identifier: BSD-2-Clause */
/* vmcoreinfo: where the guest's kernel keeps the note that makes a dump of its memory readable. The
 * guest writes it into a fw_cfg file. */
#include <tenon/fwcfg.h>
#include <tenon/plugin.h>

#include "util/bytes.h"
#include "vmcoreinfo_regs.h"
#include <errno.h>
#include <string.h>

struct vmcoreinfo {
    struct tn_dev *dev;
    uint8_t file[VMCOREINFO_LEN];
};

static int64_t fill(void *self, void *p, uint64_t max)
{
    struct vmcoreinfo *s = self;
    if (max < sizeof s->file)
        return -ENOSPC;
    memcpy(p, s->file, sizeof s->file);
    return sizeof s->file;
}

static void written(void *self, uint64_t off, uint64_t len, const void *p)
{
    struct vmcoreinfo *s = self;
    if (off <= sizeof s->file && len <= sizeof s->file - off)
        memcpy(s->file + off, p, len);
}

static int init(void *self, struct tn_dev *d)
{
    struct vmcoreinfo *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct vmcoreinfo *s = self;
    const struct tn_fwcfg *fwcfg = TN_GET(s->dev, struct tn_fwcfg, TN_FWCFG_1);
    if (!fwcfg)
        return tn_fail(s->dev, e, ENODEV, "vmcoreinfo device requires fw_cfg with DMA");
    return fwcfg->dynamic(s->dev, VMCOREINFO_FILE, VMCOREINFO_LEN, fill, written, s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct vmcoreinfo *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    memset(s->file, 0, sizeof s->file);
    put_le16(s->file + VMCOREINFO_HOST_FORMAT, VMCOREINFO_FORMAT_ELF);
}

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct vmcoreinfo, file, "file", BYTES, VMCOREINFO_LEN),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "vmcoreinfo",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
};

static const struct tn_class vmcoreinfo = {
    .struct_size = sizeof vmcoreinfo,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "vmcoreinfo",
    .desc = "where the guest's kernel describes its memory, for dumps",
    .instance_size = sizeof(struct vmcoreinfo),
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
};

static const struct tn_class *const classes[] = {&vmcoreinfo, NULL};
static const char *const needs[] = {NULL};
static const char *const wants[] = {TN_FWCFG_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "vmcoreinfo",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "the guest tells where the note on its memory is",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
