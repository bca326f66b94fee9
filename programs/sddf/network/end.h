/* One end of a connection of the network class, for when the other end is down: both of its queues
 * are then ours to write. See docs/restart.md. */
#pragma once

#include "config.h"
#include "queue.h"

static inline uint32_t net_empty_queue(void *memory, uint16_t capacity)
{
    struct net_queue *queue = memory;
    uint16_t length = (uint16_t)(queue->tail - queue->head);
    queue->tail = 0;
    queue->head = 0;
    queue->consumer_signalled = NET_WANTS_SIGNAL;
    return length < capacity ? length : capacity;
}

/*
 * Makes both queues what they are at boot, and closes our handles: nothing can be put in or taken
 * out until `net_open_end`. Answers how many entries there were, in both queues.
 */
static inline uint32_t net_close_end(const struct net_connection *connection, struct net_producer *out,
                                     struct net_consumer *in)
{
    net_close_producer(out);
    net_close_consumer(in);
    return net_empty_queue(connection->free_queue.vaddr, connection->num_buffers) +
           net_empty_queue(connection->active_queue.vaddr, connection->num_buffers);
}

static inline void net_open_end(struct net_producer *out, struct net_consumer *in)
{
    out->is_closed = false;
    in->is_closed = false;
}
