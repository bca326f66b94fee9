/* A client of the timer: prints the time each 100 ms, five times. */
#include "../lib/print.h"
#include "../sddf/timer/config.h"

#define PERIOD_NS 100000000ul
#define TICKS 5
#define NS_PER_MS 1000000ul

CONFIG_SECTION(".timer_client_config") struct timer_client_config config = {0};

static unsigned ticks;
static uint64_t started_ns;

void init(void)
{
    require(sddf_has_magic(config.magic, SDDF_CLASS_TIMER), "section .timer_client_config is not filled in");
    started_ns = timer_time_now(config.driver_id);
    timer_set_timeout(config.driver_id, PERIOD_NS);
}

void notified(microkit_channel ch)
{
    if (ch != config.driver_id) {
        return;
    }
    ticks++;
    print("ticks: %u after %lu ms\n", ticks, (timer_time_now(config.driver_id) - started_ns) / NS_PER_MS);
    if (ticks < TICKS) {
        timer_set_timeout(config.driver_id, PERIOD_NS);
    }
}
