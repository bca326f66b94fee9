/*
 * Transmit virtualiser: takes filled buffers from clients, checks them, translates their offsets
 * into addresses for DMA, and gives them back to their owners when they have been sent.
 *
 * Clients are not trusted. A buffer is passed on only if it is one of the client's own and not with
 * the driver already, so the driver's queue, which has a slot for each buffer of all clients,
 * cannot overflow. A refused entry goes back to the client, and is counted by reason. A buffer that
 * finds its owner's free queue full waits here until there is room.
 *
 * The counterpart of virtualisers/network/tx/virt-tx.ts without a policy: the same batches and
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

#define FRAME_BYTES_MIN 14
/* What a wire carries is for the driver and its device to say. */
#define FRAME_BYTES_MAX NET_BUFFER_BYTES
#define PASSED (-1)

/* In the order of NET_VIRT_TX_COUNTERS. */
enum {
    COUNT_PACKETS,
    COUNT_RETURNED,
    COUNT_REFUSED_LENGTH,
    COUNT_REFUSED_REGION,
    COUNT_REFUSED_ALIGNMENT,
    COUNT_REFUSED_RANGE,
    COUNT_REFUSED_DUPLICATE,
    COUNT_REFUSED_LOST,
    COUNT_RETURN_DELAYED,
    COUNT_DRIVER_BAD_BUFFER,
    COUNT_DRIVER_FULL,
    COUNT_QUEUE_LIES
};
DEFINE_COUNTERS();

CONFIG_SECTION(".net_virt_tx_config") struct net_virt_tx_config config = {0};
CONFIG_SECTION(".restart_config") struct restart_config restart_config = {0};

/* Where a client's buffer is. WAITING: sent, and there is no room in the client's free queue.
 * ORPHANED: with the driver, and its client has been started again before it came back: the client
 * counts it among its own already. */
enum { WITH_CLIENT, WITH_DRIVER, WAITING, ORPHANED };

struct tx_data {
    struct net_data data;
    uint8_t *states;
};

struct client {
    struct net_consumer active;
    struct net_producer free;
    struct tx_data regions[NET_REGIONS_PER_CLIENT];
    unsigned num_regions;
    uint32_t buffers;
    uint32_t with_driver;
    uint32_t waiting;
};

static struct net_producer driver_active;
static struct net_consumer driver_free;
static struct client clients[SDDF_CLIENTS_MAX];
static unsigned num_clients;
/* The states of all buffers of all clients; each region has a run of them. */
static uint8_t states[NET_BUFFERS_MAX];
static uint32_t lies_seen;
static struct restart_member member;
/* A switch waits for the buffers of those behind it when one of them has died. */
static bool is_prompt;

static bool give_back_to(struct client *client, unsigned oid, int64_t buffer)
{
    uint8_t *state = &client->regions[oid].states[buffer];
    bool is_wanted = *state == WITH_DRIVER;
    if (!is_wanted && *state != ORPHANED) {
        return false;
    }
    client->with_driver--;
    *state = WITH_CLIENT;
    /* A client that is down begins with all of its buffers; of an orphan, it has begun with it. */
    if (is_wanted && !net_enqueue(&client->free, net_offset_of(buffer), 0, (uint8_t)oid) && !client->free.is_closed) {
        *state = WAITING;
        client->waiting++;
        count(COUNT_RETURN_DELAYED, 1);
    }
    return true;
}

/* A region of some client. */
struct owner {
    struct client *client;
    unsigned oid;
    struct net_data data;
};

/*
 * Gives sent buffers back to the owner of the one before, as far as they are his and both queues go
 * on. Answers how many.
 */
PLAIN_LOOP size_t give_back_plain(const struct owner *owner, size_t most)
{
    struct client *client = owner->client;
    if (client == NULL) {
        return 0;
    }
    struct net_data all = owner->data;
    uint8_t *state_of = client->regions[owner->oid].states;
    uint64_t oid = (uint64_t)owner->oid << NET_OID_SHIFT;
    const volatile struct net_slot *sent = driver_free.next;
    struct net_slot *to = client->free.next;
    most = net_lesser(most, net_lesser(net_items_ahead(&driver_free), net_room_ahead(&client->free)));
    const volatile struct net_slot *end = sent + most;
    for (; sent != end; sent++, to++) {
        uint64_t offset = sent->io_or_offset - all.io_addr;
        uint64_t buffer = net_number_of(offset);
        if (buffer >= all.buffers || state_of[buffer] != WITH_DRIVER) {
            break;
        }
        state_of[buffer] = WITH_CLIENT;
        to->io_or_offset = offset;
        to->len_and_oid = oid;
    }
    size_t returned = (size_t)(sent - driver_free.next);
    client->with_driver -= (uint32_t)returned;
    driver_free.next = sent;
    client->free.next = to;
    return returned;
}

