/* Calls pong ten times, adds up what comes back, and then signals once. */
#include "../lib/print.h"
#include "ping.h"

#define CALLS 10

void init(void)
{
    uint64_t sum = 0;

    for (uint64_t call = 1; call <= CALLS; call++) {
        for (uint8_t word = 0; word < PING_WORDS; word++) {
            microkit_mr_set(word, 100 * call + word);
        }
        microkit_msginfo reply = microkit_ppcall(PONG_CHANNEL, microkit_msginfo_new(call, PING_WORDS));
        require(microkit_msginfo_get_label(reply) == call + 1, "pong's label is wrong");
        require(microkit_msginfo_get_count(reply) == PING_WORDS, "pong's message has another length");
        for (uint8_t word = 0; word < PING_WORDS; word++) {
            sum += microkit_mr_get(word);
        }
    }
    print("ping: %d calls, sum %lu\n", CALLS, sum);
    microkit_notify(PONG_CHANNEL);
    /* Nobody has such a channel: the library says so, and nothing happens. */
    microkit_notify(61);
}

void notified(microkit_channel ch)
{
    print("ping: signal on channel %u\n", ch);
}
