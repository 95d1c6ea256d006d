/* SPDX-License-Identifier: BSD-2-Clause */
/* Drives LLVMFuzzerTestOneInput() without libFuzzer.
 *
 *     x_fuzz [-runs=N] [-seed=S] [-max_len=L] [FILE...]
 *
 * With files: each is one input (a saved crash). Without: N inputs that the seed decides; input i
 * of seed S is input 0 of seed S+i, so a failure is repeated by halving the runs. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct options {
    uint64_t runs, seed, max_len;
};

/* splitmix64: every seed is a good one. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform bytes hardly ever make a valid register offset: most are drawn small or at an edge. */
static uint8_t random_byte(uint64_t *state)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    uint64_t r = next_random(state);
    switch (r & 3) {
    case 0:
        return (uint8_t)(r >> 8);
    case 1:
        return edges[(r >> 8) % sizeof edges];
    default:
        return (r >> 8) & 0x1f;
    }
}

static void run_random(const struct options *o)
{
    uint8_t *buf = malloc(o->max_len + 1);
    if (!buf)
        return;
    for (uint64_t i = 0; i < o->runs; i++) {
        uint64_t state = o->seed + i;
        size_t len = next_random(&state) % (o->max_len + 1);
        for (size_t k = 0; k < len; k++)
            buf[k] = random_byte(&state);
        /* An exact allocation, so that the address sanitizer sees the first byte past the end. */
        uint8_t *exact = malloc(len ? len : 1);
        if (!exact)
            break;
        memcpy(exact, buf, len);
        LLVMFuzzerTestOneInput(exact, len);
        free(exact);
    }
    free(buf);
}

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    uint8_t *buf = NULL;
    size_t len = 0, cap = 0, n;
    do {
        if (len == cap) {
            uint8_t *grown = realloc(buf, cap = cap ? 2 * cap : 4096);
            if (!grown)
                abort();
            buf = grown;
        }
        n = fread(buf + len, 1, cap - len, f);
        len += n;
    } while (n > 0);
    fclose(f);
    LLVMFuzzerTestOneInput(buf, len);
    free(buf);
    return 0;
}

/* Options that only libFuzzer knows are accepted and do nothing: one command line for both. */
static void parse_option(struct options *o, const char *arg)
{
    const char *eq = strchr(arg, '=');
    unsigned long long v = eq ? strtoull(eq + 1, NULL, 10) : 0;
    if (strncmp(arg, "-runs=", 6) == 0)
        o->runs = v;
    else if (strncmp(arg, "-seed=", 6) == 0)
        o->seed = v;
    else if (strncmp(arg, "-max_len=", 9) == 0 && v <= (1u << 24))
        o->max_len = v;
}

int main(int argc, char **argv)
{
    struct options o = {.runs = 1000, .seed = 1, .max_len = 1024};
    int files = 0, bad = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            parse_option(&o, argv[i]);
        } else {
            files++;
            bad |= run_file(argv[i]);
        }
    }
    if (!files)
        run_random(&o);
    return bad;
}
