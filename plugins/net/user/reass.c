/* SPDX-License-Identifier: BSD-2-Clause */
#include "reass.h"

#include "util/bytes.h"
#include <stdlib.h>

enum { ETH = 14, ETH_IPV4 = 0x0800, IPV4_MIN = 20, IPV4_MOST = 65535 };
/* RFC 791 3.1: offsets in the header, and the flags and fragment offset in their word. */
enum { IP_LEN = 2, IP_ID = 4, IP_FRAG = 6, IP_PROTO = 9, IP_SUM = 10, IP_SRC = 12, IP_DST = 16 };
enum { MORE = 0x2000, OFFSET = 0x1fff };

/* A fragment, as far as it was believed. */
struct piece {
    const uint8_t *frame, *data;
    uint32_t src, dst;
    uint16_t id;
    uint8_t proto;
    uint32_t head_len; /* Ethernet and IPv4 */
    uint32_t at, len;  /* of its data, bytes */
    int more;
};

static int is_fragment(const uint8_t *frame, uint32_t len)
{
    return len >= ETH + IPV4_MIN && get_be16(frame + 12) == ETH_IPV4 &&
           (get_be16(frame + ETH + IP_FRAG) & (MORE | OFFSET));
}

/* 0: it cannot be part of anything. */
static int parse(const uint8_t *frame, uint32_t len, struct piece *p)
{
    const uint8_t *ip = frame + ETH;
    uint32_t head = (ip[0] & 15u) * 4, total = get_be16(ip + IP_LEN), frag = get_be16(ip + IP_FRAG);
    *p = (struct piece){.frame = frame,
                        .data = ip + head,
                        .src = get_be32(ip + IP_SRC),
                        .dst = get_be32(ip + IP_DST),
                        .id = get_be16(ip + IP_ID),
                        .proto = ip[IP_PROTO],
                        .head_len = ETH + head,
                        .at = (frag & OFFSET) * REASS_BLOCK,
                        .more = (frag & MORE) != 0};
    if (ip[0] >> 4 != 4 || head < IPV4_MIN || total <= head || total > len - ETH)
        return 0;
    p->len = total - head;
    return !(p->more && p->len % REASS_BLOCK) && p->at + p->len + head <= IPV4_MOST;
}

/* ---- slots ---- */

static void begin(struct reass_slot *s, const struct piece *p, uint64_t now)
{
    *s = (struct reass_slot){.buf = s->buf,
                             .src = p->src,
                             .dst = p->dst,
                             .id = p->id,
                             .proto = p->proto,
                             .busy = 1,
                             .born_ns = now};
    if (!s->buf)
        s->buf = malloc(REASS_HEAD + REASS_DATA);
}

static int is_of(const struct reass_slot *s, const struct piece *p)
{
    return s->busy && s->src == p->src && s->dst == p->dst && s->id == p->id &&
           s->proto == p->proto;
}

/* The slot of p's datagram: its own, or a free one, or that of the oldest. */
static struct reass_slot *find(struct reass *r, const struct piece *p, uint64_t now)
{
    struct reass_slot *best = &r->slot[0];
    for (uint32_t i = 0; i < REASS_SLOTS; i++) {
        struct reass_slot *s = &r->slot[i];
        if (s->busy && now - s->born_ns > REASS_SECONDS * 1000000000ull)
            s->busy = 0;
        if (is_of(s, p))
            return s;
        if (best->busy && (!s->busy || s->born_ns < best->born_ns))
            best = s;
    }
    begin(best, p, now);
    return best;
}

/* ---- pieces ---- */

static int has(const struct reass_slot *s, uint32_t block)
{
    return s->map[block / 64] >> (block % 64) & 1;
}

/* How many of p's blocks have come before. */
static uint32_t known_blocks(const struct reass_slot *s, const struct piece *p)
{
    uint32_t n = 0;
    for (uint32_t b = p->at / REASS_BLOCK; b * REASS_BLOCK < p->at + p->len; b++)
        n += (uint32_t)has(s, b);
    return n;
}

static void take(struct reass_slot *s, const struct piece *p)
{
    memcpy(s->buf + REASS_HEAD + p->at, p->data, p->len);
    for (uint32_t b = p->at / REASS_BLOCK; b * REASS_BLOCK < p->at + p->len; b++) {
        s->map[b / 64] |= 1ull << (b % 64);
        s->blocks++;
    }
    if (p->at == 0) {
        s->head_len = p->head_len;
        memcpy(s->head, p->frame, p->head_len);
    }
    if (!p->more)
        s->total = p->at + p->len;
}

/* Blocks of data up to the end, when that is known. */
static uint32_t blocks_of(uint32_t bytes)
{
    return (bytes + REASS_BLOCK - 1) / REASS_BLOCK;
}

static int last_block(const struct reass_slot *s)
{
    for (int i = REASS_DATA / REASS_BLOCK / 64 - 1; i >= 0; i--)
        if (s->map[i])
            return i * 64 + 63 - __builtin_clzll(s->map[i]);
    return -1;
}

/* Two ends that differ, or data behind the end. */
static int contradicts(const struct reass_slot *s, const struct piece *p)
{
    uint32_t end = p->at + p->len;
    if (p->more)
        return s->total && end > s->total;
    return (s->total && s->total != end) || last_block(s) >= (int)blocks_of(end);
}

static uint16_t checksum(const uint8_t *p, uint32_t len)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < len; i += 2)
        sum += get_be16(p + i);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* The first fragment's headers before the data: whole, of the whole length. */
static const uint8_t *finish(struct reass_slot *s, uint32_t *len)
{
    uint8_t *frame = s->buf + REASS_HEAD - s->head_len, *ip = frame + ETH;
    memcpy(frame, s->head, s->head_len);
    put_be16(ip + IP_LEN, (uint16_t)(s->head_len - ETH + s->total));
    put_be16(ip + IP_FRAG, 0);
    put_be16(ip + IP_SUM, 0);
    put_be16(ip + IP_SUM, checksum(ip, s->head_len - ETH));
    s->busy = 0;
    *len = s->head_len + s->total;
    return frame;
}

enum reass_verdict reass_frame(struct reass *r, const uint8_t *frame, uint32_t len, uint64_t now,
                               const uint8_t **out, uint32_t *out_len)
{
    struct piece p;
    if (!is_fragment(frame, len))
        return REASS_WHOLE;
    if (!parse(frame, len, &p))
        return REASS_KEPT;
    struct reass_slot *s = find(r, &p, now);
    uint32_t known = known_blocks(s, &p);
    if (s->buf && known == blocks_of(p.len))
        return REASS_KEPT; /* once more the same */
    if (!s->buf || known || contradicts(s, &p)) {
        s->busy = 0; /* overlaps are attacks (RFC 5722, for IPv6; Linux does the same) */
        return REASS_KEPT;
    }
    take(s, &p);
    if (!s->total || !s->head_len || s->blocks != blocks_of(s->total) ||
        s->head_len - ETH + s->total > IPV4_MOST)
        return REASS_KEPT;
    *out = finish(s, out_len);
    return REASS_DONE;
}

void reass_free(struct reass *r)
{
    for (uint32_t i = 0; i < REASS_SLOTS; i++)
        free(r->slot[i].buf);
}
