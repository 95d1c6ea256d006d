/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest init: says how long the kernel took, then does what `exit=` on the kernel command
 * line asks for (poweroff, reboot), or sleeps. The kernel hands unknown key=value parameters to
 * init as its environment. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void say_hello(void)
{
    struct timespec up;

    clock_gettime(CLOCK_BOOTTIME, &up);
    mkdir("/dev", 0755);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    int console = open("/dev/console", O_WRONLY);
    dprintf(console, "tenon: init after %d.%02d s\n", (int)up.tv_sec, (int)(up.tv_nsec / 10000000));
    close(console);
}

int main(void)
{
    const char *wish = getenv("exit");

    say_hello();
    if (wish && !strcmp(wish, "poweroff"))
        reboot(RB_POWER_OFF);
    if (wish && !strcmp(wish, "reboot"))
        reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}
