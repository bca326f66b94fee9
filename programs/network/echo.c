/*
 * Echo client: answers ARP, ICMP echo, and UDP on ports 1235 and 7. With a timer, other ports are
 * refused, TCP's too. Everything else is counted and dropped. Its address is in its configuration,
 * or given by DHCP.
 *
 * An answer needs a free transmit buffer; while there is none, received packets wait in their
 * queue. Works behind a copier and without one: queue entries then are offsets in the DMA region.
 *
 * The counterpart of clients/echo/echo.ts: the same batches and signals. What it is told is in a
 * section of its own, because sDDF's configuration has no address.
 */
#include "../lib/print.h"
#include "../sddf/counters.h"
#include "../sddf/network/config.h"
#include "../sddf/network/data.h"
#include "../sddf/network/end.h"
#include "../sddf/restart/member.h"
#include "../sddf/signals.h"
#include "../sddf/timer/config.h"
#include "dhcp_client.h"
#include "prediction.h"
#include "responder.h"

/* In the order of ECHO_COUNTERS; those that are missing here are `enum responder_result`. */
enum {
    COUNT_TX_PACKETS = 3,
    COUNT_COPIES,
    COUNT_BYTES_COPIED,
    COUNT_BAD_RX_BUFFER = 19,
    COUNT_BAD_TX_BUFFER,
    COUNT_QUEUE_FULL,
    COUNT_DHCP_SENT = 25,
    COUNT_DHCP_RECEIVED,
    COUNT_DHCP_BOUND,
    COUNT_CHECKSUMS_LEFT
};
_Static_assert((int)DROP_UDP_CHECKSUM + 1 == (int)COUNT_BAD_RX_BUFFER, "the counters follow one another");
_Static_assert((int)COUNT_QUEUE_FULL + 1 == (int)TCP_RESET, "the counters follow one another");
_Static_assert((int)ERRORS_LIMITED + 1 == (int)COUNT_DHCP_SENT, "the counters follow one another");
DEFINE_COUNTERS();

/* Section `.echo_config`, of this project. */
struct echo_config {
    uint8_t ip[4];
    /* Closed ports are not answered. */
    uint8_t is_silent;
    /* The device completes checksums of what is sent. */
    uint8_t leaves_checksums;
    /* The address is asked for by DHCP. */
    uint8_t is_asking;
    uint8_t reserved;
};

LAYOUT_FIELD(struct echo_config, is_silent, 4);
LAYOUT_FIELD(struct echo_config, leaves_checksums, 5);
LAYOUT_FIELD(struct echo_config, is_asking, 6);
LAYOUT_BYTES(struct echo_config, 8);

CONFIG_SECTION(".net_client_config") struct net_client_config config = {0};
CONFIG_SECTION(".echo_config") struct echo_config echo_config = {0};
/* Not filled in for a client without a timer, which refuses nothing. */
CONFIG_SECTION(".timer_client_config") struct timer_client_config timer = {0};
CONFIG_SECTION(".restart_config") struct restart_config restart_config = {0};

static struct net_consumer rx_active;
static struct net_producer rx_free;
static struct net_producer tx_active;
static struct net_consumer tx_free;
static struct net_data rx_data;
static struct net_data tx_data;
static struct responder responder;
static struct own_addresses own;
static struct refusals refusals;
/* Of a client that asks for its address. */
static struct dhcp_client lease;
/* The offset of a transmit buffer that has been taken from the free queue and is not used yet, or
 * NO_OFFSET. */
static uint64_t tx_offset;
static struct restart_member member;

#define NO_OFFSET UINT64_MAX
/* How soon to try again when there was no buffer for a message of our own. */
#define NO_BUFFER_NS 10000000ul
/* Where a message's checksum is, for whoever completes it. */
#define LEASE_CHECKSUM ((IP + IP_BYTES) | UDP_CHECKSUM << 16)

/* What was done with a batch's frames: counted once, behind the last one. */
struct tally {
    /* Of frames that were not predicted. */
    uint32_t results[RESPONDER_RESULTS];
    uint32_t answers;
    /* All of them, bad buffers included. */
    uint32_t others;
    /* Of all answers. */
    uint32_t bytes;
};

