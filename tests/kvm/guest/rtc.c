/* SPDX-License-Identifier: BSD-2-Clause */
/* The MC146818: time, and the periodic interrupt on pin 8. year=: the least year to expect. */
#include "cmos.h"
#include "guest.h"

#define PIN     8
#define VECTOR  0x48
#define RATE_64 10 /* 64 Hz: datasheet table 5, 32768 Hz base */
#define A_32K   0x20

struct date {
    uint32_t second, minute, hour, day, month, year;
};

static volatile uint32_t count;
static volatile uint8_t flags;

static void on_rtc(void)
{
    flags = cmos_read(CMOS_C);
    count++;
}

static uint32_t field(uint8_t reg, bool binary)
{
    uint8_t v = cmos_read(reg);
    return binary ? v : (v >> 4) * 10u + (v & 15);
}

static struct date read_once(void)
{
    bool bin = cmos_read(CMOS_B) & B_BIN;
    uint32_t century = field(CMOS_CENTURY, bin);

    return (struct date){field(CMOS_SECONDS, bin), field(CMOS_MINUTES, bin),
                         field(CMOS_HOURS, bin),   field(CMOS_DAY, bin),
                         field(CMOS_MONTH, bin),   field(CMOS_YEAR, bin) + century * 100};
}

/* Two equal readings are one that no update fell into. */
static bool read_date(struct date *d)
{
    for (uint32_t i = 0; i < 10; i++) {
        struct date again;
        *d = read_once();
        again = read_once();
        if (memcmp(d, &again, sizeof again) == 0)
            return true;
        wait_ms(3);
    }
    return false;
}

static void date(void)
{
    struct date d;

    ok(read_date(&d), "two readings of the time agree");
    print("# %04u-%02u-%02u %02u:%02u:%02u\n", d.year, d.month, d.day, d.hour, d.minute, d.second);
    ok(d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31 && d.hour < 24 && d.minute < 60 &&
           d.second < 60,
       "every field is in its range");
    ok(d.year >= arg_num("year", 2024), "the year is %u", d.year);
    ok(cmos_read(CMOS_D) & D_VRT, "register D says that RAM and time are valid");
}

static void ram(void)
{
    cmos_write(CMOS_FREE, 0xa5);
    cmos_write(CMOS_FREE + 1, 0x5a);
    ok(cmos_read(CMOS_FREE) == 0xa5 && cmos_read(CMOS_FREE + 1) == 0x5a, "CMOS RAM keeps bytes");
    cmos_write(CMOS_FREE, 0);
    cmos_write(CMOS_FREE + 1, 0);
}

static void periodic(void)
{
    uint8_t b = cmos_read(CMOS_B);

    irq_handle(VECTOR, on_rtc);
    ioapic_route(PIN, VECTOR, 0);
    cmos_write(CMOS_A, A_32K | RATE_64);
    cmos_read(CMOS_C);
    cmos_write(CMOS_B, b | B_PIE);
    ok(wait_count(&count, 4, 2000), "the periodic interrupt comes");
    ok(flags & C_PF, "register C says periodic");
    cmos_write(CMOS_B, b);
    cmos_read(CMOS_C);
    wait_ms(5);
    count = 0;
    ok(!wait_count(&count, 1, 60), "it stops when disabled");
    ioapic_route(PIN, VECTOR, RTE_MASKED);
}

int guest_main(void)
{
    date();
    ram();
    periodic();
    return 0;
}
