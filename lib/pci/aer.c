/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/aer.h"
#include "pci/caps.h"
#include "util/bytes.h"

#define UNC_SUPPORTED                                                                              \
    (PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP |             \
     PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP | PCI_ERR_UNC_RX_OVER | \
     PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_ECRC | PCI_ERR_UNC_UNSUP | PCI_ERR_UNC_ACSV |              \
     PCI_ERR_UNC_INTN | PCI_ERR_UNC_MCBTLP | PCI_ERR_UNC_ATOMEG | PCI_ERR_UNC_TLPPRE)
/* 7.8.4.4: the errors that are fatal until software says otherwise */
#define UNC_FATAL                                                                   \
    (PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER | \
     PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_INTN)
#define COR_SUPPORTED                                                                       \
    (PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP | PCI_ERR_COR_REP_ROLL | \
     PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL | PCI_ERR_COR_LOG_OVER)
#define COR_MASKED (PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL | PCI_ERR_COR_LOG_OVER)
#define ECRC_CAPS  (PCI_ERR_CAP_ECRC_GENC | PCI_ERR_CAP_ECRC_CHKC)
#define ECRC_CTRL  (PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE)
#define ROOT_CMD \
    (PCI_ERR_ROOT_CMD_COR_EN | PCI_ERR_ROOT_CMD_NONFATAL_EN | PCI_ERR_ROOT_CMD_FATAL_EN)
#define ROOT_EVENTS                                                                        \
    (PCI_ERR_ROOT_COR_RCV | PCI_ERR_ROOT_MULTI_COR_RCV | PCI_ERR_ROOT_UNCOR_RCV |          \
     PCI_ERR_ROOT_MULTI_UNCOR_RCV | PCI_ERR_ROOT_FIRST_FATAL | PCI_ERR_ROOT_NONFATAL_RCV | \
     PCI_ERR_ROOT_FATAL_RCV)

static void add_root(struct pci_config *c, uint32_t off)
{
    pci_config_reg(c, off + PCI_ERR_ROOT_COMMAND, 4, 0, ROOT_CMD, 0);
    pci_config_reg(c, off + PCI_ERR_ROOT_STATUS, 4, 0, 0, ROOT_EVENTS);
    put_le32(c->sticky + off + PCI_ERR_ROOT_STATUS, ROOT_EVENTS);
    pci_config_vary(c, off + PCI_ERR_ROOT_STATUS, 8);
}

int aer_add(struct pci_config *c, uint32_t at, bool root)
{
    int r =
        pci_ext_cap_add(c, PCI_EXT_CAP_ID_ERR, 2, at, root ? PCI_ERR_SIZEOF_ROOT : PCI_ERR_SIZEOF);
    uint32_t off = (uint32_t)r;

    if (r < 0)
        return r;
    pci_config_reg(c, off + PCI_ERR_UNCOR_STATUS, 4, 0, 0, UNC_SUPPORTED);
    pci_config_reg(c, off + PCI_ERR_UNCOR_MASK, 4, PCI_ERR_UNC_INTN, UNC_SUPPORTED, 0);
    pci_config_reg(c, off + PCI_ERR_UNCOR_SEVER, 4, UNC_FATAL, UNC_SUPPORTED, 0);
    pci_config_reg(c, off + PCI_ERR_COR_STATUS, 4, 0, 0, COR_SUPPORTED);
    pci_config_reg(c, off + PCI_ERR_COR_MASK, 4, COR_MASKED, COR_SUPPORTED, 0);
    pci_config_reg(c, off + PCI_ERR_CAP, 4, ECRC_CAPS, ECRC_CTRL, 0);
    /* RW1CS and RWS: all of them outlive every reset but power-on */
    memset(c->sticky + off + PCI_ERR_UNCOR_STATUS, 0xff, PCI_ERR_HEADER_LOG - 4);
    pci_config_vary(c, off + PCI_ERR_CAP, 4 + 16);
    if (root)
        add_root(c, off);
    return r;
}

