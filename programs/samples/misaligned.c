/*
 * Loads and stores of every width at every byte of two words, and over the end of a page. RAM takes
 * them all, as it does on QEMU, and a store changes what it should and nothing else.
 */
#include "../lib/memory.h"
#include "../lib/print.h"

#define PAGE 4096
#define AROUND 16

static uint8_t memory[2 * PAGE] __attribute__((aligned(PAGE)));
static unsigned accesses;

/* In assembly, because the compiler would make single bytes of them. */
#define ACCESS(name, load, store)                                            \
    static uint64_t load_##name(const void *at)                              \
    {                                                                        \
        uint64_t value;                                                      \
        __asm__ volatile(load " %0, (%1)" : "=r"(value) : "r"(at) : "memory"); \
        return value;                                                        \
    }                                                                        \
    static void store_##name(void *at, uint64_t value)                       \
    {                                                                        \
        __asm__ volatile(store " %0, (%1)" ::"r"(value), "r"(at) : "memory"); \
    }

ACCESS(half, "lhu", "sh")
ACCESS(word, "lwu", "sw")
ACCESS(double, "ld", "sd")

struct width {
    unsigned bytes;
    uint64_t (*load)(const void *at);
    void (*store)(void *at, uint64_t value);
};

static const struct width widths[] = {
    {2, load_half, store_half},
    {4, load_word, store_word},
    {8, load_double, store_double},
};

static uint8_t pattern(const uint8_t *at)
{
    return (uint8_t)((at - memory) * 7 + 1);
}

static uint64_t expected(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned byte = 0; byte < bytes; byte++) {
        value |= (uint64_t)pattern(at + byte) << (8 * byte);
    }
    return value;
}

static void try(uint8_t *at, const struct width *width)
{
    static const uint64_t stored = 0xf1e2d3c4b5a69788;

    for (uint8_t *byte = at - AROUND; byte < at + AROUND; byte++) {
        *byte = pattern(byte);
    }
    require(width->load(at) == expected(at, width->bytes), "a load gives something else");
    width->store(at, stored);
    for (uint8_t *byte = at - AROUND; byte < at + AROUND; byte++) {
        bool is_inside = byte >= at && byte < at + width->bytes;
        uint8_t right = is_inside ? (uint8_t)(stored >> (8 * (byte - at))) : pattern(byte);
        require(*byte == right, "a store changes something else");
    }
    accesses += 2;
}

void init(void)
{
    for (unsigned width = 0; width < sizeof widths / sizeof *widths; width++) {
        for (unsigned offset = 0; offset < AROUND; offset++) {
            try(memory + 2 * AROUND + offset, &widths[width]);
            try(memory + PAGE - 8 + offset, &widths[width]);
        }
    }
    print("misaligned: %u accesses, all right\n", accesses);
}

void notified(microkit_channel ch)
{
    (void)ch;
}
