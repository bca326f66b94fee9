/*
 * Registers and constants of a virtio network device behind virtio-mmio.
 * Source: OASIS "Virtual I/O Device (VIRTIO) Version 1.2", sections 2.1, 4.2.2, 5.1 and 6.
 */
#pragma once

/* 4.2.2 MMIO device register layout: 32 bits each. */
enum {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100
};

#define MAGIC_VIRT 0x74726976u
#define VERSION_MMIO_V2 2
#define DEVICE_ID_NETWORK 1

/* InterruptStatus */
#define INTERRUPT_CONFIG_CHANGE 2u

/* 2.1 Device status field */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_DEVICE_NEEDS_RESET 64u
#define STATUS_FAILED 128u

/* 5.1.3 and 6: masks made of feature *numbers*. VERSION_1 is number 32, bit 0 of the high word. */
#define VIRTIO_NET_F_CSUM (1u << 0)
#define VIRTIO_NET_F_GUEST_CSUM (1u << 1)
#define VIRTIO_NET_F_MTU (1u << 3)
#define VIRTIO_NET_F_MAC (1u << 5)
#define VIRTIO_NET_F_STATUS (1u << 16)
#define VIRTIO_F_INDIRECT_DESC (1u << 28)
#define VIRTIO_F_EVENT_IDX (1u << 29)
#define VIRTIO_F_VERSION_1_HIGH (1u << 0)

/* 5.1.4 Device configuration layout, from CONFIG on */
#define CONFIG_MAC 0
#define CONFIG_STATUS 6
#define CONFIG_MTU 10
#define VIRTIO_NET_S_LINK_UP 1u

/* 5.1.2 Virtqueues */
#define RECEIVEQ1 0u
#define TRANSMITQ1 1u

/* 5.1.6: 12 bytes with VERSION_1, of which the last two are num_buffers. */
#define VIRTIO_NET_HDR_BYTES 12
#define VIRTIO_NET_HDR_NUM_BUFFERS 10
/* Flags in the low byte. */
#define VIRTIO_NET_HDR_FLAGS 0
#define VIRTIO_NET_HDR_F_NEEDS_CSUM 1u
#define VIRTIO_NET_HDR_F_DATA_VALID 2u
