/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes what reads a driver's commands and headers, and packets of the world: hash, filter,
 * header, checksum. The first byte chooses; the rest is exactly as long as it says. */
#include "net_filter.h"
#include "net_hash.h"
#include "net_hdr.h"
#include "util/bytes.h"
#include <stdlib.h>

static void require(int ok)
{
    if (!ok)
        abort();
}

static void fuzz_hash(const uint8_t *p, size_t n)
{
    struct net_rss r = {.types = n ? p[0] * 2u : 0, .max_tx = 1};
    struct net_hash h = net_hash_frame(&r, p, (uint32_t)n);
    require(h.report <= 9 && (!h.report || r.types >> (h.report - 1) & 1));
}

static void fuzz_rss(const uint8_t *p, size_t n)
{
    struct net_rss r = {.max_tx = 1};
    uint32_t pairs = n ? 1u + p[0] % 8 : 1;
    bool steer = n & 1;
    if (net_rss_config(&r, steer, p, n, pairs))
        for (uint32_t v = 0; v < 256; v++)
            require(!steer ||
                    net_rss_queue(&r, (struct net_hash){v * 2654435761u, v % 10}) < pairs);
    require(net_rss_valid(&r, pairs));
}

static void fuzz_filter(const uint8_t *p, size_t n)
{
    struct net_filter f = {0};
    net_filter_reset(&f);
    f.mode[NET_RX_PROMISC] = 0;
    net_filter_set_table(&f, p, n);
    require(net_filter_valid(&f));
    if (n >= NET_FILTER_BYTES)
        net_filter_pass(&f, p);
}

static void fuzz_header(const uint8_t *p, size_t n)
{
    uint8_t out[NET_HDR_V1_LEN], in[NET_HDR_HASH_LEN];
    if (n < NET_HDR_LEGACY_LEN + 8)
        return;
    uint64_t f = get_le64(p + NET_HDR_LEGACY_LEN);
    if (net_hdr_tx(out, p, f)) {
        require(!(out[NET_HDR_FLAGS] & ~NET_HDR_F_NEEDS_CSUM));
        require(!out[NET_HDR_GSO_TYPE] || get_le16(out + NET_HDR_GSO_SIZE));
    }
    memcpy(out, p, sizeof out);
    if (net_hdr_rx(out, f) != NET_DROP)
        net_hdr_give(in, NET_HDR_HASH_LEN, out, 1, (struct net_hash){1, 2});
}

static void fuzz_csum(const uint8_t *p, size_t n)
{
    uint8_t *d = malloc(n ? n : 1);
    if (!d || n < 6) {
        free(d);
        return;
    }
    memcpy(d, p, n);
    size_t cut = p[4] % n;
    const struct tn_iov v[] = {{d, cut}, {d + cut, n - cut}};
    net_csum_finish(v, 2, n, get_le16(p), get_le16(p + 2));
    net_is_dhcp_reply(d, (uint32_t)n);
    free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const uint8_t *, size_t) = {fuzz_hash, fuzz_rss, fuzz_filter,
                                                               fuzz_header, fuzz_csum};
    if (size)
        targets[data[0] % (sizeof targets / sizeof targets[0])](data + 1, size - 1);
    return 0;
}
