/* Layouts that others know as well are asserted field by field. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_FIELD(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type ": " #field)
#define LAYOUT_BYTES(type, bytes) _Static_assert(sizeof(type) == (bytes), #type ": its size")
