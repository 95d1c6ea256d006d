/* SPDX-License-Identifier: BSD-2-Clause */
#include "ioapic_chip.h"
#include <errno.h>
#include <string.h>

/* A handler that ends its interrupt without silencing the device would be entered again at once,
 * for ever, and the guest would never run anything else. Hardware needs time for each message, so
 * there such a guest crawls on. After this many ends in a row the chip waits too. */
#define STORM_ENDS 10000u
#define STORM_NS   10000000u

struct message {
    uint64_t addr;
    uint32_t data;
    uint32_t masked;
};

static uint32_t delivery_mode(uint64_t rte)
{
    return (rte & IOAPIC_RTE_DELMOD) >> IOAPIC_RTE_DELMOD_SHIFT;
}

static int is_reserved_mode(uint32_t mode)
{
    return mode == 3 || mode == 6;
}

/* Only Fixed and Lowest Priority can be level: the others are always edge, whatever the trigger bit
 * says (3.2.4), and nobody would ever end them. */
static int is_level(uint64_t rte)
{
    return (rte & IOAPIC_RTE_TRIGGER) && delivery_mode(rte) <= IOAPIC_DM_LOWEST;
}

static int is_masked(uint64_t rte)
{
    return (rte & IOAPIC_RTE_MASK) || is_reserved_mode(delivery_mode(rte));
}

static struct message message_of(uint64_t rte)
{
    uint32_t dest = rte >> IOAPIC_RTE_DEST_SHIFT;
    uint32_t ext = (rte & IOAPIC_RTE_EXT_DEST) >> IOAPIC_RTE_EXT_DEST_SHIFT;
    struct message m = {.addr = IOAPIC_MSI_ADDR | dest << IOAPIC_MSI_DEST_SHIFT |
                                ext << IOAPIC_MSI_EXT_DEST_SHIFT,
                        .data = rte & (IOAPIC_RTE_VECTOR | IOAPIC_RTE_DELMOD),
                        .masked = is_masked(rte)};
    if (rte & IOAPIC_RTE_DESTMOD)
        m.addr |= IOAPIC_MSI_DESTMOD;
    if (is_level(rte))
        m.data |= IOAPIC_MSI_LEVEL | IOAPIC_MSI_ASSERT;
    return m;
}

static void send(struct ioapic_chip *c, uint32_t pin)
{
    struct message m = message_of(c->rte[pin]);
    c->env->inject(c->opaque, m.addr, m.data);
}

/* Sends a level pin's interrupt if it is due. */
static void service_level(struct ioapic_chip *c, uint32_t pin)
{
    uint64_t rte = c->rte[pin];
    uint32_t bit = 1u << pin;
    if (!is_level(rte) || is_masked(rte) || (rte & IOAPIC_RTE_REMOTE_IRR))
        return;
    if (!(c->wires & bit) || (c->deferred & bit))
        return;
    c->rte[pin] = rte | IOAPIC_RTE_REMOTE_IRR;
    send(c, pin);
}

static void forget_storm(struct ioapic_chip *c, uint32_t pin)
{
    c->streak[pin] = 0;
    c->deferred &= ~(1u << pin);
}

/* ---- pins and ends of interrupt ------------------------------------------------------------- */

void ioapic_chip_pin(struct ioapic_chip *c, uint32_t pin, uint32_t level)
{
    if (pin >= IOAPIC_PINS || !level == !(c->wires & (1u << pin)))
        return;
    c->wires ^= 1u << pin;
    if (!level) {
        forget_storm(c, pin);
        return;
    }
    uint64_t rte = c->rte[pin];
    if (is_level(rte))
        service_level(c, pin);
    else if (!is_masked(rte)) /* an edge on a masked pin is lost (3.2.4, Interrupt Mask) */
        send(c, pin);
}

static void count_end(struct ioapic_chip *c, uint32_t pin)
{
    if (!(c->wires & (1u << pin)) || ++c->streak[pin] < STORM_ENDS)
        return;
    c->streak[pin] = 0;
    if (!c->deferred)
        c->env->arm(c->opaque, STORM_NS);
    c->deferred |= 1u << pin;
}

static void end_pin(struct ioapic_chip *c, uint32_t pin)
{
    c->env->eoi_of(c->opaque, pin);
    if (!(c->rte[pin] & IOAPIC_RTE_REMOTE_IRR))
        return;
    c->rte[pin] &= ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
    count_end(c, pin);
    service_level(c, pin);
}

void ioapic_chip_eoi(struct ioapic_chip *c, uint32_t vector)
{
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++)
        if (is_level(c->rte[pin]) && (c->rte[pin] & IOAPIC_RTE_VECTOR) == vector)
            end_pin(c, pin);
}

void ioapic_chip_resume(struct ioapic_chip *c)
{
    uint32_t due = c->deferred;
    c->deferred = 0;
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++)
        if (due & (1u << pin))
            service_level(c, pin);
}

/* ---- registers ------------------------------------------------------------------------------ */

static int redirection_pin(uint32_t index, uint32_t *pin)
{
    if (index < IOAPIC_REDIR || index >= IOAPIC_REDIR + 2 * IOAPIC_PINS)
        return 0;
    *pin = (index - IOAPIC_REDIR) / 2;
    return 1;
}

