/* SPDX-License-Identifier: BSD-2-Clause */
/* filter-dump: every packet that passes, to a file that tcpdump and wireshark read. The format is
 * libpcap's of version 2.4, in the host's byte order (draft-ietf-opsawg-pcap, 4 and 5). */
#include "net_filter.h"

#include "core/services.h"
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

struct pcap_file {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t reserved[2];
    uint32_t snaplen, linktype;
};
struct pcap_packet {
    uint32_t sec, usec, captured, length;
};
_Static_assert(sizeof(struct pcap_file) == 24, "draft-ietf-opsawg-pcap 4");
_Static_assert(sizeof(struct pcap_packet) == 16, "draft-ietf-opsawg-pcap 5");
enum { PCAP_MAGIC = (int)0xa1b2c3d4, PCAP_ETHERNET = 1 };

struct dump {
    struct tn_dev *d;
    struct net_filter_opts o;
    const char *file;
    uint32_t maxlen;
    int fd;
};

/* ---- packets ---- */

static uint32_t skip(const struct tn_iov *from, uint32_t n, uint32_t bytes, struct iovec *to)
{
    uint32_t out = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cut = from[i].len < bytes ? (uint32_t)from[i].len : bytes;
        bytes -= cut;
        if (from[i].len > cut)
            to[out++] = (struct iovec){(char *)from[i].base + cut, from[i].len - cut};
    }
    return out;
}

static uint32_t trim(struct iovec *v, uint32_t n, uint32_t most)
{
    uint32_t i = 0;
    for (; i < n && most; i++) {
        v[i].iov_len = v[i].iov_len < most ? v[i].iov_len : most;
        most -= (uint32_t)v[i].iov_len;
    }
    return i;
}

static int dump_packet(void *s, uint32_t dir, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    enum { PIECES = 8 };
    struct dump *d = s;
    struct iovec out[PIECES + 1];
    uint32_t hdr = net_chain_table.hdr_len(d->d);
    uint64_t len = net_iov_len(v, n), now = loop_table.now(d->d, TN_CLK_HOST);
    (void)dir, (void)q;
    if (!d->o.status || n > PIECES || len <= hdr)
        return 0;
    len -= hdr;
    struct pcap_packet p = {(uint32_t)(now / 1000000000u), (uint32_t)(now % 1000000000u / 1000),
                            (uint32_t)(len < d->maxlen ? len : d->maxlen), (uint32_t)len};
    out[0] = (struct iovec){&p, sizeof p};
    n = trim(out + 1, skip(v, n, hdr, out + 1), d->maxlen);
    if (writev(d->fd, out, (int)n + 1) == (ssize_t)(sizeof p + p.captured))
        return 0;
    d->o.status = 0; /* half a packet, or none: what follows could not be read */
    log_line(LOG_WARN, "%s: network dump write error - stopping dump", device_id(device_of(d->d)));
    return 0;
}

static const struct tn_net_filter filter = {.struct_size = sizeof filter, .packet = dump_packet};

static const void *dump_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_NET_FILTER_1) == 0 ? &filter : NULL;
}

/* ---- life ---- */

static int dump_init(void *s, struct tn_dev *d)
{
    ((struct dump *)s)->d = d;
    return 0;
}

static int open_file(struct dump *d, struct tn_err *e)
{
    const struct pcap_file h = {.magic = (uint32_t)PCAP_MAGIC,
                                .major = 2,
                                .minor = 4,
                                .snaplen = d->maxlen,
                                .linktype = PCAP_ETHERNET};
    d->fd = os_table.open(d->d, d->file, TN_O_WRITE | TN_O_CREATE | TN_O_TRUNC, e);
    if (d->fd < 0)
        return d->fd;
    return write(d->fd, &h, sizeof h) == sizeof h
               ? 0
               : err_set(e, errno, "network dump file '%s': %s", d->file, strerror(errno));
}

static int dump_realize(void *s, struct tn_err *e)
{
    struct dump *d = s;
    if (!d->o.n || !d->file)
        return err_set(e, EINVAL, "Parameter '%s' is missing", d->o.n ? "file" : "netdev");
    int r = open_file(d, e);
    return r < 0 ? r : net_filter_join(&d->o, d->d, e);
}

static int dump_changed(void *s, const char *name, struct tn_err *e)
{
    (void)s, (void)name, (void)e;
    return 0; /* status is looked at for every packet */
}

static const struct tn_prop dump_props[] = {
    NET_FILTER_PROPS(struct dump, o),
    TN_PROP_STR(struct dump, file, "file", NULL, "where they are written"),
    TN_PROP_RANGE(struct dump, maxlen, "maxlen", U32, 65536, 1, NET_PACKET_MAX,
                  "bytes of each packet"),
};

static const char *const provides[] = {TN_NET_FILTER_1, NULL};

const struct tn_class net_dump_class = {
    .struct_size = sizeof net_dump_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_OBJECT,
    .name = "filter-dump",
    .desc = "Writes the packets of a back end to a file",
    .provides = provides,
    .instance_size = sizeof(struct dump),
    .props = dump_props,
    .nprops = ARRAY_SIZE(dump_props),
    .prop_stride = sizeof dump_props[0],
    .init = dump_init,
    .realize = dump_realize,
    .prop_changed = dump_changed,
    .get_iface = dump_iface,
};
