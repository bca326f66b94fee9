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
    /* Whether the device writes headers and buffers. */
    bool is_device_writer;
    /* VIRTIO_F_INDIRECT_DESC and VIRTIO_F_EVENT_IDX have been negotiated. */
    bool is_indirect;
    bool has_event_idx;
};

/* Whose a chain is. HEADED: the device's, with a header that is not all zeros. */
enum virtqueue_state { VIRTQUEUE_OURS, VIRTQUEUE_POSTED, VIRTQUEUE_HEADED };

/*
 * What was posted with a chain last, how much of it the device may write, and whose it is.
 * `plain_below`: of a posted one without a header, one more than `most`; else 0. So one comparison
 * with what the device has written says that there is nothing unusual.
 */
struct virtqueue_request {
    uint64_t addr;
    uint32_t plain_below;
    uint16_t most;
    uint16_t state;
};

/* What is remembered of the queue and of each chain. */
struct virtqueue_books {
    struct virtqueue_options options;
    /* Chains that are ours: a stack. */
    uint16_t free[VIRTQUEUE_ENTRIES_MAX];
    struct virtqueue_request requests[VIRTQUEUE_ENTRIES_MAX];
};

/* A finished request. `bytes` is what the device says it has written. */
struct virtqueue_finished {
    uint64_t addr;
    uint32_t bytes;
    size_t chain;
};

/*
 * A handle. What is plain in a batch is gone through by a loop of its own, as in sDDF's queues: see
 * `virtqueue_poster` and `virtqueue_taker`. Indices run freely, here beyond the 16 bits that the rings
 * have of them; used entries are gone through by a pointer, as those of sDDF's queues are.
 */
struct virtqueue {
    /* Where the next used entry is, and where the run ends of those that are known to be there. */
    const volatile struct virtq_used_elem *next_used;
    const volatile struct virtq_used_elem *end_used;
    /* Above the last chain that is ours. */
    uint16_t *free_top;
    /* Where chain 0's header is; the others follow. */
    uint8_t *headers;
    /* The descriptor of chain 0's buffer; the others follow at every second one. */
    struct virtq_desc *buffers;
    struct virtqueue_books *books;
    struct virtq_avail *avail;
    struct virtq_used *used;
    /* Requests that can be outstanding at a time: a power of two. */
    uint32_t chains;
    /* How far a chain's number is shifted to be that of its head: by one without indirect
     * descriptors, where each chain has two. */
    uint32_t head_shift;
    /* One less than the rings have entries: a power of two. */
    size_t mask;
    size_t posted;
    size_t published;
    /* The index of the entry at `end_used`, and where those end that are known to be there, from
     * the last look at the device's index. */
    size_t used_end_index;
    size_t used_limit;
};

/* Bytes of descriptor table, available ring and used ring; and of headers and tables. Both are
 * multiples of 16. */
uint32_t virtqueue_rings_bytes(uint16_t entries);
uint32_t virtqueue_chains_bytes(uint16_t entries);

/* Lays the queue out in its memory, empty. */
void virtqueue_init(struct virtqueue *queue, struct virtqueue_books *books, const struct virtqueue_options *options);

/* Makes `to` the same queue, with books of its own. */
void virtqueue_move(struct virtqueue *to, struct virtqueue_books *books, const struct virtqueue *from);

/* Physical addresses for the device's registers. */
uint64_t virtqueue_desc_io_addr(const struct virtqueue *queue);
uint64_t virtqueue_avail_io_addr(const struct virtqueue *queue);
uint64_t virtqueue_used_io_addr(const struct virtqueue *queue);

/* Takes back one buffer that the device still has. Only after the device has been reset. Answers
 * false when none is left. */
bool virtqueue_reclaim(struct virtqueue *queue, struct virtqueue_finished *taken);

static inline size_t virtqueue_room(const struct virtqueue *queue)
{
    return (size_t)(queue->free_top - queue->books->free);
}

static inline size_t virtqueue_outstanding(const struct virtqueue *queue)
{
    return queue->chains - virtqueue_room(queue);
}

/* How many finished requests have been taken: stands still while the device finishes nothing. */
static inline size_t virtqueue_taken_count(const struct virtqueue *queue)
{
    return queue->used_end_index - (size_t)(queue->end_used - queue->next_used);
}

/* A chain's header. */
static inline volatile uint32_t *virtqueue_header(const struct virtqueue *queue, size_t chain)
{
    return (volatile uint32_t *)(void *)(queue->headers + chain * VIRTQUEUE_HEADER_STRIDE);
}

