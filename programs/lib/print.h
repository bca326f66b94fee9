/* Text on the debug console. */
#pragma once

#include <microkit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Knows %s %c %d %u %x %ld %lu %lx %f %%, with a minimum width (filled with blanks, or with zeros
 * where it begins with one) and, for %f, a precision of at most 17 digits, 6 unless told. Numbers
 * of 2^63 and more are printed as %e would.
 */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

/* Ends the domain, with a line that says why, unless the condition holds. */
#define require(condition, why) \
    do {                        \
        if (!(condition)) {     \
            give_up(why);       \
        }                       \
    } while (0)

_Noreturn void give_up(const char *why);
