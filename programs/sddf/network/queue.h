/*
 * The network queue of sDDF 0.7: a ring of buffer descriptors between one producer and one
 * consumer.
 *
 * A connection has two: *free* (empty buffers) and *active* (filled ones); producer and consumer of
 * one are consumer and producer of the other. Each side has a handle with a cursor of its own, and
 * publishes it once for a batch. The peer's index is read, checked and only then used: one that
 * cannot be is counted, and the queue begins again there, empty.
 */
#pragma once

#include "../layout.h"

#define NET_BUFFER_BYTES 2048

/* The consumer asks to be signalled with 0: zeroed memory begins with a wish. */
enum { NET_WANTS_SIGNAL = 0, NET_SIGNALLED = 1 };

struct net_buff_desc {
    /* An offset in a data region, or an address for DMA. */
    uint64_t io_or_offset;
    uint16_t len;
    /* Index of the sender's data region, in the low 6 bits. */
    uint8_t oid : 6;
    /* NET_CHECKED: whoever received the frame has found its checksums right; else 0. Ours alone, in
     * padding of sDDF's, as is what follows. */
    uint8_t checked;
    /* Where the checksum begins that is left to the device, and its field behind that: the low half
     * and the high one. 0: none is. */
    uint32_t checksum;
};

LAYOUT_FIELD(struct net_buff_desc, io_or_offset, 0);
LAYOUT_FIELD(struct net_buff_desc, len, 8);
LAYOUT_BYTES(struct net_buff_desc, 16);

/*
 * A descriptor as memory holds it: written and read as two words. The second one is the length, from
 * bit 16 on the region's index, and in its upper half, with NET_PARTIAL_CHECKSUM, where the checksum
 * is.
 */
struct net_slot {
    shared_word io_or_offset;
    shared_word len_and_oid;
};

#define NET_OID_SHIFT 16
/* Above the bits of the index. */
#define NET_CHECKED 0x40
/* Of a frame to be sent: its checksum is left to the device (virtio 1.2 §5.1.6.2); the field holds
 * the sum of the pseudo-header. Ours alone, too. */
#define NET_PARTIAL_CHECKSUM 0x80
#define NET_OID_MASK 0x3f
#define NET_CHECKSUM_SHIFT 32
/* Of a received frame, what the second word says to whoever gets it next. */
#define NET_LEN_AND_CHECKED (0xffff | (uint64_t)NET_CHECKED << NET_OID_SHIFT)
LAYOUT_BYTES(struct net_slot, sizeof(struct net_buff_desc));

/* Indices run freely and wrap at 65,536. */
struct net_queue {
    uint16_t tail;
    uint16_t head;
    uint32_t consumer_signalled;
    struct net_slot slots[];
};

LAYOUT_FIELD(struct net_queue, tail, 0);
LAYOUT_FIELD(struct net_queue, head, 2);
LAYOUT_FIELD(struct net_queue, consumer_signalled, 4);
LAYOUT_FIELD(struct net_queue, slots, 8);

/*
 * Handles count on beyond 65,535, in whole registers; the queue has the lower 16 bits. What is known
 * to be free or there is gone through by a pointer, in runs of slots that lie one behind the other,
 * so that one comparison finds a run's end, and everything else is done there.
 *
 * A batch is gone through by a loop over what is plain: as far as the shortest run of all queues
 * goes, with pointers of its own, and with no look at anybody's index. It ends at the first entry
 * that is unusual in any way, and tells the handles how far it has come. That entry goes by
 * `net_dequeue` and `net_enqueue`, which also begin the next run.
 */

/* The side that puts buffers in. */
struct net_producer {
    /* Where the next buffer goes, and where the run ends. */
    struct net_slot *next;
    struct net_slot *end;
    struct net_queue *queue;
    size_t mask;
    /* The index of the slot at `end`. */
    size_t end_index;
    size_t published;
    /* From where on it is counted what has been put in since then. */
    size_t counted;
    /* Where the slots end that are known to be free, from the last look at the consumer's index. */
    size_t limit;
    bool is_attached;
    /* The other end is gone: there is no room, and there are no buffers. */
    bool is_closed;
    uint32_t lies;
};

