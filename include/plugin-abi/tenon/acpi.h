/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * ACPI: devices add bytes of AML and tables; the host makes the rest. (ACPI Specification 6.5.)
 */
#ifndef TENON_ACPI_H
#define TENON_ACPI_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_acpi_out;   /**< one build in progress */
struct tn_acpi_event; /**< one GPE bit or GED event, chosen by the host */
enum {
    TN_SCOPE_SB = 1, /**< \_SB */
    TN_SCOPE_PARENT, /**< the ACPI device of the bus that the device sits on: the ISA bridge, \_SB.PCI0 */
    TN_SCOPE_SELF,   /**< inside the host-made Device() of this PCI function or slot */
    TN_SCOPE_ROOT    /**< the root: \_S5, \_GPE */
};

#define TN_ACPI_BUILD_1 "tenon.acpi-build/1"
/** TN_ACPI_BUILD_1; valid inside a builder only. All [main][dev], 0 or -errno. */
struct tn_acpi_build {
    uint32_t struct_size, rev;
    /** len bytes of AML at scope; names must start with the device's prefix (see prefix) or be the usual ones */
    int (*aml)(struct tn_acpi_out *o, uint32_t scope, const void *aml, uint32_t len);
    /** a table of its own: the body after the 36-byte header; sig: four characters */
    int (*table)(struct tn_acpi_out *o, const char *sig, uint32_t rev, const void *body, uint32_t len);
    /** one structure into a table of the host: "APIC", "SRAT", "DMAR", "VIOT" */
    int (*entry)(struct tn_acpi_out *o, const char *sig, const void *bytes, uint32_t len);
    /** patch size bytes at off of what was last added with the guest address of a fw_cfg blob */
    int (*pointer)(struct tn_acpi_out *o, uint32_t off, uint32_t size, const char *blob, uint32_t blob_off);
    /** AML of a PCI bus, made from what is true at this moment: _CRS; bytes written, or -errno */
    int (*crs)(struct tn_acpi_out *o, struct tn_bus *b, void *aml, uint32_t max);
    /** likewise _PRT: the same swizzle as the wires */
    int (*prt)(struct tn_acpi_out *o, struct tn_bus *b, void *aml, uint32_t max);
    /** AML interrupt descriptor of a line (GSI, trigger, polarity) */
    int (*irq)(struct tn_acpi_out *o, struct tn_line *l, void *aml, uint32_t max);
    /** full path of another device's ACPI object; -ENOENT */
    int (*path)(struct tn_acpi_out *o, struct tn_dev *of, char *buf, uint32_t max);
    /** a four-character name, unique in the machine and stable over restarts, from a 2-letter prefix; name: 5 bytes */
    int (*prefix)(struct tn_acpi_out *o, const char *two, char *name);
    /** len bytes of AML inside the Device() of a place on a PCI bus, filled or not, which is made if there is none;
     * len 0: nothing is added. path (NULL: not wanted): its full path, or -ENAMETOOLONG */
    int (*place)(struct tn_acpi_out *o, struct tn_bus *b, uint32_t devfn, const void *aml, uint32_t len, char *path,
                 uint32_t max);
};

#define TN_ACPI_1 "tenon.acpi/1"
/** TN_ACPI_1; absent with acpi=off. */
struct tn_acpi {
    uint32_t struct_size, rev;
    /** [main] build() runs [main][dev] at boot and at each reset, in order of the devices' creation. Managed */
    int (*builder)(struct tn_dev *d,
                   int (*build)(void *s, const struct tn_acpi_build *b, struct tn_acpi_out *o, struct tn_err *e), void *s);
    /** [main] realize: aml = body of the event's method; -ENOSPC when the bits are used up. Managed */
    int (*event)(struct tn_dev *d, const char *name, const void *aml, uint32_t len, struct tn_acpi_event **out,
                 struct tn_err *e);
    /** [any] leaf: SCI through GPE, or the GED line */
    void (*raise)(struct tn_acpi_event *ev);
};

#define TN_ACPI_PM_1 "tenon.acpi-pm/1"
/** TN_ACPI_PM_1, of the class that is the event hardware (PM block, GED). */
struct tn_acpi_pm_ops {
    uint32_t struct_size, flags;
    uint32_t events, reserved; /**< bits it has */
    /** [any] leaf: latch bit n, raise the SCI or GED line as enabled */
    void (*raise)(void *s, uint32_t n);
    /** [main][dev] write the FADT fields that it answers for into the whole table (ACPI 5.2.9); the checksum is the host's */
    int (*fadt)(void *s, void *fadt, uint32_t len);
    /** [main][dev] body of event n, once per event before the first build: the provider puts it into _Exx or _EVT */
    int (*method)(void *s, uint32_t n, const void *aml, uint32_t len);
};

/** tn_acpi_fixed_ops.event: fixed events, PM1_STS bits (ACPI 4.8.3.1.1) */
enum {
    TN_ACPI_FIXED_RTC = 1 << 10
};
#define TN_ACPI_FIXED_1 "tenon.acpi-fixed/1"
/** FWD: TN_ACPI_FIXED_1, of a class that is fixed event hardware (PM block). */
struct tn_acpi_fixed_ops {
    uint32_t struct_size, flags;
    /** [any] leaf: latch bits; one that the guest has enabled raises the SCI, and wakes a machine that sleeps */
    void (*event)(void *s, uint32_t bits);
};

#ifdef __cplusplus
}
#endif
#endif
