/*
 * Counters of a program, for whoever shares the region: IEEE doubles, in the order in which the
 * program names them. A description gives the region's address to the symbol `stats`
 * (`setvar_vaddr`); without it, nothing is counted.
 */
#pragma once

#include <stdint.h>

extern double *stats;

/* Defines the symbol, once in a program. */
#define DEFINE_COUNTERS() double *stats

static inline void count(unsigned counter, uint64_t amount)
{
    if (stats != 0) {
        stats[counter] += (double)amount;
    }
}
