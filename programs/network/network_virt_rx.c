/*
 * Receive virtualiser: shares the driver's received buffers among clients, by destination address.
 *
 * A broadcast goes to every client, and its buffer back to the driver when the last of them has
 * returned it: each buffer has a reference count. What nobody wants goes back at once.
 *
 * A client behind a copier never sees this; a client without one returns buffers itself, and may
 * return anything. So it is remembered who holds what: only a buffer that the client holds is taken
 * back from it. Every refusal is counted.
 *
 * The counterpart of virtualisers/network/rx/virt-rx.ts: the same batches and signals.
 */
#include "../lib/memory.h"
#include "../lib/print.h"
#include "../sddf/counters.h"
#include "../sddf/network/data.h"
#include "../sddf/network/end.h"
#include "../sddf/restart/member.h"
#include "../sddf/signals.h"
#include "mac_table.h"

#define FRAME_BYTES_MIN 14
#define NO_CHANNEL (-1)

/* In the order of NET_VIRT_RX_COUNTERS. */
enum {
    COUNT_PACKETS,
    COUNT_BROADCASTS,
    COUNT_RETURNED,
    COUNT_DROP_NO_CLIENT,
    COUNT_DROP_RUNT,
    COUNT_DROP_CLIENT_FULL,
    COUNT_DRIVER_BAD_BUFFER,
    COUNT_REFUSED_NO_BUFFER,
    COUNT_REFUSED_NOT_HELD,
    COUNT_QUEUE_LIES
};
DEFINE_COUNTERS();

CONFIG_SECTION(".net_virt_rx_config") struct net_virt_rx_config config = {0};
CONFIG_SECTION(".restart_config") struct restart_config restart_config = {0};

struct client {
    struct net_producer active;
    struct net_consumer free;
};

static struct net_consumer driver_active;
static struct net_producer driver_free;
static struct client clients[SDDF_CLIENTS_MAX];
static unsigned num_clients;
static struct net_data data;
static const uint8_t *frames;
/* Reference counts; 0: the driver has the buffer. */
static uint8_t *refs;
/* Bit n: client n holds the buffer. */
static uint64_t holders[NET_BUFFERS_MAX];
static struct mac_table macs;
/* Buffers that the driver has. */
static uint32_t at_driver;
static uint32_t lies_seen;
static struct restart_member member;

/* Whether the driver has fewer than half of the buffers. */
static bool needs_buffers(void)
{
    return at_driver * 2 < data.buffers;
}

/* The queue has a slot for each buffer, and each buffer is in it once at most. Answers whether that
 * is so. */
PER_PACKET bool to_queue(struct net_producer *to, uint64_t address)
{
    bool is_there = net_enqueue(to, address, 0, 0);
    if (!is_there) {
        count(COUNT_DRIVER_BAD_BUFFER, 1);
    }
    return is_there;
}

static void to_driver(int64_t buffer)
{
    at_driver += to_queue(&driver_free, net_address_of(&data, buffer));
}

static void drop(int64_t buffer, unsigned reason)
{
    count(reason, 1);
    to_driver(buffer);
}

static inline bool give(unsigned client, int64_t buffer, const struct net_buff_desc *frame)
{
    if (!net_enqueue(&clients[client].active, net_offset_of(buffer), frame->len, frame->checked)) {
        return false;
    }
    holders[buffer] |= 1ul << client;
    return true;
}

static void deliver_to_all(int64_t buffer, const struct net_buff_desc *frame)
{
    uint8_t holding = 0;
    for (unsigned client = 0; client < num_clients; client++) {
        if (give(client, buffer, frame)) {
            holding++;
        } else {
            count(COUNT_DROP_CLIENT_FULL, 1);
        }
    }
    count(COUNT_BROADCASTS, 1);
    refs[buffer] = holding;
    if (holding == 0) {
        to_driver(buffer);
    }
}

