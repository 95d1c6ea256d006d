/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of host/pci; nobody else's.
 *
 * Locks, in this order: the domain of a function's device, around everything that a guest's access
 * does and the plugin's callbacks; struct pci_func.lock, around lib/pci's state, which irq() and
 * intx() reach from any thread; struct pci.lock, around bus numbers. The last two are leaves and
 * call leaves only: spaces, wires, the kernel. */
#ifndef TN_HOST_PCI_IMPL_H
#define TN_HOST_PCI_IMPL_H
#include "core/bus.h"
#include "pci/bridge.h"
#include "pci/config.h"
#include "pci/msi.h"
#include "pci/route.h"
#include "pci/sriov.h"
#include "pci_host.h"
#include "vm/irq.h"
#include "vm/memory.h"
#include "vm/space.h"
#include <pthread.h>

enum { PCI_DEVFNS = 256, PCI_BUSES = 256, PCI_SLOTS = 32 };

/* Provider data of each child of a PCI bus: the properties that the bus adds. */
struct pci_child {
    int32_t addr; /* devfn, -1 = any */
    uint32_t rombar; /* 0: the guest does not see the expansion ROM */
    uint8_t multifunction, reserved[3];
    uint32_t romsize, acpi_index, compat, reserved2;
    const char *romfile, *failover_pair_id;
    struct pci_func *func;
};

/* A region of a function: BAR 0 to 5, the ROM, then what lies over a BAR: MSI-X table and pending
 * bits. */
enum { PCI_MSIX_TABLE_REGION = PCI_BARS, PCI_MSIX_PBA_REGION, PCI_REGIONS };
struct pci_region {
    struct tn_region *region; /* NULL: none */
    uint32_t bar;             /* that it is in */
    uint64_t off, size;       /* in that BAR */
    uint64_t at;              /* where it is now, or PCI_BAR_UNMAPPED */
};

/* A descriptor that raises a vector. */
struct pci_irqfd {
    struct pci_irqfd *next;
    struct pci_func *f;
    struct tn_watch *watch; /* who looks while the kernel does not */
    int fd, gsi;            /* gsi -1: none yet */
    uint32_t vec, lent, in_kernel;
};

/* What a change owes the plugin, once the function's lock is dropped. */
struct pci_events {
    uint32_t moved;     /* bit n: BAR n has another address */
    uint32_t mode;      /* irq_mode is another one */
    uint32_t toggled;   /* some vector was masked or unmasked: pci_func.vec_state says which */
    uint32_t reset;     /* TN_RESET_* that the guest asked for, or 0 */
    uint32_t below;     /* decoding or bus mastering of a bridge changed: what is below follows */
    uint32_t routed;    /* TN_BRIDGE_* */
    uint32_t bus_reset; /* 1 set, 2 cleared */
    uint32_t vfs;       /* SRIOV_*: virtual functions come, go or move */
};

enum { VEC_LIVE = 1, VEC_TOGGLED = 2 };

struct pci_func {
    struct managed m; /* of its device, and the first: stop() makes it unreachable */
    struct device *dev;
    struct pci *pci;
    struct pci_bus *bus;
    struct pci_bus *below; /* of a bridge: its secondary bus */
    struct pci_child *child;
    const struct tn_pci_ops *ops; /* NULL: none */
    uint32_t devfn;
    uint32_t realized;  /* the guest may see it, once function 0 is there */
    uint32_t stopped;   /* its regions are going */
    uint32_t resetting; /* main has been asked for a reset that is not done yet: TN_RESET_* */
    uint32_t ejected;

    pthread_mutex_t lock; /* leaf: everything below */
    struct pci_config c;
    uint8_t *traps; /* a byte of TN_TRAP_* for each of config space; NULL: none */
    struct pci_region region[PCI_REGIONS];
    struct msi msi;     /* cap 0: none */
    struct msix msix;   /* cap 0: none */
    uint8_t *vec_state; /* VEC_* */
    uint32_t nvec;
    uint32_t mode, mode_nvec; /* as last told to the plugin */
    uint32_t pin_level, wire_level;
    struct tn_line *line; /* of its root GSI; NULL until the pin is known */
    int intx_fd;
    struct pci_irqfd *irqfds, *spare; /* spare: a watch of theirs may be on its way */
    struct bridge bridge;
    uint64_t reserve[5];    /* of a bridge: buses, bytes of io, mem, pref32, pref64; ~0 = no wish */
    uint32_t chassis, slot; /* of a port; chassis 0: none */
    uint32_t numbers;       /* of a bridge: secondary | subordinate << 8, atomic */
    uint32_t held;          /* reasons to be absent: PCI_HELD_* */
    struct tn_as as;        /* memory, if the guest lets it be bus master */
    struct tn_bh *reset_bh, *tell_bh;
    struct pci_events owed; /* what tell_bh tells */
    struct pci_vfs *vfs;    /* of a physical function; NULL: none */
    struct pci_func *pf;    /* of a virtual one */
    uint32_t vf_index;
};

