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

/* The queue has a slot for each buffer, and each buffer is in it once at most. */
static void to_driver(int64_t buffer)
{
    if (net_enqueue(&driver_free, net_address_of(&data, buffer), 0, 0)) {
        at_driver++;
    } else {
        count(COUNT_DRIVER_BAD_BUFFER, 1);
    }
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

/* Of a batch of received frames. */
struct delivery {
    /* Entries that name no buffer of the driver's. */
    uint32_t bad;
    /* Frames mostly go where the one before went: that address, its owner's queue and bit. Without a
     * queue, nobody's. */
    uint64_t address;
    struct net_producer *to;
    uint64_t holder;
};

/* The device can still change what lies there: it is read once. */
static inline uint64_t destination_of(const uint8_t *frame)
{
    return *(const volatile uint64_t *)(const void *)frame & MAC_MASK;
}

/* Hands frames to the owner of the one before, as far as they are his, both queues go on, and
 * nothing is unusual. */
PLAIN_LOOP void deliver_plain(const struct delivery *batch)
{
    struct net_producer *owner = batch->to;
    if (owner == NULL) {
        return;
    }
    uint64_t address = batch->address;
    uint64_t holder = batch->holder;
    struct net_data all = data;
    const uint8_t *bytes = frames;
    uint8_t *references = refs;
    const volatile struct net_slot *frame = driver_active.next;
    const volatile struct net_slot *end =
        frame + net_lesser(net_items_ahead(&driver_active), net_room_ahead(owner));
    struct net_slot *to = owner->next;
    for (; frame != end; frame++, to++) {
        uint64_t offset = frame->io_or_offset - all.io_addr;
        uint64_t len_and_oid = frame->len_and_oid;
        uint64_t buffer = net_number_of(offset);
        if (buffer >= all.buffers || references[buffer] != 0 || (uint16_t)len_and_oid < FRAME_BYTES_MIN ||
            destination_of(bytes + offset) != address) {
            break;
        }
        references[buffer] = 1;
        holders[buffer] = holder;
        to->io_or_offset = offset;
        to->len_and_oid = len_and_oid & NET_LEN_AND_CHECKED;
    }
    driver_active.next = frame;
    owner->next = to;
}

/* Answers false when the address is nobody's. */
static bool turn_to(struct delivery *batch, uint64_t address)
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

static void deliver(struct delivery *batch, int64_t buffer, const struct net_buff_desc *frame)
{
    if (frame->len < FRAME_BYTES_MIN) {
        drop(buffer, COUNT_DROP_RUNT);
        return;
    }
    uint64_t address = destination_of(frames + net_offset_of(buffer));
    if (address != batch->address && !turn_to(batch, address)) {
        if (address == MAC_BROADCAST) {
            deliver_to_all(buffer, frame);
        } else {
            drop(buffer, COUNT_DROP_NO_CLIENT);
        }
    } else if (net_enqueue(batch->to, net_offset_of(buffer), frame->len, frame->checked)) {
        holders[buffer] = batch->holder;
        refs[buffer] = 1;
    } else {
        drop(buffer, COUNT_DROP_CLIENT_FULL);
    }
}

/* Hands received buffers to clients. */
static void rx_return_batch(void)
{
    struct delivery batch = {.address = MAC_NONE};
    struct net_buff_desc frame;
    while (net_dequeue(&driver_active, &frame)) {
        int64_t buffer = net_buffer_at_address(&data, frame.io_or_offset);
        if (buffer == NET_NO_BUFFER || refs[buffer] != 0) {
            batch.bad++;
        } else {
            deliver(&batch, buffer, &frame);
        }
        deliver_plain(&batch);
    }
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

/* A client holds this buffer no longer; behind the last one the driver has it again. */
static void release(unsigned client, int64_t buffer)
{
    holders[buffer] &= ~(1ul << client);
    if (--refs[buffer] == 0) {
        to_driver(buffer);
    }
}

/* Answers whether the client held the buffer; else the reason has been counted. */
static bool take_back(unsigned client, const struct net_buff_desc *empty)
{
    int64_t buffer = net_buffer_at_offset(&data, empty->io_or_offset);
    if (buffer == NET_NO_BUFFER) {
        count(COUNT_REFUSED_NO_BUFFER, 1);
        return false;
    }
    if ((holders[buffer] & 1ul << client) == 0) {
        count(COUNT_REFUSED_NOT_HELD, 1);
        return false;
    }
    release(client, buffer);
    return true;
}

/* Takes buffers back that only this client holds, as far as both queues go on. */
PLAIN_LOOP void take_back_plain(unsigned client)
{
    uint64_t holder = 1ul << client;
    struct net_data all = data;
    uint8_t *references = refs;
    struct net_consumer *free = &clients[client].free;
    const volatile struct net_slot *empty = free->next;
    const volatile struct net_slot *end = empty + net_lesser(net_items_ahead(free), net_room_ahead(&driver_free));
    struct net_slot *to = driver_free.next;
    for (; empty != end; empty++, to++) {
        uint64_t offset = empty->io_or_offset;
        uint64_t buffer = net_number_of(offset);
        if (buffer >= all.buffers || holders[buffer] != holder || references[buffer] != 1) {
            break;
        }
        references[buffer] = 0;
        holders[buffer] = 0;
        to->io_or_offset = all.io_addr + offset;
        to->len_and_oid = 0;
    }
    at_driver += (uint32_t)(to - driver_free.next);
    free->next = empty;
    driver_free.next = to;
}

/* Takes empty buffers back from a client. */
static void rx_provide_batch(unsigned client)
{
    struct net_consumer *free = &clients[client].free;
    struct net_buff_desc empty;
    uint32_t refused = 0;
    while (net_dequeue(free, &empty)) {
        if (!take_back(client, &empty)) {
            refused++;
        }
        take_back_plain(client);
    }
    count(COUNT_RETURNED, net_taken_out(free) - refused);
    net_release(free);
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
    uint32_t held = 0;
    for (uint32_t buffer = 0; buffer < data.buffers; buffer++) {
        if ((holders[buffer] & 1ul << client) != 0) {
            held++;
            release(client, buffer);
        }
    }
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