/* The side that takes buffers out. */
struct net_consumer {
    /* Where the next buffer is, and where the run ends. */
    const volatile struct net_slot *next;
    const volatile struct net_slot *end;
    struct net_queue *queue;
    size_t mask;
    size_t end_index;
    size_t published;
    size_t counted;
    /* Where the buffers end that are known to be there, from the last look at the producer's
     * index. */
    size_t limit;
    bool is_attached;
    bool is_closed;
    uint32_t lies;
};

/* `capacity` is a power of two up to 32,768; both sides know it from their configuration. */
static inline struct net_producer net_producer(void *queue, uint16_t capacity)
{
    return (struct net_producer){.queue = queue, .mask = (size_t)capacity - 1};
}

static inline struct net_consumer net_consumer(void *queue, uint16_t capacity)
{
    return (struct net_consumer){.queue = queue, .mask = (size_t)capacity - 1};
}

static inline bool net_is_capacity(uint16_t capacity)
{
    return capacity != 0 && capacity <= 32768 && (capacity & (capacity - 1)) == 0;
}

static inline size_t net_tail(const struct net_producer *producer)
{
    return producer->end_index - (size_t)(producer->end - producer->next);
}

static inline size_t net_head(const struct net_consumer *consumer)
{
    return consumer->end_index - (size_t)(consumer->end - consumer->next);
}

/* How many slots that lie one behind the other begin with this index, `known` at most. */
static inline size_t net_run(size_t index, size_t mask, size_t known)
{
    size_t ahead = mask + 1 - (index & mask);
    return known < ahead ? known : ahead;
}

/* Reads the consumer's index once, and believes it as far as it can be true. The run is over. */
static inline size_t net_producer_look(struct net_producer *producer)
{
    struct net_queue *queue = producer->queue;
    size_t capacity = producer->mask + 1;

    if (producer->is_closed) {
        return 0;
    }
    /* A queue begins where its memory says, at its first use: somebody may have filled it before
     * us. */
    if (!producer->is_attached) {
        producer->is_attached = true;
        producer->end_index = __atomic_load_n(&queue->tail, __ATOMIC_RELAXED);
        producer->published = producer->end_index;
        producer->counted = producer->end_index;
    }
    uint16_t head = __atomic_load_n(&queue->head, __ATOMIC_ACQUIRE);
    size_t used = (uint16_t)(producer->end_index - head);
    if (used > capacity) {
        producer->lies++;
        producer->counted += head - producer->end_index;
        producer->end_index = head;
        producer->published = head;
        __atomic_store_n(&queue->tail, head, __ATOMIC_RELEASE);
        used = 0;
    }
    producer->limit = producer->end_index + (capacity - used);
    return capacity - used;
}

/* Begins the next run, and answers whether there is one. */
static inline bool net_producer_goes_on(struct net_producer *producer)
{
    if (producer->end_index == producer->limit && net_producer_look(producer) == 0) {
        return false;
    }
    size_t index = producer->end_index;
    size_t run = net_run(index, producer->mask, producer->limit - index);
    producer->next = &producer->queue->slots[index & producer->mask];
    producer->end = producer->next + run;
    producer->end_index = index + run;
    return true;
}

/* How many buffers can be put in, or taken out, before a run ends. */
static inline size_t net_room_ahead(const struct net_producer *producer)
{
    return (size_t)(producer->end - producer->next);
}

static inline size_t net_items_ahead(const struct net_consumer *consumer)
{
    return (size_t)(consumer->end - consumer->next);
}

