/*
 * Receive copier: copies one client's packets from the DMA buffers into the client's own.
 *
 * The client then never sees another's packets, and cannot keep the device's buffers: when it has
 * no free buffer of its own, the packet is dropped here. What the client writes into its queues is
 * checked; it can harm itself only.
 *
 * The counterpart of virtualisers/network/copy/copy.ts in the mode `copy`: the same batches and
 * signals.
 */
#include "../lib/memory.h"
#include "../lib/print.h"
#include "../sddf/counters.h"
#include "../sddf/network/config.h"
#include "../sddf/network/data.h"
#include "../sddf/network/end.h"
#include "../sddf/restart/member.h"
#include "../sddf/signals.h"

/* In the order of NET_COPY_COUNTERS. */
enum {
    COUNT_PACKETS,
    COUNT_COPIES,
    COUNT_BYTES_COPIED,
    COUNT_DROP_NO_BUFFER,
    COUNT_DROP_CLIENT_FULL,
    COUNT_REFUSED_CLIENT_BUFFER,
    COUNT_VIRT_BAD_BUFFER,
    COUNT_VIRT_FULL,
    COUNT_QUEUE_LIES
};
DEFINE_COUNTERS();

CONFIG_SECTION(".net_copy_config") struct net_copy_config config = {0};
CONFIG_SECTION(".restart_config") struct restart_config restart_config = {0};

static struct net_consumer virt_active;
static struct net_producer virt_free;
static struct net_producer client_active;
static struct net_consumer client_free;
static struct net_data source;
static struct net_data target;
static uint32_t lies_seen;
static struct restart_member member;

/* What a batch has copied. */
struct tally {
    uint32_t copies;
    uint32_t bytes;
};

/* Copies packets as far as all four queues go on, and nothing is unusual. */
PLAIN_LOOP void copy_plain(struct tally *tally)
{
    const uint8_t *source_bytes = (const uint8_t *)config.rx_data[0].vaddr;
    uint8_t *target_bytes = (uint8_t *)config.client_data.vaddr;
    uint64_t sources = source.buffers;
    uint64_t targets = target.buffers;
    const volatile struct net_slot *packet = virt_active.next;
    const volatile struct net_slot *empty = client_free.next;
    struct net_slot *to = client_active.next;
    struct net_slot *back = virt_free.next;
    size_t most = net_lesser(net_lesser(net_items_ahead(&virt_active), net_items_ahead(&client_free)),
                             net_lesser(net_room_ahead(&client_active), net_room_ahead(&virt_free)));
    const volatile struct net_slot *end = packet + most;
    uint32_t bytes = 0;
    for (; packet != end; packet++, empty++, to++, back++) {
        uint64_t from_offset = packet->io_or_offset;
        uint64_t len_and_oid = packet->len_and_oid;
        uint64_t to_offset = empty->io_or_offset;
        uint16_t len = (uint16_t)len_and_oid;
        if (net_number_of(from_offset) >= sources || net_number_of(to_offset) >= targets || len > NET_BUFFER_BYTES) {
            break;
        }
        copy_aligned(target_bytes + to_offset, source_bytes + from_offset, len);
        to->io_or_offset = to_offset;
        to->len_and_oid = len_and_oid & NET_LEN_AND_CHECKED;
        back->io_or_offset = from_offset;
        back->len_and_oid = len;
        bytes += len;
    }
    tally->copies += (uint32_t)(packet - virt_active.next);
    tally->bytes += bytes;
    virt_active.next = packet;
    client_free.next = empty;
    client_active.next = to;
    virt_free.next = back;
}

/* Answers whether the packet has been copied into a buffer of the client; else the reason has been
 * counted. */
static bool copy(const struct net_buff_desc *packet)
{
    struct net_buff_desc empty;

    if (net_buffer_at_offset(&source, packet->io_or_offset) == NET_NO_BUFFER || packet->len > NET_BUFFER_BYTES) {
        count(COUNT_VIRT_BAD_BUFFER, 1);
        return false;
    }
    if (!net_has_room(&client_active)) {
        count(COUNT_DROP_CLIENT_FULL, 1);
        return false;
    }
    while (net_dequeue(&client_free, &empty)) {
        if (net_buffer_at_offset(&target, empty.io_or_offset) == NET_NO_BUFFER) {
            count(COUNT_REFUSED_CLIENT_BUFFER, 1);
            continue;
        }
        copy_aligned((uint8_t *)config.client_data.vaddr + empty.io_or_offset,
                     (const uint8_t *)config.rx_data[0].vaddr + packet->io_or_offset, packet->len);
        net_enqueue(&client_active, empty.io_or_offset, packet->len, packet->checked);
        return true;
    }
    count(COUNT_DROP_NO_BUFFER, 1);
    return false;
}