/* Whether there is a transmit buffer in hand; takes one from the free queue if there is none. */
static bool has_tx_buffer(void)
{
    struct net_buff_desc empty;
    while (tx_offset == NO_OFFSET) {
        if (!net_dequeue(&tx_free, &empty)) {
            return false;
        }
        if (net_buffer_at_offset(&tx_data, empty.io_or_offset) == NET_NO_BUFFER) {
            count(COUNT_BAD_TX_BUFFER, 1);
        } else {
            tx_offset = empty.io_or_offset;
        }
    }
    return true;
}

static uint8_t *tx_buffer(void)
{
    return (uint8_t *)config.tx_data.vaddr + tx_offset;
}

/* Sends what has been written into the buffer in hand. */
static void send(uint32_t len, uint32_t checksum)
{
    if (net_enqueue_partial(&tx_active, tx_offset, (uint16_t)len, checksum)) {
        tx_offset = NO_OFFSET;
        if (checksum != 0) {
            count(COUNT_CHECKSUMS_LEFT, 1);
        }
    } else {
        /* The buffer stays in hand, and the next answer goes into it. */
        count(COUNT_QUEUE_FULL, 1);
    }
}

static void use_address(uint32_t ip)
{
    responder.has_address = ip != 0;
    put_number32(responder.ip, ip);
    own = own_addresses(&responder);
}

