/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: what it is made of, and the services by id. */
#include "host_dma.h"
#include "services.h"
#include "stand_bus.h"
#include <sys/eventfd.h>
#include <unistd.h>

enum { CORPSES_MAX = 20000 };

static void note_asked(struct host *h, const char *id)
{
    for (uint32_t i = 0; i < h->nasked; i++)
        if (strcmp(h->asked[i], id) == 0)
            return;
    if (h->nasked < ARRAY_SIZE(h->asked))
        h->asked[h->nasked++] = id; /* a constant of the plugin's */
}

const void *service(const struct tn_host *pub, const char *id)
{
    struct host *h = (struct host *)(uintptr_t)pub;
    enter(NULL, R_ANY, "host->get");
    if (!id)
        violation("core.h: get", "host->get(NULL)");
    note_asked(h, id);
    for (size_t i = 0; i < ARRAY_SIZE(h->without); i++)
        if (h->without[i] && strcmp(h->without[i], id) == 0)
            return NULL;
    for (const struct service *s = services; s->id; s++)
        if (strcmp(s->id, id) == 0)
            return s->table;
    return NULL;
}

const struct service services[] = {
    {TN_CORE_1, &core_table},
    {TN_LOOP_1, &loop_table},
    {TN_OS_1, &os_table},
    {TN_REGION_1, &region_table},
    {TN_IRQ_1, &irq_table},
    {TN_INTC_1, &intc_table},
    {TN_DMA_1, &dma_table},
    {TN_MEMORY_1, &memory_table},
    {TN_MACHINE_1, &machine_table},
    {TN_CHARDEV_1, &chardev_table},
    {TN_CHR_FEED_1, &chr_feed_table},
    {TN_BLOCK_1, &block_table},
    {TN_BLOCK_FEED_1, &block_feed_table},
    {TN_NETDEV_1, &netdev_table},
    {TN_NET_FEED_1, &net_feed_table},
    {TN_NET_FILTER_CHAIN_1, &net_filters_table},
    {TN_INPUT_1, &input_table},
    {TN_TRACE_1, &trace_table},
    {TN_STREAM_1, &stream_table},
    {TN_PCI_1, &pci_table},
    {TN_PCI_BUS_1, &pci_bus_table},
    {TN_HOTPLUG_1, &hotplug_table},
    {TN_SHADOW_1, &shadow_table},
    {TN_ACPI_1, &acpi_table},
    {TN_FDT_1, &fdt_table},
    {TN_FWCFG_1, &fwcfg_table},
    {0},
};

static void parts_init(struct parts *p)
{
    TAILQ_INIT(&p->timers);
    TAILQ_INIT(&p->watches);
    TAILQ_INIT(&p->bhs);
    TAILQ_INIT(&p->polls);
    TAILQ_INIT(&p->regions);
    TAILQ_INIT(&p->spaces);
    TAILQ_INIT(&p->buses);
    TAILQ_INIT(&p->jobs);
    pthread_mutex_init(&p->jobs_lock, NULL);
    p->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

struct host *host_new(struct check *c)
{
    struct host *h = XNEW(struct host);
    h->pub =
        (struct tn_host){sizeof h->pub, TN_ABI_MAJOR, TN_ABI_MINOR, "tenon-check", "0.1", service};
    h->c = c;
    TAILQ_INIT(&h->devs);
    TAILQ_INIT(&h->gone);
    TAILQ_INIT(&h->corpses);
    h->main = (struct tn_ctx){h, R_MAIN | R_CTX, "main"};
    h->io = (struct tn_ctx){h, R_CTX, "iothread"};
    h->now = 1000000000;
    h->parts = XNEW(struct parts);
    parts_init(h->parts);
    mem_init(h);
    h->parts->system = as_new(h, NULL, NULL);
    stand_bus(h, TN_PCI_BUS); /* for those who look for one */
    return h;
}

static void bury(struct host *h)
{
    struct dev *d;
    struct res *r;
    while ((r = TAILQ_FIRST(&h->corpses))) {
        TAILQ_REMOVE(&h->corpses, r, link);
        free(r);
    }
    while ((d = TAILQ_FIRST(&h->gone))) {
        TAILQ_REMOVE(&h->gone, d, link);
        guard_free(d->pub.self, d->pub.cls->instance_size);
        if (d->child)
            free(d->child);
        free(d);
    }
}

static void free_buses(struct host *h)
{
    struct tn_bus_entry *b;
    while ((b = TAILQ_FIRST(&h->parts->buses))) {
        TAILQ_REMOVE(&h->parts->buses, b, link);
        if (!b->bus->r.d)
            free(b->bus);
        free(b);
    }
}

void host_free(struct host *h)
{
    while (!TAILQ_EMPTY(&h->devs))
        dev_free(TAILQ_LAST(&h->devs, devlist));
    stand_ins_free(h);
    host_run(h, 0); /* what was put off */
    free_buses(h);
    bury(h);
    as_free_all(h);
    mem_free(h);
    close(h->parts->wake);
    pthread_mutex_destroy(&h->parts->jobs_lock);
    free(h->parts);
    free(h);
}