static uint32_t read_indexed(const struct ioapic_chip *c)
{
    uint32_t pin;
    switch (c->regsel) {
    case IOAPIC_ID:
    case IOAPIC_ARB: /* loaded from the id (3.2.3); there is no bus to arbitrate for */
        return (uint32_t)c->id << IOAPIC_ID_SHIFT;
    case IOAPIC_VER:
        return c->version | (IOAPIC_PINS - 1) << IOAPIC_VER_ENTRIES;
    default:
        if (!redirection_pin(c->regsel, &pin))
            return 0;
        return (uint32_t)(c->rte[pin] >> (c->regsel & 1 ? 32 : 0));
    }
}

static uint64_t writable_bits(const struct ioapic_chip *c)
{
    return IOAPIC_RTE_WRITABLE | (c->flags & IOAPIC_FLAG_EXT_DEST ? IOAPIC_RTE_EXT_DEST : 0);
}

static void report_route(struct ioapic_chip *c, uint32_t pin)
{
    struct message m = message_of(c->rte[pin]);
    c->env->route(c->opaque, pin, m.addr, m.data, m.masked);
}

/* A commit is dear (KVM waits for its readers), and a guest that masks and unmasks around each
 * interrupt makes many writes: only a message that did change is reported. */
static void report_change(struct ioapic_chip *c, uint32_t pin, uint64_t old)
{
    struct message a = message_of(old), b = message_of(c->rte[pin]);
    if (a.addr == b.addr && a.data == b.data && a.masked == b.masked)
        return;
    report_route(c, pin);
    c->env->commit(c->opaque);
}

/* Remote IRR is "undefined" for edge pins (3.2.4). It is cleared, as hardware does: system software
 * ends a stuck interrupt on chips without EOIR by switching the pin to edge and back. */
static void write_entry(struct ioapic_chip *c, uint32_t pin, uint32_t high, uint32_t value)
{
    uint64_t old = c->rte[pin];
    uint64_t half = high ? 0xffffffff00000000u : 0xffffffffu;
    uint64_t set = high ? (uint64_t)value << 32 : value;
    uint64_t rte = ((old & ~half) | set) & writable_bits(c);
    rte |= old & IOAPIC_RTE_READ_ONLY;
    if (!is_level(rte))
        rte &= ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
    c->rte[pin] = rte;
    forget_storm(c, pin);
    report_change(c, pin, old);
    service_level(c, pin);
}

static void write_indexed(struct ioapic_chip *c, uint32_t value)
{
    uint32_t pin;
    if (c->regsel == IOAPIC_ID)
        c->id = (value >> IOAPIC_ID_SHIFT) & IOAPIC_ID_MASK;
    else if (redirection_pin(c->regsel, &pin))
        write_entry(c, pin, c->regsel & 1, value);
}

uint64_t ioapic_chip_read(const struct ioapic_chip *c, uint64_t off, uint32_t size)
{
    switch (off & 0xff) {
    case IOAPIC_REGSEL:
        return c->regsel;
    case IOAPIC_WIN:
        return size == 4 ? read_indexed(c) : 0;
    default:
        return 0;
    }
}

void ioapic_chip_write(struct ioapic_chip *c, uint64_t off, uint32_t size, uint64_t value)
{
    switch (off & 0xff) {
    case IOAPIC_REGSEL:
        c->regsel = (uint8_t)value;
        break;
    case IOAPIC_WIN:
        if (size == 4)
            write_indexed(c, (uint32_t)value);
        break;
    case IOAPIC_EOIR:
        if (size == 4 && c->version >= IOAPIC_VERSION_EOIR)
            ioapic_chip_eoi(c, value & IOAPIC_RTE_VECTOR);
        break;
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

static void report_all(struct ioapic_chip *c)
{
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++)
        report_route(c, pin);
    c->env->commit(c->opaque);
}

static void power_on(struct ioapic_chip *c)
{
    c->regsel = 0;
    c->id = 0;
    c->deferred = 0;
    memset(c->streak, 0, sizeof c->streak);
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++)
        c->rte[pin] = IOAPIC_RTE_MASK;
}

int ioapic_chip_init(struct ioapic_chip *c, uint32_t version, uint32_t flags,
                     const struct ioapic_env *env, void *opaque)
{
    if (version != 0x11 && version != IOAPIC_VERSION_EOIR)
        return -EINVAL;
    *c = (struct ioapic_chip){
        .version = (uint8_t)version, .flags = flags, .env = env, .opaque = opaque};
    power_on(c);
    return 0;
}

void ioapic_chip_reset(struct ioapic_chip *c)
{
    power_on(c);
    report_all(c);
}

void ioapic_chip_loaded(struct ioapic_chip *c)
{
    uint32_t pins = (1u << IOAPIC_PINS) - 1;
    c->wires &= pins;
    c->deferred &= pins;
    c->id &= IOAPIC_ID_MASK;
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++) {
        c->rte[pin] &= writable_bits(c) | IOAPIC_RTE_REMOTE_IRR;
        if (!is_level(c->rte[pin]))
            c->rte[pin] &= ~(uint64_t)IOAPIC_RTE_REMOTE_IRR;
    }
    report_all(c);
    if (c->deferred)
        c->env->arm(c->opaque, STORM_NS);
}