/* What a batch of received frames works on: copies, which the compiler keeps in registers. */
struct delivery {
    struct net_consumer from;
    struct net_data data;
    const uint8_t *frames;
    uint8_t *refs;
    /* Entries that name no buffer of the driver's. */
    uint32_t bad;
    /* Frames mostly go where the one before went: that address, its owner's queue and bit. */
    uint64_t address;
    struct net_producer *to;
    uint64_t holder;
};

/* Answers false when the address is nobody's. */
PER_PACKET bool turn_to(struct delivery *batch, uint64_t address)
{
    int owner = mac_table_find(&macs, address);
    if (owner == MAC_NOBODY) {
        return false;
    }
    batch->address = address;
    batch->to = &clients[owner].active;
    batch->holder = 1ul << owner;
    return true;
}

PER_PACKET void deliver(struct delivery *batch, int64_t buffer, const struct net_buff_desc *frame)
{
    if (frame->len < FRAME_BYTES_MIN) {
        drop(buffer, COUNT_DROP_RUNT);
        return;
    }
    /* The device can still change what lies there: it is read once. */
    const uint8_t *bytes = batch->frames + net_offset_of(buffer);
    uint64_t address = *(const volatile uint64_t *)(const void *)bytes & MAC_MASK;
    if (address != batch->address && !turn_to(batch, address)) {
        if (address == MAC_BROADCAST) {
            deliver_to_all(buffer, frame);
        } else {
            drop(buffer, COUNT_DROP_NO_CLIENT);
        }
    } else if (net_enqueue(batch->to, net_offset_of(buffer), frame->len, frame->checked)) {
        holders[buffer] = batch->holder;
        batch->refs[buffer] = 1;
    } else {
        drop(buffer, COUNT_DROP_CLIENT_FULL);
    }
}

/* Hands received buffers to clients. */
static void rx_return_batch(void)
{
    struct delivery batch = {
        .from = net_copy_consumer(&driver_active),
        .data = data,
        .frames = frames,
        .refs = refs,
        .address = MAC_NONE,
    };
    struct net_buff_desc frame;
    while (net_dequeue(&batch.from, &frame)) {
        int64_t buffer = net_buffer_at_address(&batch.data, frame.io_or_offset);
        if (buffer == NET_NO_BUFFER || batch.refs[buffer] != 0) {
            batch.bad++;
        } else {
            deliver(&batch, buffer, &frame);
        }
    }
    net_keep_consumer(&driver_active, &batch.from);
    uint32_t packets = (uint32_t)net_taken_out(&driver_active) - batch.bad;
    at_driver -= packets;
    count(COUNT_PACKETS, packets);
    count(COUNT_DRIVER_BAD_BUFFER, batch.bad);
    net_release(&driver_active);
}

static void rx_return(void)
{
    for (;;) {
        rx_return_batch();
        net_request_signal(&driver_active);
        if (!net_has_items(&driver_active)) {
            return;
        }
        net_cancel_signal(&driver_active);
    }
}

/* What a batch of returned buffers works on. */
struct collection {
    struct net_consumer from;
    struct net_producer to;
    struct net_data data;
    uint8_t *refs;
    /* The client's bit. */
    uint64_t client;
};

/* A client holds this buffer no longer; behind the last one the driver has it again. */
PER_PACKET void release(struct collection *batch, int64_t buffer)
{
    holders[buffer] &= ~batch->client;
    if (--batch->refs[buffer] == 0) {
        to_queue(&batch->to, batch->data.io_addr + net_offset_of(buffer));
    }
}

/* Answers whether the client held the buffer; else the reason has been counted. */
PER_PACKET bool take_back(struct collection *batch, const struct net_buff_desc *empty)
{
    int64_t buffer = net_buffer_at_offset(&batch->data, empty->io_or_offset);
    if (buffer == NET_NO_BUFFER) {
        count(COUNT_REFUSED_NO_BUFFER, 1);
        return false;
    }
    if ((holders[buffer] & batch->client) == 0) {
        count(COUNT_REFUSED_NOT_HELD, 1);
        return false;
    }
    release(batch, buffer);
    return true;
}

