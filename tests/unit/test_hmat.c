/* SPDX-License-Identifier: BSD-2-Clause */
/* -numa hmat-lb and hmat-cache: what fits together, QEMU's words for what does not, and the table
 * that comes of it (ACPI 6.5 5.2.28). */
#include "vm/hmat.h"

#include "acpi/tables.h"
#include "acpi_machines.h"
#include "cli/kvtree.h"
#include "core/err.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>

static struct hmat *two_nodes(void)
{
    struct hmat *h = hmat_new();
    CHECK_EQ(hmat_add_node(h, 0, HMAT_NO_NODE, NULL), 0);
    CHECK_EQ(hmat_add_node(h, 1, 0, NULL), 0);
    CHECK_EQ(hmat_add_cpu(h, 0, NULL), 0);
    return h;
}

static struct kv_node *item(const char *text)
{
    struct kv_node *d = kv_new(KV_DICT);
    AUTO_FREE char *copy = xstrdup(text);
    for (char *save, *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        char *eq = strchr(w, '=');
        *eq = 0;
        kv_set(d, w, eq + 1);
    }
    return d;
}

/* NULL if it was taken, else why not; the caller frees it. */
static char *refused(struct hmat *h, const char *text)
{
    ERR_AUTO e = {0};
    KV_AUTO *d = item(text);
    int r = strstr(text, "level=") && strstr(text, "node-id=") ? hmat_add_cache(h, d, &e)
                                                               : hmat_add_lb(h, d, &e);
    return r < 0 ? xstrdup(err_text(&e)) : NULL;
}

#define TAKES(h, text)                          \
    do {                                        \
        AUTO_FREE char *why = refused(h, text); \
        CHECK_STR(why ? why : "", "");          \
    } while (0)
#define REFUSES(h, text, because)               \
    do {                                        \
        AUTO_FREE char *why = refused(h, text); \
        CHECK_STR(why ? why : "", because);     \
    } while (0)

#define LATENCY(i, t, v) \
    "initiator=" #i ",target=" #t ",hierarchy=memory,data-type=access-latency,latency=" #v
#define BANDWIDTH(i, t, v) \
    "initiator=" #i ",target=" #t ",hierarchy=memory,data-type=access-bandwidth,bandwidth=" #v
#define CACHE(n, l, s) \
    "node-id=" #n ",level=" #l ",size=" #s ",associativity=direct,policy=write-back,line=64"

TEST(latencies_share_a_power_of_ten)
{
    struct hmat *h = two_nodes();
    const struct hmat_lb *lb = &h->lb[0][0];
    TAKES(h, LATENCY(0, 0, 5000));
    CHECK_EQ(lb->base, 1000);
    TAKES(h, LATENCY(0, 1, 120));
    CHECK_EQ(lb->base, 10);
    CHECK_EQ(hmat_units(lb, 0, 0), 500);
    CHECK_EQ(hmat_units(lb, 0, 1), 12);
    hmat_free(h);
}

TEST(values_that_differ_too_much_are_refused)
{
    struct hmat *h = two_nodes();
    TAKES(h, LATENCY(0, 0, 1));
    REFUSES(h, LATENCY(0, 1, 65535),
            "Latency 65535 between initiator=0 and target=1 should not differ from previously "
            "entered min or max values on more than 65534");
    TAKES(h, LATENCY(0, 1, 65534));
    TAKES(h, BANDWIDTH(0, 0, 65534M));
    CHECK_EQ(h->lb[0][3].base, 2 << 20);
    TAKES(h, BANDWIDTH(0, 1, 32767M));
    CHECK_EQ(h->lb[0][3].base, 1 << 20);
    CHECK_EQ(hmat_units(&h->lb[0][3], 0, 0), 65534);
    hmat_free(h);
    h = two_nodes();
    TAKES(h, LATENCY(0, 0, 1000000));
    REFUSES(h, LATENCY(0, 1, 1), /* the first does not fit any more */
            "Latency 1 between initiator=0 and target=1 should not differ from previously "
            "entered min or max values on more than 65534");
    CHECK_EQ(hmat_units(&h->lb[0][0], 0, 0), 1);
    hmat_free(h);
}

TEST(what_is_wrong_is_said_in_the_words_of_qemu)
{
    struct hmat *h = two_nodes();
    REFUSES(h, LATENCY(2, 0, 1), "Invalid initiator=2, it should be less than 2");
    REFUSES(h, LATENCY(0, 2, 1), "Invalid target=2, it should be less than 2");
    REFUSES(h, LATENCY(1, 0, 1), "Invalid initiator=1, it isn't an initiator proximity domain");
    REFUSES(h, "initiator=0,target=0,hierarchy=memory,data-type=write-latency,bandwidth=1M",
            "Missing 'latency' option");
    REFUSES(h, LATENCY(0, 0, 1) ",bandwidth=1M",
            "Invalid option 'bandwidth' since the data type is latency");
    REFUSES(h, BANDWIDTH(0, 0, 1048575),
            "Bandwidth 1048575 between initiator=0 and target=0 should be 1MB aligned");
    TAKES(h, LATENCY(0, 0, 1));
    REFUSES(h, LATENCY(0, 0, 5),
            "Duplicate configuration of the latency for initiator=0 and target=0");
    REFUSES(h, "target=0", "Parameter 'initiator' is missing");
    hmat_free(h);
}

