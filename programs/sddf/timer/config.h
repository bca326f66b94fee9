/* The timer class: its configuration section, and protected calls to the driver. */
#pragma once

#include "../resources/region.h"
#include <microkit.h>

/* Section `.timer_client_config`. */
struct timer_client_config {
    char magic[SDDF_MAGIC_BYTES];
    uint8_t driver_id;
};

LAYOUT_FIELD(struct timer_client_config, driver_id, 5);
LAYOUT_BYTES(struct timer_client_config, 6);

enum timer_label { TIMER_GET_TIME = 0, TIMER_SET_TIMEOUT = 1 };

/* Nanoseconds since the driver has started. */
static inline uint64_t timer_time_now(microkit_channel driver)
{
    microkit_ppcall(driver, microkit_msginfo_new(TIMER_GET_TIME, 0));
    return microkit_mr_get(0);
}

/* The driver notifies on its channel once so many nanoseconds have passed. A client has one
 * time-out: the last. */
static inline void timer_set_timeout(microkit_channel driver, uint64_t delay_ns)
{
    microkit_mr_set(0, delay_ns);
    microkit_ppcall(driver, microkit_msginfo_new(TIMER_SET_TIMEOUT, 1));
}