PER_PACKET struct collection begin_collection(unsigned client)
{
    return (struct collection){
        .from = net_copy_consumer(&clients[client].free),
        .to = net_copy_producer(&driver_free),
        .data = data,
        .refs = refs,
        .client = 1ul << client,
    };
}

PER_PACKET void end_collection(const struct collection *batch)
{
    at_driver += (uint32_t)(net_put_in(&batch->to) - net_put_in(&driver_free));
    net_keep_producer(&driver_free, &batch->to);
}

/* Takes empty buffers back from a client. */
static void rx_provide_batch(unsigned client)
{
    struct collection batch = begin_collection(client);
    struct net_buff_desc empty;
    uint32_t refused = 0;
    while (net_dequeue(&batch.from, &empty)) {
        if (!take_back(&batch, &empty)) {
            refused++;
        }
    }
    net_keep_consumer(&clients[client].free, &batch.from);
    end_collection(&batch);
    count(COUNT_RETURNED, net_taken_out(&clients[client].free) - refused);
    net_release(&clients[client].free);
}

static void rx_provide(unsigned client)
{
    struct net_consumer *free = &clients[client].free;
    for (;;) {
        rx_provide_batch(client);
        /* While the driver has plenty of buffers, one can wait until the next packet wakes us
         * anyway. */
        if (!needs_buffers()) {
            return;
        }
        net_request_signal(free);
        if (!net_has_items(free)) {
            return;
        }
        net_cancel_signal(free);
    }
}

static void count_lies(void)
{
    uint32_t lies = driver_active.lies + driver_free.lies;
    for (unsigned client = 0; client < num_clients; client++) {
        lies += clients[client].active.lies + clients[client].free.lies;
    }
    if (lies != lies_seen) {
        count(COUNT_QUEUE_LIES, lies - lies_seen);
        lies_seen = lies;
    }
}

/* One signal can go out together with the next wait: the last of those that are due. */
static int notify_instead(int due, microkit_channel channel)
{
    if (due != NO_CHANNEL) {
        microkit_notify((microkit_channel)due);
    }
    return (int)channel;
}

static void handle_signals(void)
{
    rx_return();
    int due = NO_CHANNEL;
    for (unsigned client = 0; client < num_clients; client++) {
        if (net_publish(&clients[client].active)) {
            due = notify_instead(due, config.clients[client].conn.id);
        }
    }
    for (unsigned client = 0; client < num_clients; client++) {
        if (net_has_items(&clients[client].free) || needs_buffers()) {
            rx_provide(client);
        }
    }
    if (net_publish(&driver_free)) {
        due = notify_instead(due, config.driver.id);
    }
    if (due != NO_CHANNEL) {
        microkit_deferred_notify((microkit_channel)due);
    }
    count_lies();
}

/*
 * What the driver and its device had is the next driver's: it resets the device before it takes
 * anything, so the device may write to these buffers until then. The end stays open, for clients go
 * on returning buffers.
 */
static void close_driver(void)
{
    rx_return_batch();
    uint32_t left = net_close_end(&config.driver, &driver_free, &driver_active);
    restart_took_back(&member, at_driver - left);
    net_open_end(&driver_free, &driver_active);
    at_driver = 0;
    for (uint32_t buffer = 0; buffer < data.buffers; buffer++) {
        if (refs[buffer] == 0) {
            to_driver(buffer);
        }
    }
}

/* All that the client held is back; frames for it are dropped until it runs again. */
static void close_client(unsigned client)
{
    net_close_end(&config.clients[client].conn, &clients[client].active, &clients[client].free);
    struct collection batch = begin_collection(client);
    uint32_t held = 0;
    for (uint32_t buffer = 0; buffer < data.buffers; buffer++) {
        if ((holders[buffer] & batch.client) != 0) {
            held++;
            release(&batch, buffer);
        }
    }
    end_collection(&batch);
    restart_took_back(&member, held);
}

