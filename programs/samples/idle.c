/*
 * As sDDF's idle domain: of the lowest priority, it reads the cycle counter again and again. What
 * has passed since the last time counts as idle, unless it is so much that somebody else must have
 * run.
 */
#include <microkit.h>
#include "../sddf/benchmark/counters.h"
#include "utilisation.h"

#define MAGIC_CYCLES 150

/* Set by the system description. */
struct bench *counters;

static uint64_t cycles(void)
{
    uint64_t cycles;
    __asm__ volatile("rdcycle %0" : "=r"(cycles));
    return cycles;
}

/* As in sDDF: gcc up to 13 makes an atomic exchange of such a store. */
static void store(uint64_t *where, uint64_t value)
{
    __atomic_store_n(where, value, __ATOMIC_RELAXED);
}

static _Noreturn void count_idle(void)
{
    counters->prev_ccount = cycles();
    for (;;) {
        store(&counters->core_ccount, cycles());
        uint64_t passed = counters->core_ccount - counters->prev_ccount;
        if (passed < MAGIC_CYCLES) {
            store(&counters->idle_ccount, __atomic_load_n(&counters->idle_ccount, __ATOMIC_RELAXED) + passed);
        }
        counters->prev_ccount = counters->core_ccount;
    }
}

void init(void)
{
}

void notified(microkit_channel ch)
{
    if (ch == INIT_CHANNEL) {
        count_idle();
    }
}
