/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of hostfwd=, guestfwd= and net=: any. The first byte chooses which; with it, likely words
 * are put before the text so that the later parts are reached. */
#include <stdlib.h>
#include <string.h>

#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(const char *text)
{
    struct host_rule r;
    const char *why = NULL;
    int err = rule_parse_hostfwd(text, &r, &why);
    if (err ? !why : !r.guest_port)
        abort();
}

static void check_guest(const char *text)
{
    struct guest_rule r;
    if (rule_parse_guestfwd(text, &r) == 0 && (!r.port || strlen(r.host) >= RULE_TEXT))
        abort();
}

static void check_command(const char *text)
{
    const char *args[RULE_WORDS + 1];
    size_t room = strlen(text) + 1;
    char *words = malloc(room);
    if (!words)
        return;
    if (rule_split_command(text, words, args) == 0)
        for (const char **a = args; *a; a++)
            if (*a < words || *a + strlen(*a) >= words + room)
                abort();
    free(words);
}

static void check_net(const char *text)
{
    struct net4 n;
    char why[RULE_WHY] = "";
    const struct net4_text t = {.net = text};
    if (rule_parse_net4(&t, &n, why) == 0 ? (n.host.s_addr & n.mask.s_addr) != n.net.s_addr : !*why)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const before[] = {
        "", "tcp:", "tcp::2222-", "tcp:10.0.2.9:80-", "tcp:1.2.3.4:1-tcp:", "10.0.2.0/"};
    if (!size)
        return 0;
    const char *first = before[(data[0] >> 2) % (sizeof before / sizeof before[0])];
    char *text = malloc(strlen(first) + size);
    if (!text)
        return 0;
    strcpy(text, first);
    memcpy(text + strlen(first), data + 1, size - 1);
    text[strlen(first) + size - 1] = 0;
    (data[0] & 3) == 0   ? check_host(text)
    : (data[0] & 3) == 1 ? check_guest(text)
    : (data[0] & 3) == 2 ? check_command(text)
                         : check_net(text);
    free(text);
    return 0;
}