/* Whose the buffer is. Answers false when it is nobody's. */
static bool find_owner(uint64_t address, struct owner *owner)
{
    for (struct client *client = clients; client < clients + num_clients; client++) {
        for (unsigned oid = 0; oid < client->num_regions; oid++) {
            const struct net_data *data = &client->regions[oid].data;
            if (net_buffer_at_address(data, address) != NET_NO_BUFFER) {
                *owner = (struct owner){.client = client, .oid = oid, .data = *data};
                return true;
            }
        }
    }
    return false;
}

/* Gives a sent buffer to its owner: mostly that of the one before. Answers false when it is
 * nobody's, or was not with the driver. */
static bool give_back(uint64_t address, struct owner *owner)
{
    if (net_buffer_at_address(&owner->data, address) == NET_NO_BUFFER && !find_owner(address, owner)) {
        return false;
    }
    return give_back_to(owner->client, owner->oid, net_buffer_at_address(&owner->data, address));
}

/* Takes sent buffers from the driver: those that are known to be there. */
static void tx_return_batch(void)
{
    size_t known = net_available(&driver_free);
    size_t left = known;
    struct owner owner = {0};
    size_t returned = 0;
    struct net_buff_desc sent;

    while (left > 0 && net_dequeue(&driver_free, &sent)) {
        left--;
        if (give_back(sent.io_or_offset, &owner)) {
            returned++;
        }
        size_t plain = give_back_plain(&owner, left);
        left -= plain;
        returned += plain;
    }
    if (known == 0) {
        return;
    }
    net_release(&driver_free);
    count(COUNT_RETURNED, returned);
    count(COUNT_DRIVER_BAD_BUFFER, known - returned);
}

/* Whether most of some client's buffers are with the driver, or any of one that is down. */
static bool needs_returns(void)
{
    if (is_prompt) {
        return true;
    }
    for (const struct client *client = clients; client < clients + num_clients; client++) {
        if (client->with_driver * 2 > client->buffers || (client->with_driver > 0 && client->free.is_closed)) {
            return true;
        }
    }
    return false;
}

static void tx_return(void)
{
    for (;;) {
        tx_return_batch();
        /* While every client has most of its buffers, sent ones can wait in the queue until there
         * is more to send. */
        if (!needs_returns()) {
            return;
        }
        net_request_signal(&driver_free);
        if (!net_has_items(&driver_free)) {
            return;
        }
        net_cancel_signal(&driver_free);
    }
}

/* Passes frames of a client's first region on, as far as both queues go and nothing is unusual.
 * Answers how many. */
PLAIN_LOOP uint32_t pass_plain(struct client *client)
{
    struct net_data all = client->regions[0].data;
    uint8_t *state_of = client->regions[0].states;
    const volatile struct net_slot *frame = client->active.next;
    const volatile struct net_slot *end =
        frame + net_lesser(net_items_ahead(&client->active), net_room_ahead(&driver_active));
    struct net_slot *to = driver_active.next;
    for (; frame != end; frame++, to++) {
        uint64_t offset = frame->io_or_offset;
        uint64_t len = frame->len_and_oid;
        uint64_t buffer = net_number_of(offset);
        if (!net_is_plain_length(len, FRAME_BYTES_MIN, FRAME_BYTES_MAX) || buffer >= all.buffers ||
            state_of[buffer] != WITH_CLIENT) {
            break;
        }
        state_of[buffer] = WITH_DRIVER;
        to->io_or_offset = all.io_addr + offset;
        to->len_and_oid = len;
    }
    uint32_t packets = (uint32_t)(frame - client->active.next);
    client->active.next = frame;
    driver_active.next = to;
    return packets;
}

/* Passes a client's frame on to the driver. Answers PASSED, or the counter of the reason why
 * not. */
