/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties back to text: values, and defaults for help. */
#include "bus.h"
#include "device.h"
#include "prop.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <inttypes.h>

uint64_t prop_load(const struct tn_prop *p, const void *at)
{
    switch (p->size) {
    case 1:
        return *(const uint8_t *)at;
    case 2:
        return *(const uint16_t *)at;
    case 4:
        return *(const uint32_t *)at;
    default:
        return *(const uint64_t *)at;
    }
}

static void format_bytes(struct buf *out, const uint8_t *b, uint32_t type)
{
    if (type == TN_P_MAC)
        buf_printf(out, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    else
        for (int i = 0; i < 16; i++)
            buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

static void format_handle(struct buf *out, uint32_t type, void *const *at)
{
    if (!*at)
        return;
    if (type == TN_P_LINK)
        buf_str(out, device_id(*(struct device *const *)(const void *)at));
    else if (type == TN_P_BUS)
        buf_str(out, (*(struct tn_bus *const *)(const void *)at)->name);
    else
        buf_printf(out, "%p", *at);
}

static void format_int(const struct tn_prop *p, uint64_t v, struct buf *out)
{
    static const char *const ooa[] = {"auto", "on", "off"};
    if (p->type == TN_P_BOOL)
        buf_str(out, v ? "true" : "false");
    else if (p->type == TN_P_BIT)
        buf_str(out, v >> p->bit & 1 ? "true" : "false");
    else if (p->type == TN_P_ENUM)
        buf_str(out, p->names[v]);
    else if (p->type == TN_P_ONOFFAUTO)
        buf_str(out, ooa[v % 3]);
    else if (p->type == TN_P_DEVFN && (int32_t)v >= 0)
        buf_printf(out, "%02x.%x", (uint32_t)v >> 3, (uint32_t)v & 7);
    else if (p->type == TN_P_I32 || p->type == TN_P_FD || p->type == TN_P_DEVFN)
        buf_printf(out, "%" PRId32, (int32_t)v);
    else if (p->type == TN_P_I64)
        buf_printf(out, "%" PRId64, (int64_t)v);
    else
        buf_printf(out, "%" PRIu64, v);
}

void prop_get(const struct tn_prop *p, const void *base, struct buf *out)
{
    const void *at = (const char *)base + p->offset;
    switch (p->type) {
    case TN_P_STR:
        buf_str(out, *(char *const *)at ? *(char *const *)at : "");
        break;
    case TN_P_MAC:
    case TN_P_UUID:
        format_bytes(out, at, p->type);
        break;
    case TN_P_LIST:
        buf_printf(out, "<list of %u>", ((const struct tn_list *)at)->n);
        break;
    case TN_P_CHARDEV:
    case TN_P_DRIVE:
    case TN_P_NETDEV:
    case TN_P_MEMDEV:
    case TN_P_IOTHREAD:
    case TN_P_LINK:
    case TN_P_BUS:
    case TN_P_AUDIODEV:
        format_handle(out, p->type, at);
        break;
    default:
        format_int(p, prop_load(p, at), out);
    }
}

char *prop_default_text(const struct tn_prop *p)
{
    if (p->flags & TN_PF_NODEFAULT)
        return NULL;
    BUF_AUTO b = {0};
    if (p->type == TN_P_STR)
        return p->defstr ? xasprintf("\"%s\"", p->defstr) : NULL;
    if (p->type == TN_P_BIT || p->type == TN_P_BOOL)
        return xstrdup(p->defval ? "true" : "false");
    if (p->type == TN_P_ENUM)
        return xasprintf("\"%s\"", p->names[p->defval]);
    if (p->type == TN_P_ONOFFAUTO)
        return xstrdup(p->defval == TN_AUTO ? "\"auto\""
                       : p->defval == TN_ON ? "\"on\""
                                            : "\"off\"");
    if (p->type == TN_P_DEVFN)
        return xasprintf("%" PRId32, (int32_t)p->defval);
    if (p->type >= TN_P_MAC && p->type != TN_P_DEVFN)
        return NULL;
    format_int(p, p->defval, &b);
    return buf_take(&b);
}
