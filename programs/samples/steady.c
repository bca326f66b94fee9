/* A good client, beside those that are not: calls pong 20,000 times and looks at every answer. */
#include "../lib/print.h"
#include "ping.h"

#define CALLS 20000

void init(void)
{
    for (uint64_t call = 0; call < CALLS; call++) {
        microkit_mr_set(0, call);
        microkit_msginfo reply = microkit_ppcall(PONG_CHANNEL, microkit_msginfo_new(call, 1));
        require(microkit_msginfo_get_label(reply) == call + 1, "a wrong label");
        require(microkit_mr_get(0) == call + 1, "a wrong word");
    }
    print("steady: %d calls, all answered\n", CALLS);
}

void notified(microkit_channel ch)
{
    (void)ch;
}
