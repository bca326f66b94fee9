/*
 * Keeps the floating-point registers and the rounding mode busy while others do the same: whoever
 * is preempted finds its own again. The values come from the last character of the domain's name,
 * so that two domains have different ones.
 */
#include "../lib/print.h"

#define ROUNDS 200
#define SPIN 20000
#define MODES 4

/* Fills f0 to f31 and the rounding mode, spins, and adds up what is there then. */
static double hold(double value, unsigned long mode, unsigned long *mode_after)
{
    double sum;
    unsigned long turns = SPIN;
    __asm__ volatile("fsrm %3\n"
                     "fmv.d f0, %4\n fmv.d f1, %4\n fmv.d f2, %4\n fmv.d f3, %4\n"
                     "fmv.d f4, %4\n fmv.d f5, %4\n fmv.d f6, %4\n fmv.d f7, %4\n"
                     "fmv.d f28, %4\n fmv.d f29, %4\n fmv.d f30, %4\n fmv.d f31, %4\n"
                     "1: addi %2, %2, -1\n bnez %2, 1b\n"
                     "fadd.d f0, f0, f1\n fadd.d f0, f0, f2\n fadd.d f0, f0, f3\n fadd.d f0, f0, f4\n"
                     "fadd.d f0, f0, f5\n fadd.d f0, f0, f6\n fadd.d f0, f0, f7\n"
                     "fadd.d f0, f0, f28\n fadd.d f0, f0, f29\n fadd.d f0, f0, f30\n fadd.d f0, f0, f31\n"
                     "frrm %1\n"
                     "fmv.d %0, f0\n"
                     "fsrm zero\n"
                     : "=f"(sum), "=&r"(*mode_after), "+&r"(turns)
                     : "r"(mode), "f"(value)
                     : "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "ft8", "ft9", "ft10", "ft11", "memory");
    return sum;
}

static char last_character(const char *text)
{
    char last = '\0';
    for (; *text != '\0'; text++) {
        last = *text;
    }
    return last;
}

void init(void)
{
    unsigned character = (unsigned char)last_character(microkit_name);
    double value = (double)character;
    unsigned long mode = character % MODES;

    for (int round = 0; round < ROUNDS; round++) {
        unsigned long mode_after;
        double sum = hold(value, mode, &mode_after);
        require(sum == 12.0 * value, "a register holds another value");
        require(mode_after == mode, "the rounding mode is another");
    }
    print("%s: %d rounds, registers and rounding mode kept\n", microkit_name, ROUNDS);
}

void notified(microkit_channel ch)
{
    (void)ch;
}
