/* SPDX-License-Identifier: BSD-2-Clause */
/* Machines and devices for the ACPI service, and what of it came to memory. */
#ifndef TN_ACPI_HOST_RIG_H
#define TN_ACPI_HOST_RIG_H
#include "acpi/acpi_host.h"
#include "acpi/tables.h"
#include "aml/aml.h"
#include "core/fwcfg_host.h"
#include "fake_machine.h"
#include "tap.h"
#include "util/bytes.h"
#include <errno.h>

/* ---- devices ---- */

/* Event hardware as in an ICH9, or with reduced set as a GED. */
struct pm {
    struct device *dev;
    uint32_t reduced, raised, methods, unlocked;
    uint8_t body[4];
};

static void pm_raise(void *s, uint32_t n)
{
    ((struct pm *)s)->raised |= 1u << n;
}

static int pm_fadt(void *s, void *fadt, uint32_t len)
{
    struct pm *p = s;
    uint8_t *t = fadt;
    p->unlocked |= !domain_held(p->dev->domain) || len < 276;
    put_le32(t + 112, get_le32(t + 112) | (p->reduced ? 1u << 20 : 0));
    put_le16(t + 46, 9);
    put_le32(t + 56, p->reduced ? 0 : 0x600);
    put_le32(t + 80, 0x620);
    t[92] = 16;
    return 0;
}

static int pm_method(void *s, uint32_t n, const void *aml, uint32_t len)
{
    struct pm *p = s;
    p->unlocked |= !domain_held(p->dev->domain);
    p->methods |= 1u << n;
    p->body[n & 3] = len ? *(const uint8_t *)aml : 0;
    return 0;
}

static const struct tn_acpi_pm_ops pm_ops = {.struct_size = sizeof pm_ops,
                                             .events = 2,
                                             .raise = pm_raise,
                                             .fadt = pm_fadt,
                                             .method = pm_method};
static const void *pm_iface(void *s, const char *id)
{
    (void)s;
    (void)id;
    return &pm_ops;
}
static const char *const pm_provides[] = {TN_ACPI_PM_1, NULL};
static const struct tn_class pm_class = {.name = "pm",
                                         .instance_size = sizeof(struct pm),
                                         .provides = pm_provides,
                                         .get_iface = pm_iface};

/* A device whose builder is what a test says. */
struct user {
    struct device *dev;
    int (*fn)(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o);
    struct user *other;
    uint32_t builds, order, unlocked, scope;
    const char *seen;
    int result;
    char name[5], path[64];
};
static const struct tn_class user_class = {.name = "user", .instance_size = sizeof(struct user)};
static uint32_t builds;

static int user_build(void *s, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                      struct tn_err *e)
{
    struct user *u = s;
    (void)e;
    u->builds++;
    u->order = ++builds;
    u->unlocked |= !domain_held(u->dev->domain);
    return u->result = u->fn ? u->fn(u, b, o) : 0;
}

static struct user *user(const char *id, int (*fn)(struct user *u, const struct tn_acpi_build *b,
                                                   struct tn_acpi_out *o))
{
    struct device *d = fake_device(fake.vm, &user_class, id);
    struct user *u = d->pub.self;
    u->dev = d;
    u->fn = fn;
    return u;
}

static struct user *builder(const char *id, int (*fn)(struct user *u, const struct tn_acpi_build *b,
                                                      struct tn_acpi_out *o))
{
    struct user *u = user(id, fn);
    CHECK_EQ(acpi_host_table.builder(&u->dev->pub, user_build, u), 0);
    return u;
}

/* ---- machines ---- */

static struct pm *start(int pci, uint32_t reduced)
{
    fake_machine_start(pci);
    fake.vm->acpi = acpi_host_new(fake.vm);
    struct device *d = fake_device(fake.vm, &pm_class, "pm");
    struct pm *p = d->pub.self;
    p->dev = d;
    p->reduced = reduced;
    builds = 0;
    return p;
}

static void finish(void)
{
    struct acpi *a = fake.vm->acpi;
    struct fwcfg *f = fake.vm->fwcfg;
    while (!TAILQ_EMPTY(&fake.vm->devices))
        fake_device_free(TAILQ_LAST(&fake.vm->devices, device_list));
    fwcfg_host_free(f);
    fake_machine_end();
    acpi_host_free(a);
}

static int build(void)
{
    struct tn_err e = {0};
    uint64_t rsdp = 0;
    memset(fake.ram, 0, sizeof fake.ram);
    int r = acpi_host_build(fake.vm, FAKE_RAM, sizeof fake.ram, &rsdp, &e);
    if (r < 0)
        printf("# %s\n", err_text(&e));
    err_clear(&e);
    return r < 0 ? r : rsdp == FAKE_RAM ? 0 : -1;
}

/* ---- reading ---- */

static const uint8_t *at(uint64_t gpa)
{
    CHECK(gpa >= FAKE_RAM && gpa < FAKE_RAM + sizeof fake.ram - 64);
    return fake.ram + (gpa - FAKE_RAM);
}

static uint8_t sum(const uint8_t *p, uint32_t n)
{
    uint8_t s = 0;
    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

static const uint8_t *table(const char *sig)
{
    const uint8_t *xsdt = at(get_le64(fake.ram + 24));
    for (uint32_t off = 36; off < get_le32(xsdt + 4); off += 8) {
        const uint8_t *t = at(get_le64(xsdt + off));
        CHECK_EQ(sum(t, get_le32(t + 4)), 0);
        if (memcmp(t, sig, 4) == 0)
            return t;
    }
    return NULL;
}

static const uint8_t *dsdt(void)
{
    return at(get_le64(table("FACP") + 140));
}

static int dsdt_has(const void *p, size_t n)
{
    const uint8_t *t = dsdt();
    return memmem(t, get_le32(t + 4), p, n) != NULL;
}

#endif