static inline size_t net_lesser(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* Whether a slot's second word is the length of a frame, within these bounds, and nothing else: all
 * else there can be makes it larger. */
static inline bool net_is_plain_length(uint64_t len_and_oid, uint64_t least, uint64_t most)
{
    return len_and_oid - least <= most - least;
}

static inline bool net_has_room(struct net_producer *producer)
{
    return __builtin_expect(producer->next != producer->end, true) || net_producer_goes_on(producer);
}

/* Puts one buffer in, to be published with the batch; `oid` may have NET_CHECKED beside the index.
 * Answers false, without change, when the queue is full. */
static inline bool net_enqueue(struct net_producer *producer, uint64_t io_or_offset, uint16_t len, uint8_t oid)
{
    if (!net_has_room(producer)) {
        return false;
    }
    struct net_slot *slot = producer->next++;
    slot->io_or_offset = io_or_offset;
    slot->len_and_oid = len | (uint64_t)(oid & (NET_OID_MASK | NET_CHECKED)) << NET_OID_SHIFT;
    return true;
}

/* The same for a frame whose checksum is left to the device, where `checksum` says; 0: like any
 * other. */
static inline bool net_enqueue_partial(struct net_producer *producer, uint64_t io_or_offset, uint16_t len,
                                       uint32_t checksum)
{
    if (!net_has_room(producer)) {
        return false;
    }
    struct net_slot *slot = producer->next++;
    uint64_t partial = (uint64_t)NET_PARTIAL_CHECKSUM << NET_OID_SHIFT | (uint64_t)checksum << NET_CHECKSUM_SHIFT;
    slot->io_or_offset = io_or_offset;
    slot->len_and_oid = checksum == 0 ? len : len | partial;
    return true;
}

/* How many buffers have been put in since the last batch was made visible. */
static inline size_t net_put_in(const struct net_producer *producer)
{
    return net_tail(producer) - producer->counted;
}

/* Makes the batch visible. Answers whether to notify the consumer: it asks for a signal. The wish
 * is withdrawn. */
static inline bool net_publish(struct net_producer *producer)
{
    struct net_queue *queue = producer->queue;
    size_t tail = net_tail(producer);

    producer->counted = tail;
    if (tail == producer->published) {
        return false;
    }
    producer->published = tail;
    __atomic_store_n(&queue->tail, (uint16_t)tail, __ATOMIC_RELEASE);
    /* The consumer stores its wish and then looks at the tail: we look at the wish after storing
     * the tail. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&queue->consumer_signalled, __ATOMIC_RELAXED) != NET_WANTS_SIGNAL) {
        return false;
    }
    __atomic_store_n(&queue->consumer_signalled, NET_SIGNALLED, __ATOMIC_RELAXED);
    return true;
}

/* Until it is opened again there is no room. What was not published is gone, and the queue begins
 * where its memory says. */
static inline void net_close_producer(struct net_producer *producer)
{
    uint32_t lies = producer->lies;
    *producer = (struct net_producer){
        .queue = producer->queue,
        .mask = producer->mask,
        .is_closed = true,
        .lies = lies,
    };
}

/* Reads the producer's index once, and believes it as far as it can be true. The run is over. */
static inline size_t net_consumer_look(struct net_consumer *consumer)
{
    struct net_queue *queue = consumer->queue;
    size_t capacity = consumer->mask + 1;

    if (consumer->is_closed) {
        return 0;
    }
    if (!consumer->is_attached) {
        consumer->is_attached = true;
        consumer->end_index = __atomic_load_n(&queue->head, __ATOMIC_RELAXED);
        consumer->published = consumer->end_index;
        consumer->counted = consumer->end_index;
    }
    size_t tail = __atomic_load_n(&queue->tail, __ATOMIC_ACQUIRE);
    size_t length = (uint16_t)(tail - consumer->end_index);
    if (length > capacity) {
        consumer->lies++;
        consumer->counted += tail - consumer->end_index;
        consumer->end_index = tail;
        consumer->published = tail;
        __atomic_store_n(&queue->head, (uint16_t)tail, __ATOMIC_RELEASE);
        length = 0;
    }
    consumer->limit = consumer->end_index + length;
    return length;
}

/* How many buffers are known to be there; 0 only after a look at the producer's index. */
static inline size_t net_available(struct net_consumer *consumer)
{
    size_t known = consumer->limit - net_head(consumer);
    return known != 0 ? known : net_consumer_look(consumer);
}

/* Begins the next run, and answers whether there is one. */
static inline bool net_consumer_goes_on(struct net_consumer *consumer)
{
    if (consumer->end_index == consumer->limit && net_consumer_look(consumer) == 0) {
        return false;
    }
    size_t index = consumer->end_index;
    size_t run = net_run(index, consumer->mask, consumer->limit - index);
    consumer->next = &consumer->queue->slots[index & consumer->mask];
    consumer->end = consumer->next + run;
    consumer->end_index = index + run;
    return true;
}

static inline bool net_has_items(struct net_consumer *consumer)
{
    return __builtin_expect(consumer->next != consumer->end, true) || net_consumer_goes_on(consumer);
}

/* Takes the oldest buffer out, when it is known that there is one: a copy, which the producer cannot
 * change any more. */
static inline void net_take_out(struct net_consumer *consumer, struct net_buff_desc *buffer)
{
    const volatile struct net_slot *slot = consumer->next++;
    uint64_t len_and_oid = slot->len_and_oid;
    buffer->io_or_offset = slot->io_or_offset;
    buffer->len = (uint16_t)len_and_oid;
    buffer->oid = len_and_oid >> NET_OID_SHIFT & NET_OID_MASK;
    buffer->checked = len_and_oid >> NET_OID_SHIFT & NET_CHECKED;
    bool is_partial = (len_and_oid >> NET_OID_SHIFT & NET_PARTIAL_CHECKSUM) != 0;
    buffer->checksum = is_partial ? (uint32_t)(len_and_oid >> NET_CHECKSUM_SHIFT) : 0;
}

/* The same. Answers false when there is none. */
static inline bool net_dequeue(struct net_consumer *consumer, struct net_buff_desc *buffer)
{
    if (!net_has_items(consumer)) {
        return false;
    }
    net_take_out(consumer, buffer);
    return true;
}

/* How many buffers have been taken out since slots were last given back. */
static inline size_t net_taken_out(const struct net_consumer *consumer)
{
    return net_head(consumer) - consumer->counted;
}

/* Gives the slots of everything taken out back. */
static inline void net_release(struct net_consumer *consumer)
{
    size_t head = net_head(consumer);
    consumer->counted = head;
    if (head != consumer->published) {
        consumer->published = head;
        __atomic_store_n(&consumer->queue->head, (uint16_t)head, __ATOMIC_RELEASE);
    }
}

/* Asks the producer to signal when it next publishes. Look again afterwards: it may have published
 * meanwhile. */
static inline void net_request_signal(struct net_consumer *consumer)
{
    uint32_t *wish = &consumer->queue->consumer_signalled;
    if (__atomic_load_n(wish, __ATOMIC_RELAXED) != NET_WANTS_SIGNAL) {
        __atomic_store_n(wish, NET_WANTS_SIGNAL, __ATOMIC_RELAXED);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void net_cancel_signal(struct net_consumer *consumer)
{
    __atomic_store_n(&consumer->queue->consumer_signalled, NET_SIGNALLED, __ATOMIC_RELAXED);
}

/* Whether the wish for a signal stands and there is nothing to take out: then this queue can be
 * left alone. */
static inline bool net_is_at_rest(struct net_consumer *consumer)
{
    return __atomic_load_n(&consumer->queue->consumer_signalled, __ATOMIC_RELAXED) == NET_WANTS_SIGNAL &&
           !net_has_items(consumer);
}

static inline void net_close_consumer(struct net_consumer *consumer)
{
    uint32_t lies = consumer->lies;
    *consumer = (struct net_consumer){
        .queue = consumer->queue,
        .mask = consumer->mask,
        .is_closed = true,
        .lies = lies,
    };
}