/* Behind a message, and a time at which there might have been one. */
static void after_lease(uint32_t message_bytes, uint64_t now_ns)
{
    uint32_t ip = lease.lease.ip;

    count(COUNT_DHCP_SENT, message_bytes > 0);
    if (ip != number32_at(responder.ip)) {
        use_address(ip);
        count(COUNT_DHCP_BOUND, ip != 0);
        if (ip == 0) {
            print("DHCP: no address any more\n");
        } else {
            print("DHCP: %u.%u.%u.%u\n", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
        }
    }
    if (lease.next_at_ns != DHCP_NEVER) {
        timer_set_timeout(timer.driver_id, lease.next_at_ns > now_ns ? lease.next_at_ns - now_ns : 1);
    }
}

/* Answers false for a frame that is no DHCP server's. */
static bool take_lease(const struct frame *frame, struct answer *answer)
{
    if (!dhcp_is_candidate(frame->bytes, frame->len)) {
        return false;
    }
    uint64_t now_ns = timer_time_now(timer.driver_id);
    int32_t bytes = dhcp_take(&lease, frame->bytes, frame->len, now_ns, answer->bytes);
    if (bytes < 0) {
        return false;
    }
    count(COUNT_DHCP_RECEIVED, 1);
    after_lease((uint32_t)bytes, now_ns);
    answer->len = (uint32_t)bytes;
    answer->checksum = echo_config.leaves_checksums ? LEASE_CHECKSUM : 0;
    return true;
}

/* A frame that was not predicted. Answers without length when there is no answer. */
static __attribute__((noinline)) struct answer answer_other(const uint8_t *received, uint32_t len, bool is_checked,
                                                            uint8_t *bytes, struct tally *tally)
{
    struct frame frame = {.bytes = received, .len = len, .is_checked = is_checked};
    struct answer answer = {.bytes = bytes};
    if (echo_config.is_asking && take_lease(&frame, &answer)) {
        tally->others++;
        tally->answers += answer.len > 0;
        return answer;
    }
    enum responder_result done = respond(&responder, &frame, &answer);
    tally->results[done]++;
    tally->others++;
    if (is_answer(done)) {
        tally->answers++;
    } else {
        answer.len = 0;
    }
    return answer;
}

/* Answers predicted datagrams as far as all four queues go on, and nothing is unusual. */
PLAIN_LOOP void answer_plain(struct tally *tally)
{
    if (tx_offset != NO_OFFSET) {
        return;
    }
    const struct own_addresses addresses = own;
    const uint8_t *rx_bytes = config.rx_data.vaddr;
    uint8_t *tx_bytes = config.tx_data.vaddr;
    uint64_t rx_buffers = rx_data.buffers;
    uint64_t tx_buffers = tx_data.buffers;
    const volatile struct net_slot *packet = rx_active.next;
    const volatile struct net_slot *empty = tx_free.next;
    struct net_slot *returned = rx_free.next;
    struct net_slot *answer = tx_active.next;
    size_t most = net_lesser(net_lesser(net_items_ahead(&rx_active), net_items_ahead(&tx_free)),
                             net_lesser(net_room_ahead(&rx_free), net_room_ahead(&tx_active)));
    const volatile struct net_slot *end = packet + most;
    uint32_t bytes = 0;
    for (; packet != end; packet++, empty++, returned++, answer++) {
        uint64_t rx_offset = packet->io_or_offset;
        uint64_t len_and_oid = packet->len_and_oid;
        uint64_t offset = empty->io_or_offset;
        struct frame frame = {
            .bytes = rx_bytes + rx_offset,
            .len = (uint16_t)len_and_oid,
            .is_checked = (len_and_oid >> NET_OID_SHIFT & NET_CHECKED) != 0,
        };
        if (net_number_of(rx_offset) >= rx_buffers || net_number_of(offset) >= tx_buffers ||
            frame.len > NET_BUFFER_BYTES || !answer_predicted(&addresses, &frame, tx_bytes + offset)) {
            break;
        }
        answer->io_or_offset = offset;
        answer->len_and_oid = frame.len;
        returned->io_or_offset = rx_offset;
        returned->len_and_oid = 0;
        bytes += frame.len;
    }
    tally->bytes += bytes;
    rx_active.next = packet;
    tx_free.next = empty;
    rx_free.next = returned;
    tx_active.next = answer;
}

/* With a buffer in hand. */
static void answer_packet(const struct net_buff_desc *packet, struct tally *tally)
{
    if (net_buffer_at_offset(&rx_data, packet->io_or_offset) == NET_NO_BUFFER || packet->len > NET_BUFFER_BYTES) {
        count(COUNT_BAD_RX_BUFFER, 1);
        tally->others++;
        return;
    }
    struct frame frame = {
        .bytes = (const uint8_t *)config.rx_data.vaddr + packet->io_or_offset,
        .len = packet->len,
        .is_checked = packet->checked != 0,
    };
    struct answer answer = {.bytes = tx_buffer(), .len = frame.len};
    if (!answer_predicted(&own, &frame, answer.bytes)) {
        answer = answer_other(frame.bytes, frame.len, frame.is_checked, answer.bytes, tally);
    }
    if (answer.len > 0) {
        tally->bytes += answer.len;
        send(answer.len, answer.checksum);
    }
    if (!net_enqueue(&rx_free, packet->io_or_offset, 0, 0)) {
        count(COUNT_QUEUE_FULL, 1);
    }
}

static void count_all(struct tally *tally)
{
    uint32_t predicted = (uint32_t)net_taken_out(&rx_active) - tally->others;
    uint32_t answers = predicted + tally->answers;
    tally->results[UDP_ECHOED] += predicted;
    for (unsigned result = 0; result < RESPONDER_RESULTS; result++) {
        if (tally->results[result] > 0) {
            count(result, tally->results[result]);
        }
    }
    count(COUNT_TX_PACKETS, answers);
    count(COUNT_COPIES, answers);
    count(COUNT_BYTES_COPIED, tally->bytes);
}

static void answer_batch(void)
{
    struct net_buff_desc packet;
    struct tally tally = {0};
    while (net_has_items(&rx_active) && has_tx_buffer()) {
        net_take_out(&rx_active, &packet);
        answer_packet(&packet, &tally);
        answer_plain(&tally);
    }
    count_all(&tally);
    net_release(&rx_active);
    net_release(&tx_free);
}

/* Empty transmit buffers are of interest only while packets wait for one. */
static void request_signals(void)
{
    if (tx_offset == NO_OFFSET && !net_has_items(&tx_free)) {
        net_request_signal(&tx_free);
    }
    net_request_signal(&rx_active);
}

static void answer_all(void)
{
    for (;;) {
        answer_batch();
        request_signals();
        if (!net_has_items(&rx_active) || (tx_offset == NO_OFFSET && !net_has_items(&tx_free))) {
            return;
        }
        net_cancel_signal(&rx_active);
    }
}

static void handle_signals(void)
{
    answer_all();
    if (net_publish(&rx_free)) {
        microkit_notify(config.rx.id);
    }
    if (net_publish(&tx_active)) {
        microkit_deferred_notify(config.tx.id);
    }
}

/* Asks for an address, or to keep it, when it is time to. */
static void ask_for_lease(void)
{
    if (!has_tx_buffer()) {
        timer_set_timeout(timer.driver_id, NO_BUFFER_NS);
        return;
    }
    uint64_t now_ns = timer_time_now(timer.driver_id);
    uint32_t bytes = dhcp_tick(&lease, now_ns, tx_buffer());
    if (bytes > 0) {
        send(bytes, echo_config.leaves_checksums ? LEASE_CHECKSUM : 0);
        count(COUNT_TX_PACKETS, 1);
        count(COUNT_COPIES, 1);
        count(COUNT_BYTES_COPIED, bytes);
    }
    after_lease(bytes, now_ns);
}

/* Our own buffers begin in our transmit free queue, as the entries of a producer that has not begun
 * yet. */
static void fill_tx_free(void)
{
    struct net_producer free = net_producer(config.tx.free_queue.vaddr, config.tx.num_buffers);
    for (uint32_t buffer = 0; buffer < tx_data.buffers; buffer++) {
        net_enqueue(&free, net_offset_of(buffer), 0, 0);
    }
    net_publish(&free);
    net_cancel_signal(&tx_free);
}

static uint32_t close_end(microkit_channel channel)
{
    return channel == config.tx.id ? net_close_end(&config.tx, &tx_active, &tx_free)
                                   : net_close_end(&config.rx, &rx_free, &rx_active);
}

/* Received buffers are the virtualiser's; those to send are our own, and all of them are here. */
static void close_connection(microkit_channel channel)
{
    close_end(channel);
    if (channel == config.tx.id) {
        tx_offset = NO_OFFSET;
        fill_tx_free();
    }
}

static void open_connection(microkit_channel channel)
{
    if (channel == config.tx.id) {
        net_open_end(&tx_active, &tx_free);
    } else {
        net_open_end(&rx_free, &rx_active);
    }
    handle_signals();
}

static const struct restart_connections connections = {.close = close_connection, .open = open_connection};

static void join_restarts(void)
{
    const microkit_channel channels[] = {config.rx.id, config.tx.id};
    restart_join(&member, &restart_config, &connections);
    for (unsigned index = 0; index < 2; index++) {
        if (restart_is_abandoned(&member, channels[index])) {
            close_end(channels[index]);
        }
    }
}

void init(void)
{
    require(sddf_has_magic(config.magic, SDDF_CLASS_NET), "section .net_client_config is not filled in");
    bool has_timer = sddf_has_magic(timer.magic, SDDF_CLASS_TIMER);
    require(echo_config.ip[0] != 0 || echo_config.is_asking, "section .echo_config is not filled in");
    require(has_timer || !echo_config.is_asking, "without an address, a timer is needed to ask for one");
    require(net_is_capacity(config.rx.num_buffers), "the receive queues' capacity is no power of two");
    require(net_is_capacity(config.tx.num_buffers), "the transmit queues' capacity is no power of two");
    rx_active = net_consumer(config.rx.active_queue.vaddr, config.rx.num_buffers);
    rx_free = net_producer(config.rx.free_queue.vaddr, config.rx.num_buffers);
    tx_active = net_producer(config.tx.active_queue.vaddr, config.tx.num_buffers);
    tx_free = net_consumer(config.tx.free_queue.vaddr, config.tx.num_buffers);
    rx_data = net_data(0, (uint32_t)(config.rx_data.size / NET_BUFFER_BYTES));
    tx_data = net_data(0, config.tx.num_buffers);
    require(config.tx_data.size >= tx_data.bytes,
            "the transmit data region is smaller than its queue");
    for (unsigned byte = 0; byte < sizeof responder.mac; byte++) {
        responder.mac[byte] = config.mac_addr[byte];
    }
    use_address(number32_at(echo_config.ip));
    dhcp_begin(&lease, responder.mac, echo_config.leaves_checksums);
    if (has_timer && !echo_config.is_silent) {
        refusals = refusals_begin(timer.driver_id, echo_config.leaves_checksums);
        responder.refusals = &refusals;
    }
    tx_offset = NO_OFFSET;
    join_restarts();
    fill_tx_free();
    if (echo_config.is_asking) {
        ask_for_lease();
    }
    handle_signals();
    restart_begin(&member);
}

void notified(microkit_channel ch)
{
    flush_deferred_signal();
    if (!restart_notified(&member, ch)) {
        if (echo_config.is_asking && ch == timer.driver_id) {
            ask_for_lease();
        }
        handle_signals();
    }
    restart_proceed(&member);
}