/* Answers `num_clients` for the driver's channel. */
static unsigned client_of(microkit_channel channel)
{
    unsigned client = 0;
    while (client < num_clients && config.clients[client].conn.id != channel) {
        client++;
    }
    return client;
}

static void close_connection(microkit_channel channel)
{
    unsigned client = client_of(channel);
    if (client == num_clients) {
        close_driver();
    } else {
        close_client(client);
    }
    handle_signals();
}

static void open_connection(microkit_channel channel)
{
    unsigned client = client_of(channel);
    if (client < num_clients) {
        net_open_end(&clients[client].active, &clients[client].free);
    }
    handle_signals();
}

static const struct restart_connections connections = {.close = close_connection, .open = open_connection};

static void join_restarts(void)
{
    restart_join(&member, &restart_config, &connections);
    if (restart_is_abandoned(&member, config.driver.id)) {
        net_close_end(&config.driver, &driver_free, &driver_active);
        net_open_end(&driver_free, &driver_active);
    }
    for (unsigned client = 0; client < num_clients; client++) {
        const struct net_connection *connection = &config.clients[client].conn;
        if (restart_is_abandoned(&member, connection->id)) {
            net_close_end(connection, &clients[client].active, &clients[client].free);
        }
    }
}

void notified(microkit_channel ch)
{
    flush_deferred_signal();
    if (!restart_notified(&member, ch)) {
        handle_signals();
    }
    restart_proceed(&member);
}

static void check_config(void)
{
    require(sddf_has_magic(config.magic, SDDF_CLASS_NET), "section .net_virt_rx_config is not filled in");
    require(config.num_clients <= SDDF_CLIENTS_MAX, "too many clients");
    require(net_is_capacity(config.driver.num_buffers), "the driver's queues' capacity is no power of two");
    require(config.data.io_addr % NET_BUFFER_BYTES == 0, "buffers are not aligned to their size");
    require(config.data.region.size >= (uint64_t)config.driver.num_buffers * NET_BUFFER_BYTES,
            "the data region is smaller than the driver's queue");
    require(config.buffer_metadata.size >= config.driver.num_buffers, "a reference count is missing for some buffer");
}

static void init_client(unsigned client)
{
    const struct net_virt_rx_client *from = &config.clients[client];
    require(net_is_capacity(from->conn.num_buffers), "a client's queues' capacity is no power of two");
    require(from->num_macs <= NET_MACS_PER_CLIENT, "a client has too many addresses");
    clients[client].active = net_producer(from->conn.active_queue.vaddr, from->conn.num_buffers);
    clients[client].free = net_consumer(from->conn.free_queue.vaddr, from->conn.num_buffers);
    for (unsigned mac = 0; mac < from->num_macs; mac++) {
        mac_table_add(&macs, from->macs[mac], client);
    }
}

void init(void)
{
    check_config();
    num_clients = config.num_clients;
    driver_active = net_consumer(config.driver.active_queue.vaddr, config.driver.num_buffers);
    driver_free = net_producer(config.driver.free_queue.vaddr, config.driver.num_buffers);
    data = net_data(config.data.io_addr, config.driver.num_buffers);
    frames = config.data.region.vaddr;
    refs = config.buffer_metadata.vaddr;
    memset(refs, 0, data.buffers);
    memset(holders, 0, data.buffers * sizeof holders[0]);
    mac_table_clear(&macs);
    at_driver = 0;
    lies_seen = 0;
    for (unsigned client = 0; client < num_clients; client++) {
        init_client(client);
    }
    join_restarts();
    for (uint32_t buffer = 0; buffer < data.buffers; buffer++) {
        to_driver(buffer);
    }
    if (net_publish(&driver_free)) {
        microkit_deferred_notify(config.driver.id);
    }
    restart_begin(&member);
}
