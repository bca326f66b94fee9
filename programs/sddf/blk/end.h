/* One end of a connection of the block class, for when the other end is down: both of its queues are
 * then ours to write. See docs/restart.md. */
#pragma once

#include "config.h"
#include "queue.h"

/* Makes both queues what they are at boot. What is known of the medium stays: it is not the
 * queue's. */
static inline void blk_empty_queues(const struct blk_connection *connection)
{
    struct blk_request_queue *requests = connection->req_queue.vaddr;
    struct blk_response_queue *responses = connection->resp_queue.vaddr;
    requests->head = 0;
    requests->tail = 0;
    requests->plugged = 0;
    responses->head = 0;
    responses->tail = 0;
}
