/* Calls itself until its stack is full. Nothing is mapped below, so that is a fault, and nobody
 * else's memory changes. */
#include "../lib/print.h"

static unsigned descend(unsigned depth);

/* The compiler does not know whom this calls, and so does not complain that it never ends. */
static unsigned (*volatile further)(unsigned depth) = descend;

static unsigned descend(unsigned depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    /* What is done after the call keeps it from becoming a jump. */
    return further(depth + 1) + (unsigned)frame[0];
}

void init(void)
{
    print("overflow: going down\n");
    print("overflow: came back with %u\n", descend(0));
}

void notified(microkit_channel ch)
{
    (void)ch;
}
