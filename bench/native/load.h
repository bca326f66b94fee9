// What the load programs of this folder have in common: the time, round trips, the line that tells
// of them, and how fast to send. Include it after _GNU_SOURCE has been defined.
#ifndef LOAD_H
#define LOAD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SAMPLES_MAX = 1 << 20 };

static uint64_t samples[SAMPLES_MAX];

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Sleeps while more has been sent than a rate allows by now; 0: it allows everything.
static inline void wait_for_turn(uint64_t sent, uint64_t per_second, uint64_t elapsed_ns) {
    if (per_second == 0) return;
    uint64_t due_ns = sent * 1000000000u / per_second;
    if (due_ns <= elapsed_ns) return;
    struct timespec rest = {0, (long)(due_ns - elapsed_ns)};
    nanosleep(&rest, NULL);
}

static inline int by_value(const void *one, const void *other) {
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return (a > b) - (a < b);
}

// Prints: datagrams back, datagrams lost, time in ns, round trip in ns (median, 99th percentile).
static inline void tell(uint64_t back, uint64_t lost, uint64_t begin) {
    uint64_t took = now_ns() - begin;
    size_t count = back < SAMPLES_MAX ? back : SAMPLES_MAX;
    qsort(samples, count, sizeof samples[0], by_value);
    printf("%llu %llu %llu %llu %llu\n", (unsigned long long)back, (unsigned long long)lost,
           (unsigned long long)took, (unsigned long long)(count ? samples[count / 2] : 0),
           (unsigned long long)(count ? samples[count * 99 / 100] : 0));
}

#endif