/* Passes received packets to the client. */
static void rx_return_batch(void)
{
    struct net_buff_desc packet;
    struct tally tally = {0};
    while (net_dequeue(&virt_active, &packet)) {
        if (copy(&packet)) {
            tally.copies++;
            tally.bytes += packet.len;
        }
        if (!net_enqueue(&virt_free, packet.io_or_offset, packet.len, 0)) {
            count(COUNT_VIRT_FULL, 1);
        }
        copy_plain(&tally);
    }
    count(COUNT_PACKETS, tally.copies);
    count(COUNT_COPIES, tally.copies);
    count(COUNT_BYTES_COPIED, tally.bytes);
    net_release(&virt_active);
    net_release(&client_free);
}

static void rx_return(void)
{
    for (;;) {
        rx_return_batch();
        net_request_signal(&virt_active);
        if (!net_has_items(&virt_active)) {
            return;
        }
        net_cancel_signal(&virt_active);
    }
}

static void count_lies(void)
{
    uint32_t lies = virt_active.lies + virt_free.lies + client_active.lies + client_free.lies;
    if (lies != lies_seen) {
        count(COUNT_QUEUE_LIES, lies - lies_seen);
        lies_seen = lies;
    }
}

static void handle_signals(void)
{
    rx_return();
    /* One signal can go out together with the next wait: the last of those that are due. */
    bool is_client_due = net_publish(&client_active);
    if (net_publish(&virt_free)) {
        if (is_client_due) {
            microkit_notify(config.client.id);
        }
        microkit_deferred_notify(config.rx.id);
    } else if (is_client_due) {
        microkit_deferred_notify(config.client.id);
    }
    count_lies();
}

/* Puts all of the client's buffers into its free queue, as its producer's first entries. */
static void fill_client(void)
{
    struct net_producer free = net_producer(config.client.free_queue.vaddr, config.client.num_buffers);
    for (uint32_t buffer = 0; buffer < target.buffers; buffer++) {
        net_enqueue(&free, net_offset_of(buffer), 0, 0);
    }
    net_publish(&free);
    /* Nothing waits for the client's empty buffers: they are looked for when a packet needs one. */
    net_cancel_signal(&client_free);
}

static uint32_t close_end(microkit_channel channel)
{
    return channel == config.client.id ? net_close_end(&config.client, &client_active, &client_free)
                                       : net_close_end(&config.rx, &virt_free, &virt_active);
}

/* Of the virtualiser's buffers it has none: it copies and returns at once. */
static void close_connection(microkit_channel channel)
{
    uint32_t left = close_end(channel);
    if (channel == config.client.id) {
        restart_took_back(&member, target.buffers - left);
        fill_client();
    }
}

static void open_connection(microkit_channel channel)
{
    if (channel == config.client.id) {
        net_open_end(&client_active, &client_free);
    } else {
        net_open_end(&virt_free, &virt_active);
    }
    handle_signals();
}

static const struct restart_connections connections = {.close = close_connection, .open = open_connection};

static void join_restarts(void)
{
    const microkit_channel channels[] = {config.rx.id, config.client.id};
    restart_join(&member, &restart_config, &connections);
    for (unsigned index = 0; index < 2; index++) {
        if (restart_is_abandoned(&member, channels[index])) {
            close_end(channels[index]);
        }
    }
}

void init(void)
{
    require(sddf_has_magic(config.magic, SDDF_CLASS_NET), "section .net_copy_config is not filled in");
    require(net_is_capacity(config.rx.num_buffers), "the virtualiser's queues' capacity is no power of two");
    require(net_is_capacity(config.client.num_buffers), "the client's queues' capacity is no power of two");
    virt_active = net_consumer(config.rx.active_queue.vaddr, config.rx.num_buffers);
    virt_free = net_producer(config.rx.free_queue.vaddr, config.rx.num_buffers);
    client_active = net_producer(config.client.active_queue.vaddr, config.client.num_buffers);
    client_free = net_consumer(config.client.free_queue.vaddr, config.client.num_buffers);
    source = net_data(0, (uint32_t)(config.rx_data[0].size / NET_BUFFER_BYTES));
    target = net_data(0, config.client.num_buffers);
    require(config.client_data.size >= target.bytes,
            "the client's data region is smaller than its queue");
    lies_seen = 0;
    join_restarts();
    fill_client();
    handle_signals();
    restart_begin(&member);
}

void notified(microkit_channel ch)
{
    flush_deferred_signal();
    if (!restart_notified(&member, ch)) {
        handle_signals();
    }
    restart_proceed(&member);
}
