/*
 * Packets through six queues of 16-byte entries, as between a driver, virtualisers and a client:
 * each hop takes an entry and gives it on, two copy the packet, the last one sums it up. FRAME is
 * its length in bytes.
 */
#include "kernel.h"

#ifndef FRAME
#define FRAME 64
#endif

#define CAPACITY 128
#define BATCH 64
#define HOPS 6
#define BUFFER 2048

struct entry {
  uint64_t at;
  uint16_t length;
  uint16_t unused[3];
};

struct queue {
  uint16_t tail, head;
  uint32_t consumer_signalled;
  struct entry entries[CAPACITY];
};

static struct queue queues[HOPS];
static uint8_t buffers[3][CAPACITY * BUFFER];

static int enqueue(struct queue *queue, struct entry entry) {
  if ((uint16_t)(queue->tail - queue->head) == CAPACITY) return -1;
  queue->entries[queue->tail % CAPACITY] = entry;
  __atomic_thread_fence(__ATOMIC_RELEASE);
  queue->tail++;
  return 0;
}

static int dequeue(struct queue *queue, struct entry *entry) {
  if (queue->tail == queue->head) return -1;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  *entry = queue->entries[queue->head % CAPACITY];
  queue->head++;
  return 0;
}

static void copy(uint8_t *to, const uint8_t *from, uint64_t length) {
  uint64_t at = 0;
  for (; at + 8 <= length; at += 8) *(uint64_t *)(to + at) = *(const uint64_t *)(from + at);
  for (; at < length; at++) to[at] = from[at];
}

static uint64_t sum(const uint8_t *packet, uint64_t length) {
  uint64_t total = 0;
  for (uint64_t at = 0; at + 2 <= length; at += 2) total += *(const uint16_t *)(packet + at);
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return total;
}

static void forward(int hop) {
  struct entry entry;
  while (dequeue(&queues[hop], &entry) == 0) {
    if (entry.at + entry.length > sizeof buffers[0]) continue;
    if (hop == 1) copy(buffers[1] + entry.at, buffers[0] + entry.at, entry.length);
    if (hop == 3) copy(buffers[2] + entry.at, buffers[1] + entry.at, entry.length);
    enqueue(&queues[hop + 1], entry);
  }
}

uint64_t kernel(uint64_t rounds) {
  uint64_t total = 0;
  struct entry entry;
  for (uint64_t round = 0; round < rounds; round += BATCH) {
    for (uint64_t index = 0; index < BATCH; index++) {
      uint64_t at = (round + index) % CAPACITY * BUFFER;
      buffers[0][at] = (uint8_t)(round + index);
      enqueue(&queues[0], (struct entry){.at = at, .length = FRAME});
    }
    for (int hop = 0; hop < HOPS - 1; hop++) forward(hop);
    while (dequeue(&queues[HOPS - 1], &entry) == 0) total += sum(buffers[2] + entry.at, entry.length);
  }
  return total;
}
