/* Runs of bytes, under the names that compilers call by themselves. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

/* A freestanding compiler takes them for any functions, which might change every variable. */
#define memcpy __builtin_memcpy
#define memmove __builtin_memmove
#define memset __builtin_memset
#define memcmp __builtin_memcmp

/* So many bytes are copied in line: most frames are short, and a call takes longer. */
#define SHORT_BYTES 64

/*
 * Copies between aligned buffers that do not overlap. For what is copied again and again.
 */
static inline __attribute__((always_inline)) void copy_aligned(uint8_t *to, const uint8_t *from, size_t bytes)
{
    typedef uint64_t __attribute__((may_alias)) word;

    if (__builtin_expect(bytes < SHORT_BYTES, 0)) {
        memcpy(to, from, bytes);
        return;
    }
    for (unsigned at = 0; at < SHORT_BYTES; at += 4 * sizeof(word)) {
        const word *source = (const word *)(const void *)(from + at);
        word *target = (word *)(void *)(to + at);
        word w0 = source[0], w1 = source[1], w2 = source[2], w3 = source[3];
        target[0] = w0;
        target[1] = w1;
        target[2] = w2;
        target[3] = w3;
    }
    if (__builtin_expect(bytes > SHORT_BYTES, 0)) {
        memcpy(to + SHORT_BYTES, from + SHORT_BYTES, bytes - SHORT_BYTES);
    }
}