static inline struct virtqueue_request virtqueue_request(uint64_t addr, uint16_t most)
{
    return (struct virtqueue_request){
        .addr = addr, .plain_below = most + 1u, .most = most, .state = VIRTQUEUE_POSTED};
}

/*
 * Gives the device a buffer, to be published with the batch, of which it may write so many bytes,
 * header and all. The caller has seen that there is room, and that the buffer has bytes. Answers
 * its chain.
 */
static inline size_t virtqueue_post(struct virtqueue *queue, uint64_t addr, uint32_t len, uint16_t most)
{
    size_t chain = *--queue->free_top;
    queue->books->requests[chain] = virtqueue_request(addr, most);
    struct virtq_desc *buffer = &queue->buffers[2 * chain];
    buffer->addr = addr;
    buffer->len = len;
    queue->avail->ring[queue->posted & queue->mask] = (uint16_t)(chain << queue->head_shift);
    queue->posted++;
    return chain;
}

/* Gives a chain that has just been posted a header of these words, which is all zeros again when the
 * request is over. */
static inline void virtqueue_set_header(struct virtqueue *queue, size_t chain,
                                        const uint32_t header[VIRTQUEUE_HEADER_STRIDE / 4])
{
    for (unsigned word = 0; word < VIRTQUEUE_HEADER_STRIDE / 4; word++) {
        virtqueue_header(queue, chain)[word] = header[word];
    }
    queue->books->requests[chain].state = VIRTQUEUE_HEADED;
    queue->books->requests[chain].plain_below = 0;
}

/* Of a loop that posts: the end of the free chains, and the next entry of the available ring. */
struct virtqueue_poster {
    uint16_t *free_top;
    uint16_t *next;
    struct virtqueue_request *requests;
    struct virtq_desc *buffers;
    uint32_t head_shift;
};

/* `most` becomes how many can be posted before the ring begins anew, where it is more; the caller
 * has seen that there is room. */
static inline struct virtqueue_poster virtqueue_begin_posting(const struct virtqueue *queue, size_t *most)
{
    size_t entry = queue->posted & queue->mask;
    size_t ahead = queue->mask + 1 - entry;
    *most = *most < ahead ? *most : ahead;
    return (struct virtqueue_poster){
        .free_top = queue->free_top,
        .next = &queue->avail->ring[entry],
        .requests = queue->books->requests,
        .buffers = queue->buffers,
        .head_shift = queue->head_shift,
    };
}

PER_PACKET void virtqueue_post_next(struct virtqueue_poster *poster, uint64_t addr, uint32_t len, uint16_t most)
{
    size_t chain = *--poster->free_top;
    poster->requests[chain] = virtqueue_request(addr, most);
    poster->buffers[2 * chain].addr = addr;
    poster->buffers[2 * chain].len = len;
    *poster->next++ = (uint16_t)(chain << poster->head_shift);
}

static inline void virtqueue_end_posting(struct virtqueue *queue, const struct virtqueue_poster *poster)
{
    queue->posted += (size_t)(queue->free_top - poster->free_top);
    queue->free_top = poster->free_top;
}

/* How many requests have been posted that the device does not see yet. */
static inline size_t virtqueue_unpublished(const struct virtqueue *queue)
{
    return queue->posted - queue->published;
}

/* Makes everything posted available. Answers whether the device asks to be notified of it
 * (§2.7.10). */
bool virtqueue_publish(struct virtqueue *queue);

/* Reads the device's index once. The run is over. Answers VIRTQUEUE_TAKEN when there is something to
 * take. */
static inline enum virtqueue_result virtqueue_look(struct virtqueue *queue)
{
    size_t pending = (uint16_t)(__atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE) - queue->used_end_index);
    if (pending == 0) {
        return VIRTQUEUE_NONE;
    }
    if (pending > virtqueue_outstanding(queue)) {
        return VIRTQUEUE_LIE_INDEX;
    }
    queue->used_limit = queue->used_end_index + pending;
    return VIRTQUEUE_TAKEN;
}

/* Begins the next run of used entries. Answers VIRTQUEUE_TAKEN when there is one. */
static inline enum virtqueue_result virtqueue_goes_on(struct virtqueue *queue)
{
    if (queue->used_end_index == queue->used_limit) {
        enum virtqueue_result result = virtqueue_look(queue);
        if (result != VIRTQUEUE_TAKEN) {
            return result;
        }
    }
    size_t entry = queue->used_end_index & queue->mask;
    size_t known = queue->used_limit - queue->used_end_index;
    size_t ahead = queue->mask + 1 - entry;
    size_t run = known < ahead ? known : ahead;
    queue->next_used = &queue->used->ring[entry];
    queue->end_used = queue->next_used + run;
    queue->used_end_index += run;
    return VIRTQUEUE_TAKEN;
}

