/* Quicksort with a comparison through a pointer, as qsort has it: 256 records of 16 bytes a
 * round. */
#include "kernel.h"

#define COUNT 256

struct record {
  uint64_t key;
  uint64_t value;
};

static struct record records[COUNT];

static int compare(const void *left, const void *right) {
  uint64_t a = ((const struct record *)left)->key, b = ((const struct record *)right)->key;
  return a < b ? -1 : a > b;
}

static void swap(struct record *a, struct record *b) {
  struct record other = *a;
  *a = *b;
  *b = other;
}

__attribute__((noinline)) static void sort(struct record *first, int64_t count,
                                           int (*order)(const void *, const void *)) {
  while (count > 1) {
    struct record pivot = first[count / 2];
    int64_t low = 0, high = count - 1;
    for (;;) {
      while (order(&first[low], &pivot) < 0) low++;
      while (order(&first[high], &pivot) > 0) high--;
      if (low >= high) break;
      swap(&first[low++], &first[high--]);
    }
    sort(first, low, order);
    first += low == 0 ? 1 : low;
    count -= low == 0 ? 1 : low;
  }
}

uint64_t kernel(uint64_t rounds) {
  int (*volatile order)(const void *, const void *) = compare;
  uint64_t seed = 1, total = 0;
  for (uint64_t round = 0; round < rounds; round++) {
    for (int at = 0; at < COUNT; at++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      records[at] = (struct record){.key = seed >> 33, .value = seed};
    }
    sort(records, COUNT, order);
    total += records[round % COUNT].value;
  }
  return total;
}
