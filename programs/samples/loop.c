/* An endless loop, after a greeting: costs its domain's budget, and nobody else's time. */
#include <microkit.h>

void init(void)
{
    microkit_dbg_puts("loop: spinning\n");
    for (;;) {
        __asm__ volatile("");
    }
}

void notified(microkit_channel ch)
{
    (void)ch;
}
