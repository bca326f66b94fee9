/* Computes with floating-point numbers, in all rounding modes, and prints them: the FPU is on for
 * every domain. */
#include "../lib/print.h"

enum rounding { TO_NEAREST, TOWARDS_ZERO, DOWN, UP, TO_NEAREST_AWAY };
enum { INEXACT = 1, UNDERFLOW = 2, OVERFLOW = 4, BY_ZERO = 8, INVALID = 16 };

static void set_rounding(enum rounding mode)
{
    __asm__ volatile("fsrm %0" ::"r"(mode) : "memory");
}

static unsigned take_flags(void)
{
    unsigned flags;
    __asm__ volatile("fsflags %0, zero" : "=r"(flags)::"memory");
    return flags;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    __asm__("fmv.x.d %0, %1" : "=r"(bits) : "f"(value));
    return bits;
}

/* At run time, whatever the compiler knows. */
static double divide(double a, double b)
{
    double quotient;
    __asm__ volatile("fdiv.d %0, %1, %2" : "=f"(quotient) : "f"(a), "f"(b));
    return quotient;
}

/* Gauss and Legendre: doubles the digits with each round. */
static double pi(void)
{
    double a = 1.0, b = 1.0 / __builtin_sqrt(2.0), t = 0.25, p = 1.0;
    for (int round = 0; round < 4; round++) {
        double next = (a + b) / 2.0;
        b = __builtin_sqrt(a * b);
        t -= p * (a - next) * (a - next);
        p *= 2.0;
        a = next;
    }
    return (a + b) * (a + b) / (4.0 * t);
}

static void print_thirds(void)
{
    static const char *const names[] = {"nearest", "zero", "down", "up", "away"};
    for (enum rounding mode = TO_NEAREST; mode <= TO_NEAREST_AWAY; mode++) {
        set_rounding(mode);
        double third = divide(1.0, 3.0), minus = divide(-1.0, 3.0);
        set_rounding(TO_NEAREST);
        print("float: 1/3 %s: %lx %lx\n", names[mode], bits_of(third), bits_of(minus));
    }
}

static void print_flags(void)
{
    take_flags();
    divide(1.0, 4.0);
    unsigned exact = take_flags();
    divide(1.0, 3.0);
    unsigned inexact = take_flags();
    divide(1.0, 0.0);
    unsigned by_zero = take_flags();
    double not_a_number = divide(0.0, 0.0);
    unsigned invalid = take_flags();
    print("float: flags %u %u %u %u\n", exact, inexact, by_zero, invalid);
    print("float: 0/0 is %f, 1/0 is %f, -1/0 is %f\n", not_a_number, divide(1.0, 0.0), divide(-1.0, 0.0));
}

void init(void)
{
    float narrow = 0.1f;
    print("float: pi is %.15f\n", pi());
    print("float: 0.1 is %.17f, and %.10f in 32 bits\n", 0.1, (double)narrow);
    print("float: %8.3f|%08.2f|%.0f|%f\n", 3.14159, -2.5, 2.5, 1e20);
    print_thirds();
    print_flags();
}

void notified(microkit_channel ch)
{
    (void)ch;
}