static int pass(struct client *client, const struct net_buff_desc *frame)
{
    if (frame->len < FRAME_BYTES_MIN || frame->len > FRAME_BYTES_MAX) {
        return COUNT_REFUSED_LENGTH;
    }
    if (frame->oid >= client->num_regions) {
        return COUNT_REFUSED_REGION;
    }
    const struct tx_data *region = &client->regions[frame->oid];
    int64_t buffer = net_buffer_at_offset(&region->data, frame->io_or_offset);
    if (buffer == NET_NO_BUFFER) {
        return frame->io_or_offset % NET_BUFFER_BYTES == 0 ? COUNT_REFUSED_RANGE : COUNT_REFUSED_ALIGNMENT;
    }
    uint8_t *state = &region->states[buffer];
    if (*state != WITH_CLIENT) {
        /* An orphan that is sent goes back to its client like any other. */
        if (*state == ORPHANED) {
            *state = WITH_DRIVER;
        }
        return COUNT_REFUSED_DUPLICATE;
    }
    /* What the client leaves to the device stays so. */
    if (!net_enqueue_partial(&driver_active, region->data.io_addr + frame->io_or_offset, frame->len, frame->checksum)) {
        return COUNT_DRIVER_FULL;
    }
    *state = WITH_DRIVER;
    return PASSED;
}

/* Gives the entry back as it came. A duplicate does not go back: its buffer will, when the driver
 * is done with it. */
static void refuse(struct client *client, const struct net_buff_desc *frame, unsigned reason)
{
    count(reason, 1);
    if (reason != COUNT_REFUSED_DUPLICATE && !net_enqueue(&client->free, frame->io_or_offset, 0, frame->oid)) {
        count(COUNT_REFUSED_LOST, 1);
    }
}

/* Hands a client's filled buffers to the driver. */
static void tx_provide_batch(struct client *client)
{
    struct net_buff_desc frame;
    uint32_t packets = 0;
    while (net_dequeue(&client->active, &frame)) {
        int refusal = pass(client, &frame);
        if (refusal == PASSED) {
            packets++;
        } else {
            refuse(client, &frame, (unsigned)refusal);
        }
        packets += pass_plain(client);
    }
    client->with_driver += packets;
    count(COUNT_PACKETS, packets);
    net_release(&client->active);
}

static void tx_provide(struct client *client)
{
    for (;;) {
        tx_provide_batch(client);
        net_request_signal(&client->active);
        if (!net_has_items(&client->active)) {
            return;
        }
        net_cancel_signal(&client->active);
    }
}

