/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu_model.h"

#include "util/alloc.h"
#include <stddef.h>
#include <string.h>

#define CPU_INTEL   "GenuineIntel"
#define CPU_AMD     "AuthenticAMD"
#define CPU_HYGON   "HygonGenuine"
#define CPU_CENTAUR "CentaurHauls"

#define MODEL(n, b, v, fam, mod, step, lev, xlev, brand_, f) \
    {.name = n "-v1",                                        \
     .base = b,                                              \
     .vendor = v,                                            \
     .brand = brand_,                                        \
     .first = 1,                                             \
     .family = fam,                                          \
     .model = mod,                                           \
     .stepping = step,                                       \
     .level = lev,                                           \
     .xlevel = xlev,                                         \
     .features = f},
#define VERSION(n, brand_, f)     {.name = n, .brand = brand_, .features = f},
#define NAMED(n, also, brand_, f) {.name = n, .alias = also, .brand = brand_, .features = f},

static const struct cpu_model models[] = {
#include "cpu_models.def"
};

const struct cpu_model *cpu_model_at(uint32_t i)
{
    return i < ARRAY_SIZE(models) ? &models[i] : NULL;
}

/* "Haswell" of "Haswell-v1". */
static int is_short_for(const char *name, const struct cpu_model *m)
{
    size_t n = strlen(name);
    return m->first && strncmp(m->name, name, n) == 0 && strcmp(m->name + n, "-v1") == 0;
}

const struct cpu_model *cpu_model_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        const struct cpu_model *m = &models[i];
        if (strcmp(m->name, name) == 0 || (m->alias && strcmp(m->alias, name) == 0) ||
            is_short_for(name, m))
            return m;
    }
    return NULL;
}
