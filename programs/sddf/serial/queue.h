/*
 * The byte queue of sDDF 0.7: indices in one region, the bytes in another. A producer always
 * notifies after a batch; a consumer notifies only when the producer has asked for room. At an
 * index of the peer's that cannot be, the queue begins again, empty.
 */
#pragma once

#include "../layout.h"

/* The producer asks with 0. */
enum { SERIAL_WANTS_SIGNAL = 0, SERIAL_SIGNALLED = 1 };

/* Indices run freely and wrap at 2^32. */
struct serial_queue {
    uint32_t tail;
    uint32_t head;
    uint32_t producer_signalled;
};

LAYOUT_FIELD(struct serial_queue, tail, 0);
LAYOUT_FIELD(struct serial_queue, head, 4);
LAYOUT_FIELD(struct serial_queue, producer_signalled, 8);
LAYOUT_BYTES(struct serial_queue, 12);

struct serial_handle {
    struct serial_queue *queue;
    char *data;
    /* A power of two. */
    uint32_t capacity;
};

/* Puts bytes in, as many as there is room for, and makes them visible. Answers how many: then
 * notify the consumer. */
static inline uint32_t serial_write(const struct serial_handle *to, const char *bytes, uint32_t length)
{
    uint32_t tail = to->queue->tail;
    uint32_t head = __atomic_load_n(&to->queue->head, __ATOMIC_ACQUIRE);
    if (tail - head > to->capacity) {
        tail = head;
    }
    uint32_t room = to->capacity - (tail - head);
    uint32_t written = length < room ? length : room;
    for (uint32_t index = 0; index < written; index++) {
        to->data[(tail + index) & (to->capacity - 1)] = bytes[index];
    }
    __atomic_store_n(&to->queue->tail, tail + written, __ATOMIC_RELEASE);
    return written;
}

/* Takes bytes out, at most `length`. Answers how many, and in `is_signal_due` whether the producer
 * waits for room. */
static inline uint32_t serial_read(const struct serial_handle *from, char *bytes, uint32_t length, bool *is_signal_due)
{
    uint32_t head = from->queue->head;
    uint32_t tail = __atomic_load_n(&from->queue->tail, __ATOMIC_ACQUIRE);
    if (tail - head > from->capacity) {
        head = tail;
    }
    uint32_t there = tail - head;
    uint32_t taken = there < length ? there : length;
    for (uint32_t index = 0; index < taken; index++) {
        bytes[index] = from->data[(head + index) & (from->capacity - 1)];
    }
    __atomic_store_n(&from->queue->head, head + taken, __ATOMIC_RELEASE);
    /* The producer stores its wish and then looks at the head: we look at the wish after storing
     * the head. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *is_signal_due = taken > 0 && from->queue->producer_signalled == SERIAL_WANTS_SIGNAL;
    if (*is_signal_due) {
        from->queue->producer_signalled = SERIAL_SIGNALLED;
    }
    return taken;
}
