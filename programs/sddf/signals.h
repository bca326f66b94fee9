/* What programs of several channels do about the one signal that can be deferred. */
#pragma once

#include <microkit.h>
#include <stdbool.h>

/*
 * Sends the deferred signal now. For the beginning of `notified`: one wake-up can bring several
 * channels, and a second deferred signal would take the place of the first, whose receiver then
 * waits for ever.
 */
static inline void flush_deferred_signal(void)
{
    if (microkit_have_signal) {
        microkit_have_signal = false;
        seL4_Send(microkit_signal_cap, microkit_signal_msg);
    }
}