/* The capability's offset or 0; one that a plugin made of bytes may be too short to work with. */
static uint32_t find(const struct pci_config *c)
{
    uint32_t off = pci_ext_cap_find(c, PCI_EXT_CAP_ID_ERR, 0);
    uint32_t last = off + PCI_ERR_SIZEOF - 1;

    return off && last < c->size && c->used[last] ? off : 0;
}

static uint32_t reg(const struct pci_config *c, uint32_t aer, uint32_t r)
{
    return get_le32(c->bytes + aer + r);
}

static void set_bits(struct pci_config *c, uint32_t off, uint32_t bits)
{
    put_le32(c->bytes + off, get_le32(c->bytes + off) | bits);
}

static uint16_t devctl(const struct pci_config *c)
{
    return c->exp ? get_le16(c->bytes + c->exp + PCI_EXP_DEVCTL) : 0;
}

static void set_devsta(struct pci_config *c, uint8_t bits)
{
    if (c->exp)
        c->bytes[c->exp + PCI_EXP_DEVSTA] |= bits;
}

static bool serr(const struct pci_config *c)
{
    return get_le16(c->bytes + PCI_COMMAND) & PCI_COMMAND_SERR;
}

static void set_status(struct pci_config *c, uint32_t off, uint16_t bits)
{
    put_le16(c->bytes + off, get_le16(c->bytes + off) | bits);
}

/* Whether Command or Device Control lets a message of this kind leave the function (6.2.6). */
static bool may_send(const struct pci_config *c, int message)
{
    switch (message) {
    case AER_COR:
        return devctl(c) & PCI_EXP_DEVCTL_CERE;
    case AER_NONFATAL:
        return serr(c) || (devctl(c) & PCI_EXP_DEVCTL_NFERE);
    case AER_FATAL:
        return serr(c) || (devctl(c) & PCI_EXP_DEVCTL_FERE);
    default:
        return false;
    }
}

static int report_correctable(struct pci_config *c, uint32_t bits)
{
    uint32_t aer = find(c);

    set_devsta(c, PCI_EXP_DEVSTA_CED);
    if (aer) {
        bits &= COR_SUPPORTED;
        set_bits(c, aer + PCI_ERR_COR_STATUS, bits);
        if (!(bits & ~reg(c, aer, PCI_ERR_COR_MASK)))
            return AER_NONE;
    }
    return may_send(c, AER_COR) ? AER_COR : AER_NONE;
}

/* The log belongs to the first error until software clears its status bit (6.2.4.2). */
static void log_first(struct pci_config *c, uint32_t aer, uint32_t bits, uint32_t old_status,
                      const uint32_t *header)
{
    uint32_t cap = reg(c, aer, PCI_ERR_CAP);

    if (old_status & (1u << PCI_ERR_CAP_FEP(cap)))
        return;
    cap &= ~(uint32_t)PCI_ERR_CAP_FEP(~0);
    put_le32(c->bytes + aer + PCI_ERR_CAP, cap | (uint32_t)__builtin_ctz(bits));
    for (uint32_t i = 0; i < 4; i++)
        put_le32(c->bytes + aer + PCI_ERR_HEADER_LOG + 4 * i, header ? header[i] : 0);
}

/* Logs the error; returns the bits that are not masked. */
static uint32_t log_uncorrectable(struct pci_config *c, uint32_t aer, uint32_t bits,
                                  const uint32_t *header)
{
    uint32_t old = reg(c, aer, PCI_ERR_UNCOR_STATUS);

    bits &= UNC_SUPPORTED;
    set_bits(c, aer + PCI_ERR_UNCOR_STATUS, bits);
    bits &= ~reg(c, aer, PCI_ERR_UNCOR_MASK);
    if (bits)
        log_first(c, aer, bits, old, header);
    return bits;
}

static bool is_fatal(const struct pci_config *c, uint32_t aer, int severity, uint32_t bits)
{
    return aer ? bits & reg(c, aer, PCI_ERR_UNCOR_SEVER) : severity == AER_FATAL;
}

