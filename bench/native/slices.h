/*
 * What the programs of this folder have in common: they work for as long as they are told to, again
 * and again, and tell what they have done. Between two slices they wait, and take no processor time
 * from the testbed, whose slices alternate with theirs.
 *
 *     program … MILLISECONDS      one slice after a warm-up; prints how much is done in a second
 *     program …                   reads lines with MILLISECONDS, and answers each with a line: DONE WALL_NS CPU_NS
 *
 * Include it after _POSIX_C_SOURCE has been defined.
 */
#ifndef SLICES_H
#define SLICES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef __linux__
#include <sys/personality.h>
#include <unistd.h>
#endif

/* What a program is to this file. */
struct workload {
  void (*work)(void);      /* a few microseconds of it: the clock is read in between */
  uint64_t (*done)(void);  /* packets or requests since the start */
};

struct slice {
  uint64_t done;
  double wall, cpu; /* seconds */
};

/* As in bench/slices.ts: how much longer than asked for a slice may become on a busy machine, and
 * what it may lack. */
#define SLICE_STRETCH_MAX 8
#define SLICE_MISSING_MAX 0.1
/* Says that it has been tried: a sandbox may take the wish and forget it. */
#define ADDRESSES_FIXED "SDDF_ADDRESSES_FIXED"

static double seconds_by(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Where other processes take the processor, it goes on until it has had its time. */
static struct slice run_slice(const struct workload *workload, double seconds) {
  uint64_t before = workload->done();
  double cpu_begin = seconds_by(CLOCK_PROCESS_CPUTIME_ID), begin = seconds_by(CLOCK_MONOTONIC);
  double now = begin, end = begin + seconds, cpu;
  for (;;) {
    while (now < end) {
      workload->work();
      now = seconds_by(CLOCK_MONOTONIC);
    }
    cpu = seconds_by(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
    double missing = seconds - cpu;
    if (missing <= seconds * SLICE_MISSING_MAX || now - begin >= seconds * SLICE_STRETCH_MAX) break;
    end = now + missing;
  }
  return (struct slice){workload->done() - before, now - begin, cpu};
}

/*
 * Starts the program again with its memory at the same addresses in every run, where the system
 * lets it. With addresses by chance some processes are slower than others for as long as they live,
 * by a third at worst: lines that are used together then meet in one place of the caches.
 */
static void fix_addresses(char **argv) {
#ifdef __linux__
  int persona = personality(0xffffffff);
  if (getenv(ADDRESSES_FIXED) != NULL) return;
  if (persona == -1 || (persona & ADDR_NO_RANDOMIZE) != 0) return;
  if (personality((unsigned long)persona | ADDR_NO_RANDOMIZE) == -1) return;
  execve("/proc/self/exe", argv, (char *[]){ADDRESSES_FIXED "=1", NULL});
#else
  (void)argv;
#endif
}

/* milliseconds: as on the command line, or NULL. Returns the program's exit status. */
static int run_slices(const struct workload *workload, const char *milliseconds) {
  char line[64];
  if (milliseconds != NULL) {
    double seconds = strtod(milliseconds, NULL) / 1000;
    run_slice(workload, seconds / 5);
    struct slice s = run_slice(workload, seconds);
    printf("%.0f\n", (double)s.done / s.wall);
    return 0;
  }
  while (fgets(line, sizeof line, stdin) != NULL) {
    struct slice s = run_slice(workload, strtod(line, NULL) / 1000);
    printf("%llu %.0f %.0f\n", (unsigned long long)s.done, s.wall * 1e9, s.cpu * 1e9);
    fflush(stdout);
  }
  return 0;
}

#endif
