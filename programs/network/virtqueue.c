/* See virtqueue.h. Rings are shared with the device: its indices are read with acquire, ours stored
 * with release. */
#include "virtqueue.h"
#include "../lib/memory.h"

#define DESC_F_NEXT 1
#define DESC_F_WRITE 2
#define DESC_F_INDIRECT 4
#define USED_F_NO_NOTIFY 1
#define TABLE_BYTES (2 * sizeof(struct virtq_desc))

static uint32_t align(uint32_t value, uint32_t to)
{
    return (value + to - 1) & ~(to - 1);
}

static uint32_t avail_offset(uint16_t entries)
{
    return entries * (uint32_t)sizeof(struct virtq_desc);
}

static uint32_t used_offset(uint16_t entries)
{
    return align(avail_offset(entries) + 4 + 2u * entries + 2, 4);
}

uint32_t virtqueue_rings_bytes(uint16_t entries)
{
    return align(used_offset(entries) + 4 + 8u * entries + 2, 16);
}

uint32_t virtqueue_chains_bytes(uint16_t entries)
{
    return entries * (uint32_t)(VIRTQUEUE_HEADER_STRIDE + TABLE_BYTES);
}

uint64_t virtqueue_desc_io_addr(const struct virtqueue *queue)
{
    return queue->books->options.rings_io_addr;
}

uint64_t virtqueue_avail_io_addr(const struct virtqueue *queue)
{
    return queue->books->options.rings_io_addr + avail_offset(queue->books->options.entries);
}

uint64_t virtqueue_used_io_addr(const struct virtqueue *queue)
{
    return queue->books->options.rings_io_addr + used_offset(queue->books->options.entries);
}

static uint16_t *used_event(struct virtqueue *queue)
{
    return &queue->avail->ring[queue->books->options.entries];
}

static uint16_t *avail_event(struct virtqueue *queue)
{
    return (uint16_t *)(void *)&queue->used->ring[queue->books->options.entries];
}

static struct virtq_desc *descriptors(const struct virtqueue *queue)
{
    return (struct virtq_desc *)(void *)queue->books->options.rings;
}

/* Writes all of a chain that stays the same from request to request. */
static void lay_chain(struct virtqueue *queue, uint16_t chain)
{
    const struct virtqueue_options *options = &queue->books->options;
    uint16_t write = options->is_device_writer ? DESC_F_WRITE : 0;
    uint64_t tables = (uint64_t)options->entries * VIRTQUEUE_HEADER_STRIDE;
    struct virtq_desc *header = queue->buffers + 2 * chain - 1;

    if (options->is_indirect) {
        descriptors(queue)[chain].addr = options->chains_io_addr + tables + chain * TABLE_BYTES;
        descriptors(queue)[chain].len = TABLE_BYTES;
        descriptors(queue)[chain].flags = DESC_F_INDIRECT;
    }
    header[0].addr = options->chains_io_addr + chain * VIRTQUEUE_HEADER_STRIDE;
    header[0].len = options->header_bytes;
    header[0].flags = DESC_F_NEXT | write;
    header[0].next = options->is_indirect ? 1 : (uint16_t)(2 * chain + 1);
    header[1].flags = write;
}

void virtqueue_init(struct virtqueue *queue, struct virtqueue_books *books, const struct virtqueue_options *options)
{
    uint16_t entries = options->entries;

    memset(books, 0, sizeof *books);
    books->options = *options;
    *queue = (struct virtqueue){.books = books, .headers = options->chains};
    queue->avail = (struct virtq_avail *)(void *)(options->rings + avail_offset(entries));
    queue->used = (struct virtq_used *)(void *)(options->rings + used_offset(entries));
    uint8_t *tables = options->chains + entries * VIRTQUEUE_HEADER_STRIDE;
    queue->buffers = (options->is_indirect ? (struct virtq_desc *)(void *)tables : descriptors(queue)) + 1;
    queue->head_shift = options->is_indirect ? 0 : 1;
    queue->chains = (uint32_t)entries >> queue->head_shift;
    queue->mask = entries - 1u;
    queue->free_top = books->free + queue->chains;
    memset(options->rings, 0, virtqueue_rings_bytes(entries));
    memset(options->chains, 0, virtqueue_chains_bytes(entries));
    for (uint16_t chain = 0; chain < queue->chains; chain++) {
        books->free[chain] = (uint16_t)(queue->chains - 1 - chain);
        lay_chain(queue, chain);
    }
}

void virtqueue_move(struct virtqueue *to, struct virtqueue_books *books, const struct virtqueue *from)
{
    *to = *from;
    /* Of a device that could never be started: a queue that was not laid out has no requests. */
    if (from->books == NULL) {
        return;
    }
    *books = *from->books;
    to->books = books;
    to->free_top = books->free + (from->free_top - from->books->free);
}

bool virtqueue_publish(struct virtqueue *queue)
{
    uint16_t before = (uint16_t)queue->published;
    uint16_t now = (uint16_t)queue->posted;

    if (queue->posted == queue->published) {
        return false;
    }
    queue->published = queue->posted;
    __atomic_store_n(&queue->avail->idx, now, __ATOMIC_RELEASE);
    /* The device stores its event index and then looks at the available index: we look after
     * storing that. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (queue->books->options.has_event_idx) {
        uint16_t event = __atomic_load_n(avail_event(queue), __ATOMIC_RELAXED);
        return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
    }
    return (__atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED) & USED_F_NO_NOTIFY) == 0;
}

void virtqueue_request_interrupt(struct virtqueue *queue)
{
    /* Without VIRTIO_F_EVENT_IDX the device always interrupts. */
    if (queue->books->options.has_event_idx) {
        __atomic_store_n(used_event(queue), (uint16_t)virtqueue_taken_count(queue), __ATOMIC_RELEASE);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

bool virtqueue_has_used(struct virtqueue *queue)
{
    size_t taken = virtqueue_taken_count(queue);
    return taken != queue->used_limit || __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE) != (uint16_t)taken;
}

bool virtqueue_reclaim(struct virtqueue *queue, struct virtqueue_finished *taken)
{
    for (size_t chain = 0; chain < queue->chains; chain++) {
        const struct virtqueue_request *request = &queue->books->requests[chain];
        if (request->state != VIRTQUEUE_OURS) {
            virtqueue_release(queue, chain);
            *taken = (struct virtqueue_finished){.addr = request->addr, .chain = chain};
            return true;
        }
    }
    return false;
}
