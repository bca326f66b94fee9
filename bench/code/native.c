/* A kernel for the host: works slice by slice, as bench/native/slices.h says. ROUNDS is a few
 * microseconds of it. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#include "../native/slices.h"

#include "kernel.h"

static uint64_t rounds_done;
static volatile uint64_t kept;

static void work(void) {
  kept = kernel(ROUNDS);
  rounds_done += ROUNDS;
}

static uint64_t done(void) { return rounds_done; }

int main(int argc, char **argv) {
  static const struct workload workload = {work, done};
  fix_addresses(argv);
  return run_slices(&workload, argc > 1 ? argv[1] : NULL);
}