/* A chain is ours again. */
static inline void virtqueue_release(struct virtqueue *queue, size_t chain)
{
    struct virtqueue_request *request = &queue->books->requests[chain];
    if (__builtin_expect(request->state == VIRTQUEUE_HEADED, false)) {
        for (unsigned word = 0; word < VIRTQUEUE_HEADER_STRIDE / 4; word++) {
            virtqueue_header(queue, chain)[word] = 0;
        }
    }
    request->plain_below = 0;
    request->most = 0;
    request->state = VIRTQUEUE_OURS;
    *queue->free_top++ = (uint16_t)chain;
}

static inline enum virtqueue_result virtqueue_take(struct virtqueue *queue, struct virtqueue_finished *taken)
{
    if (queue->next_used == queue->end_used) {
        enum virtqueue_result result = virtqueue_goes_on(queue);
        if (result != VIRTQUEUE_TAKEN) {
            return result;
        }
    }
    size_t id = queue->next_used->id;
    uint32_t bytes = queue->next_used->len;
    size_t chain = id >> queue->head_shift;
    if (chain >= queue->chains || chain << queue->head_shift != id) {
        return VIRTQUEUE_LIE_ID;
    }
    const struct virtqueue_request *request = &queue->books->requests[chain];
    if (request->state == VIRTQUEUE_OURS) {
        return VIRTQUEUE_LIE_ID;
    }
    queue->next_used++;
    *taken = (struct virtqueue_finished){.addr = request->addr, .bytes = bytes, .chain = chain};
    bool is_lie = bytes > request->most;
    virtqueue_release(queue, chain);
    return is_lie ? VIRTQUEUE_LIE_LENGTH : VIRTQUEUE_TAKEN;
}

/* Of a loop that takes: the next used entry, and the end of the free chains. */
struct virtqueue_taker {
    const volatile struct virtq_used_elem *next;
    uint16_t *free_top;
    struct virtqueue_request *requests;
    const uint8_t *headers;
    size_t chains;
    uint32_t head_shift;
};

/* How many used entries lie ahead of which it is known that they are there. */
static inline size_t virtqueue_used_ahead(const struct virtqueue *queue)
{
    return (size_t)(queue->end_used - queue->next_used);
}

static inline struct virtqueue_taker virtqueue_begin_taking(const struct virtqueue *queue)
{
    return (struct virtqueue_taker){
        .next = queue->next_used,
        .free_top = queue->free_top,
        .requests = queue->books->requests,
        .headers = queue->headers,
        .chains = queue->chains,
        .head_shift = queue->head_shift,
    };
}

/*
 * Looks at the next request. Answers false when there is anything unusual about it. An id between
 * two heads is no chain's: its low bits are rotated to the top.
 */
PER_PACKET bool virtqueue_is_next_plain(const struct virtqueue_taker *taker, struct virtqueue_finished *finished)
{
    size_t id = taker->next->id;
    uint32_t bytes = taker->next->len;
    size_t chain = id >> taker->head_shift | id << (-taker->head_shift & 63);
    if (chain >= taker->chains || bytes >= taker->requests[chain].plain_below) {
        return false;
    }
    *finished = (struct virtqueue_finished){.addr = taker->requests[chain].addr, .bytes = bytes, .chain = chain};
    return true;
}

/* Takes the plain request that has been looked at. */
PER_PACKET void virtqueue_take_next(struct virtqueue_taker *taker, size_t chain)
{
    taker->requests[chain].plain_below = 0;
    taker->requests[chain].most = 0;
    taker->requests[chain].state = VIRTQUEUE_OURS;
    *taker->free_top++ = (uint16_t)chain;
    taker->next++;
}

static inline void virtqueue_end_taking(struct virtqueue *queue, const struct virtqueue_taker *taker)
{
    queue->next_used = taker->next;
    queue->free_top = taker->free_top;
}

/* Asks for an interrupt at the next used buffer (§2.7.7.1). Look again afterwards. */
void virtqueue_request_interrupt(struct virtqueue *queue);

/* Whether the device's index says that there is something to take. */
bool virtqueue_has_used(struct virtqueue *queue);
