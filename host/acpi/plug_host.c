/* SPDX-License-Identifier: BSD-2-Clause */
#include "plug_host.h"

#include "acpi_host.h"
#include "aml/aml.h"
#include "util/buf.h"
#include "vm/space.h"

static struct domain *domain_of(const struct plug_host *h)
{
    return device_of(h->dev)->domain;
}

int plug_host_realize(struct plug_host *h, const struct plug_ports *p, struct tn_err *e)
{
    const struct tn_region_req req = {.struct_size = sizeof req,
                                      .space = TN_SPACE_PIO,
                                      .base = p->base,
                                      .size = p->len,
                                      .name = p->name};
    struct tn_region *r;
    BUF_AUTO body = {0};
    aml_path(&body, p->method);
    int err = region_table.add(h->dev, &req, p->ops, p->self, &r, e);
    return err < 0 ? err
                   : acpi_host_table.event(h->dev, p->event, body.data, (uint32_t)body.len,
                                           &h->event, e);
}

void plug_host_reset(struct plug_host *h, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        h->slot[i].inserting = 0;
    h->told = 1;
}

int plug_host_came(struct plug_host *h, uint32_t i)
{
    int entered = domain_enter(domain_of(h));
    h->slot[i].present = 1;
    h->slot[i].removing = 0;
    h->slot[i].inserting = h->told != 0;
    domain_leave(domain_of(h), entered);
    if (h->told)
        acpi_host_table.raise(h->event);
    return h->told != 0;
}

void plug_host_ask(struct plug_host *h, uint32_t i)
{
    int entered = domain_enter(domain_of(h));
    h->slot[i].removing = 1;
    domain_leave(domain_of(h), entered);
    acpi_host_table.raise(h->event);
}

void plug_host_gone(struct plug_host *h, uint32_t i)
{
    int entered = domain_enter(domain_of(h));
    h->slot[i].present = h->slot[i].inserting = h->slot[i].removing = 0;
    domain_leave(domain_of(h), entered);
}

struct plug_slot plug_host_slot(const struct plug_host *h, uint32_t i)
{
    int entered = domain_enter(domain_of(h));
    struct plug_slot s = h->slot[i];
    domain_leave(domain_of(h), entered);
    return s;
}
