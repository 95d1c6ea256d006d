/* SPDX-License-Identifier: BSD-2-Clause */
/* Single instructions: ports, MMIO, MSRs, CPUID, TSC, interrupt flag. */
#ifndef TN_GUEST_IO_H
#define TN_GUEST_IO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_DEFINE_PORT(bits, suffix)                                                \
    static inline void out##bits(uint16_t port, uint##bits##_t v)                      \
    {                                                                                  \
        __asm__ volatile("out" suffix " %0, %1" : : "a"(v), "Nd"(port) : "memory");    \
    }                                                                                  \
    static inline uint##bits##_t in##bits(uint16_t port)                               \
    {                                                                                  \
        uint##bits##_t v;                                                              \
        __asm__ volatile("in" suffix " %1, %0" : "=a"(v) : "Nd"(port) : "memory");     \
        return v;                                                                      \
    }                                                                                  \
    static inline void outs##bits(uint16_t port, const void *p, size_t n)              \
    {                                                                                  \
        __asm__ volatile("rep outs" suffix : "+S"(p), "+c"(n) : "d"(port) : "memory"); \
    }                                                                                  \
    static inline void ins##bits(uint16_t port, void *p, size_t n)                     \
    {                                                                                  \
        __asm__ volatile("rep ins" suffix : "+D"(p), "+c"(n) : "d"(port) : "memory");  \
    }
GUEST_DEFINE_PORT(8, "b")
GUEST_DEFINE_PORT(16, "w")
GUEST_DEFINE_PORT(32, "l")
#undef GUEST_DEFINE_PORT

#define GUEST_DEFINE_MMIO(bits)                                        \
    static inline void mmio_write##bits(uint64_t at, uint##bits##_t v) \
    {                                                                  \
        *(volatile uint##bits##_t *)at = v;                            \
    }                                                                  \
    static inline uint##bits##_t mmio_read##bits(uint64_t at)          \
    {                                                                  \
        return *(volatile uint##bits##_t *)at;                         \
    }
GUEST_DEFINE_MMIO(8)
GUEST_DEFINE_MMIO(16)
GUEST_DEFINE_MMIO(32)
GUEST_DEFINE_MMIO(64)
#undef GUEST_DEFINE_MMIO

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void cpuid(uint32_t leaf, uint32_t r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

static inline void irq_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

/* Opens interrupts and halts in one step: an interrupt that is pending already ends the halt at
 * once. */
static inline void irq_on_halt_off(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

#endif
