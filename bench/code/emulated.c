/*
 * A kernel as a RISC-V program for user-mode QEMU: the protocol of bench/native/slices.h without a
 * C library, by Linux's system calls. Where the other program slices by processor time of its
 * process, so does this one.
 */
#include "kernel.h"

enum { SYS_read = 63, SYS_write = 64, SYS_exit = 93, SYS_clock_gettime = 113 };
enum { CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2 };

static long call(long number, long a, long b, long c) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}

static uint64_t clock(long which) {
  uint64_t time[2];
  call(SYS_clock_gettime, which, (long)time, 0);
  return time[0] * 1000000000 + time[1];
}

/* Reads a line with milliseconds, and returns nanoseconds; 0 at the end of the input. */
static uint64_t read_slice(void) {
  uint64_t value = 0, parts = 1;
  int fraction = 0;
  char character;
  for (;;) {
    if (call(SYS_read, 0, (long)&character, 1) != 1) return 0;
    if (character == '\n') return value * (1000000 / parts);
    if (character == '.') fraction = 1;
    if (character < '0' || character > '9' || parts == 1000000) continue;
    value = value * 10 + (uint64_t)(character - '0');
    if (fraction) parts *= 10;
  }
}

static char *put(char *at, uint64_t value) {
  char digits[24];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  while (count > 0) *at++ = digits[--count];
  return at;
}

__attribute__((used)) static void begin(void) {
  static volatile uint64_t kept;
  uint64_t slice;
  while ((slice = read_slice()) != 0) {
    uint64_t done = 0, wall = clock(CLOCK_MONOTONIC), cpu = clock(CLOCK_PROCESS_CPUTIME_ID), used;
    do {
      kept = kernel(ROUNDS);
      done += ROUNDS;
      used = clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    } while (used < slice);
    char line[80], *at = put(line, done);
    *at++ = ' ';
    at = put(at, clock(CLOCK_MONOTONIC) - wall);
    *at++ = ' ';
    at = put(at, used);
    *at++ = '\n';
    call(SYS_write, 1, (long)line, at - line);
  }
  call(SYS_exit, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n.option push\n.option norelax\nla gp, __global_pointer$\n.option pop\ncall begin\n");
