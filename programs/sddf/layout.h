/* Layouts that others know as well are asserted field by field. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A word of 64 bits in memory that others see, too. It is not the type of `size_t` and `uint64_t`:
 * so the compiler knows that a store to such memory changes no variable of the program's own, and
 * keeps these in registers.
 */
typedef unsigned long long shared_word;

/* For what is done for each packet: a call costs more than what it does. */
#define PER_PACKET static inline __attribute__((always_inline))
/* For a loop over what is plain in a batch: a function of its own, whose variables share registers
 * with no others. */
#define PLAIN_LOOP static __attribute__((noinline))

#define LAYOUT_FIELD(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type ": " #field)
#define LAYOUT_BYTES(type, bytes) _Static_assert(sizeof(type) == (bytes), #type ": its size")
