/* SPDX-License-Identifier: BSD-2-Clause */
#include "converge.h"

#include "impl.h"
#include "vm/vcpu.h"
#include <string.h>

enum { OFTEN = 2 };

static uint64_t load(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* cpu-throttle-tailslow: no more than what would be enough, as far as can be told. */
static uint64_t wanted_step(const struct converge *c, struct migration *m, uint64_t written,
                            uint64_t bearable)
{
    const char *slow = kv_text(migration_kept(m->vm), "cpu-throttle-tailslow");
    uint64_t step = load(&m->params.throttle_increment), runs = 100 - c->percent;
    if (!slow || strcmp(slow, "on") != 0)
        return step;
    uint64_t enough = runs - (uint64_t)((double)runs * (double)bearable / (double)written);
    return enough < step ? enough : step;
}

void converge_step(struct converge *c, struct migration *m, uint64_t written, uint64_t sent)
{
    const struct mig_params *p = &m->params;
    uint64_t bearable = sent / 100 * load(&p->throttle_threshold), most = load(&p->throttle_max);
    if (!mig_has(m, CAP_AUTO_CONVERGE) || written <= bearable || ++c->often < OFTEN)
        return;
    c->often = 0;
    uint64_t percent =
        c->percent ? c->percent + wanted_step(c, m, written, bearable) : load(&p->throttle_initial);
    percent = percent < most ? percent : most;
    __atomic_store_n(&c->percent, (uint32_t)percent, __ATOMIC_RELAXED);
    vcpus_throttle(m->vm, (uint32_t)percent);
}

void converge_end(struct converge *c, struct migration *m)
{
    __atomic_store_n(&c->percent, 0, __ATOMIC_RELAXED);
    vcpus_throttle(m->vm, 0);
}
