/* SPDX-License-Identifier: BSD-2-Clause */
/* Power management of a southbridge: the ACPI PM block in I/O space, its SCI, its events, and what
 * ACPI is told of it. The chip is only touched with the device's lock held; events may be raised in
 * any thread and under any leaf lock: a bottom half latches them. */
#ifndef PM_BLOCK_H
#define PM_BLOCK_H
#include "acpi_pm.h"
#include "util/buf.h"
#include <tenon/acpi.h>
#include <tenon/core.h>
#include <tenon/fwcfg.h>
#include <tenon/irq.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/region.h>

#define PM_EVENTS      64u       /* bits of GPE0, at most */
#define PM_APM_PORT    0xb2      /* APM_CNT, APM_STS: ICH9 13.7.3, PIIX4 7.2.8 */
#define PM_SMI_APMC_EN (1u << 5) /* writes to APM_CNT raise SMI (ICH9 13.8.3.8) */
#define PM_SCI_GSI     9u

/* What a southbridge's block is like. */
struct pm_spec {
    const char *name;   /* of its region */
    uint16_t base, len; /* in I/O space: where it is at reset, and how long */
    uint16_t gpe0;      /* its offset in the block; 0: it is at gpe0_port */
    uint16_t gpe0_port;
    uint16_t smi_en;                   /* offset of SMI_EN; 0: none */
    uint8_t gpe_bytes;                 /* of status, and again of enable */
    uint8_t acpi_enable, acpi_disable; /* commands to APM_CNT */
    uint8_t slp_typ_s3, slp_typ_s5;
};

struct pm_block {
    struct acpi_pm chip;
    const struct pm_spec *spec;
    struct tn_dev *dev;
    const struct tn_machine *machine;
    const struct tn_irq *irq;
    const struct tn_loop *loop;
    const struct tn_regions *regions;
    struct tn_region *block; /* spec->len bytes of I/O space at base */
    struct tn_line *sci;
    struct tn_timer *timer;
    struct tn_bh *latch;
    uint64_t raised; /* atomic: GPEs that latch is to deliver */
    uint32_t fixed;  /* atomic: fixed events likewise, ACPI_PM1_* */
    uint32_t woke;   /* those that have asked for a sleeping machine to be woken */
    uint64_t known;  /* GPEs that have a method */
    struct buf method[PM_EVENTS];
    uint16_t base; /* where the block is now */
    uint8_t no_s3, no_s4,
        s4_val; /* properties of the device: states that it has not, and SLP_TYP */
};

/* Takes ports, line, timer and hooks. spec outlives p. 0 or -errno with e. [main] */
int pm_block_realize(struct pm_block *p, const struct pm_spec *spec, struct tn_dev *d,
                     struct tn_err *e);
/* Of a block that was not realized, the following three do nothing. */

/* The block is at base now, or nowhere. [main][vcpu][dev] */
void pm_block_place(struct pm_block *p, uint16_t base, uint32_t on);
void pm_block_reset(struct pm_block *p);
void pm_block_loaded(struct pm_block *p);

/* The rest is of a device whose instance begins with its struct pm_block. */

/* Its tn_state.pre_save: delivers what was raised. */
int pm_block_pre_save(void *self, struct tn_err *e);
/* Its fini. */
void pm_block_fini(void *self);
/* Its TN_ACPI_PM_1; n: bits of GPE0. */
void pm_block_raise(void *self, uint32_t n);
/* Its TN_ACPI_FIXED_1. */
extern const struct tn_acpi_fixed_ops pm_block_fixed;
int pm_block_fadt(void *self, void *fadt, uint32_t len);
int pm_block_method(void *self, uint32_t n, const void *body, uint32_t len);
#define PM_BLOCK_OPS(n)                                                                       \
    {                                                                                         \
        .struct_size = sizeof(struct tn_acpi_pm_ops), .events = (n), .raise = pm_block_raise, \
        .fadt = pm_block_fadt, .method = pm_block_method                                      \
    }

/* The rows of a struct tn_prop table; pm is the member. */
#define PM_BLOCK_PROPS(T, pm)                                                                  \
    TN_PROP(T, pm.no_s3, "disable_s3", U8, 0, "1: the guest cannot sleep with its memory on"), \
        TN_PROP(T, pm.no_s4, "disable_s4", U8, 0, "1: the guest cannot sleep on a disk"),      \
        TN_PROP(T, pm.s4_val, "s4_val", U8, 2, "SLP_TYP of sleep on a disk")

/* The rows of a struct tn_field table that hold it; pm is the member. */
#define PM_BLOCK_FIELDS(T, pm)                                            \
    TN_FIELD_ROW(T, pm.chip.pm1_sts, "pm1_sts", U16, 1),                  \
        TN_FIELD_ROW(T, pm.chip.pm1_en, "pm1_en", U16, 1),                \
        TN_FIELD_ROW(T, pm.chip.pm1_cnt, "pm1_cnt", U16, 1),              \
        TN_FIELD_ROW(T, pm.chip.gpe_sts, "gpe_sts", U8, ACPI_PM_GPE_MAX), \
        TN_FIELD_ROW(T, pm.chip.gpe_en, "gpe_en", U8, ACPI_PM_GPE_MAX),   \
        TN_FIELD_ROW(T, pm.chip.apm_cnt, "apm_cnt", U8, 1),               \
        TN_FIELD_ROW(T, pm.chip.apm_sts, "apm_sts", U8, 1),               \
        TN_FIELD_ROW(T, pm.chip.overflow, "overflow", U64, 1),            \
        TN_FIELD_ROW(T, pm.chip.sci, "sci", U8, 1)

#endif
