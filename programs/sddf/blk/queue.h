/*
 * The block queues of sDDF 0.7: requests from a client, responses to it. Both sides always notify
 * after a batch. Unlike in the other classes, `head` comes first.
 */
#pragma once

#include "../layout.h"

enum blk_code { BLK_READ = 0, BLK_WRITE = 1, BLK_FLUSH = 2, BLK_BARRIER = 3 };

enum blk_status { BLK_OK = 0, BLK_ERR_UNSPEC = 1, BLK_ERR_INVALID_PARAM = 2, BLK_ERR_IO = 3, BLK_ERR_NO_DEVICE = 4 };

struct blk_request {
    uint32_t code;
    /* Where the blocks are in the client's data region; for a driver, an address for DMA. */
    uint64_t io_or_offset;
    uint64_t block_number;
    uint16_t count;
    uint32_t id;
};

LAYOUT_FIELD(struct blk_request, code, 0);
LAYOUT_FIELD(struct blk_request, io_or_offset, 8);
LAYOUT_FIELD(struct blk_request, block_number, 16);
LAYOUT_FIELD(struct blk_request, count, 24);
LAYOUT_FIELD(struct blk_request, id, 28);
LAYOUT_BYTES(struct blk_request, 32);

/* Indices run freely and wrap at 2^32. */
struct blk_request_queue {
    uint32_t head;
    uint32_t tail;
    /* The client has more to come: do not begin yet. */
    uint8_t plugged;
    struct blk_request requests[] __attribute__((aligned(16)));
};

LAYOUT_FIELD(struct blk_request_queue, head, 0);
LAYOUT_FIELD(struct blk_request_queue, tail, 4);
LAYOUT_FIELD(struct blk_request_queue, plugged, 8);
LAYOUT_FIELD(struct blk_request_queue, requests, 16);

struct blk_response {
    uint32_t status;
    uint16_t success_count;
    uint32_t id;
};

LAYOUT_FIELD(struct blk_response, status, 0);
LAYOUT_FIELD(struct blk_response, success_count, 4);
LAYOUT_FIELD(struct blk_response, id, 8);
LAYOUT_BYTES(struct blk_response, 12);

struct blk_response_queue {
    uint32_t head;
    uint32_t tail;
    struct blk_response responses[];
};

LAYOUT_FIELD(struct blk_response_queue, head, 0);
LAYOUT_FIELD(struct blk_response_queue, tail, 4);
LAYOUT_FIELD(struct blk_response_queue, responses, 8);

/* Puts a request in and makes it visible. Answers false, without change, when the queue is full. At
 * an index of the peer's that cannot be, the queue begins again, empty. */
static inline bool blk_enqueue_request(struct blk_request_queue *queue, uint32_t capacity, const struct blk_request *request)
{
    uint32_t tail = queue->tail;
    uint32_t head = __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE);
    if (tail - head > capacity) {
        tail = head;
    } else if (tail - head == capacity) {
        return false;
    }
    queue->requests[tail & (capacity - 1)] = *request;
    __atomic_store_n(&queue->tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}

/* Takes the oldest response out. Answers false when there is none. */
static inline bool blk_dequeue_response(struct blk_response_queue *queue, uint32_t capacity, struct blk_response *response)
{
    uint32_t head = queue->head;
    uint32_t tail = __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE);
    if (tail - head > capacity) {
        __atomic_store_n(&queue->head, tail, __ATOMIC_RELEASE);
        return false;
    }
    if (tail == head) {
        return false;
    }
    *response = queue->responses[head & (capacity - 1)];
    __atomic_store_n(&queue->head, head + 1, __ATOMIC_RELEASE);
    return true;
}