/* SR-IOV of a physical function. */
struct pci_vfs {
    struct sriov v; /* below the function's lock */
    struct tn_sriov spec;
    const struct class_entry *entry;
    struct device **vf; /* main thread: the first n exist */
    uint32_t n;
    struct tn_bh *change_bh;
};

/* Why a function answers nothing. */
enum { PCI_HELD_GONE = 1, PCI_HELD_RESET = 2, PCI_HELD_BUS_RESET = 4, PCI_HELD_BY_PF = 8 };

struct pci_range {
    uint64_t base, size;
};

struct pci_bus {
    struct managed m; /* of an extra root: its device's. First */
    struct pci *pci;
    struct tn_bus *bus;
    struct pci_func *bridge;         /* NULL: a root */
    struct pci_bus *next;            /* older first */
    uint32_t flags;                  /* TN_PCIB_* */
    uint32_t number;                 /* as routed now; 0 below a bridge: none. Atomic */
    struct pci_func *at[PCI_DEVFNS]; /* who has the address; main thread */
    struct pci_func
        *seen[PCI_DEVFNS]; /* who answers; read in sections of epoch.h, or with pci.lock */
    const struct tn_pci_bus_ops *ops;
    void *s;
    struct plug_owner *owner; /* of its slots; NULL: the machine's, if it has one */
    uint32_t ejected;         /* bit n: the guest let go of slot n. Atomic */
    uint32_t refused;         /* bit n: it keeps what it was asked for in slot n. Atomic */
    struct pci_range
        given[3];            /* of a root: what pci_assign() put below it, by PCI_IO .. PCI_PREF */
    struct tn_bus_type type; /* of a bus with a type of its plugin's: that one's names, our rules */
};
enum { PCI_IO, PCI_MEM, PCI_PREF, PCI_WINDOWS };

/* Who tells the guest of hot-plug. */
struct plug_owner {
    struct managed m;
    struct pci *pci;
    struct pci_bus *bus; /* NULL: of every bus without one of its own */
    const struct tn_plug_ops *ops;
    void *s;
};

struct pci {
    struct vm *vm;
    pthread_mutex_t lock; /* leaf: seen[] as writers, numbers, route[] */
    struct pci_bus *root, *buses;
    struct pci_bus *route[PCI_BUSES]; /* by bus number; read in sections */
    struct tn_region *ecam, *cf8, *cfc;
    uint32_t config_address;  /* as the guest wrote it, atomic */
    struct plug_owner *owner; /* of buses without one of their own */
    struct tn_bh *eject_bh;
    struct tn_timer *again; /* removals that had to be put off */
};

/* bus_type.c: properties and rules of a PCI bus */
extern const struct tn_bus_type pci_conventional_type, pci_express_type;

/* root.c */
struct pci_bus *pci_bus_new(struct pci *p, struct device *owner, struct pci_func *bridge,
                            const struct tn_bus_type *t, const char *name, const void *port_ops,
                            void *data, uint32_t flags, struct tn_err *e);
void pci_bus_free(struct pci_bus *b);
const struct pci_bus *pci_root_with(const struct pci *p, uint32_t nr); /* bus number; or NULL */
/* b, without a bridge, is the root of bus number nr, as long as owner is there. */
void pci_make_root(struct pci_bus *b, struct device *owner, uint32_t nr);
struct pci_bus *pci_bus_of(const struct tn_bus *b); /* NULL: not a PCI bus */
int pci_bus_is_express(const struct pci_bus *b);
int pci_bus_is_root(const struct pci_bus *b);

/* function.c: a function's life */
struct pci_func *pci_func_new(struct pci_bus *b, struct device *d, const struct tn_pci_ops *ops,
                              struct pci_child *child, uint32_t devfn);
void pci_func_free(struct pci_func *f);
void pci_func_show(struct pci_func *f); /* the guest finds it from now on */
static inline struct pci_func *pci_func_of(const struct tn_dev *d)
{
    return device_of(d)->pci;
}
uint32_t pci_func_rid(const struct pci_func *f);
int pci_func_bar(struct pci_func *f, uint32_t n, uint32_t kind, uint64_t size,
                 const struct tn_region_ops *ops, void *s, struct tn_err *e);
int pci_func_msi(struct pci_func *f, uint32_t at, uint32_t n, uint32_t flags, struct tn_err *e);
int pci_func_msix(struct pci_func *f, uint32_t at, uint32_t n, uint32_t table_bar,
                  uint64_t table_off, uint32_t pba_bar, uint64_t pba_off, struct tn_err *e);
/* fd on top of BAR n, but for the pages that the MSI-X structures are in. */
int pci_func_mmap(struct pci_func *f, uint32_t n, uint64_t off, uint64_t len, int fd,
                  uint64_t fd_off, uint32_t prot, struct tn_err *e);

