/*
 * A copy that calls `memcpy`: 1500 bytes a round. The engines do the function at once, for they
 * know it by its name. Beside it, the same function as C has it (memcpy.c), or with -DLIBRARY the
 * host's library's, which has vector instructions.
 */
#include "kernel.h"

#define LENGTH 1500

static uint8_t source[4096], target[4096];

void *memcpy(void *to, const void *from, uint64_t length);

#if !defined LIBRARY || defined __riscv
__attribute__((noinline, used)) void *memcpy(void *to, const void *from, uint64_t length) {
  uint8_t *out = to;
  const uint8_t *in = from;
  while (length >= 64) {
    uint64_t *words = (uint64_t *)out;
    const uint64_t *of = (const uint64_t *)in;
    uint64_t a = of[0], b = of[1], c = of[2], d = of[3], e = of[4], f = of[5], g = of[6], h = of[7];
    words[0] = a, words[1] = b, words[2] = c, words[3] = d, words[4] = e, words[5] = f, words[6] = g, words[7] = h;
    out += 64, in += 64, length -= 64;
  }
  for (; length >= 8; length -= 8, out += 8, in += 8) *(uint64_t *)out = *(const uint64_t *)in;
  for (; length > 0; length--) *out++ = *in++;
  return to;
}
#endif

uint64_t kernel(uint64_t rounds) {
  /* Not known to the compiler: it would write its own copy of so many bytes. */
  static volatile uint64_t length = LENGTH;
  uint64_t total = 0;
  for (uint64_t round = 0; round < rounds; round++) {
    source[round % LENGTH] = (uint8_t)round;
    memcpy(target + round % 8 * 8, source, length);
    total += target[round % 256];
  }
  return total;
}
