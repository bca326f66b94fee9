/* Buffers of a data region, by number: found by the offset that a client sees, and by the address
 * that a device sees. */
#pragma once

#include "queue.h"

#define NET_NO_BUFFER (-1)
#define NET_BUFFER_SHIFT 11
_Static_assert(1 << NET_BUFFER_SHIFT == NET_BUFFER_BYTES, "the bits of an offset inside a buffer");
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

/*
 * The number of the buffer at an offset; of an offset between two buffers, more than any number: the
 * bits that a buffer's offset does not have are rotated to the top. So one comparison with `buffers`
 * says whether there is such a buffer.
 */
static inline uint64_t net_number_of(uint64_t offset)
{
    return offset >> NET_BUFFER_SHIFT | offset << (64 - NET_BUFFER_SHIFT);
}

static inline int64_t net_buffer_at_offset(const struct net_data *data, uint64_t offset)
{
    uint64_t number = net_number_of(offset);
    return number < data->buffers ? (int64_t)number : NET_NO_BUFFER;
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
