/* SPDX-License-Identifier: BSD-2-Clause */
/* The slots of a root bus, and their registers. Nothing here locks or knows a bus. */
#ifndef PCIHP_H
#define PCIHP_H
#include "pcihp_regs.h"
#include <stdint.h>

struct pcihp_ops {
    /* slots that can be plugged and unplugged now */
    uint32_t (*removable)(void *s);
    /* the guest let go of these slots; pcihp_removed() follows for each, or nothing was there */
    void (*eject)(void *s, uint32_t slots);
    /* the guest keeps these, which it was asked for */
    void (*refuse)(void *s, uint32_t slots);
    /* the guest is to look at UP and DOWN */
    void (*raise)(void *s);
};

struct pcihp {
    uint32_t up, down, select; /* the state: what is saved */
    const struct pcihp_ops *ops;
    void *s;
};

void pcihp_init(struct pcihp *c, const struct pcihp_ops *ops, void *s);
/* The machine's reset: the guest will look at everything. What it is asked for stays asked for. */
void pcihp_reset(struct pcihp *c);
void pcihp_plug(struct pcihp *c, uint32_t slot);    /* filled while the guest runs */
void pcihp_ask(struct pcihp *c, uint32_t slot);     /* the user wants it back */
void pcihp_removed(struct pcihp *c, uint32_t slot); /* it is empty */
/* A dword at off; other sizes read as ones and write nothing. */
uint32_t pcihp_read(struct pcihp *c, uint64_t off, uint32_t size);
void pcihp_write(struct pcihp *c, uint64_t off, uint32_t size, uint32_t v);

#endif
