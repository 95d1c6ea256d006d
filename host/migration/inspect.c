/* SPDX-License-Identifier: BSD-2-Clause */
#include "inspect.h"

#include "config.h"
#include "core/state.h"
#include "core/state_format.h"
#include "ram.h"
#include "util/bytes.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct inspection {
    struct mig_reader r;
    int json;
    struct buf *out;
    uint64_t *pages;
    uint32_t nblocks;
    uint64_t ram_sections, ram_bytes, data, fill;
    uint32_t parts;
};

static int count_run(void *o, uint32_t block, const struct ram_run *run)
{
    struct inspection *in = o;
    (void)block;
    *(run->kind == RAM_DATA ? &in->data : &in->fill) += run->count;
    return 0;
}

static int take_ram(struct inspection *in, const struct mig_section *s, struct tn_err *e)
{
    in->ram_sections++;
    in->ram_bytes += s->len;
    struct ram_sink to = {in->pages, in->nblocks, NULL, count_run, in};
    return ram_each_run(s, &to, e);
}

static int take_config(struct inspection *in, const struct mig_section *s, struct tn_err *e)
{
    if (in->json)
        buf_str(in->out, "\"configuration\": ");
    int r = mig_config_print(s->data, s->len, in->json, in->out, e);
    if (in->json)
        buf_str(in->out, ", \"parts\": [");
    return r < 0 ? r : mig_config_pages(s->data, s->len, &in->pages, &in->nblocks, e);
}

/* Where the state begins in its section, and what it is about. */
static int find_state(const struct mig_section *s, struct buf *about, const uint8_t **p,
                      size_t *len, struct tn_err *e)
{
    const char *path;
    *p = s->data;
    *len = s->len;
    if (s->type == MIG_MACHINE)
        return 0;
    if (s->type == MIG_VCPU) {
        if (s->len < 4)
            return err_set(e, EINVAL, "section %u has no vCPU", s->number);
        buf_printf(about, "%u", get_le32(s->data));
        *p += 4;
        *len -= 4;
        return 0;
    }
    int r = mig_get_path(s, &path, p, len, e);
    if (r == 0)
        buf_str(about, path);
    return r;
}

static const char *kind_of(uint32_t type)
{
    return type == MIG_PCI      ? "pci"
           : type == MIG_DEVICE ? "device"
           : type == MIG_VCPU   ? "vcpu"
                                : "machine";
}

static int print_line(struct inspection *in, const struct mig_section *s, const char *about,
                      const uint8_t *p, size_t len, struct tn_err *e)
{
    struct state_part root;
    int r = state_parse(p, len, &root, e);
    if (r == 0)
        buf_printf(in->out, "%-7s %s%s%s version %u, %zu bytes\n", kind_of(s->type), about,
                   *about ? " " : "", root.name, root.version, len);
    state_parse_free(&root);
    return r;
}

/* A path from a file may have quotes. */
static void put_quoted(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_add8(out, *text == '"' || *text == '\\' ? '?' : (uint8_t)*text);
}

static int take_part(struct inspection *in, const struct mig_section *s, struct tn_err *e)
{
    BUF_AUTO about = {0};
    const uint8_t *p;
    size_t len;
    int r = find_state(s, &about, &p, &len, e);
    if (r < 0)
        return r;
    if (!in->json)
        return print_line(in, s, buf_cstr(&about), p, len, e);
    buf_printf(in->out, "%s{\"kind\": \"%s\", \"of\": \"", in->parts++ ? ", " : "",
               kind_of(s->type));
    put_quoted(in->out, buf_cstr(&about));
    buf_str(in->out, "\", \"state\": ");
    r = state_print(p, len, in->out, e);
    buf_add8(in->out, '}');
    return r;
}

static int take(struct inspection *in, const struct mig_section *s, struct tn_err *e)
{
    char name[5];
    switch (s->type) {
    case MIG_RAM:
        return take_ram(in, s, e);
    case MIG_PCI:
    case MIG_DEVICE:
    case MIG_VCPU:
    case MIG_MACHINE:
        return take_part(in, s, e);
    default:
        return err_set(e, EINVAL, "section %u of unknown kind '%s'", s->number,
                       mig_type_name(s->type, name));
    }
}

static void put_totals(struct inspection *in)
{
    buf_printf(in->out,
               in->json ? "], \"ram\": {\"sections\": %" PRIu64 ", \"bytes\": %" PRIu64
                          ", \"data-pages\": %" PRIu64 ", \"fill-pages\": %" PRIu64 "}"
                        : "ram     %" PRIu64 " sections, %" PRIu64 " bytes: %" PRIu64
                          " pages as they are, %" PRIu64 " that repeat a word\n",
               in->ram_sections, in->ram_bytes, in->data, in->fill);
    buf_printf(in->out,
               in->json ? ", \"sections\": %u, \"bytes\": %" PRIu64 "}\n"
                        : "in all  %u sections, %" PRIu64 " bytes\n",
               in->r.number, in->r.bytes);
}

static int walk(struct inspection *in, struct tn_err *e)
{
    struct mig_section s;
    int r = mig_read_header(&in->r, e);
    if (r == 0 && in->json)
        buf_printf(in->out, "{\"format\": %u, ", MIG_FORMAT);
    if (r == 0)
        r = mig_read(&in->r, &s, e);
    if (r == 0 && s.type != MIG_CONFIG)
        r = err_set(e, EINVAL, "it does not begin with a configuration");
    if (r == 0)
        r = take_config(in, &s, e);
    while (r == 0 && (r = mig_read(&in->r, &s, e)) == 0 && s.type != MIG_END)
        r = take(in, &s, e);
    if (r == 0 && (s.len != 4 || get_le32(s.data) != s.number))
        r = err_set(e, EINVAL, "section %u ends it too soon", s.number);
    return r;
}

int mig_inspect(struct mig_io io, int json, struct buf *out, struct tn_err *e)
{
    struct inspection in = {.r = {.io = io}, .json = json, .out = out};
    int r = walk(&in, e);
    if (r == 0)
        put_totals(&in);
    free(in.pages);
    mig_reader_fini(&in.r);
    return r;
}
