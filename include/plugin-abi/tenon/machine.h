/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * The machine: what it is, what a device may ask of it, and when things happen.
 */
#ifndef TENON_MACHINE_H
#define TENON_MACHINE_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

enum { TN_ARCH_X86 = 1, TN_ARCH_ARM64 = 2 };
enum {
    TN_MF_ACPI = 1,
    TN_MF_FDT = 2,
    TN_MF_FWCFG = 4,
    TN_MF_PCIE = 8,
    TN_MF_SPLIT_IRQCHIP = 16,
    TN_MF_QTEST = 32
};
struct tn_machine_info {
    uint32_t struct_size, flags; /**< TN_MF_* */
    uint32_t arch, slots;        /**< TN_ARCH_*; memory slots of -m */
    uint32_t cpus, max_cpus;
    uint64_t ram, ram_below_4g, maxmem; /**< bytes */
    const char *type;            /**< "q35" */
};
/** request(): what */
enum {
    TN_REQ_RESET = 1,
    TN_REQ_SHUTDOWN,
    TN_REQ_SUSPEND,
    TN_REQ_WAKEUP,
    TN_REQ_PANIC,
    TN_REQ_WATCHDOG,
    TN_REQ_NMI,
    TN_REQ_SMI,
    TN_REQ_CRASH_LOADED, /**< the guest's crash kernel takes over: reported, nothing else */
    TN_REQ_EXIT,         /**< end the process with status arg of request_exit: debugging devices only */
    TN_REQ_PVSHUTDOWN,   /**< as TN_REQ_SHUTDOWN, of a guest that says so to its host: monitors are told */
    TN_REQ_SUSPEND_DISK  /**< as TN_REQ_SHUTDOWN, of a guest that has saved itself (ACPI S4): monitors are told */
};
/** on(): event */
enum {
    TN_ON_OPTIONS = 1, /**< all -M and -object are seen, no device yet: reserve address space here */
    TN_ON_DEVICES,     /**< every cold-plugged device is realized: resolve names here; may fail */
    TN_ON_FIRMWARE,    /**< before tables are built, at boot and at each reset; bus numbers are final */
    TN_ON_POWERDOWN,   /**< the user pressed the power button */
    TN_ON_WAKEUP,      /**< after TN_REQ_SUSPEND and a reset the guest is about to go on; who listens offers such a sleep */
    TN_ON_RUNSTATE,
    TN_ON_CPU_PLUG,
    TN_ON_CPU_UNPLUG_REQUEST,
    TN_ON_MEMORY_PLUG
};

#define TN_MACHINE_1 "tenon.machine/1"
/** TN_MACHINE_1 */
struct tn_machine {
    uint32_t struct_size, rev;
    /** [any] fills at most info->struct_size bytes; type is valid as long as the VM */
    void (*info)(struct tn_dev *d, struct tn_machine_info *info);
    /** [any] leaf: TN_REQ_*, asynchronous; the run loop acts on it, -no-reboot and -action included. text: for the log,
     * copied, or NULL */
    void (*request)(struct tn_dev *d, uint32_t what, const char *text);
    /** [main] in realize: fn(s, arg, e) runs [main][dev] on event TN_ON_*; -errno from it stops the start with e. arg: of
     * TN_ON_RUNSTATE 1 = the machine goes on, anything else = it has stopped. 0 or -errno. Managed */
    int (*on)(struct tn_dev *d, uint32_t event, int (*fn)(void *s, uint64_t arg, struct tn_err *e), void *s);
    /** [any] -rtc: ns since 1970 as the guest shall see it, the clock to run timers on (TN_CLK_*), driftfix=slew */
    void (*rtc)(struct tn_dev *d, uint64_t *now_ns, uint32_t *clk, uint32_t *slew);
    /** [main][vcpu] the guest set its clock: ns since 1970 */
    void (*rtc_set)(struct tn_dev *d, uint64_t now_ns);
    /** [main] bootindex: Open Firmware tail below the device, or NULL; index -1 = none */
    void (*boot)(struct tn_dev *d, int32_t index, const char *suffix);
    /** [main] value of another -M key, borrowed as long as the VM, or NULL; for messages and defaults */
    const char *(*option)(struct tn_dev *d, const char *key);
    /** [any] leaf: TN_REQ_EXIT with a process status 0..255 */
    void (*request_exit)(struct tn_dev *d, uint32_t status);
};

#ifdef __cplusplus
}
#endif
#endif
