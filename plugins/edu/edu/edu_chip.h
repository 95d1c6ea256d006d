/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's educational device without a bus: a register that inverts, a factorial, interrupts, DMA.
 *
 * Threads: every function is called with the device's lock held; callbacks run with it and do not
 * call back into the chip. */
#ifndef EDU_CHIP_H
#define EDU_CHIP_H
#include "edu_regs.h"
#include <stdint.h>

/* What the chip asks of its environment. No member may be NULL. */
struct edu_env {
    /* Something was raised: assert INTx, or send an MSI each time. */
    void (*raise)(void *opaque);
    /* Nothing is raised any more: deassert INTx. */
    void (*lower)(void *opaque);
    /* Calls edu_chip_compute() once, soon, from elsewhere than this call. */
    void (*compute)(void *opaque);
    /* Calls edu_chip_transfer() once, ns from now. */
    void (*transfer)(void *opaque, uint64_t ns);
    /* Takes compute() and transfer() back. */
    void (*cancel)(void *opaque);
    /* Copies len bytes, at most EDU_BUFFER_SIZE, from or to the bus address addr; addr + len - 1
     * does not wrap. Return 0, or -errno if not all of it can be reached. */
    int (*dma_read)(void *opaque, uint64_t addr, void *p, uint32_t len);
    int (*dma_write)(void *opaque, uint64_t addr, const void *p, uint32_t len);
    /* The guest made a mistake; what is a constant. */
    void (*guest_error)(void *opaque, const char *what);
};

struct edu_chip {
    /* state: the fields that are saved */
    uint32_t liveness, factorial, status, int_status;
    uint64_t dma_src, dma_dst, dma_count, dma_cmd;
    uint8_t buffer[EDU_BUFFER_SIZE];
    /* configuration */
    uint64_t dma_mask;
    const struct edu_env *env;
    void *opaque;
};

/* Makes c the device after power-on, without calling env. DMA addresses are cut to dma_mask,
 * usually EDU_DMA_MASK_DEFAULT. c, env and opaque stay the caller's and outlive the use of c. */
void edu_chip_init(struct edu_chip *c, uint64_t dma_mask, const struct edu_env *env, void *opaque);

/* Hardware reset: nothing under way, nothing raised, the buffer zero. */
void edu_chip_reset(struct edu_chip *c);

/* After the state fields were loaded: work under way is started again, and what is raised is
 * raised. */
void edu_chip_loaded(struct edu_chip *c);

/* Access to size bytes at off of BAR 0. What is no register, or has another width, reads as
 * all-ones and ignores a write. */
uint64_t edu_chip_read(const struct edu_chip *c, uint64_t off, uint32_t size);
void edu_chip_write(struct edu_chip *c, uint64_t off, uint32_t size, uint64_t value);

/* The time that env->compute() asked for has come: the factorial is there. */
void edu_chip_compute(struct edu_chip *c);

/* The time that env->transfer() asked for has come: the DMA transfer takes place. */
void edu_chip_transfer(struct edu_chip *c);

#endif
