/*
 * What is measured: so many rounds of a loop, with a tenth of the time. As sDDF's echo client does,
 * it looks at the idle domain's counters at the beginning and at the end.
 */
#include "../lib/print.h"
#include "../sddf/benchmark/counters.h"
#include "utilisation.h"

#define ROUNDS 100000

/* Set by the system description. */
const struct bench *counters;

static uint64_t counted(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void init(void)
{
    uint64_t total = counted(&counters->core_ccount);
    uint64_t idle = counted(&counters->idle_ccount);
    microkit_notify(START_CHANNEL);
    for (unsigned round = 0; round < ROUNDS; round++) {
        __asm__ volatile("");
    }
    microkit_notify(STOP_CHANNEL);
    total = counted(&counters->core_ccount) - total;
    idle = counted(&counters->idle_ccount) - idle;
    print("idle for %lu of %lu cycles\n", idle, total);
}

void notified(microkit_channel ch)
{
    (void)ch;
}
