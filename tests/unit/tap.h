/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest test harness: TAP on stdout, one line per case.
 *
 *     TEST(fifo_overrun_sets_oe) { ...; CHECK_EQ(lsr & 2, 2); }
 *     int main(int argc, char **argv) { RUN(fifo_overrun_sets_oe); return tap_done(); }
 *
 * A failed CHECK ends its case and says where and which values; later cases still run. */
#ifndef TN_TAP_H
#define TN_TAP_H
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static jmp_buf tap_out;
static int tap_n, tap_bad;
static const char *tap_skip_why = "";

#define TEST(name) static void name(void)
#define RUN(name)  tap_run(#name, name)
#define SKIP(why)  (tap_skip_why = (why), longjmp(tap_out, 2))

#define CHECK(x)                                             \
    do {                                                     \
        if (!(x)) {                                          \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #x); \
            longjmp(tap_out, 1);                             \
        }                                                    \
    } while (0)
#define CHECK_EQ(a, b)                                                                           \
    do {                                                                                         \
        uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b);                                         \
        if (a_ != b_) {                                                                          \
            printf("# %s:%d: %s is 0x%" PRIx64 ", not %s = 0x%" PRIx64 "\n", __FILE__, __LINE__, \
                   #a, a_, #b, b_);                                                              \
            longjmp(tap_out, 1);                                                                 \
        }                                                                                        \
    } while (0)
#define CHECK_STR(a, b)                                                           \
    do {                                                                          \
        const char *a_ = (a), *b_ = (b);                                          \
        if (!a_ || !b_ || strcmp(a_, b_) != 0) {                                  \
            printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #a, \
                   a_ ? a_ : "(null)", b_ ? b_ : "(null)");                       \
            longjmp(tap_out, 1);                                                  \
        }                                                                         \
    } while (0)

static inline void tap_run(const char *name, void (*fn)(void))
{
    int r = setjmp(tap_out);
    if (r == 0)
        fn();
    tap_n++;
    if (r == 2)
        printf("ok %d %s # SKIP %s\n", tap_n, name, tap_skip_why);
    else
        printf("%sok %d %s\n", r ? "not " : "", tap_n, name);
    tap_bad += r == 1;
    fflush(stdout);
}

static inline int tap_done(void)
{
    printf("1..%d\n", tap_n);
    return tap_bad != 0;
}

#endif
