/* Buffers of a data region, by number: found by the offset that a client sees, and by the address
 * that a device sees. */
#pragma once

#include "queue.h"

#define NET_NO_BUFFER (-1)
/* As many as a queue has slots for. */
#define NET_BUFFERS_MAX 32768

struct net_data {
    /* 0 where no device sees the region. */
    uint64_t io_addr;
    uint64_t bytes;
    uint64_t buffers;
};

static inline struct net_data net_data(uint64_t io_addr, uint64_t buffers)
{
    return (struct net_data){
        .io_addr = io_addr, .bytes = (uint64_t)buffers * NET_BUFFER_BYTES, .buffers = buffers};
}

static inline int64_t net_buffer_at_offset(const struct net_data *data, uint64_t offset)
{
    if (offset >= data->bytes || offset % NET_BUFFER_BYTES != 0) {
        return NET_NO_BUFFER;
    }
    return (int64_t)(offset / NET_BUFFER_BYTES);
}

static inline int64_t net_buffer_at_address(const struct net_data *data, uint64_t address)
{
    /* Below the region, the difference is larger than any offset. */
    return net_buffer_at_offset(data, address - data->io_addr);
}

static inline uint64_t net_offset_of(int64_t buffer)
{
    return (uint64_t)buffer * NET_BUFFER_BYTES;
}

static inline uint64_t net_address_of(const struct net_data *data, int64_t buffer)
{
    return data->io_addr + net_offset_of(buffer);
}