static int report_uncorrectable(struct pci_config *c, int severity, uint32_t bits,
                                const uint32_t *header)
{
    uint32_t aer = find(c);
    bool fatal = is_fatal(c, aer, severity, bits), unsupported = bits == PCI_ERR_UNC_UNSUP;
    int message;

    set_devsta(c, (fatal ? PCI_EXP_DEVSTA_FED : PCI_EXP_DEVSTA_NFED) |
                      (bits & PCI_ERR_UNC_UNSUP ? PCI_EXP_DEVSTA_URD : 0));
    if (aer) {
        bits = log_uncorrectable(c, aer, bits, header);
        if (!bits)
            return AER_NONE;
    }
    message = is_fatal(c, aer, severity, bits) ? AER_FATAL : AER_NONFATAL;
    if (unsupported && !serr(c) && !(devctl(c) & PCI_EXP_DEVCTL_URRE))
        return AER_NONE;
    if (!may_send(c, message))
        return AER_NONE;
    if (serr(c))
        set_status(c, PCI_STATUS, PCI_STATUS_SIG_SYSTEM_ERROR);
    return message;
}

int aer_report(struct pci_config *c, int severity, uint32_t bits, const uint32_t *header)
{
    return severity == AER_COR ? report_correctable(c, bits)
                               : report_uncorrectable(c, severity, bits, header);
}

bool aer_bridge_forwards(struct pci_config *c, int message)
{
    if (message != AER_COR)
        set_status(c, PCI_SEC_STATUS, PCI_SEC_STATUS_RCV_SYSTEM_ERROR);
    if (!(get_le16(c->bytes + PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_SERR) || !may_send(c, message))
        return false;
    if (message != AER_COR && serr(c))
        set_status(c, PCI_STATUS, PCI_STATUS_SIG_SYSTEM_ERROR);
    return true;
}

/* ---- root ----------------------------------------------------------------------------- */

static uint32_t find_root(const struct pci_config *c)
{
    uint32_t off = find(c);

    return off && off + PCI_ERR_SIZEOF_ROOT <= c->size ? off : 0;
}

/* Status bits, and whether source is the first of its class. */
static uint32_t collect(int message, uint32_t status, bool *first)
{
    uint32_t one = message == AER_COR ? PCI_ERR_ROOT_COR_RCV : PCI_ERR_ROOT_UNCOR_RCV;
    uint32_t many = message == AER_COR ? PCI_ERR_ROOT_MULTI_COR_RCV : PCI_ERR_ROOT_MULTI_UNCOR_RCV;

    *first = !(status & one);
    status |= *first ? one : many;
    if (message == AER_FATAL)
        status |= PCI_ERR_ROOT_FATAL_RCV | (*first ? PCI_ERR_ROOT_FIRST_FATAL : 0);
    if (message == AER_NONFATAL)
        status |= PCI_ERR_ROOT_NONFATAL_RCV;
    return status;
}

void aer_root_receive(struct pci_config *c, int message, uint16_t source)
{
    uint32_t aer = find_root(c);
    bool first;

    if (!aer || message == AER_NONE)
        return;
    put_le32(c->bytes + aer + PCI_ERR_ROOT_STATUS,
             collect(message, reg(c, aer, PCI_ERR_ROOT_STATUS), &first));
    if (first)
        put_le16(c->bytes + aer + PCI_ERR_ROOT_ERR_SRC + (message == AER_COR ? 0 : 2), source);
}

bool aer_root_irq(const struct pci_config *c)
{
    uint32_t aer = find_root(c), cmd, status;

    if (!aer)
        return false;
    cmd = reg(c, aer, PCI_ERR_ROOT_COMMAND);
    status = reg(c, aer, PCI_ERR_ROOT_STATUS);
    return (cmd & PCI_ERR_ROOT_CMD_COR_EN && status & PCI_ERR_ROOT_COR_RCV) ||
           (cmd & PCI_ERR_ROOT_CMD_NONFATAL_EN && status & PCI_ERR_ROOT_NONFATAL_RCV) ||
           (cmd & PCI_ERR_ROOT_CMD_FATAL_EN && status & PCI_ERR_ROOT_FATAL_RCV);
}
