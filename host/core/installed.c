/* SPDX-License-Identifier: BSD-2-Clause */
#include "installed.h"

#include "util/alloc.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two levels above the program's file; "" if that cannot be told. */
static char *above_program(void)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '/');
        if (slash)
            *slash = 0;
    }
    return xstrdup(exe);
}

char *installed_folder(const char *const *below, const char *has, const char *otherwise)
{
    AUTO_FREE char *top = above_program();
    for (; *below; below++) {
        char *folder = xasprintf("%s/%s", top, *below);
        AUTO_FREE char *file = xasprintf("%s/%s", folder, has);
        if (access(file, R_OK) == 0)
            return folder;
        free(folder);
    }
    return xstrdup(otherwise);
}
