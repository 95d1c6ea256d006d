/* SPDX-License-Identifier: BSD-2-Clause */
/* pvpanic on port= (0x505): the events it offers, then a panic, which ends the machine or leaves
 * that to the host. */
#include "guest.h"

#define PANICKED    0x1
#define CRASHLOADED 0x2

int guest_main(void)
{
    uint16_t port = (uint16_t)arg_num("port", 0x505);
    uint8_t events = in8(port);

    print("# events 0x%x\n", events);
    ok(events != 0xff && events & PANICKED, "a panic can be told");
    ok(events & CRASHLOADED, "a loaded crash kernel can be told");
    out8(port, CRASHLOADED);
    print("1..2\n");
    out8(port, PANICKED);
    wait_ms(200);
    panic("the machine is still running after a panic");
}