/* access.c: the guest's accesses, also for the plugin's and the machine's */
uint32_t pci_func_read(struct pci_func *f, uint32_t off, uint32_t size);
void pci_func_write(struct pci_func *f, uint32_t off, uint32_t size, uint32_t v);
int pci_access_init(struct pci *p, uint64_t ecam_base, struct tn_err *e);

/* effects.c: what a change of config space means outside of it */
/* Brings regions, bus mastering, INTx and irqfds up to date. f's lock held. */
void pci_func_settle(struct pci_func *f, struct pci_events *ev);
/* Tells the plugin. f's domain held, f's lock not. */
void pci_func_tell(struct pci_func *f, const struct pci_events *ev);
/* Settles and tells every function below b. No domain held. */
void pci_bus_settle(struct pci_bus *b);
/* The same from the main loop, for who holds no domain or another one. f's lock held. */
void pci_func_tell_later(struct pci_func *f, const struct pci_events *ev);
void pci_func_tell_owed(void *f); /* bottom half */
/* Adds or drops a reason to be absent. f's lock held. */
void pci_func_hold(struct pci_func *f, uint32_t why, int on, struct pci_events *ev);

/* irq.c */
uint32_t pci_pin_gsi(const struct pci_bus *b, uint32_t devfn,
                     uint32_t pin); /* of INTA..INTD (0..3) there */
extern const struct pci_vec_ops pci_msi_ops, pci_msix_ops;
void pci_func_irq(struct pci_func *f, uint32_t vec);
void pci_func_notify(struct pci_func *f, uint32_t vec); /* f's lock held */
void pci_func_intx(struct pci_func *f, uint32_t level);
void pci_func_wire(struct pci_func *f); /* INTx as the config space says; f's lock held */
/* The line of its pin, made if there is none; NULL without pin. Main thread. */
struct tn_line *pci_func_line(struct pci_func *f);
/* vec is delivered now, as *msg. f's lock held. */
int pci_func_message(const struct pci_func *f, uint32_t vec, struct pci_msg *msg);

/* irqfd.c */
int pci_irqfd_lend(struct pci_func *f, uint32_t vec);
int pci_irqfd_adopt(struct pci_func *f, uint32_t vec, int fd, struct tn_err *e);
void pci_irqfds_wire(struct pci_func *f);                           /* f's lock held */
void pci_irqfds_poll(struct pci_func *f, uint32_t vec, uint32_t n); /* f's lock held */
void pci_irqfds_free(struct pci_func *f);
int pci_intx_fd(struct pci_func *f, int resample);

/* route.c */
struct pci_func *pci_lookup(struct pci *p, const struct pci_target *t); /* in a section */
void pci_route(struct pci *p);                        /* bus numbers have changed */
uint32_t pci_last_number(const struct pci_bus *root); /* that is its own */
/* base..base+size-1 reaches b from the root; io: of port space. */
int pci_bus_decodes(const struct pci_bus *b, int io, uint64_t base, uint64_t size);
int pci_bus_masters(const struct pci_bus *b); /* requests from below reach the root */

/* vfs.c */
int pci_vfs_add(struct pci_func *f, const struct tn_sriov *spec, struct tn_err *e);
void pci_vfs_free(struct pci_func *f);
/* Devfn of the virtual function that is being made below its parent. */
int pci_vf_devfn(const struct device *d);
void pci_vf_met(struct pci_func *f);   /* f is a new virtual function: who it belongs to */
void pci_vf_place(struct pci_func *f); /* its BARs as its PF says; both locks are taken */
void pci_vfs_follow(struct pci_func *pf,
                    uint32_t what); /* SRIOV_*; no domain held, or the main thread */

/* rom.c */
int pci_rom_from_file(struct pci_func *f, struct tn_err *e); /* if it was given one; in plugged() */

/* aer.c */
int pci_func_aer(struct pci_func *f, uint32_t severity, uint32_t bits, const uint32_t *header);

/* hotplug.c */
struct plug_owner *pci_slot_owner(const struct pci_bus *b);
int pci_plug_allowed(struct pci_bus *b, uint32_t devfn, struct tn_err *e);
void pci_eject(void *p); /* bottom half: removes what the guest let go of */
/* 1: the main thread waits for a device further down its stack, with others in hand: none may go
 * now, and again is set. */
int pci_put_off(struct pci *p);
void pci_go_on(void *p); /* the timer: what was put off */

/* reset.c */
void pci_bus_reset(struct pci_bus *b,
                   int on); /* Secondary Bus Reset of the bridge above; no domain held */
void pci_func_reset_later(struct pci_func *f,
                          uint32_t kind); /* the guest asked; f's lock not held */
void pci_func_reset_now(void *f);         /* bottom half */

#endif