TEST(caches_come_after_speeds_and_grow_by_level)
{
    struct hmat *h = two_nodes();
    REFUSES(h, CACHE(0, 1, 10K),
            "The latency and bandwidth information of node-id=0 should be provided before memory "
            "side cache attributes");
    TAKES(h, LATENCY(0, 0, 1));
    TAKES(h, BANDWIDTH(0, 0, 0)); /* 0: not known */
    REFUSES(h, CACHE(0, 1, 10K),
            "The latency and bandwidth information of node-id=0 should be provided before memory "
            "side cache attributes");
    TAKES(h, "initiator=0,target=0,hierarchy=memory,data-type=read-bandwidth,bandwidth=1G");
    REFUSES(h, CACHE(2, 1, 10K), "Invalid node-id=2, it should be less than 2");
    REFUSES(h, CACHE(0, 4, 10K),
            "Invalid level=4, it should be larger than 0 and less than or equal to 3");
    REFUSES(h, CACHE(0, 2, 10K), "Cache level=1 shall be defined first");
    TAKES(h, CACHE(0, 1, 10K));
    REFUSES(h, CACHE(0, 1, 10K),
            "Duplicate configuration of the side cache for node-id=0 and level=1");
    REFUSES(h, CACHE(0, 2, 10K),
            "Invalid size=10240, the size of level=2 should be larger than the size(10240) of "
            "level=1");
    TAKES(h, CACHE(0, 2, 20K));
    CHECK_EQ(hmat_levels(&h->node[0]), 2);
    hmat_free(h);
}

TEST(initiators_have_processors)
{
    ERR_AUTO e = {0};
    struct hmat *h = hmat_new();
    CHECK_EQ(hmat_add_node(h, 0, 1, NULL), 0);
    CHECK(hmat_check(h, &e) < 0);
    CHECK_STR(err_text(&e), "NUMA node 1 is missing, use '-numa node' option to declare it first");
    err_clear(&e);
    CHECK_EQ(hmat_add_node(h, 1, HMAT_NO_NODE, NULL), 0);
    CHECK(hmat_check(h, &e) < 0);
    CHECK_STR(err_text(&e), "The initiator of NUMA node 0 is invalid");
    err_clear(&e);
    CHECK(hmat_add_cpu(h, 0, &e) < 0);
    CHECK_STR(err_text(&e), "The initiator of CPU NUMA node 0 should be itself (got 1)");
    CHECK_EQ(hmat_add_cpu(h, 1, NULL), 0);
    CHECK_EQ(hmat_check(h, NULL), 0);
    hmat_free(h);
}

/* ---- the table ---- */

static const uint8_t *find_hmat(const struct buf *b)
{
    for (size_t i = 0; i + 4 <= b->len; i += 4)
        if (memcmp(b->data + i, "HMAT", 4) == 0)
            return b->data + i;
    return NULL;
}

TEST(the_table_is_laid_out_as_acpi_says)
{
    BUF_AUTO b = {0};
    struct hmat *h = two_nodes();
    struct acpi_machine m = q35_machine;
    TAKES(h, LATENCY(0, 0, 5));
    TAKES(h, LATENCY(0, 1, 20));
    TAKES(h, BANDWIDTH(0, 0, 2G));
    TAKES(h, CACHE(0, 1, 10K));
    m.hmat = h;
    struct acpi_tables *t = acpi_new();
    CHECK_EQ(acpi_describe(t, &m), 0);
    CHECK_EQ(acpi_place(t, 0x7fe0000, &b), 0);
    const uint8_t *p = find_hmat(&b);
    CHECK(p != NULL);
    CHECK_EQ(get_le32(p + 4), 40 + 2 * 40 + 2 * (32 + 4 + 8 + 4) + 32);
    CHECK_EQ(p[8], 2);
    p += 40; /* 5.2.28.3: node 0, next to itself; node 1, next to node 0 */
    CHECK_EQ(get_le16(p), 0);
    CHECK_EQ(get_le32(p + 4), 40);
    CHECK_EQ(get_le16(p + 8), 1);
    CHECK_EQ(get_le32(p + 40 + 12), 0);
    CHECK_EQ(get_le32(p + 40 + 16), 1);
    p += 80; /* 5.2.28.4: ps, from node 0 to nodes 0 and 1 */
    CHECK_EQ(get_le16(p), 1);
    CHECK_EQ(get_le32(p + 4), 48);
    CHECK_EQ(p[8], 0);
    CHECK_EQ(p[9], 0);
    CHECK_EQ(get_le32(p + 12), 1);
    CHECK_EQ(get_le32(p + 16), 2);
    CHECK_EQ(get_le64(p + 24), 1000);
    CHECK_EQ(get_le32(p + 40), 1);
    CHECK_EQ(get_le16(p + 44), 5);
    CHECK_EQ(get_le16(p + 46), 20);
    p += 48; /* MB/s */
    CHECK_EQ(p[9], 3);
    CHECK_EQ(get_le64(p + 24), 2048);
    CHECK_EQ(get_le16(p + 44), 1);
    CHECK_EQ(get_le16(p + 46), 0);
    p += 48; /* 5.2.28.5: one level, direct, write-back, lines of 64 */
    CHECK_EQ(get_le16(p), 2);
    CHECK_EQ(get_le64(p + 16), 10240);
    CHECK_EQ(get_le32(p + 24), 64 << 16 | 1 << 12 | 1 << 8 | 1 << 4 | 1);
    acpi_free(t);
    hmat_free(h);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    RUN(latencies_share_a_power_of_ten);
    RUN(values_that_differ_too_much_are_refused);
    RUN(what_is_wrong_is_said_in_the_words_of_qemu);
    RUN(caches_come_after_speeds_and_grow_by_level);
    RUN(initiators_have_processors);
    RUN(the_table_is_laid_out_as_acpi_says);
    return tap_done();
}