/* Tries again to give back what found the client's free queue full. */
static void return_waiting(struct client *client)
{
    for (unsigned oid = 0; oid < client->num_regions; oid++) {
        struct tx_data *region = &client->regions[oid];
        for (uint32_t buffer = 0; buffer < region->data.buffers && client->waiting > 0; buffer++) {
            if (region->states[buffer] != WAITING) {
                continue;
            }
            if (!net_enqueue(&client->free, net_offset_of(buffer), 0, (uint8_t)oid)) {
                return;
            }
            region->states[buffer] = WITH_CLIENT;
            client->waiting--;
        }
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

static void handle_signals(void)
{
    /* What has been sent comes first: it makes room in the clients' books. */
    tx_return_batch();
    for (unsigned client = 0; client < num_clients; client++) {
        if (!net_is_at_rest(&clients[client].active)) {
            tx_provide(&clients[client]);
        }
    }
    if (net_has_items(&driver_free) || needs_returns()) {
        tx_return();
    }
    for (unsigned client = 0; client < num_clients; client++) {
        if (clients[client].waiting > 0) {
            return_waiting(&clients[client]);
        }
        if (net_publish(&clients[client].free)) {
            microkit_notify(config.clients[client].conn.id);
        }
    }
    if (net_publish(&driver_active)) {
        microkit_deferred_notify(config.driver.id);
    }
    count_lies();
}

/* Until the driver has reset its device, that may read what it was given; and nobody sends. */
static void close_driver(void)
{
    tx_return_batch();
    net_close_end(&config.driver, &driver_active, &driver_free);
    for (struct client *client = clients; client < clients + num_clients; client++) {
        net_release(&client->active);
        net_close_consumer(&client->active);
    }
}

/* Gives back all of a client's buffers that the driver had. Answers how many. */
static uint32_t give_back_all(struct client *client)
{
    uint32_t lost = 0;
    for (unsigned oid = 0; oid < client->num_regions; oid++) {
        for (uint32_t buffer = 0; buffer < client->regions[oid].data.buffers; buffer++) {
            lost += give_back_to(client, oid, buffer);
        }
    }
    return lost;
}

/* The driver begins with an empty device: what it had before it will not return. */
static void open_driver(void)
{
    uint32_t lost = 0;
    net_open_end(&driver_active, &driver_free);
    for (struct client *client = clients; client < clients + num_clients; client++) {
        client->active.is_closed = client->free.is_closed;
        lost += give_back_all(client);
    }
    restart_took_back(&member, lost);
}

/* Changes the states of all of a client's buffers that are in one of them. */
static void move_states(struct client *client, uint8_t from, uint8_t to)
{
    for (unsigned oid = 0; oid < client->num_regions; oid++) {
        struct tx_data *region = &client->regions[oid];
        for (uint32_t buffer = 0; buffer < region->data.buffers; buffer++) {
            if (region->states[buffer] == from) {
                region->states[buffer] = to;
            }
        }
    }
}

static void close_client(struct client *client, const struct net_connection *connection)
{
    uint32_t left = net_close_end(connection, &client->free, &client->active);
    move_states(client, WAITING, WITH_CLIENT);
    client->waiting = 0;
    restart_took_back(&member, client->buffers - client->with_driver - left);
}

static void open_client(struct client *client)
{
    net_open_end(&client->free, &client->active);
    if (driver_active.is_closed) {
        net_close_consumer(&client->active);
    }
    if (client->with_driver > 0) {
        move_states(client, WITH_DRIVER, ORPHANED);
    }
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
        close_client(&clients[client], &config.clients[client].conn);
    }
    handle_signals();
}

/* A client may be started once no device reads its buffers any more. */
static bool is_clear(microkit_channel channel)
{
    unsigned client = client_of(channel);
    return client == num_clients || clients[client].with_driver == 0;
}

static void open_connection(microkit_channel channel)
{
    unsigned client = client_of(channel);
    if (client == num_clients) {
        open_driver();
    } else {
        open_client(&clients[client]);
    }
    handle_signals();
}

static const struct restart_connections connections = {
    .close = close_connection, .is_clear = is_clear, .open = open_connection};

static void join_restarts(void)
{
    restart_join(&member, &restart_config, &connections);
    if (restart_is_abandoned(&member, config.driver.id)) {
        net_close_end(&config.driver, &driver_active, &driver_free);
    }
    for (unsigned client = 0; client < num_clients; client++) {
        const struct net_connection *connection = &config.clients[client].conn;
        if (restart_is_abandoned(&member, connection->id)) {
            net_close_end(connection, &clients[client].free, &clients[client].active);
        }
        is_prompt |= member.config != NULL && clients[client].num_regions > 1;
    }
}

/* Answers how many states are in use, those of this client's buffers included. */
static uint32_t init_client(unsigned index, uint32_t states_used)
{
    const struct net_virt_tx_client *from = &config.clients[index];
    struct client *client = &clients[index];

    require(net_is_capacity(from->conn.num_buffers), "a client's queues' capacity is no power of two");
    require(from->num_regions >= 1 && from->num_regions <= NET_REGIONS_PER_CLIENT, "a client has no data region");
    client->active = net_consumer(from->conn.active_queue.vaddr, from->conn.num_buffers);
    client->free = net_producer(from->conn.free_queue.vaddr, from->conn.num_buffers);
    client->num_regions = from->num_regions;
    client->buffers = 0;
    client->with_driver = 0;
    client->waiting = 0;
    for (unsigned oid = 0; oid < from->num_regions; oid++) {
        const struct net_tx_data *region = &from->regions[oid];
        require(region->num_buffers <= NET_BUFFERS_MAX - states_used, "the clients have too many buffers");
        require(region->data.io_addr % NET_BUFFER_BYTES == 0, "buffers are not aligned to their size");
        client->regions[oid].data = net_data(region->data.io_addr, region->num_buffers);
        client->regions[oid].states = &states[states_used];
        client->buffers += region->num_buffers;
        states_used += region->num_buffers;
    }
    return states_used;
}

void init(void)
{
    uint32_t states_used = 0;

    require(sddf_has_magic(config.magic, SDDF_CLASS_NET), "section .net_virt_tx_config is not filled in");
    require(config.num_clients <= SDDF_CLIENTS_MAX, "too many clients");
    require(net_is_capacity(config.driver.num_buffers), "the driver's queues' capacity is no power of two");
    num_clients = config.num_clients;
    driver_active = net_producer(config.driver.active_queue.vaddr, config.driver.num_buffers);
    driver_free = net_consumer(config.driver.free_queue.vaddr, config.driver.num_buffers);
    for (unsigned client = 0; client < num_clients; client++) {
        states_used = init_client(client, states_used);
    }
    require(states_used <= config.driver.num_buffers, "the driver's queue lacks slots for the clients' buffers");
    memset(states, WITH_CLIENT, states_used);
    lies_seen = 0;
    is_prompt = false;
    join_restarts();
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
