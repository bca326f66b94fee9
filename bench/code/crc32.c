/* The check sequence of Ethernet frames by a table, 256 bytes a round. */
#include "kernel.h"

#define LENGTH 256

static uint32_t table[256];
static uint8_t frame[LENGTH];

static void make_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320u ^ (value >> 1) : value >> 1;
    table[byte] = value;
  }
}

uint64_t kernel(uint64_t rounds) {
  uint64_t total = 0;
  if (table[1] == 0) make_table();
  for (uint64_t round = 0; round < rounds; round++) {
    uint32_t crc = 0xffffffff;
    frame[round % LENGTH] ^= (uint8_t)round;
    for (int at = 0; at < LENGTH; at++) crc = table[(crc ^ frame[at]) & 0xff] ^ (crc >> 8);
    total += crc;
  }
  return total;
}
