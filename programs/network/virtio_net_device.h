/* The network device as the driver handles it. Knows nothing of sDDF's queues. */
#pragma once

#include "virtqueue.h"

struct virtio_net_device {
    volatile uint8_t *registers;
    /* Memory for both virtqueues, shared with the device. */
    uint8_t *rings;
    uint64_t rings_io_addr;
    uint64_t rings_bytes;
    /* Accepted feature bits 0 to 31. */
    uint32_t features;
    /* Bits of a received frame's flags that mean something, by what was negotiated. */
    uint32_t rx_flags;
    /* Whether it completes checksums of what is sent. */
    bool makes_checksums;
    /* Longest frame, Ethernet header and tags included. */
    uint32_t frame_bytes_max;
    struct virtqueue rx;
    struct virtqueue tx;
    struct virtqueue_books rx_books;
    struct virtqueue_books tx_books;
};

/*
 * Resets and initialises the device, with new and empty virtqueues: who wants to reclaim what the
 * old ones had outstanding keeps a copy of them. Answers NULL when the device runs, else what is
 * wrong with it.
 */
const char *virtio_net_start(struct virtio_net_device *device);

void virtio_net_notify_rx(struct virtio_net_device *device);
void virtio_net_notify_tx(struct virtio_net_device *device);

/* Reads and acknowledges the interrupt's reasons: INTERRUPT_… bits, 0 when it was spurious. */
uint32_t virtio_net_take_interrupt(struct virtio_net_device *device);

/* Whether the device has something to say that nobody has acknowledged. */
bool virtio_net_has_interrupt(struct virtio_net_device *device);

/* Whether it still knows that it has been started: a device that has reset itself does not, and
 * says nothing; one that is gone reads as all ones. */
bool virtio_net_is_started(struct virtio_net_device *device);

/* Whether there is a network device behind the registers. */
bool virtio_net_is_present(struct virtio_net_device *device);

bool virtio_net_needs_reset(struct virtio_net_device *device);
bool virtio_net_is_link_up(struct virtio_net_device *device);

