/*
 * As sDDF's benchmark domain: tells how much of the processor its child has had between two signals
 * of it. Who has a section of this name gets the capability to its own thread, in slot 6.
 */
#include <sel4/benchmark_utilisation_types.h>
#include "../lib/print.h"
#include "../sddf/benchmark/config.h"
#include "utilisation.h"

#define TCB_CAP 6
#define BASE_TCB_CAP 202

__attribute__((__section__(".benchmark_config"))) struct benchmark_config config = {
    .rx_start = START_CHANNEL,
    .rx_stop = STOP_CHANNEL,
    .init_ch = INIT_CHANNEL,
    .last_core = 1,
    .num_children = 1,
    .children = {{.name = "work", .id = 1}},
};

static void start(void)
{
    seL4_BenchmarkResetThreadUtilisation(TCB_CAP);
    for (unsigned child = 0; child < config.num_children; child++) {
        seL4_BenchmarkResetThreadUtilisation(BASE_TCB_CAP + config.children[child].id);
    }
    seL4_BenchmarkResetLog();
}

static void stop(void)
{
    seL4_BenchmarkFinalizeLog();
    seL4_BenchmarkGetThreadUtilisation(TCB_CAP);
    print("total: utilisation %lu, kernel %lu, entries %lu, schedules %lu\n", seL4_GetMR(BENCHMARK_TOTAL_UTILISATION),
          seL4_GetMR(BENCHMARK_TOTAL_KERNEL_UTILISATION), seL4_GetMR(BENCHMARK_TOTAL_NUMBER_KERNEL_ENTRIES),
          seL4_GetMR(BENCHMARK_TOTAL_NUMBER_SCHEDULES));
    for (unsigned child = 0; child < config.num_children; child++) {
        seL4_BenchmarkGetThreadUtilisation(BASE_TCB_CAP + config.children[child].id);
        print("%s: utilisation %lu, kernel %lu, entries %lu, schedules %lu\n", config.children[child].name,
              seL4_GetMR(BENCHMARK_TCB_UTILISATION), seL4_GetMR(BENCHMARK_TCB_KERNEL_UTILISATION),
              seL4_GetMR(BENCHMARK_TCB_NUMBER_KERNEL_ENTRIES), seL4_GetMR(BENCHMARK_TCB_NUMBER_SCHEDULES));
    }
}

void init(void)
{
    microkit_notify(config.init_ch);
}

void notified(microkit_channel ch)
{
    if (ch == config.rx_start) {
        start();
    } else if (ch == config.rx_stop) {
        stop();
    }
}
