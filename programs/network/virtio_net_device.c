/*
 * Initialisation in the order of the specification, interrupts, configuration space.
 * Source: virtio 1.2, sections 3.1.1 (driver initialisation), 4.2.3 (MMIO), 5.1.5 (network device).
 *
 * Not negotiated: checksum offload of what is sent, because a queue entry of sDDF has no place to
 * say that a checksum is missing (of what is received, the device may say that it has checked:
 * GUEST_CSUM); merged receive buffers, because a frame fits one buffer; the control queue:
 * the device is left as it starts, receiving all.
 */
#include "virtio_net_device.h"

#include "../sddf/network/queue.h"
#include "virtio_net_regs.h"

#define ETHERNET_HEADER_BYTES 14
/* Two VLAN tags; whether a frame has them is for the device to see. */
#define OVERHEAD_BYTES (ETHERNET_HEADER_BYTES + 8)
#define MTU_STANDARD 1500
/* How often a register is read again before the device is given up. */
#define TRIES 16
#define ENTRIES_MIN 4
#define QUEUES 2
/* What a bus answers where there is nothing. */
#define ALL_ONES 0xffffffffu

/* Accepted when offered; VERSION_1 is demanded. */
#define WANTED_LOW \
    (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | \
     VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

static uint32_t read32(struct virtio_net_device *device, uint32_t offset)
{
    return *(volatile uint32_t *)(device->registers + offset);
}

static uint16_t read16(struct virtio_net_device *device, uint32_t offset)
{
    return *(volatile uint16_t *)(device->registers + offset);
}

/* Ring entries are in memory before the device learns of them, and registers are written in their
 * order. */
static void write32(struct virtio_net_device *device, uint32_t offset, uint32_t value)
{
    __asm__ volatile("fence rw, ow" ::: "memory");
    *(volatile uint32_t *)(device->registers + offset) = value;
}

static void add_status(struct virtio_net_device *device, uint32_t bit)
{
    write32(device, STATUS, read32(device, STATUS) | bit);
}

static const char *identify(struct virtio_net_device *device)
{
    if (read32(device, MAGIC_VALUE) != MAGIC_VIRT) {
        return "no virtio device: wrong magic";
    }
    if (read32(device, VERSION) != VERSION_MMIO_V2) {
        return "the virtio-mmio device is not of version 2";
    }
    switch (read32(device, DEVICE_ID)) {
    case DEVICE_ID_NETWORK:
        return NULL;
    case 0:
        return "no device behind these registers";
    default:
        return "not a network device";
    }
}

/* 4.2.2.1: a reset is complete when the status reads 0. */
static const char *reset(struct virtio_net_device *device)
{
    write32(device, STATUS, 0);
    for (int tries = 0; tries < TRIES; tries++) {
        if (read32(device, STATUS) == 0) {
            return NULL;
        }
    }
    return "the device does not complete its reset";
}

static const char *negotiate(struct virtio_net_device *device)
{
    write32(device, DEVICE_FEATURES_SEL, 1);
    uint32_t offered_high = read32(device, DEVICE_FEATURES);
    write32(device, DEVICE_FEATURES_SEL, 0);
    uint32_t accepted = read32(device, DEVICE_FEATURES) & WANTED_LOW;
    if ((offered_high & VIRTIO_F_VERSION_1_HIGH) == 0) {
        return "the device lacks VERSION_1";
    }
    device->frame_bytes_max = MTU_STANDARD + OVERHEAD_BYTES;
    if ((accepted & VIRTIO_NET_F_MTU) != 0) {
        uint32_t mtu = read16(device, CONFIG + CONFIG_MTU);
        /* A larger unit than a buffer holds is not for us; the device then keeps to 1500. */
        if (mtu + OVERHEAD_BYTES > NET_BUFFER_BYTES) {
            accepted &= ~VIRTIO_NET_F_MTU;
        } else {
            device->frame_bytes_max = mtu + OVERHEAD_BYTES;
        }
    }
    write32(device, DRIVER_FEATURES_SEL, 0);
    write32(device, DRIVER_FEATURES, accepted);
    write32(device, DRIVER_FEATURES_SEL, 1);
    write32(device, DRIVER_FEATURES, VIRTIO_F_VERSION_1_HIGH);
    add_status(device, STATUS_FEATURES_OK);
    if ((read32(device, STATUS) & STATUS_FEATURES_OK) == 0) {
        return "the device refuses the features";
    }
    device->features = accepted;
    device->makes_checksums = (accepted & VIRTIO_NET_F_CSUM) != 0;
    device->rx_flags = (accepted & VIRTIO_NET_F_GUEST_CSUM) == 0
        ? 0
        : VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID;
    return NULL;
}

/* The largest power of two that the device allows, that we have room for, and of which two fit the
 * ring memory. */
static uint16_t entries_for(const struct virtio_net_device *device, uint32_t max)
{
    uint16_t entries = VIRTQUEUE_ENTRIES_MAX;
    while (entries > 0 && (entries > max || (virtqueue_rings_bytes(entries) + virtqueue_chains_bytes(entries)) *
                                                    (uint64_t)QUEUES >
                                                device->rings_bytes)) {
        entries /= 2;
    }
    return entries;
}

/* Both queues' rings lie at the beginning, together, and then what is not a ring. */
static void make_queue(struct virtio_net_device *device, uint32_t index, uint16_t entries)
{
    /* Places for the largest queues that fit, so that the two may differ in size. */
    uint16_t largest = entries_for(device, VIRTQUEUE_ENTRIES_MAX);
    uint64_t rings = index * (uint64_t)virtqueue_rings_bytes(largest);
    uint64_t chains =
        QUEUES * (uint64_t)virtqueue_rings_bytes(largest) + index * (uint64_t)virtqueue_chains_bytes(largest);
    struct virtqueue_options options = {
        .rings = device->rings + rings,
        .rings_io_addr = device->rings_io_addr + rings,
        .chains = device->rings + chains,
        .chains_io_addr = device->rings_io_addr + chains,
        .entries = entries,
        .header_bytes = VIRTIO_NET_HDR_BYTES,
        .is_device_writer = index == RECEIVEQ1,
        .is_indirect = (device->features & VIRTIO_F_INDIRECT_DESC) != 0,
        .has_event_idx = (device->features & VIRTIO_F_EVENT_IDX) != 0,
    };
    if (index == RECEIVEQ1) {
        virtqueue_init(&device->rx, &device->rx_books, &options);
    } else {
        virtqueue_init(&device->tx, &device->tx_books, &options);
    }
}

static void write_address(struct virtio_net_device *device, uint32_t low, uint32_t high, uint64_t address)
{
    write32(device, low, (uint32_t)address);
    write32(device, high, (uint32_t)(address >> 32));
}

/* 4.2.3.2 Virtqueue configuration. */
static const char *set_up_queue(struct virtio_net_device *device, uint32_t index)
{
    write32(device, QUEUE_SEL, index);
    if (read32(device, QUEUE_READY) != 0) {
        return "a virtqueue is already in use";
    }
    uint16_t entries = entries_for(device, read32(device, QUEUE_SIZE_MAX));
    if (entries < ENTRIES_MIN) {
        return "a virtqueue is absent or too small";
    }
    make_queue(device, index, entries);
    const struct virtqueue *queue = index == RECEIVEQ1 ? &device->rx : &device->tx;
    write32(device, QUEUE_SIZE, entries);
    write_address(device, QUEUE_DESC_LOW, QUEUE_DESC_HIGH, virtqueue_desc_io_addr(queue));
    write_address(device, QUEUE_DRIVER_LOW, QUEUE_DRIVER_HIGH, virtqueue_avail_io_addr(queue));
    write_address(device, QUEUE_DEVICE_LOW, QUEUE_DEVICE_HIGH, virtqueue_used_io_addr(queue));
    write32(device, QUEUE_READY, 1);
    return NULL;
}

/* 3.1.1, by its steps. */
static const char *initialise(struct virtio_net_device *device)
{
    const char *problem = identify(device);
    /* Step 1. */
    if (problem == NULL) {
        problem = reset(device);
    }
    if (problem != NULL) {
        return problem;
    }
    /* Steps 2 and 3. */
    add_status(device, STATUS_ACKNOWLEDGE);
    add_status(device, STATUS_DRIVER);
    /* Steps 4 to 6. */
    problem = negotiate(device);
    /* Step 7. */
    if (problem == NULL) {
        problem = set_up_queue(device, RECEIVEQ1);
    }
    if (problem == NULL) {
        problem = set_up_queue(device, TRANSMITQ1);
    }
    if (problem != NULL) {
        return problem;
    }
    /* Step 8: from here on the device may use the queues. */
    add_status(device, STATUS_DRIVER_OK);
    return NULL;
}

const char *virtio_net_start(struct virtio_net_device *device)
{
    const char *problem = initialise(device);
    if (problem != NULL) {
        add_status(device, STATUS_FAILED);
    }
    return problem;
}

void virtio_net_notify_rx(struct virtio_net_device *device)
{
    write32(device, QUEUE_NOTIFY, RECEIVEQ1);
}

void virtio_net_notify_tx(struct virtio_net_device *device)
{
    write32(device, QUEUE_NOTIFY, TRANSMITQ1);
}

uint32_t virtio_net_take_interrupt(struct virtio_net_device *device)
{
    uint32_t reasons = read32(device, INTERRUPT_STATUS);
    if (reasons != 0) {
        write32(device, INTERRUPT_ACK, reasons);
    }
    return reasons;
}

bool virtio_net_has_interrupt(struct virtio_net_device *device)
{
    return read32(device, INTERRUPT_STATUS) != 0;
}

bool virtio_net_is_started(struct virtio_net_device *device)
{
    uint32_t status = read32(device, STATUS);
    return status != ALL_ONES && (status & STATUS_DRIVER_OK) != 0;
}

bool virtio_net_is_present(struct virtio_net_device *device)
{
    return read32(device, MAGIC_VALUE) == MAGIC_VIRT && read32(device, DEVICE_ID) == DEVICE_ID_NETWORK;
}

bool virtio_net_needs_reset(struct virtio_net_device *device)
{
    return (read32(device, STATUS) & STATUS_DEVICE_NEEDS_RESET) != 0;
}

bool virtio_net_is_link_up(struct virtio_net_device *device)
{
    /* 5.1.4.2: without the feature, the driver is to take the link as up. */
    if ((device->features & VIRTIO_NET_F_STATUS) == 0) {
        return true;
    }
    return (read16(device, CONFIG + CONFIG_STATUS) & VIRTIO_NET_S_LINK_UP) != 0;
}
