/*
 * A split virtqueue of requests that are a header and one buffer each, as the driver handles it
 * (virtio 1.2 §2.7).
 *
 * What the device writes is checked before it is used: a used index or a chain that cannot be is a
 * lie, and says so. Headers never move; a request is posted by writing the address and the length
 * of its buffer.
 */
#pragma once

#include "../sddf/layout.h"

#define VIRTQUEUE_ENTRIES_MAX 512
#define VIRTQUEUE_HEADER_STRIDE 16

/* §2.7.5 */
struct virtq_desc {
    shared_word addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

LAYOUT_FIELD(struct virtq_desc, len, 8);
LAYOUT_FIELD(struct virtq_desc, flags, 12);
LAYOUT_FIELD(struct virtq_desc, next, 14);
LAYOUT_BYTES(struct virtq_desc, 16);

/* §2.7.6; `used_event` follows the entries. */
struct virtq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};

LAYOUT_FIELD(struct virtq_avail, ring, 4);

struct virtq_used_elem {
    uint32_t id;
    uint32_t len;
};

/* §2.7.8; `avail_event` follows the entries. */
struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};

LAYOUT_FIELD(struct virtq_used, ring, 4);
LAYOUT_BYTES(struct virtq_used_elem, 8);

enum virtqueue_result {
    VIRTQUEUE_TAKEN,
    /* Nothing to take. */
    VIRTQUEUE_NONE,
    /* The used index is further ahead than requests are outstanding. */
    VIRTQUEUE_LIE_INDEX,
    /* An id that is not the head of an outstanding chain. */
    VIRTQUEUE_LIE_ID,
    /* More bytes written than the chain has. The request is taken. */
    VIRTQUEUE_LIE_LENGTH
};

struct virtqueue_options {
    /* Where the rings, and where headers and tables lie, for us and for the device. */
    uint8_t *rings;
    uint64_t rings_io_addr;
    uint8_t *chains;
    uint64_t chains_io_addr;
    /* A power of two up to VIRTQUEUE_ENTRIES_MAX. */
    uint16_t entries;
    uint32_t header_bytes;
    /* Who writes headers and buffers. */
    bool is_device_writer;
    /* VIRTIO_F_INDIRECT_DESC and VIRTIO_F_EVENT_IDX have been negotiated. */
    bool is_indirect;
    bool has_event_idx;
};

/* What was posted with a chain last; no bytes when that is finished. */
struct virtqueue_request {
    uint64_t addr;
    uint32_t len;
    /* Its header is not all zeros. */
    uint32_t is_headed;
};

/* A finished request. `bytes` is what the device says it has written, and never more than it
 * could. */
struct virtqueue_finished {
    uint64_t addr;
    uint32_t bytes;
    size_t chain;
};

struct virtqueue {
    struct virtqueue_options options;
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
    /* The descriptor of chain 0's buffer; the others follow at every second one. */
    struct virtq_desc *buffers;
    /* Requests that can be outstanding at a time: a power of two. */
    size_t chains;
    /* Chains that are not outstanding: a stack. */
    size_t free_count;
    /* How far a chain's number is shifted to be that of its head: by one without indirect
     * descriptors, where each chain has two. */
    size_t head_shift;
    /* Indices run freely, here beyond the 16 bits that the rings have of them. */
    size_t next_avail;
    size_t published_avail;
    size_t next_used;
    /* Where the used entries end that are known to be there, from the last look at the device's
     * index. */
    size_t used_limit;
    uint16_t free[VIRTQUEUE_ENTRIES_MAX];
    struct virtqueue_request requests[VIRTQUEUE_ENTRIES_MAX];
};

/* Bytes of descriptor table, available ring and used ring; and of headers and tables. Both are
 * multiples of 16. */
uint32_t virtqueue_rings_bytes(uint16_t entries);
uint32_t virtqueue_chains_bytes(uint16_t entries);

/* Lays the queue out in its memory, empty. */
void virtqueue_init(struct virtqueue *queue, const struct virtqueue_options *options);

/* Physical addresses for the device's registers. */
uint64_t virtqueue_desc_io_addr(const struct virtqueue *queue);
uint64_t virtqueue_avail_io_addr(const struct virtqueue *queue);
uint64_t virtqueue_used_io_addr(const struct virtqueue *queue);

/* Takes back one buffer that the device still has. Only after the device has been reset. Answers
 * false when none is left. */
