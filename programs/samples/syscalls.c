/*
 * Makes system calls with random registers. Those that would wait for somebody who never comes are
 * left out, and those that stop the machine or print. It counts in memory, because its parent
 * starts it again after a real fault.
 */
#include "../lib/print.h"
#include "supervisor.h"

/* Set by the system description: how many. It is the size of a region that nobody uses, since a
 * description sets sizes. */
unsigned long calls;

/* Own capabilities that can be waited for. */
#define OWN_SLOTS_MAX 8

static volatile unsigned long made;
static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t next(void)
{
    /* Marsaglia's xorshift64*. */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}

/* Small, any, or with a few bits: what decoders trip over. */
static uint64_t any_word(void)
{
    uint64_t word = next();
    switch (word >> 62) {
    case 0:
        return word & 0x1ff;
    case 1:
        return next();
    case 2:
        return 1ul << (word & 63);
    default:
        return -(word & 0xfff);
    }
}

static bool is_allowed(int64_t call)
{
    switch (call) {
    case -12: /* DebugPutChar */
    case -13: /* DebugDumpScheduler */
    case -14: /* DebugHalt */
    case -16: /* DebugSnapshot */
    case -17: /* DebugNameThread stops the machine when its capability is none of a thread */
    case -20: /* DebugRun */
        return false;
    default:
        return true;
    }
}

static bool waits(int64_t call)
{
    return call == -2 || call == -3 || call == -4 || call == -7 || call == -9;
}

static void call_anything(void)
{
    int64_t number = next() % 8 == 0 ? (int64_t)any_word() : -(int64_t)(next() % 32);
    if (!is_allowed(number)) {
        return;
    }
    uint64_t cap = any_word();
    if (waits(number) && cap < OWN_SLOTS_MAX) {
        cap += OWN_SLOTS_MAX;
    }
    uint64_t words[7];
    for (unsigned index = 0; index < sizeof words / sizeof *words; index++) {
        words[index] = any_word();
    }
    /* Only now: a call in between would change them. */
    register uint64_t a0 __asm__("a0") = cap;
    register uint64_t a1 __asm__("a1") = words[0];
    register uint64_t a2 __asm__("a2") = words[1];
    register uint64_t a3 __asm__("a3") = words[2];
    register uint64_t a4 __asm__("a4") = words[3];
    register uint64_t a5 __asm__("a5") = words[4];
    register uint64_t a6 __asm__("a6") = words[5];
    register uint64_t a7 __asm__("a7") = (uint64_t)number;
    register uint64_t t0 __asm__("t0") = words[6];
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7), "+r"(t0)
                     :
                     : "memory");
}

void init(void)
{
    while (made < calls) {
        made++;
        call_anything();
    }
    print("syscalls: %lu calls made\n", made);
    finish();
}

void notified(microkit_channel ch)
{
    (void)ch;
}
