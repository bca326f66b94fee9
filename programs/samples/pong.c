/* Answers each call with the same words, each one larger. Signals back when it is signalled. */
#include "../lib/print.h"
#include "ping.h"

void init(void)
{
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    uint16_t count = (uint16_t)microkit_msginfo_get_count(msginfo);

    require(ch == PING_CHANNEL, "a call on another channel");
    for (uint16_t word = 0; word < count; word++) {
        microkit_mr_set((uint8_t)word, microkit_mr_get((uint8_t)word) + 1);
    }
    return microkit_msginfo_new(microkit_msginfo_get_label(msginfo) + 1, count);
}

void notified(microkit_channel ch)
{
    print("pong: signal on channel %u\n", ch);
    microkit_deferred_notify(ch);
}
