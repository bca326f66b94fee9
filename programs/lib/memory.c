/*
 * Words where both ends allow it, single bytes at the edges. Each has a symbol of its own, so that
 * whoever runs the image can tell them from other code.
 */
#include "memory.h"
#include <stdbool.h>
#include <stdint.h>

#undef memcpy
#undef memmove
#undef memset
#undef memcmp

#define WORD sizeof(uint64_t)

typedef uint64_t __attribute__((may_alias)) word;

static bool is_aligned(const void *at)
{
    return ((uintptr_t)at & (WORD - 1)) == 0;
}

/* Whether the two reach a word's boundary after the same number of bytes. */
static bool agree(const void *left, const void *right)
{
    return (((uintptr_t)left ^ (uintptr_t)right) & (WORD - 1)) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;

    if (agree(out, in)) {
        for (; bytes > 0 && !is_aligned(out); bytes--) {
            *out++ = *in++;
        }
        for (; bytes >= 4 * WORD; bytes -= 4 * WORD, out += 4 * WORD, in += 4 * WORD) {
            const word *source = (const word *)in;
            word *target = (word *)out;
            word w0 = source[0], w1 = source[1], w2 = source[2], w3 = source[3];
            target[0] = w0;
            target[1] = w1;
            target[2] = w2;
            target[3] = w3;
        }
        for (; bytes >= WORD; bytes -= WORD, out += WORD, in += WORD) {
            *(word *)out = *(const word *)in;
        }
    }
    for (; bytes > 0; bytes--) {
        *out++ = *in++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;

    if ((uintptr_t)out - (uintptr_t)in >= bytes) {
        /* Forwards does no harm: what is overwritten has been read. */
        for (; bytes > 0 && agree(out, in) && !is_aligned(out); bytes--) {
            *out++ = *in++;
        }
        for (; bytes >= WORD && agree(out, in); bytes -= WORD, out += WORD, in += WORD) {
            *(word *)out = *(const word *)in;
        }
        for (; bytes > 0; bytes--) {
            *out++ = *in++;
        }
        return to;
    }
    for (; bytes > 0 && !(agree(out, in) && is_aligned(out + bytes)); bytes--) {
        out[bytes - 1] = in[bytes - 1];
    }
    for (; bytes >= WORD; bytes -= WORD) {
        *(word *)(out + bytes - WORD) = *(const word *)(in + bytes - WORD);
    }
    for (; bytes > 0; bytes--) {
        out[bytes - 1] = in[bytes - 1];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *out = to;
    word pattern = (uint8_t)value * 0x0101010101010101ul;

    for (; bytes > 0 && !is_aligned(out); bytes--) {
        *out++ = (uint8_t)value;
    }
    for (; bytes >= WORD; bytes -= WORD, out += WORD) {
        *(word *)out = pattern;
    }
    for (; bytes > 0; bytes--) {
        *out++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
    const uint8_t *a = left;
    const uint8_t *b = right;

    if (agree(a, b)) {
        for (; bytes > 0 && !is_aligned(a) && *a == *b; bytes--) {
            a++;
            b++;
        }
        for (; bytes >= WORD && is_aligned(a) && *(const word *)a == *(const word *)b; bytes -= WORD) {
            a += WORD;
            b += WORD;
        }
    }
    for (; bytes > 0; bytes--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}
