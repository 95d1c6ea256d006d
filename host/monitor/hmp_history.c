/* SPDX-License-Identifier: BSD-2-Clause */
#include "hmp_history.h"

#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

static void take_out(struct hmp_history *h, uint32_t i)
{
    free(h->line[i]);
    h->n--;
    memmove(&h->line[i], &h->line[i + 1], (h->n - i) * sizeof h->line[0]);
}

void hmp_history_add(struct hmp_history *h, const char *line)
{
    if (!*line)
        return;
    char *copy = xstrdup(line);
    for (uint32_t i = 0; i < h->n; i++)
        if (strcmp(h->line[i], line) == 0)
            take_out(h, i--);
    if (h->n == HMP_HISTORY)
        take_out(h, 0);
    h->line[h->n++] = copy;
}

int hmp_history_find(const struct hmp_history *h, uint32_t before, const char *part)
{
    for (uint32_t i = before < h->n ? before : h->n; i-- > 0;)
        if (strstr(h->line[i], part))
            return (int)i;
    return -1;
}

void hmp_history_clear(struct hmp_history *h)
{
    while (h->n)
        take_out(h, h->n - 1);
}