bool virtqueue_reclaim(struct virtqueue *queue, struct virtqueue_finished *taken);

static inline size_t virtqueue_room(const struct virtqueue *queue)
{
    return queue->free_count;
}

static inline size_t virtqueue_outstanding(const struct virtqueue *queue)
{
    return queue->chains - queue->free_count;
}

/* How many finished requests have been taken: stands still while the device finishes nothing. */
static inline size_t virtqueue_taken_count(const struct virtqueue *queue)
{
    return queue->next_used;
}

/* Gives the device a buffer, to be published with the batch. The caller has seen that there is
 * room, and that the buffer has bytes. */
static inline void virtqueue_post(struct virtqueue *queue, uint64_t addr, uint32_t len)
{
    size_t chain = queue->free[--queue->free_count];
    queue->requests[chain] = (struct virtqueue_request){.addr = addr, .len = len};
    struct virtq_desc *buffer = &queue->buffers[2 * chain];
    buffer->addr = addr;
    buffer->len = len;
    size_t entry = queue->next_avail & (queue->options.entries - 1u);
    queue->avail->ring[entry] = (uint16_t)(chain << queue->head_shift);
    queue->next_avail++;
}

/* The same behind a header of these words, which is all zeros again when the request is over. */
void virtqueue_post_headed(struct virtqueue *queue, uint64_t addr, uint32_t len,
                           const uint32_t header[VIRTQUEUE_HEADER_STRIDE / 4]);
void virtqueue_clear_header(struct virtqueue *queue, size_t chain);

/* Makes everything posted available. Answers whether the device asks to be notified of it
 * (§2.7.10). */
bool virtqueue_publish(struct virtqueue *queue);

/* Reads the device's index once. Answers VIRTQUEUE_TAKEN when there is something to take. */
static inline enum virtqueue_result virtqueue_look(struct virtqueue *queue)
{
    size_t pending = (uint16_t)(__atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE) - queue->next_used);
    if (pending == 0) {
        return VIRTQUEUE_NONE;
    }
    if (pending > virtqueue_outstanding(queue)) {
        return VIRTQUEUE_LIE_INDEX;
    }
    queue->used_limit = queue->next_used + pending;
    return VIRTQUEUE_TAKEN;
}

static inline void virtqueue_release(struct virtqueue *queue, size_t chain)
{
    queue->requests[chain].len = 0;
    if (queue->requests[chain].is_headed) {
        virtqueue_clear_header(queue, chain);
    }
    queue->free[queue->free_count++] = (uint16_t)chain;
}

static inline enum virtqueue_result virtqueue_take(struct virtqueue *queue, struct virtqueue_finished *taken)
{
    if (queue->next_used == queue->used_limit) {
        enum virtqueue_result result = virtqueue_look(queue);
        if (result != VIRTQUEUE_TAKEN) {
            return result;
        }
    }
    const volatile struct virtq_used_elem *entry = &queue->used->ring[queue->next_used & (queue->options.entries - 1u)];
    size_t id = entry->id;
    uint32_t bytes = entry->len;
    size_t chain = id >> queue->head_shift;
    bool is_head = chain << queue->head_shift == id;
    if (chain >= queue->chains || !is_head || queue->requests[chain].len == 0) {
        return VIRTQUEUE_LIE_ID;
    }
    size_t most = queue->options.is_device_writer ? queue->options.header_bytes + queue->requests[chain].len : 0;
    queue->next_used++;
    virtqueue_release(queue, chain);
    taken->addr = queue->requests[chain].addr;
    taken->chain = chain;
    taken->bytes = bytes < most ? bytes : (uint32_t)most;
    return bytes > most ? VIRTQUEUE_LIE_LENGTH : VIRTQUEUE_TAKEN;
}

/* Asks for an interrupt at the next used buffer (§2.7.7.1). Look again afterwards. */
void virtqueue_request_interrupt(struct virtqueue *queue);

/* Whether the device's index says that there is something to take. */
bool virtqueue_has_used(struct virtqueue *queue);

/* The half word of a chain's header that begins at byte `offset`. */
static inline uint16_t virtqueue_header16(const struct virtqueue *queue, size_t chain, uint32_t offset)
{
    const uint8_t *header = queue->options.chains + chain * VIRTQUEUE_HEADER_STRIDE;
    return *(const volatile uint16_t *)(const void *)(header + offset);
}
